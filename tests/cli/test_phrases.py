"""Bounds, spans and conditions in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from monitor.alerting.settings import WhenSettings
from monitor.cli.findings import SourceFound, requests_a_day
from monitor.cli.phrases import conditions, noticed_within, span


@pytest.mark.parametrize(
    ("every", "reading", "within"), [(60, 0.2, 60), (60, 3, 60), (60, 10, 70), (60, 90, 180), (1, 0.5, 1.5)]
)
def test_the_bound_of_detection_counts_a_long_reading(every: int, reading: float, within: float) -> None:
    assert noticed_within(timedelta(seconds=every), reading) == within


def test_polls_that_outlast_the_interval_are_fewer() -> None:
    slow = SourceFound(source="shop", type="opterius", url="", reading=120, requests=500)
    assert requests_a_day(slow, 60) == (720, 360_000)


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
