"""Where rules about stuck orders are tried: a shop, a clock that can be set back, and the messages that were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import yaml
from polling_shop import HandClock, Shop
from polling_stage import Watch, rows_of

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.model import Destination, EventKind, OrderEvent, Outcome
from monitor.store.base import Store, Transaction

CHANNELS = {"ops": ["a"], "boss": ["b"]}
HOMES = (Destination("ops", 1, "a"), Destination("boss", 1, "b"))
FOREVER = datetime.max.replace(tzinfo=UTC)
RULE = "{name: stuck, when: {event: stuck, status: pending, after: 24h}, channels: [ops]}"
REMINDS = RULE.replace("channels", "remind_every: 24h, channels")
ESCALATES = RULE.replace("channels", "escalate: {after: 72h, channels: [boss]}, channels")
FULL = REMINDS.replace("channels: [ops]", "escalate: {after: 72h, channels: [boss]}, channels: [ops]")
OTHER = "{name: other, when: {to: refunded}, channels: [ops]}"


def router(*rules: str, **more: Any) -> Router:
    return Router([RouteSettings.model_validate(yaml.safe_load(rule)) for rule in rules], CHANNELS, health=[], **more)


class WallClock(HandClock):
    """One that can be set back, while time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong_by = timedelta(0)

    def now(self) -> datetime:
        return super().now() - self.wrong_by


def set_back(shop: Shop, **by: float) -> None:
    assert isinstance(shop.clock, WallClock)
    shop.clock.wrong_by += timedelta(**by)


class Sent(NamedTuple):
    """A message: by which route, to which URL, why it waited, and about which orders."""

    route: str
    url: str
    why: str
    orders: tuple[str, ...]


class Rules(Watch):
    """A shop that is watched with rules. ``tell`` polls, and returns the messages that this made, which are sent."""

    def __init__(self, shop: Shop, store: Store, *rules: str, **more: Any) -> None:
        self.rules = router(*rules, **more)
        self._messages = 0
        super().__init__(shop, store)

    def restart(self, store: Store | None = None, url: str | None = None) -> None:
        super().restart(store, url)
        self.poller.reroute(self.rules)

    def reload(self, *rules: str, **more: Any) -> None:
        self.rules = router(*rules, **more)
        self.poller.reroute(self.rules)

    async def tell(self, **passed: float) -> list[Sent]:
        self.shop.clock.pass_(**passed)
        await self.poll(apart=0)
        made = self.made()
        await self.store.transact(self._send)
        return made

    def _send(self, tx: Transaction) -> None:
        for to in HOMES:
            while delivery := tx.claim_delivery([to], "one", FOREVER):
                assert tx.settle(delivery, self.shop.clock.now(), Outcome(delivered=True), "", "")

    def made(self) -> list[Sent]:
        rows = rows_of(self.store, "deliveries", "delivery_events", "events")
        named = self._named(rows)
        new = [one for number, one in sorted(named.items()) if number > self._messages]
        self._messages = max(named, default=0)
        return new

    def _named(self, rows: dict[str, list[Any]]) -> dict[int, Sent]:
        columns = self._columns("deliveries"), self._columns("events")
        orders = {row[0]: row[columns[1]["order_id"]] for row in rows["events"]}
        told: dict[int, list[str]] = {}
        for delivery, event in rows["delivery_events"]:
            told.setdefault(delivery, []).append(orders[event])
        where = columns[0]
        return {
            row[0]: Sent(row[where["route"]], row[where["url"]], row[where["gathers"]], tuple(told[row[0]]))
            for row in rows["deliveries"]
        }

    def _columns(self, table: str) -> dict[str, int]:
        found = rows_of(self.store, f"pragma_table_info('{table}')")
        return {row[1]: row[0] for rows in found.values() for row in rows}

    async def stuck(self) -> list[OrderEvent]:
        """Every event about a stuck order so far."""
        events = await self.store.transact(lambda tx: tx.events("shop"))
        found = (stored.event for stored in events)
        return [event for event in found if isinstance(event, OrderEvent) and event.kind is EventKind.STUCK]


def single(*orders: str, url: str = "a", route: str = "stuck") -> list[Sent]:
    return [Sent(route, url, "", (order,)) for order in orders]


def together(why: str, *orders: str, url: str = "a", route: str = "stuck") -> Sent:
    return Sent(route, url, why, orders)


def three_pending() -> Shop:
    """A shop with three pending orders."""
    made = Shop(clock=WallClock())
    made.place(3)
    return made


async def watched(shop: Shop, store: Store) -> Rules:
    """Its orders, watched with a rule that reminds and escalates."""
    made = Rules(shop, store, FULL)
    assert await made.tell() == []
    return made
