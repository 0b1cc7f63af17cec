"""How many requests there were in the last minute, on the time that is given."""

from __future__ import annotations

from monitor.sources.meter import Meter


def _counted(*moments: float) -> Meter:
    meter = Meter()
    for moment in moments:
        meter.count(moment)
    return meter


def test_nothing_is_counted_before_the_first_request() -> None:
    assert Meter().last_minute(1000.0) == 0


def test_requests_of_the_same_second_are_all_counted() -> None:
    assert _counted(10.0, 10.2, 10.9, 11.0).last_minute(11.5) == 4


def test_a_request_counts_for_a_minute() -> None:
    meter = _counted(10.5, 40.0)
    assert meter.last_minute(69.9) == 2
    assert meter.last_minute(70.0) == 1
    assert meter.last_minute(99.9) == 1
    assert meter.last_minute(100.0) == 0


def test_counting_goes_on_after_a_pause() -> None:
    meter = _counted(10.0)
    assert meter.last_minute(500.0) == 0
    meter.count(500.0)
    assert meter.last_minute(500.0) == 1


def test_however_many_requests_there_are_little_is_remembered() -> None:
    meter = _counted(*(second + part / 1000 for second in range(300) for part in range(100)))
    assert meter.last_minute(299.9) == 60 * 100
    assert len(meter._seconds) <= 60
