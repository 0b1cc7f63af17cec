"""Whether the daemon does its work, judged from the signs in its state."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from monitor.asking.health import SILENT_AFTER, Fault, faults_of, patience
from monitor.model import SourceState
from monitor.store.vitals import Signs

NOW = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
EVERY = {"shop": MINUTE, "hosting": MINUTE}


def state(polled: timedelta = SECOND, *, down: bool = False, good: bool = True) -> SourceState:
    return SourceState("it", polled_at=NOW - polled, good_at=NOW - polled if good else None, down=down)


def signs(
    *,
    alive: timedelta | None = SECOND,
    read: dict[str, timedelta] | None = None,
    stuck_since: datetime | None = None,
    **sources: SourceState,
) -> Signs:
    read_at = {name: NOW - ago for name, ago in (read or {}).items()}
    sources = sources or {"shop": state(), "hosting": state()}
    return Signs(sources, read_at, None if alive is None else NOW - alive, stuck_since)


def faults(found: Signs, every: dict[str, timedelta] = EVERY) -> list[Fault]:
    return faults_of(every, found, NOW)


def test_a_daemon_that_lives_and_polls_is_healthy() -> None:
    assert faults(signs()) == []


def test_a_dead_or_hanging_daemon_is_noticed_by_its_silence() -> None:
    assert faults(signs(alive=SILENT_AFTER)) == []
    [fault] = faults(signs(alive=SILENT_AFTER + SECOND))
    assert fault.part == "daemon"
    assert "no sign of life since 2026-04-11 07:57:59 UTC" in fault.text


def test_a_sign_from_the_future_proves_nothing() -> None:
    """The clock has been set back by an hour: until something is written anew, nobody knows."""
    assert [fault.part for fault in faults(signs(alive=-60 * MINUTE))] == ["daemon"]


def test_signs_are_judged_by_the_clock_that_they_are_timed_by() -> None:
    """The database's, where several daemons share one: this machine's may be minutes off."""
    hour = 60 * MINUTE
    behind = msgspec.structs.replace(signs(), ahead=-hour)
    assert [fault.part for fault in faults(behind)] == ["daemon", "source", "source"]
    found = signs(alive=SECOND - hour, shop=state(SECOND - hour), hosting=state(SECOND - hour))
    assert faults(msgspec.structs.replace(found, ahead=hour)) == []


def test_without_a_daemon_the_polls_alone_are_judged() -> None:
    """Cron's `poll` says no more than that."""
    assert faults(signs(alive=None)) == []


def test_a_source_that_is_not_polled_any_more_is_a_fault_of_ours() -> None:
    late = patience(MINUTE)
    assert faults(signs(shop=state(late), hosting=state())) == []
    assert faults(signs(shop=state(late + SECOND), hosting=state())) == [
        Fault("source", "shop: not polled since 2026-04-11 07:54:59 UTC")
    ]


def test_a_source_that_is_polled_seldom_may_be_silent_for_three_intervals() -> None:
    every = {"shop": timedelta(hours=1)}
    assert faults(signs(shop=state(timedelta(hours=3))), every) == []
    assert len(faults(signs(shop=state(timedelta(hours=3, seconds=1))), every)) == 1


def test_a_poll_that_takes_an_hour_but_goes_on_reading_is_well() -> None:
    """A first reading of many orders, at the pace that the server allows."""
    assert faults(signs(shop=state(timedelta(hours=1)), hosting=state(), read={"shop": MINUTE})) == []


def test_a_source_that_the_daemon_never_heard_of_is_named() -> None:
    [fault] = faults(signs(shop=state()))
    assert fault.text.startswith("hosting: was never polled")


def test_one_source_that_is_down_is_news_for_people_not_for_supervisors() -> None:
    assert faults(signs(shop=state(down=True), hosting=state())) == []


def test_every_source_down_is_a_fault() -> None:
    down = state(down=True)
    assert faults(signs(shop=down, hosting=down)) == [Fault("sources", "every source is down: shop, hosting")]


def test_a_failed_poll_or_two_do_not_count_as_down() -> None:
    """`down_after` says when: a single source would flap else."""
    failing = SourceState("it", polled_at=NOW, good_at=NOW - MINUTE, failures=2, error="503")
    assert faults(signs(shop=failing), {"shop": MINUTE}) == []


def test_a_daemon_that_has_read_nothing_yet_is_not_ready() -> None:
    nothing = Signs({}, {}, NOW, None)
    assert faults(nothing) == [Fault("sources", "no source was read yet: shop, hosting")]
    assert faults(signs(shop=state(good=False)), {"shop": MINUTE}) == [Fault("sources", "no source was read yet: shop")]


def test_a_daemon_amid_its_first_look_at_a_very_long_list_is_well_while_that_goes_on() -> None:
    """Who ended it for that would have it begin anew, for ever."""
    every = {"shop": MINUTE}
    assert faults(Signs({}, {"shop": NOW - MINUTE}, NOW, None), every) == []
    assert faults(Signs({"shop": state(good=False)}, {"shop": NOW - MINUTE}, NOW, None), every) == []
    assert [f.part for f in faults(Signs({}, {"shop": NOW - 60 * MINUTE}, NOW, None), every)] == ["source"]
    down = Signs({"shop": state(good=False, down=True)}, {"shop": NOW - MINUTE}, NOW, None)
    assert [f.part for f in faults(down, every)] == ["sources"]


def test_a_configuration_without_sources_has_none_that_fail() -> None:
    assert faults(Signs({}, {}, NOW, None), {}) == []


def test_a_stuck_message_is_a_fault() -> None:
    [fault] = faults(signs(stuck_since=NOW - 20 * MINUTE))
    assert fault.part == "deliveries"
    assert "since 2026-04-11 07:40:00 UTC" in fault.text


def test_what_was_removed_from_the_configuration_is_not_judged() -> None:
    assert faults(signs(shop=state(), old=state(timedelta(days=30), down=True)), {"shop": MINUTE}) == []
