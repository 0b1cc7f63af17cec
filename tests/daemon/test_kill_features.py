"""SIGKILL amid everything that waits: what is held, due by the clock, or stands in, is told once, whoever dies.

Each feature brings one message about, by daemons that die right after each commit that has to do with it. Then one dies
between claim and send, the next between send and settling: the only one after which the message may come again.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pytest
from daemons import MODULE, Inbox, clean, configure, daemon, rows, serving, stop
from dying_daemon import BOUNDARIES

from monitor.app import open_app
from monitor.clock import SystemClock
from monitor.config.loading import load
from monitor.simulator.faults import LoginPage
from monitor.simulator.server import Simulator

DRIVER = str(Path(__file__).with_name("dying_daemon.py"))
COMMITTED, CLAIMED, SENT = "committed", "delivery claimed", "sent"
NOW, DAY = timedelta(0), timedelta(days=1)
MINUTE, HOUR = DAY / 24 / 60, DAY / 24


class Due(NamedTuple):
    """A message that nobody has claimed: how much later it is due, its title, and what stands in it (patterns)."""

    ahead: timedelta
    title: str
    body: str = "*"


class LaterClock(SystemClock):
    """The machine's, so much later."""

    def __init__(self, ahead: timedelta) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return super().now() + self.ahead


class Home:
    """A billing system, the daemon's folder, and a webhook for ``ops``. ``refusing`` answers each message with 404."""

    def __init__(self, folder: Path, shop: Simulator, inbox: Inbox, refusing: Inbox) -> None:
        self.folder = folder
        self.state = folder / "order-monitor.db"
        self.shop = shop
        self.inbox = inbox
        self.refusing = refusing
        self.config = folder / "monitor.yaml"

    async def begin(self, more: str) -> None:
        """What there is now is known from here on."""
        self.configure(more)
        await self.looks()
        assert rows(self.state, "SELECT COUNT(*) FROM orders") == [(len(self.shop.world),)]
        assert self.inbox.arrivals == []

    def configure(self, more: str) -> None:
        self.config = configure(self.folder, self.shop.url, {"ops": self.inbox.url()}, more)

    def set(self, status: str, *orders: int) -> None:
        for order in orders:
            self.shop.world.set_status(order, status)

    async def dies(self, where: str, ahead: timedelta = NOW, command: str = "run") -> None:
        """One life, to its first crossing of this boundary."""
        call = (DRIVER, where, "1", "--ahead", str(ahead.total_seconds()), "--command", command)
        async with daemon(self.config, call=call) as process:
            try:
                code = await process.end(10)
            except TimeoutError:
                raise AssertionError(f"{where} was not reached:\n{process.text}") from None
            assert code == -signal.SIGKILL, process.text

    async def looks(self, ahead: timedelta = NOW) -> None:
        """One look at each source and one attempt at what is due, within this process: nobody dies of it."""
        async with open_app(load(self.config, {}), LaterClock(ahead)) as app:
            await app.poll_all()
            assert await app.deliveries.drain()

    async def lives(self, ahead: timedelta, messages: int) -> None:
        """One life, until so many messages have come in all; another look makes no more of them."""
        call = (DRIVER, BOUNDARIES[0], "0", "--ahead", str(ahead.total_seconds()))
        async with daemon(self.config, call=call) as process:
            await self.inbox.wait_for(messages, seconds=10)
            code, _ = await stop(process)
            assert code == 0, process.text
            clean(process)
        await self.looks(ahead)

    def clock(self, ahead: timedelta) -> str:
        """So much later, as a file says it."""
        return f"{datetime.now(UTC) + ahead:%H:%M}"


@pytest.fixture
async def home(shop: Simulator, inbox: Inbox, tmp_path: Path) -> AsyncIterator[Home]:
    async with serving() as refusing:
        refusing.refuses = lambda: False  # it takes note of what it gets
        refusing.status = 404
        yield Home(tmp_path, shop, inbox, refusing)


# The features, each up to a message that waits or is due


