"""The source's totals against what is known and was just seen."""

from __future__ import annotations

import json

from polling_shop import Shop

from monitor.polling.ledger import Entry, Ledger
from monitor.polling.reckon import ALL, differences, expected, in_words
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import Answer, ListQuery


def known(**statuses: str) -> Snapshot:
    """Nothing seen yet of a source with these orders: ``_1="active"``."""
    return Snapshot(Ledger.load(Entry(order_id[1:], 1, status) for order_id, status in statuses.items()), 1)


def see(snapshot: Snapshot, **statuses: str) -> None:
    rows = [{"id": int(order_id[1:]), "status": status} for order_id, status in statuses.items()]
    answer = Answer("https://billing.example.com", 200, {}, json.dumps({"data": rows}).encode(), 1.0, 2.0)
    snapshot.add(Shop().source().decode_list(answer), answer, ListQuery(1))


def test_what_was_seen_counts_where_it_is_now_and_all_else_where_it_was() -> None:
    snapshot = known(_1="active", _2="active", _3="pending", _4="fraud")
    see(snapshot, _3="Active", _5="On-Hold", _4="fraud")
    assert {s: n for s, n in expected(snapshot).items() if n} == {"active": 3, "fraud": 1, "on_hold": 1}


def test_totals_that_agree_are_no_difference() -> None:
    snapshot = known(_1="active", _2="pending")
    see(snapshot, _2="active", _3="pending")
    assert differences(snapshot, {"active": 2, "pending": 1, "fraud": 0, ALL: 3}, ()) == {}


def test_each_total_that_does_not_agree_is_told_with_its_sign() -> None:
    snapshot = known(_1="active", _2="active", _3="pending")
    found = differences(snapshot, {"active": 1, "pending": 1, "fraud": 1, ALL: 4}, ())
    assert found == {"active": -1, "fraud": 1, ALL: 1}


def test_a_status_of_which_no_total_was_read_says_nothing() -> None:
    assert differences(known(_1="active", _2="On-Hold"), {"active": 1}, ()) == {}


def test_orders_that_are_sought_may_be_there_or_not() -> None:
    snapshot = known(_1="active", _2="active", _3="pending")
    for there in (0, 1, 2):
        assert differences(snapshot, {"active": there, ALL: 1 + there}, ["1", "2"]) == {}
    assert differences(snapshot, {"active": 3, ALL: 4}, ["1", "2"]) == {"active": 1, ALL: 1}
    assert differences(snapshot, {"active": 1, ALL: 1}, ["1"]) == {ALL: -2}


def test_an_order_that_was_proven_absent_hides_no_new_one() -> None:
    snapshot = known(_1="active", _2="active", _3="pending")
    snapshot.absent = ["1"]
    assert differences(snapshot, {"active": 1, ALL: 2}, ()) == {}
    assert differences(snapshot, {"active": 2, ALL: 3}, ()) == {"active": 1, ALL: 1}


def test_a_sought_order_that_is_not_known_excuses_nothing_but_the_sum() -> None:
    assert differences(known(_1="active"), {"active": 0}, ["77"]) == {"active": -1}


def test_differences_are_told_in_words_without_a_sign() -> None:
    assert in_words({}) == ""
    said = in_words({"fraud": 1, "active": -1234})
    assert said == "the totals do not add up: 1,234 active fewer than known, 1 fraud more than known"
