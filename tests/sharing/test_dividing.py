"""Who polls what, when daemons come, go, die, hang, and do not know the same."""

from __future__ import annotations

import pytest
from fleet import Daemon, Fleet, Wrist, until
from structlog.testing import capture_logs

from monitor.errors import ClaimLost
from monitor.roster import LEASE_S
from monitor.store.base import Claim

SIX = [f"s{n}" for n in range(6)]


def held(*daemons: Daemon) -> list[int]:
    return sorted(len(one.held) for one in daemons)


async def claim(one: Daemon, source: str) -> Claim | None:
    """As a poll of this daemon begins."""
    return await one.app.store.transact(lambda tx: tx.claim(source, one.app._owner, one.clock.now(), 15.0))


async def test_three_daemons_share_evenly_and_a_source_has_one(fleet: Fleet) -> None:
    daemons = await fleet.several(3, fleet.settings(*SIX))
    assert held(*daemons) == [2, 2, 2]
    assert set().union(*(one.held for one in daemons)) == set(SIX)


async def test_a_source_stays_with_its_daemon_while_that_lives(fleet: Fleet) -> None:
    one, two = await fleet.several(2, fleet.settings(*SIX))
    before = one.held
    await fleet.beats(5)
    assert one.held == before
    three = await fleet.daemon(fleet.settings(*SIX))
    await three.join()
    await fleet.beats(3)
    assert held(one, two, three) == [2, 2, 2]
    assert one.held < before


async def test_nothing_is_asked_of_the_leases_while_nothing_changes(fleet: Fleet) -> None:
    """Thousands of sources: what is held is not renewed one by one."""
    await fleet.several(2, fleet.settings(*SIX))
    until_ = "SELECT name, until FROM leases WHERE name LIKE 'source %' ORDER BY name"
    before = await fleet.rows(until_)
    await fleet.beats(3)
    assert await fleet.rows(until_) == before


async def test_a_daemon_that_dies_is_succeeded_once_its_lease_has_run_out(fleet: Fleet) -> None:
    one, two, three = await fleet.several(3, fleet.settings(*SIX))
    dead = one.held
    for name in dead:  # it dies in the middle of polls
        assert await claim(one, name)
    fleet.daemons.remove(one)
    await fleet.beats(2)
    assert held(two, three) == [2, 2]
    await fleet.run_out(one)
    with capture_logs() as logs:
        await fleet.beats(2)
    assert held(two, three) == [3, 3]
    assert [line["owners"] for line in logs if line["event"] == "daemon_gone"] == [[one.app._owner]]
    for name in dead:
        [heir] = [daemon for daemon in (two, three) if name in daemon.held]
        assert await heir.poll(name) is not None, "its claim went with it"
    fleet.daemons.append(one)


async def test_a_daemon_that_was_stopped_polls_nothing_before_it_has_asked_what_is_its_own(fleet: Fleet) -> None:
    one, two = await fleet.several(2, fleet.settings(*SIX))
    one.clock.stopped = LEASE_S
    assert not one.roster.is_valid
    assert one.held == set()
    assert [await one.poll(name) for name in SIX] == [None] * 6
    await fleet.run_out(one)
    await two.beat()
    assert two.held == set(SIX)
    term = one.roster.term
    await one.beat()
    assert (one.held, one.roster.term) == (set(), term + 1)
    await two.beat()
    await one.beat()
    assert held(one, two) == [3, 3]


async def test_nobody_who_has_been_out_himself_buries_others(fleet: Fleet) -> None:
    """After an outage of the database all come back at about the same time, to what they had."""
    one, two = await fleet.several(2, fleet.settings(*SIX))
    mine, theirs, terms = one.held, two.held, (one.roster.term, two.roster.term)
    for daemon in (one, two):
        daemon.clock.stopped = LEASE_S
        await fleet.run_out(daemon)
    await one.beat()
    await two.beat()
    await fleet.beats(2)
    assert (one.held, two.held) == (mine, theirs)
    assert (one.roster.term, two.roster.term) == terms, "nor was anybody without it meanwhile"


async def test_what_was_read_before_the_stop_is_not_written_after_it(fleet: Fleet) -> None:
    """The fence: another daemon has polled the source since."""
    one, two = await fleet.several(2, fleet.settings("s0"))
    first, second = (one, two) if one.held else (two, one)
    assert await first.poll("s0") is not None
    fleet.change(1)
    old = await claim(first, "s0")
    assert old
    await fleet.run_out(first)
    first.clock.stopped = LEASE_S
    await second.beat()
    polled = await second.poll("s0")
    assert polled
    assert sum(polled.committed.events.values()) == 1
    with pytest.raises(ClaimLost):
        await first.app.store.transact(lambda tx: tx.check(old))


async def test_who_knows_more_sources_gets_those_that_only_it_knows(fleet: Fleet) -> None:
    """Daemons of different settings: nothing is polled by none, and nothing goes to and fro."""
    one = await fleet.daemon(fleet.settings("s0", "s1", "s2"))
    two = await fleet.daemon(fleet.settings("s0", "s1", "s2", "s3", "s4"))
    await two.join()
    assert len(two.held) == 5
    await one.join()
    await fleet.beats(3)
    assert one.held | two.held == {"s0", "s1", "s2", "s3", "s4"}
    assert two.held >= {"s3", "s4"}
    before = (one.held, two.held)
    await fleet.beats(4)
    assert (one.held, two.held) == before
    settings = fleet.settings("s0", "s1", "s2", "s3", "s4")
    await one.app.reload(settings)
    await fleet.beats(3)
    assert held(one, two) == [2, 3]


async def test_daemons_of_different_sources_each_poll_their_own(fleet: Fleet) -> None:
    one, two = await fleet.daemon(fleet.settings("a", "b")), await fleet.daemon(fleet.settings("c", "d", "e"))
    for daemon in (one, two, one, two):
        await daemon.join()
    assert (one.held, two.held) == ({"a", "b"}, {"c", "d", "e"})


async def test_new_sources_are_divided_as_soon_as_they_are_read(fleet: Fleet) -> None:
    one, two = await fleet.several(2, fleet.settings(*SIX))
    more = fleet.settings(*SIX, "new")
    await one.app.reload(more)
    assert "new" in one.held
    await two.app.reload(more)
    await fleet.beats(2)
    assert held(one, two) == [3, 4]
    await one.app.reload(fleet.settings("s0"))
    await two.app.reload(fleet.settings("s0"))
    assert one.held | two.held == {"s0"}
    assert await fleet.rows("SELECT count(*) FROM leases WHERE name LIKE 'source %'") == [(1,)]


async def test_daemons_that_run_take_over_from_one_that_leaves_at_once(fleet: Fleet) -> None:
    settings = fleet.settings(*SIX)
    one, two = [await fleet.daemon(settings, Wrist(fast=20)) for _ in range(2)]
    one.run()
    await until(lambda: len(one.held) == 6)
    two.run()
    await until(lambda: held(one, two) == [3, 3])
    await one.stop()
    await until(lambda: len(two.held) == 6)
    assert two.roster.has_duty()


async def test_a_daemon_whose_state_goes_away_as_it_starts_waits_for_it(fleet: Fleet) -> None:
    one = await fleet.daemon(fleet.settings("s0"), Wrist(fast=20.0))
    with fleet.away():
        one.run()
        await until(lambda: one.app.store.failures > 0)
        assert one.held == set()
    await until(lambda: one.held == {"s0"})