async def two_changes(home: Home) -> None:
    """Each found by a daemon that dies of it."""
    home.set("fraud", 1)
    await home.dies(COMMITTED)
    home.set("active", 2)
    await home.dies(COMMITTED)


async def quiet_hours(home: Home) -> Due:
    hours = f"{{from: '{home.clock(-HOUR)}', to: '{home.clock(HOUR)}'}}"
    await home.begin(f"routes: [{{name: all, channels: [ops], quiet: {hours}}}]\n")
    await two_changes(home)
    return Due(2 * HOUR, "*2 orders: *", "*what happened in quiet hours*ORD-0001*ORD-0002*")


async def digest(home: Home) -> Due:
    await home.begin(f"routes: [{{name: news, channels: [ops], digest: {{daily: '{home.clock(2 * HOUR)}'}}}}]\n")
    await two_changes(home)
    return Due(3 * HOUR, "*2 orders: *", "*ORD-0001*ORD-0002*")


async def unless_it_moves_on(home: Home) -> Due:
    await home.begin("routes: [{name: fraud, when: {to: fraud}, channels: [ops], for: 1h}]\n")
    home.set("fraud", 1, 2)
    await home.dies(COMMITTED)
    home.set("active", 1)
    await home.dies(COMMITTED)
    assert rows(home.state, "SELECT state FROM deliveries ORDER BY state") == [("dropped",), ("waiting",)]
    return Due(2 * HOUR, "* Fraud: ORD-0002 *")


async def silence_that_ends(home: Home) -> Due:
    """What changed meanwhile is told no more; that the source is down is told then."""
    await home.begin("routes: [{name: all, channels: [ops]}]\n")
    muted = ("--source", "shop", "--for", "1h", "--reason", "migration")
    async with daemon(home.config, *muted, call=(*MODULE, "silence", "add")) as process:
        assert await process.end() == 0, process.text
    home.set("fraud", 1)
    await home.dies(COMMITTED)
    home.shop.faults.set(LoginPage())
    await home.dies(COMMITTED)
    assert rows(home.state, "SELECT 1 FROM deliveries") == []
    await home.dies(COMMITTED, 2 * HOUR)
    return Due(2 * HOUR, "🔴 Source down: shop")


STUCK = """\
routes:
- {name: stuck, when: {event: stuck, status: suspended, after: 24h}, channels: [ops], remind_every: 24h}
"""


async def stuck(home: Home) -> Due:
    home.set("suspended", 1)
    await home.begin(STUCK)
    await home.dies(COMMITTED, DAY + HOUR)
    return Due(DAY + HOUR, "⏳ Stuck: ORD-0001 *")


async def stuck_already(home: Home) -> Due:
    home.set("suspended", 1, 2, 3)
    await home.begin("routes: [{name: other, when: {to: fraud}, channels: [ops]}]\n")
    home.configure(STUCK)
    await home.dies(COMMITTED, DAY + HOUR)
    return Due(DAY + HOUR, "⏳ 3 orders: 3 Stuck · shop", "*They had been stuck before*")


async def told_of_as_stuck(home: Home) -> None:
    home.set("suspended", 1)
    await home.begin(STUCK)
    await home.looks(DAY + HOUR)
    assert [arrival.title[:18] for arrival in home.inbox.arrivals] == ["⏳ Stuck: ORD-0001 "]
    home.inbox.arrivals.clear()


async def reminder(home: Home) -> Due:
    await told_of_as_stuck(home)
    await home.dies(COMMITTED, 2 * DAY + 2 * HOUR)
    return Due(2 * DAY + 2 * HOUR, "⏳ Still stuck: ORD-0001 *")


async def no_longer_stuck(home: Home) -> Due:
    await told_of_as_stuck(home)
    home.set("active", 1)
    await home.dies(COMMITTED, DAY + 2 * HOUR)
    return Due(DAY + 2 * HOUR, "✅ No longer stuck: ORD-0001 *")


