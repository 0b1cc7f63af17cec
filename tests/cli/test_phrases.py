"""Bounds, spans and conditions in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.alerting.settings import WhenSettings
from monitor.cli.findings import SourceFound, Way, requests_a_day
from monitor.cli.phrases import by_status, conditions
from monitor.model import Meaning
from monitor.polling.bound import Bound, bound_in_words, noticed_within, reading_time, span
from monitor.polling.settings import PollSettings


@pytest.mark.parametrize(
    ("every", "reading", "within"), [(60, 0.2, 60), (60, 3, 60), (60, 10, 70), (60, 90, 180), (1, 0.5, 1.5)]
)
def test_the_bound_of_detection_counts_a_long_reading(every: int, reading: float, within: float) -> None:
    assert noticed_within(timedelta(seconds=every), reading) == within


def test_polls_that_outlast_the_interval_are_fewer() -> None:
    slow = SourceFound(source="shop", type="opterius", url="", reading=120, requests=500)
    assert requests_a_day(slow, PollSettings()) == (720, 360_000)


def test_a_day_of_watches_counts_its_settles_and_sweeps() -> None:
    large = SourceFound(source="shop", type="x", url="", way=Way.STATUS, requests=9, settle=32, pages=1000)
    assert requests_a_day(large, PollSettings()) == (1440, (1440 - 144) * 9 + 144 * 32 + 1000)


def test_orders_are_counted_by_status_and_codes_explained() -> None:
    counts = {"n": 3, "active": 2904, "x": 1, "fraud": 0}
    assert by_status(counts, {"n": Meaning.PENDING}) == "2,904 active · 3 n (pending) · 1 x"


def test_the_bound_counts_what_a_budget_allows() -> None:
    watched = Bound.by_status(PollSettings(), ("pending",), 10)
    assert reading_time(watched.requests, 6) == 100
    assert bound_in_words(watched, reading_time(watched.requests, 6)).startswith(
        "changes in pending orders within 3 min"
    )
    assert reading_time(10, None, 2) == 2


def test_where_most_orders_are_open_each_look_settles() -> None:
    bound = Bound.by_status(PollSettings(), (), settles=True)
    assert bound_in_words(bound, 0) == "changes of status within 60 s, all else within 1 day"


def test_the_bound_is_told_by_status_where_orders_are_watched_by_status() -> None:
    assert bound_in_words(Bound(timedelta(minutes=1)), 0) == "changes within 60 s"
    modified = Bound(timedelta(minutes=1), sweep=timedelta(days=1))
    assert bound_in_words(modified, 0) == "changes within 60 s, deletions within 1 day"
    assert bound_in_words(Bound.by_status(PollSettings(), ("pending", "on hold")), 0) == (
        "changes in pending or on hold orders within 60 s, every other change of status within 10 min, "
        "all else within 1 day"
    )


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 s"), (1.2, "2 s"), (119, "119 s"), (120, "2 min"), (5400, "1 h 30 min")]
)
def test_spans_are_rounded_up_and_short(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({}, "every change of status"),
        ({"from": "pending", "to": ["active", "fraud"]}, "from pending, to active or fraud"),
        ({"event": "appeared", "min_total": {"USD": 50}}, "appeared, min_total USD 50"),
        ({"to": "fraud", "not": {"product": "Trial"}}, "to fraud, not {product Trial}"),
    ],
)
def test_conditions_are_told_on_one_line(when: dict[str, Any], words: str) -> None:
    assert conditions(WhenSettings.model_validate(when)) == words
