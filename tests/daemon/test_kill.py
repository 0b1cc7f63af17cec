"""SIGKILL at every boundary, and anywhere else: no event lost or twice, no message lost, copies only where they may be.

Several shops live side by side, each with a daemon that is killed again and again while its orders go on changing.
``ROUNDS`` says how many kills the torture takes: ``make torture``.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from daemons import MODULE, TOKEN, Arrival, Daemon, Inbox, configure, daemon, rows, run_once, serving
from dying_daemon import BOUNDARIES

from monitor.model import normalise_status
from monitor.simulator.server import Simulator
from monitor.simulator.truth import ChangeKind, TrueChange
from monitor.simulator.world import World
from monitor.store.outbox_row import reference

DRIVER = str(Path(__file__).with_name("dying_daemon.py"))
SENDING, ANYWHERE = "sending", "anywhere"
SIDE_BY_SIDE = 4
ORDERS = 250  # three pages
ACTIVE_ORDERS = 12  # so few that each changes again and again
STATUSES = ("pending", "active", "fraud", "cancelled")
CHANNELS = ("ops", "audit", "table")
EVENTS = "when: {event: [status_changed, appeared, vanished]}"
ROUTES = f"""\
routes:
- {{name: all, {EVENTS}, channels: [ops, audit], storm: {{over: 1000000}}}}
- name: grouped
  {EVENTS}
  channels: [table]
  group: {{by: [], wait: 1s, every: 1s}}
  storm: {{over: 10, within: 1s}}