async def absent(home: Home) -> Due:
    await home.begin("routes: [{name: none, when: {event: absent, for: 1h}, channels: [ops]}]\n")
    await home.dies(COMMITTED, HOUR + MINUTE)
    return Due(HOUR + MINUTE, "🔕 No new orders: shop")


async def spike(home: Home) -> Due:
    """The first of its orders die with their daemon; the wave is known by those that a later one sees."""
    rule = "{event: spike, status: fraud, share: 30%, within: 1h, at_least: 3}"
    await home.begin(f"routes: [{{name: wave, when: {rule}, channels: [ops]}}]\n")
    home.set("fraud", 1, 2)
    await home.dies(COMMITTED)
    home.set("fraud", 3)
    await home.dies(COMMITTED, MINUTE)
    return Due(MINUTE, "📈 Spike: fraud · shop", "*3 of the 3 orders*")


async def fallback(home: Home) -> Due:
    channels = f"  audit: {{url: '{home.refusing.url()}', fallback: ops}}\n"
    await home.begin(f"{channels}routes: [{{name: fraud, when: {{to: fraud}}, channels: [audit]}}]\n")
    home.set("fraud", 1)
    await home.dies(COMMITTED)
    await home.dies("settling written")
    assert rows(home.state, "SELECT state FROM deliveries") == [("sending",)]
    await home.dies("settled")
    assert rows(home.state, "SELECT state FROM deliveries ORDER BY id") == [("dead",), ("waiting",)]
    return Due(NOW, "🚨 Fraud: ORD-0001 *", "*Could not be sent to audit: 404 Not Found*")


async def joint_host_news(home: Home) -> Due:
    await home.begin("")
    text = home.config.read_text(encoding="utf-8")
    source = next(line for line in text.splitlines() if line.startswith("  shop:"))
    both = f"{source[:-1]}, down_after: 1}}\n{source.replace('shop:', 'twin:')[:-1]}, down_after: 1}}"
    home.config.write_text(text.replace(source, both), encoding="utf-8")
    await home.looks()
    home.shop.faults.set(LoginPage())
    await home.dies(COMMITTED)
    await home.dies(COMMITTED)
    return Due(2 * MINUTE, "🔴 2 sources down on 127.0.0.1:*: shop, twin")


async def drill(home: Home) -> Due:
    """A daemon makes its first round after 10 s; ``poll`` makes it at once."""
    await home.begin(f"drill: {{channels: [ops], daily: '{home.clock(-HOUR)}'}}\n")
    await home.dies("drill written", DAY, "poll")
    assert rows(home.state, "SELECT 1 FROM deliveries") == []
    await home.dies("drill held", DAY, "poll")
    return Due(DAY, "🧪 Drill: DRILL-*", "*nothing has happened*")


FEATURES = (
    quiet_hours,
    digest,
    unless_it_moves_on,
    silence_that_ends,
    stuck,
    stuck_already,
    reminder,
    no_longer_stuck,
    absent,
    spike,
    fallback,
    joint_host_news,
    drill,
)


@pytest.mark.parametrize("feature", FEATURES)
async def test_what_waits_outlives_each_kill_and_comes_again_only_where_nobody_knows(
    home: Home, feature: Callable[[Home], Awaitable[Due]]
) -> None:
    due = await feature(home)
    waiting = rows(home.state, "SELECT id FROM deliveries WHERE state = 'waiting'")
    assert len(waiting) == 1, "one message, whatever it tells of"
    await home.dies(CLAIMED, due.ahead)
    assert home.inbox.arrivals == []
    assert rows(home.state, "SELECT id FROM deliveries WHERE state = 'sending'") == waiting
    await home.dies(SENT, due.ahead)
    assert len(home.inbox.arrivals) == 1
    await home.lives(due.ahead, 2)
    first, *again = home.inbox.arrivals
    assert again == [first], "nobody knew whether it had arrived: it comes once more, the same"
    assert fnmatchcase(first.title, due.title), first.title
    assert fnmatchcase(first.body, due.body), first.body
    assert rows(home.state, "SELECT 1 FROM deliveries WHERE state IN ('waiting', 'sending')") == []
