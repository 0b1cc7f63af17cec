"""The daemon as a real process, against the simulator over HTTP and a real webhook."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

from daemons import TOKEN, Inbox, clean, configure, daemon, rows, run_once, stop, world_of

from monitor.simulator.faults import Latency
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

DEADLINE = 8.0
LONGEST = 15.0
"""What docker-compose.yml allows; without a deadline it would never end."""


# The end


async def for_both_signals(folder: Path, scenario: Callable[[Path, int], Awaitable[None]]) -> None:
    """The same scenario with each of the signals, side by side, for each takes its time."""
    folders = {number: folder / number.name for number in (signal.SIGTERM, signal.SIGINT)}
    for each in folders.values():
        each.mkdir()
    await asyncio.gather(*(scenario(each, number) for number, each in folders.items()))


async def test_a_signal_amid_a_slow_poll_lets_it_commit_and_exits_0(tmp_path: Path, inbox: Inbox) -> None:
    async def stop_amid_a_poll(folder: Path, number: int) -> None:
        world = world_of(30)
        async with (
            Simulator(world, token=TOKEN) as shop,
            daemon(configure(folder, shop.url, {"ops": inbox.url()})) as process,
        ):
            await process.until("poll_baseline")
            world.set_status(7, "fraud")
            shop.faults.set(Latency(seconds=1.0))
            await shop.wait_for_requests(shop.request_count + 1)
            code, seconds = await stop(process, number)
        assert code == 0
        assert seconds < DEADLINE - 1, "it ends with the poll, not with the deadline"
        clean(process)
        state = folder / "order-monitor.db"
        assert rows(state, "SELECT order_id, kind FROM events") == [("7", "status_changed")]
        assert rows(state, "SELECT count(*) FROM deliveries WHERE state = 'sending'") == [(0,)]

    await for_both_signals(tmp_path, stop_amid_a_poll)


async def test_a_source_and_a_webhook_that_hang_hold_up_the_end_until_the_deadline_only(
    tmp_path: Path, inbox: Inbox
) -> None:
    inbox.open.clear()

    async def hang_and_stop(folder: Path, number: int) -> None:
        world = world_of(1)
        async with Simulator(world, token=TOKEN) as shop:
            async with daemon(configure(folder, shop.url, {"ops": inbox.url(folder.name)})) as process:
                await process.until("poll_baseline")
                world.set_status(1, "fraud")
                await inbox.wait_for(1, f"/{folder.name}")
                shop.hold = asyncio.Event()
                await shop.wait_for_requests(shop.request_count + 1)
                code, seconds = await stop(process, number)
            shop.hold.set()
        assert code == 0
        assert DEADLINE - 1 < seconds < LONGEST
        clean(process)
        state = folder / "order-monitor.db"
        assert rows(state, "SELECT state, attempts, owner FROM deliveries") == [("waiting", 0, None)]

    await for_both_signals(tmp_path, hang_and_stop)


# Reload


async def test_a_reload_adds_a_channel_and_a_route_and_announces_nothing_old(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    async with daemon(configure(tmp_path, shop.url, {"ops": inbox.url()})) as process:
        await process.until("poll_baseline")
        shop.world.set_status(1, "active")
        await inbox.wait_for(1)
        routes = "routes:\n- {name: all, when: {event: [status_changed, appeared]}, channels: [ops, audit]}\n"
        configure(tmp_path, shop.url, {"ops": inbox.url(), "audit": inbox.url("audit")}, routes)
        process.signal(signal.SIGHUP)
        line = await process.until("reloaded")
        assert line["channels"] == ["ops", "audit"]
        assert line["changes"] == ["channel audit: added", "route all: added"]
        await process.polls(2)
        assert inbox.titles("/audit") == []
        shop.world.set_status(2, "fraud")
        await inbox.wait_for(1, "/audit")
        await inbox.wait_for(2, "/ops")
        code, _ = await stop(process)
    assert code == 0
    clean(process)
    assert [("ORD-0001" in title, "ORD-0002" in title) for title in inbox.titles("/ops")] == [
        (True, False),
        (False, True),
    ]
    assert ["ORD-0002" in title for title in inbox.titles("/audit")] == [True]


async def test_a_reload_exchanges_the_source_without_announcing_its_orders(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    other_world = World()
    for _ in range(5):
        other_world.place(status="active")
    async with (
        Simulator(other_world, token=TOKEN) as other,
        daemon(configure(tmp_path, shop.url, {"ops": inbox.url()})) as process,
    ):
        await process.until("poll_baseline")
        configure(tmp_path, other.url, {"ops": inbox.url()})
        process.signal(signal.SIGHUP)
        await process.until("baseline_reset")
        await process.polls(1)
        other_world.set_status(3, "fraud")
        await inbox.wait_for(1)
        before = shop.request_count
        await process.polls(1)
        assert shop.request_count == before
        await stop(process)
    clean(process)
    assert len(inbox.arrivals) == 1
    assert "ORD-0003" in inbox.arrivals[0].title


async def test_a_bad_reload_leaves_the_old_configuration_in_force_and_says_where_it_is_wrong(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    path = configure(tmp_path, shop.url, {"ops": inbox.url()})
    async with daemon(path) as process:
        await process.until("poll_baseline")
        good = path.read_text(encoding="utf-8")
        for number, (bad, problem) in enumerate(
            [
                (good + "chanels: {}\n", r"monitor\.yaml:5:1: chanels: "),
                (good.replace("every: 1s", "every: soon"), r"monitor\.yaml:2:\d+: sources\.shop\.every: "),
                ("sources: [\n", r"monitor\.yaml:\d+:\d+: "),
                (good + "state: sqlite:///other.db\n", "state: cannot change while running"),
            ],
            1,
        ):
            path.write_text(bad, encoding="utf-8")
            process.signal(signal.SIGHUP)
            line = await process.until("reload_refused", number)
            assert line["level"] == "error"
            assert any(re.search(problem, text) for text in line["problems"]), line
        path.unlink()
        process.signal(signal.SIGHUP)
        await process.until("reload_refused", 5)
        shop.world.set_status(1, "fraud")
        await inbox.wait_for(1)
        code, _ = await stop(process)
    assert code == 0
    clean(process)
    assert not (tmp_path / "other.db").exists()


# The state


async def test_a_new_state_is_a_warning_with_its_path_and_a_second_daemon_is_told_who_holds_it(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    path = configure(tmp_path, shop.url, {"ops": inbox.url()})
    async with daemon(path) as process:
        line = await process.until("state_new")
        assert (line["level"], line["path"]) == ("warning", str(tmp_path / "order-monitor.db"))
        await process.until("poll_baseline")
        code, second = await run_once(path, command="run")
        assert code == 1
        assert f"process {process.process.pid} " in second.text
        assert len(second.text.splitlines()) == 1
        shop.world.set_status(1, "fraud")
        await inbox.wait_for(1)
        await stop(process)
    clean(process)
    async with daemon(path) as process:
        await process.until("poll")
        await stop(process)
    assert process.lines("state_new") == []


async def test_two_quick_signals_and_one_before_the_first_poll_end_it_as_cleanly(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    async with daemon(configure(tmp_path, shop.url, {"ops": inbox.url()})) as process:
        await process.until("started")
        process.signal(signal.SIGTERM)
        process.signal(signal.SIGINT)
        assert await process.end() == 0
    clean(process)
