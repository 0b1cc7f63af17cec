"""How a source is, out of what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.asking.condition import Condition, Health, condition_of
from monitor.model import Doubt, SourceState

T0 = datetime(2026, 4, 11, 8, tzinfo=UTC)
T1 = datetime(2026, 4, 11, 9, tzinfo=UTC)
BROKEN = {"error": "no connection", "failing_since": T1}
DOUBT = Doubt("lacks 9 orders", T1)
SAID = Doubt("lacks 9 orders", T1, announced=True)


def condition(**fields: Any) -> Condition:
    return condition_of(SourceState("shop", **({"baseline_at": T0, "polled_at": T1, "well_since": T0} | fields)))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, Condition(Health.WELL, None, T0)),
        ({"failures": 1, **BROKEN}, Condition(Health.FAILING, "no connection", T1)),
        ({"failures": 3, "down": True, **BROKEN}, Condition(Health.DOWN, "no connection", T1)),
        ({"doubt": DOUBT}, Condition(Health.DOUBTFUL, "lacks 9 orders", T1)),
        ({"doubt": SAID}, Condition(Health.DOUBTFUL, "lacks 9 orders", T1)),
        # both: down is the graver, a doubt that was told the longer story, one that was not the lesser trouble
        ({"doubt": SAID, "failures": 3, "down": True, **BROKEN}, Condition(Health.DOWN, "no connection", T1)),
        ({"doubt": SAID, "failures": 1, **BROKEN}, Condition(Health.DOUBTFUL, "lacks 9 orders", T1)),
        ({"doubt": DOUBT, "failures": 1, **BROKEN}, Condition(Health.FAILING, "no connection", T1)),
        ({"baseline_at": None}, Condition(Health.UNKNOWN, "its first complete look has not ended", None)),
        ({"baseline_at": None, "failures": 1, **BROKEN}, Condition(Health.FAILING, "no connection", T1)),
    ],
)
def test_the_gravest_that_is_known_is_said(fields: dict[str, Any], expected: Condition) -> None:
    assert condition(**fields) == expected


def test_nothing_is_known_of_a_source_that_was_never_polled() -> None:
    assert condition_of(None) == Condition(Health.UNKNOWN, "it was never polled")
