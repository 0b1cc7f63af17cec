"""Which orders a look is sure of: only these are called stuck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from monitor.diff import Coverage
from monitor.errors import ServerFailed
from monitor.model import Doubt, Known, Order, SourceState
from monitor.polling.ledger import Ledger
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.stuck import Sure, is_fit, sure_after

NOW = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
WELL = SourceState("opterius https://billing.example.com", baseline_at=NOW, sure=("fraud",))
DOUBTFUL = msgspec.structs.replace(WELL, doubt=Doubt("the list lacks 12 of 40 known orders", NOW))
ALL = ("*",)


def look(depth: Depth = Depth.WATCH, **found: Any) -> Snapshot:
    snapshot = Snapshot(Ledger(), 1, depth)
    for name, value in found.items():
        setattr(snapshot, name, value)
    return snapshot


PENDING = frozenset({"pending"})


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (look(whole=PENDING), ("fraud", "pending")),
        (look(whole=PENDING, reason="the totals do not add up: 1 fraud more than known"), ("fraud",)),
        (look(Depth.SETTLE, whole=PENDING), ALL),
        (look(Depth.SETTLE, whole=PENDING, reason="2 orders were not found"), ("fraud",)),
        (look(Depth.SWEEP, coverage=Coverage.COMPLETE), ALL),
        (look(Depth.SWEEP, unfinished=True), ("fraud",)),
        (look(Depth.CHANGES, whole=frozenset({"fraud", "pending"})), ("fraud", "pending")),
        (look(error=ServerFailed("503")), ()),
    ],
)
def test_a_look_is_sure_of_the_statuses_that_it_or_an_earlier_one_proved(
    snapshot: Snapshot, expected: tuple[str, ...]
) -> None:
    assert sure_after(WELL, snapshot) == expected


def test_what_was_sure_before_a_doubt_is_to_be_proven_again() -> None:
    assert sure_after(DOUBTFUL, look(Depth.SETTLE)) == ()
    assert sure_after(msgspec.structs.replace(WELL, sure=ALL), look()) == ALL


@pytest.mark.parametrize(
    ("state", "snapshot", "fit"),
    [
        (WELL, look(), True),
        (DOUBTFUL, look(), False),
        (msgspec.structs.replace(WELL, baseline_at=None), look(), False),
        (WELL, look(error=ServerFailed("503")), False),
        (WELL, look(reason="the totals do not add up: 1 fraud more than known"), False),
    ],
)
def test_rules_look_only_after_a_look_that_explains_all_that_it_saw(
    state: SourceState, snapshot: Snapshot, fit: bool
) -> None:
    assert is_fit(state, snapshot) is fit


def known(status: str = "On-Hold", **fields: Any) -> Known:
    return Known(Order("88", status), 1, NOW, NOW, **fields)


@pytest.mark.parametrize(
    ("sure", "order", "is_sure"),
    [
        (Sure(ALL, ()), known, True),
        (Sure(("on_hold",), ()), known, True),
        (Sure(("pending",), ()), known, False),
        (Sure(ALL, {"88"}), known, False),
        (Sure(ALL, ()), lambda: known(missing=1), False),
    ],
)
def test_an_order_is_sure_by_its_status_unless_it_is_doubted_itself(
    sure: Sure, order: Callable[[], Known], is_sure: bool
) -> None:
    assert sure.of(order()) is is_sure