"""
LONGEST_LIFE_S = 60.0
REFUSED_SHARE = 0.04  # of all messages, so that some are tried again while others follow them


class Kill(NamedTuple):
    """Where to die, and at which crossing; ``anywhere``: after so many hundredths of a second."""

    where: str
    crossing: int


def kills(chance: random.Random) -> Iterator[Kill]:
    """Every boundary in turn, between them moments that nobody chose."""
    while True:
        for number, where in enumerate([*BOUNDARIES, SENDING]):
            yield Kill(where, chance.randint(1, 3))
            if number % 3 == 0:
                yield Kill(ANYWHERE, chance.randint(30, 400))


class Shop:
    """A billing system whose orders change, the daemon's folder, and the webhook that is told."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.state = folder / "order-monitor.db"
        self.chance = random.Random(seed)
        self.world = World()
        for _ in range(ORDERS):
            self.world.place()
        self.baseline = self.world.revision
        self.caught_sending: Counter[str] = Counter()
        self.in_doubt: set[str] = set()
        self.inbox = Inbox()
        self.simulator = Simulator(self.world, token=TOKEN)

    async def enter(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self.simulator)
        self.inbox = await stack.enter_async_context(serving())
        self.inbox.refuses = lambda: self.chance.random() < REFUSED_SHARE
        urls = {name: self.inbox.url(name) for name in CHANNELS}
        self.config = configure(self.folder, self.simulator.url, urls, ROUTES)
        code, _ = await run_once(self.config)
        assert code == 0

    # The world goes on

    async def live(self) -> None:
        """Change orders, each only when its last change has been seen: what is between two looks nobody can see."""
        while True:
            self.change_some()
            await asyncio.sleep(0.1)

    def change_some(self) -> None:
        seen = self.seen()
        for order_id in self.chance.sample(range(1, ACTIVE_ORDERS + 1), 3):
            status = self.world.order(order_id).status
            if seen.get(order_id) == normalise_status(status):
                self.world.set_status(order_id, self.chance.choice([s for s in STATUSES if s != status]))
        match self.chance.random():
            case lot if lot < 0.1:
                self.world.place()
            case lot if lot < 0.13:
                self.world.delete(self.chance.choice(self.world.ids()[ACTIVE_ORDERS : ORDERS // 2]))

    def seen(self) -> dict[int, str]:
        found = rows(self.state, "SELECT id, status FROM orders WHERE NOT vanished")
        return {int(order): status for order, status in found}

    # One life

    async def life(self, kill: Kill) -> None:
        """Run the daemon until it is killed there."""
        self.change_some()
        call = (DRIVER, *map(str, kill)) if kill.where in BOUNDARIES else (*MODULE, "run")
        living = asyncio.create_task(self.live())
        try:
            async with daemon(self.config, call=call) as process:
                await self._death(process, kill)
        except TimeoutError:
            raise AssertionError(f"{kill} was not reached:\n{process.text}") from None
        finally:
            living.cancel()
            self.inbox.on_arrival = lambda arrival: None
        self._note_sending()

    async def _death(self, process: Daemon, kill: Kill) -> None:
        if kill.where == ANYWHERE:
            await asyncio.sleep(kill.crossing / 100)
            process.signal(signal.SIGKILL)
        if kill.where == SENDING:
            self._kill_at_arrival(process, kill.crossing)
        assert await process.end(LONGEST_LIFE_S) == -signal.SIGKILL, process.text

    def _kill_at_arrival(self, process: Daemon, count: int) -> None:
        """The message is here and not yet answered."""
        left = iter(range(count - 1, -1, -1))

        def on_arrival(_: Arrival) -> None:
            if next(left, None) == 0:
                process.signal(signal.SIGKILL)

        self.inbox.on_arrival = on_arrival

    def _note_sending(self) -> None:
        """These were between claim and settling: whether they have arrived, nobody knows, so they may arrive again."""
        caught = [reference(row[0]) for row in rows(self.state, "SELECT id FROM deliveries WHERE state = 'sending'")]
        assert len(caught) <= len(CHANNELS), "one at a time for each URL"
        self.caught_sending.update(caught)
        self.in_doubt.update({arrival.ref for arrival in self.inbox.arrivals}.intersection(caught))

    async def last_life(self) -> None:
        """Run the daemon until nothing is left to do, and end it."""
        async with daemon(self.config) as process:
            async with asyncio.timeout(LONGEST_LIFE_S):
                while not self._quiet():
                    await process.polls(1)
            process.signal(signal.SIGTERM)
            assert await process.end() == 0, process.text

    def _quiet(self) -> bool:
        true = {id_: normalise_status(self.world.order(id_).status) for id_ in self.world.ids()}
        return self.seen() == true and not rows(self.state, _UNSETTLED)

    # What must be true in the end

    def check(self) -> None:
        self.check_events()
        self.check_deliveries()
        self.check_messages()

    def check_events(self) -> None:
        """Each true transition is one event, in its order; nothing else is an event."""
        true = [_true_event(change) for change in self.world.since(self.baseline)]
        docs = [msgspec.json.decode(row[0]) for row in rows(self.state, "SELECT doc FROM events ORDER BY id")]
        told = [_told_event(doc) for doc in docs]
        assert Counter(told) == Counter(true)
        for order in {event.order for event in true}:
            assert [event for event in told if event.order == order] == [
                event for event in true if event.order == order
            ]

    def check_deliveries(self) -> None:
        """Each event has one delivery for each URL, alone or in a group, and all are sent."""
        assert rows(self.state, "SELECT DISTINCT state FROM deliveries") == [("sent",)]
        events = rows(self.state, "SELECT id FROM events")
        planned = rows(
            self.state,
            "SELECT event_id, channel FROM delivery_events JOIN deliveries ON deliveries.id = delivery_id",
        )
        assert Counter(planned) == Counter((event, channel) for (event,) in events for channel in CHANNELS)

    def groups(self) -> int:
        """How many messages told of several events."""
        return len(rows(self.state, "SELECT 1 FROM delivery_events GROUP BY delivery_id HAVING COUNT(*) > 1"))

    def check_messages(self) -> None:
        """Each has arrived; again only if a kill caught it being sent, with the same words; none of a queue overtakes.

        A queue is an order's, or a group's.
        """
        deliveries = rows(self.state, "SELECT id, channel, queue FROM deliveries")
        about = {reference(id_): (id_, channel, queue) for id_, channel, queue in deliveries}
        copies = Counter(arrival.ref for arrival in self.inbox.arrivals)
        assert copies.keys() == about.keys()
        for ref, count in copies.items():
            assert 1 <= count <= 1 + self.caught_sending[ref]
            assert len({arrival.title for arrival in self.inbox.arrivals if arrival.ref == ref}) == 1
        assert self.in_doubt <= {ref for ref, count in copies.items() if count > 1}
        lines: dict[tuple[str, str], list[int]] = {}
        for arrival in self.inbox.arrivals:
            id_, channel, queue = about[arrival.ref]
            assert arrival.path == f"/{channel}"
            lines.setdefault((channel, queue), []).append(id_)
        for line in lines.values():
            assert all(before <= after for before, after in pairwise(line))


_UNSETTLED = "SELECT 1 FROM deliveries WHERE state IN ('waiting', 'sending')"


class Transition(NamedTuple):
    """What both the world and the events can say of a change."""

    order: int
    kind: str
    before: str | None
    after: str | None


_KINDS = {ChangeKind.PLACED: "appeared", ChangeKind.STATUS_CHANGED: "status_changed", ChangeKind.DELETED: "vanished"}


def _true_event(change: TrueChange) -> Transition:
    before, after = (order.status if order else None for order in (change.before, change.after))
    return Transition(change.order.id, _KINDS[change.kind], before, after)


def _told_event(doc: dict[str, Any]) -> Transition:
    gone = doc["kind"] == "vanished"
    before = doc["before"]["status"] if "before" in doc else None
    return Transition(int(doc["order"]["id"]), doc["kind"], before, None if gone else doc["order"]["status"])


async def killed_again_and_again(folder: Path, plans: list[list[Kill]], seed: int) -> list[Shop]:
    """Each plan in a shop of its own, side by side; the shops in their last state, after a life without a kill."""

    async def story(number: int, plan: list[Kill]) -> Shop:
        home = folder / str(number)
        home.mkdir(parents=True)
        async with AsyncExitStack() as stack:
            shop = Shop(home, seed + number)
            await shop.enter(stack)
            for kill in plan:
                await shop.life(kill)
            await shop.last_life()
        return shop

    return await asyncio.gather(*(story(number, plan) for number, plan in enumerate(plans)))


def plans_of(count: int, seed: int) -> list[list[Kill]]:
    """So many kills, dealt out like cards, so that every boundary comes as early as may be."""
    deck = list(islice(kills(random.Random(seed)), count))
    return [deck[start::SIDE_BY_SIDE] for start in range(SIDE_BY_SIDE)]


async def test_forty_kills_lose_nothing_and_tell_nothing_twice(tmp_path: Path) -> None:
    plans = plans_of(40, seed=1)
    assert {kill.where for plan in plans for kill in plan} == {*BOUNDARIES, SENDING, ANYWHERE}
    shops = await killed_again_and_again(tmp_path, plans, seed=1)
    for shop in shops:
        shop.check()
    assert any(shop.in_doubt for shop in shops), "the window between sending and settling was hit"
    assert any(shop.groups() for shop in shops), "events were told together"


@pytest.mark.torture
async def test_any_number_of_kills_loses_nothing(tmp_path: Path) -> None:
    left = int(os.environ.get("ROUNDS", "1000"))
    while left > 0:
        count = min(left, 200)
        for shop in await killed_again_and_again(tmp_path / str(left), plans_of(count, seed=left), seed=left):
            shop.check()
        left -= count
