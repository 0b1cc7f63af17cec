"""One source watched by the true monitor: simulated system, HTTP, state and log; only its messages go nowhere."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
from contract_base import CREDENTIAL, Contract
from stage_clock import StageClock

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.config import load
from monitor.logs import configure_logs
from monitor.model import Destination, EventKind, Known, Meaning, Message, OrderEvent, Outcome
from monitor.polling.poller import PollResult
from monitor.redact import Redactor
from monitor.simulator.server import Simulator
from monitor.simulator.truth import TrueCustomer, TrueItem, TrueService
from monitor.simulator.world import World

CUSTOMER = TrueCustomer("Quilla Customer", "Quillaworks Ltd", "7 Quilla Lane, Springfield", "quilla@example.com")
"""From whom the orders are: never stored or logged."""

_ITEMS = (TrueItem("VPS 2 GB", price=990),)
_ORDER_EVENTS = [
    *("appeared", "status_changed", "changed", "vanished", "reappeared"),
    *("invoice_changed", "service_changed"),
]
"""What a source shows; rules about orders have tests of their own."""
_ROUTES = [
    *({"name": f"to_{meaning}", "when": {"to": [meaning]}, "channels": ["ops"]} for meaning in Meaning),
    {"name": "rest", "when": {"event": _ORDER_EVENTS}, "channels": ["ops"]},
]
_CONFIG = """
state: sqlite:///state.db
log: {level: debug, format: json}
defaults: {source: {down_after: 1000}}
sources: {shop: %s}
channels: {ops: {url: "json://127.0.0.1:9/nobody"}}
routes: %s
"""


class Told(NamedTuple):
    """An order's event in short; ``before`` and ``after`` are its status as the source writes it."""

    kind: EventKind
    order: str
    before: str
    after: str


class Inbox:
    """Where all messages arrive."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, destination: Destination, message: Message) -> Outcome:
        self.messages.append(message)
        return Outcome(delivered=True, status=200)

    async def idle(self, destination: Destination) -> None:
        """No send is ever under way here."""


class Trial:
    """A source on trial. ``start`` it; then change ``world``, ``poll``, and see what is told."""

    def __init__(self, contract: Contract, folder: Path) -> None:
        self.contract = contract
        self.folder = folder
        self.clock = StageClock()
        self.world = World(now=self.clock.now)
        self.logs = io.StringIO()
        self.inbox = Inbox()
        self.app: App
        self.simulator: Simulator
        self._open = AsyncExitStack()
        self._seen = 0

    async def start(self, orders: int = 3, *, seeded: bool = False) -> None:
        """Watch a system with so many orders, ids from 1, all followed; of the first status, or seeded."""
        if seeded:
            self.world = World.seeded(7, orders, self.clock.now)
        else:
            self.place(orders)
        contract = self.contract
        made = Simulator(self.world, contract.dialect, token=CREDENTIAL, sleep=self.clock.sleep)
        self.simulator = await self._open.enter_async_context(made)
        settings = load(self._configure(), {}, CHECKS)
        configure_logs("debug", "json", redactor=Redactor(settings.secrets()), stream=self.logs)
        self.app = await self._open.enter_async_context(open_app(settings, self.clock, self.inbox))

    async def aclose(self) -> None:
        """End the monitor and the system."""
        await self._open.aclose()

    def place(self, count: int = 1) -> None:
        """New orders, with all that an order can have."""
        for number in range(len(self.world) + 1, len(self.world) + count + 1):
            self.world.place(
                status=next(iter(self.contract.statuses)),
                items=_ITEMS,
                invoice_status="Unpaid",
                services=[TrueService(1000 + number, "VPS 2 GB", "Pending", "quilla.example.com")],
                payment="Stripe",
                customer=CUSTOMER,
            )

    def id(self, order: int) -> str:
        """What the system knows this order by."""
        return self.contract.order_id(self.world.order(order))

    def route_to(self, status: str) -> str:
        """The route for what this status means to us."""
        meaning = self.contract.statuses.get(status)
        return f"to_{meaning}" if meaning else "rest"

    async def poll(self, times: int = 1, *, after: timedelta = timedelta(minutes=1)) -> PollResult:
        """So many polls, each so long after the one before, all messages sent; the last one's result."""
        for _ in range(times):
            self.clock.pass_(after)
            result = (await self.app.poll_all())["shop"]
            await self.app.deliveries.drain()
        assert result is not None
        return result

    async def told(self) -> list[Told]:
        """The orders' events since this was asked last."""
        stored = await self.app.store.read(lambda tx: tx.events("shop"))
        new = [entry.event for entry in stored if entry.id > self._seen]
        self._seen = max((entry.id for entry in stored), default=0)
        return [_told(event) for event in new if isinstance(event, OrderEvent)]

    async def known(self) -> dict[str, Known]:
        """The orders in the state, by id."""
        orders = await self.app.store.read(lambda tx: list(tx.orders("shop")))
        return {known.order.id: known for _, known in orders}

    def state(self) -> bytes:
        """All bytes of the state."""
        return b"".join(file.read_bytes() for file in self.folder.glob("state.db*"))

    def _configure(self) -> Path:
        filled = {
            "url": self.simulator.url,
            "credential": CREDENTIAL,
            "orders": _json([self.id(order) for order in self.world.ids()]),
        }
        source = self.contract.source
        for name, value in filled.items():
            source = source.replace(f"{{{name}}}", value)
        file = self.folder / "monitor.yaml"
        file.write_text(_CONFIG % (source, _json(_ROUTES)), encoding="utf-8")
        return file


def _json(value: Sequence[object]) -> str:
    return msgspec.json.encode(value).decode()


def _told(event: OrderEvent) -> Told:
    return Told(event.kind, event.order.id, event.before.status if event.before else "", event.order.status)
