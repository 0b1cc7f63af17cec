"""`follow` and `unfollow`: beside whatever runs, from the next poll on, and never against what the file says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from typed import Hook, Keyboard

from monitor.app import open_app
from monitor.checks import CHECKS
from monitor.cli.watch import PrintingSender
from monitor.clock import SystemClock
from monitor.config import load
from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.world import World

CONFIG = """\
sources:
  hosting: {{type: hostup, url: "{url}", api_key: {token}, orders: [1, 2]}}
  shop: {{type: opterius, url: "{url}", token: {token}}}
channels: {{ops: {{url: "{ops}"}}}}
health: {{channels: []}}
"""


@pytest.fixture
async def hosting(keyboard: Keyboard, hook: Hook) -> AsyncIterator[World]:
    """Twelve pending orders, two of which the configuration names; polled once."""
    world = World()
    for _ in range(12):
        world.place()
    async with Simulator(world, "hostup") as simulator:
        keyboard.file.write_text(CONFIG.format(url=simulator.url, token=TOKEN, ops=hook.url))
        await keyboard.beside("poll")
        yield world


@pytest.mark.parametrize("command", ["follow hosting", "follow hosting 3", "unfollow hosting 3"])
def test_without_a_state_it_says_what_makes_one(command: str, keyboard: Keyboard) -> None:
    keyboard.file.write_text(CONFIG.format(url="https://billing.example.com", token=TOKEN, ops="json://127.0.0.1/"))
    typed = keyboard.type(*command.split())
    assert typed.code == 1
    assert "there is no state yet; `order-monitor run` or `poll` makes it" in typed.err


async def test_what_is_followed_announces_only_what_happens_later(
    keyboard: Keyboard, hosting: World, hook: Hook
) -> None:
    hosting.set_status(3, "active")
    typed = await keyboard.beside("follow", "hosting", "3", "11")
    assert (typed.code, typed.out.splitlines()) == (
        0,
        ["hosting: 3 is followed from the next poll on", "hosting: 11 is followed from the next poll on"],
    )
    assert "hosting: 4 orders" in (await keyboard.beside("poll")).out
    assert hook.titles == []
    hosting.set_status(3, "fraud")
    await keyboard.beside("poll")
    assert len(hook.titles) == 1
    assert "ORD-0003" in hook.titles[0]


async def test_following_twice_and_what_the_file_names_is_said(keyboard: Keyboard, hosting: World) -> None:
    await keyboard.beside("follow", "hosting", "3")
    typed = await keyboard.beside("follow", "hosting", "3", "1", "4", "4")
    assert (typed.code, typed.out.splitlines()) == (
        0,
        [
            "hosting: 3 is followed already",
            "hosting: 1 is followed already: the configuration names it",
            "hosting: 4 is followed from the next poll on",
        ],
    )


async def test_the_list_says_who_named_each_and_what_is_known_of_it(keyboard: Keyboard, hosting: World) -> None:
    await keyboard.beside("follow", "hosting", "99", "11")
    hosting.delete(2)
    for _ in range(2):
        await keyboard.beside("poll")
    head, *rows = [line.rstrip() for line in (await keyboard.beside("follow", "hosting")).out.splitlines()]
    assert head.split() == ["id", "followed", "by", "since", "order", "status"]
    assert [row.split()[0] for row in rows] == ["1", "2", "11", "99"]
    assert rows[0].split()[1:] == ["configuration", "ORD-0001", "Pending"]
    assert rows[1].endswith("Pending (vanished)")
    assert rows[2].split()[1] == "shell"
    assert rows[3].endswith("never seen")
    listed = (await keyboard.beside("follow", "hosting", "--json")).json
    assert [row["followed_by"] for row in listed] == ["configuration", "configuration", "shell", "shell"]
    assert listed[0] == {
        "source": "hosting", "id": "1", "followed_by": "configuration", "since": None,
        "number": "ORD-0001", "status": "Pending", "vanished_at": None,
    }  # fmt: skip
    assert datetime.fromisoformat(listed[2]["since"]).utcoffset() is not None
    assert listed[3]["status"] is None


async def test_nothing_followed_is_said(keyboard: Keyboard, hosting: World) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace("[1, 2]", "[]"))
    typed = await keyboard.beside("follow", "hosting")
    assert (typed.code, typed.out) == (0, "hosting: no order is followed\n")
    assert (await keyboard.beside("follow", "hosting", "--json")).out == ""


async def test_unfollowing_forgets_the_order_and_keeps_its_events(keyboard: Keyboard, hosting: World) -> None:
    await keyboard.beside("follow", "hosting", "3")
    await keyboard.beside("poll")
    hosting.set_status(3, "active")
    await keyboard.beside("poll")
    typed = await keyboard.beside("unfollow", "hosting", "3")
    assert (typed.code, typed.out) == (0, "hosting: 3 is followed no more, and forgotten\n")
    assert [row["order"]["id"] for row in (await keyboard.beside("orders", "--json")).json] == ["1", "2"]
    assert len((await keyboard.beside("events", "--order", "3", "--json")).json) == 1
    assert "hosting: 2 orders" in (await keyboard.beside("poll")).out


async def test_unfollowing_what_is_not_followed_fails_and_does_the_rest(keyboard: Keyboard, hosting: World) -> None:
    await keyboard.beside("follow", "hosting", "3")
    typed = await keyboard.beside("unfollow", "hosting", "4", "3")
    assert (typed.code, typed.out.splitlines()) == (
        1,
        ["hosting: 4 was not followed", "hosting: 3 is followed no more, and forgotten"],
    )


async def test_what_the_file_names_is_refused_with_its_place_and_nothing_is_done(
    keyboard: Keyboard, hosting: World
) -> None:
    await keyboard.beside("follow", "hosting", "3")
    typed = await keyboard.beside("unfollow", "hosting", "3", "2")
    place = f"{keyboard.file}: sources.hosting.orders"
    assert (typed.code, typed.err) == (2, f"{place}: names 2: remove it there; nothing was changed\n")
    assert "3" in [row["id"] for row in (await keyboard.beside("follow", "hosting", "--json")).json]


async def test_a_running_daemon_is_told_without_a_restart(keyboard: Keyboard, hosting: World) -> None:
    """It holds the state, and remembers what it has read."""
    settings = load(keyboard.file, {}, CHECKS)
    async with open_app(settings, SystemClock(), PrintingSender()) as app:

        async def poll() -> tuple[int, int]:
            result = (await app.poll_all())["hosting"]
            assert result is not None
            return result.requests, result.committed.events.total()

        assert await poll() == (2, 0)
        assert (await keyboard.beside("follow", "hosting", "3")).code == 0
        assert await poll() == (3, 0)
        assert (await keyboard.beside("unfollow", "hosting", "3")).code == 0
        hosting.set_status(3, "active")
        assert await poll() == (2, 0)
        assert (await keyboard.beside("follow", "hosting", "3")).code == 0
        assert await poll() == (3, 0)
        hosting.set_status(3, "fraud")
        assert await poll() == (3, 1)


@pytest.mark.parametrize("command", ["follow", "unfollow"])
async def test_what_is_no_id_or_no_source_that_is_followed_is_refused(
    command: str, keyboard: Keyboard, hosting: World
) -> None:
    typed = await keyboard.beside(command, "hosting", "3", "ORD-0003", "0")
    wanted = "expected an order's id, a whole number such as 32019"
    assert (typed.code, typed.err) == (2, f"ORD-0003: {wanted}\n0: {wanted}\n")
    typed = await keyboard.beside(command, "hostign", "3")
    assert (typed.code, typed.err) == (
        2, f"{keyboard.file}: sources.hostign: no such source: there are hosting, shop\n",
    )  # fmt: skip
    typed = await keyboard.beside(command, "shop", "3")
    assert (typed.code, typed.err) == (
        2,
        f"{keyboard.file}: sources.shop: a source of type opterius shows all of its orders:"
        " there is nothing to follow\n",
    )
