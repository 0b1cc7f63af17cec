"""The ledger against a plain dictionary: whatever is done to both, they know the same."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.polling import ledger as ledger_module
from monitor.polling import shelf as shelf_module
from monitor.polling.ledger import Entry, Ledger

NUMBERS = [*map(str, range(30)), "99", "100", "9" * 18, "1" + "0" * 17]
TEXTS = ["007", "00", "010", "-1", "1.5", "٣", "", "x", "X1", "9" * 19, "1" + "0" * 18, "20260411080000123456789"]
STATUSES = ["pending", "active", "fraud", "on_hold"]
LOOKS = 6

Row = tuple[str | None, int]


class Rows:
    """A page of these rows (id and mark): as much of one as the ledger asks for."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = list(rows)
        self.marks = array("q", [mark for _, mark in self._rows])
        self.read = 0

    @property
    def ids(self) -> Sequence[str | None]:
        self.read += 1
        return [order_id for order_id, _ in self._rows]

    def id_at(self, row: int) -> str | None:
        return self._rows[row][0]


def mark_of(order_id: str | None, version: int) -> int:
    """What a hash over a row's bytes is like: never the same for two orders."""
    return hash((order_id, version)) or 1


def entry(order_id: str, version: int = 0, status: str = "pending") -> Entry:
    return Entry(order_id, mark_of(order_id, version), status)


@dataclass
class Known:
    mark: int
    status: str
    seen: int


class Model:
    """What a ledger is to know, the slow way: for each id its mark, its status and the look that showed it last."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.orders = {one.id: Known(one.mark, one.status, 0) for one in entries}

    def see(self, rows: Sequence[Row], look: int) -> list[int]:
        for order_id, _ in rows:
            if order_id in self.orders:
                self.orders[order_id].seen = look
        return [
            number
            for number, (order_id, mark) in enumerate(rows)
            if order_id is None or order_id not in self.orders or self.orders[order_id].mark != mark
        ]

    def write(self, entries: Iterable[Entry], look: int) -> None:
        for one in entries:
            before = self.orders.get(one.id)
            self.orders[one.id] = Known(one.mark, one.status, before.seen if before else look)

    def numbers(self) -> list[int]:
        return sorted(int(order_id) for order_id in self.orders if order_id in NUMBERS)

    def in_order(self) -> list[str]:
        return [*map(str, self.numbers()), *sorted(order_id for order_id in self.orders if order_id in TEXTS)]


def agree(ledger: Ledger, model: Model) -> None:
    """Everything that can be asked is answered alike."""
    assert len(ledger) == len(model.orders)
    for order_id in NUMBERS + TEXTS:
        known = model.orders.get(order_id)
        seen = known.seen if known else -1
        assert (order_id in ledger) is (order_id in model.orders)
        assert (ledger.mark(order_id), ledger.status(order_id)) == (
            (known.mark, known.status) if known else (None, None)
        )
        assert [ledger.seen(order_id, since) for since in range(LOOKS)] == [seen >= since for since in range(LOOKS)]
        newer = sum(number > int(order_id) for number in model.numbers()) if order_id in NUMBERS else None
        assert ledger.newer_than(order_id) == newer
    for since in range(LOOKS):
        shown = [order_id for order_id in model.in_order() if model.orders[order_id].seen >= since]
        assert ledger.count_seen(since) == len(shown)
        assert ledger.unseen(since) == [order_id for order_id in model.in_order() if order_id not in shown]
        assert ledger.newest(since) == max((int(order_id) for order_id in shown if order_id in NUMBERS), default=None)
    assert ledger.counts() == Counter(known.status for known in model.orders.values())
    for status in [*STATUSES, "unheard of"]:
        having = [order_id for order_id in model.in_order() if model.orders[order_id].status == status]
        assert list(ledger.with_status(status)) == having
    assert list(ledger.unmarked()) == [order_id for order_id in model.in_order() if not model.orders[order_id].mark]


ids = st.sampled_from(NUMBERS + TEXTS)
entries = st.builds(entry, ids, st.integers(0, 2), st.sampled_from(STATUSES))
batches = st.lists(entries, unique_by=lambda one: one.id, max_size=20)
looks = st.integers(1, LOOKS - 1)
rows = st.lists(
    st.tuples(st.none() | ids, st.integers(0, 2)).map(lambda row: (row[0], mark_of(*row))),
    max_size=8,
)


def as_known(model: Model, start: int, count: int, *, newest_first: bool) -> list[Row]:
    """A page that shows what is known, in a run."""
    run = model.in_order()[start : start + count]
    return [(order_id, model.orders[order_id].mark) for order_id in (reversed(run) if newest_first else run)]


def step(data: st.DataObject, ledger: Ledger, model: Model) -> None:
    match data.draw(st.sampled_from(["see", "see known", "write", "doubt", "remove"])):
        case "see":
            look, page = data.draw(looks), data.draw(rows)
            assert ledger.see(Rows(page), look) == model.see(page, look)  # type: ignore[arg-type]  # all it asks for
        case "see known":
            look = data.draw(looks)
            start, count, newest_first = data.draw(st.tuples(st.integers(0, 40), st.integers(1, 20), st.booleans()))
            page = as_known(model, start, count, newest_first=newest_first)
            assert ledger.see(Rows(page), look) == model.see(page, look)  # type: ignore[arg-type]  # all it asks for
        case "write":
            look, batch = data.draw(looks), data.draw(batches)
            ledger.write(batch, look)
            model.write(batch, look)
        case "doubt":
            doubted = data.draw(st.lists(ids, max_size=5))
            ledger.doubt(doubted)
            for order_id in set(doubted) & model.orders.keys():
                model.orders[order_id].mark = 0
        case "remove":
            gone = data.draw(st.lists(ids, max_size=5))
            ledger.remove(gone)
            for order_id in gone:
                model.orders.pop(order_id, None)


@given(st.data(), batches, st.integers(1, 64), st.integers(1, 30))
def test_whatever_happens_it_knows_what_a_dictionary_would(
    data: st.DataObject, batch: list[Entry], scattered: int, chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelf_module, "_SCATTERED", scattered)
        patch.setattr(ledger_module, "_CHUNK", chunk)
        ledger, model = Ledger.load(iter(batch)), Model(batch)
        agree(ledger, model)
        for _ in range(data.draw(st.integers(1, 6))):
            step(data, ledger, model)
            agree(ledger, model)


def test_a_page_of_known_orders_is_not_read_in_either_direction() -> None:
    ledger = Ledger.load(entry(str(number)) for number in range(1, 1001))
    run = [(str(number), mark_of(str(number), 0)) for number in range(301, 401)]
    for look, page in ((1, Rows(run)), (2, Rows(reversed(run))), (3, Rows(run[:1]))):
        assert ledger.see(page, look) == []  # type: ignore[arg-type]  # all it asks for
        assert page.read == 0
    assert [ledger.count_seen(look) for look in (1, 2, 3, 4)] == [100, 100, 1, 0]


@pytest.mark.parametrize(("start", "stop"), [(1, 101), (901, 1001)])
def test_a_page_at_either_end_is_known_without_being_read(start: int, stop: int) -> None:
    ledger = Ledger.load(entry(str(number)) for number in range(1, 1001))
    run = [(str(number), mark_of(str(number), 0)) for number in range(start, stop)]
    for page in (Rows(run), Rows(reversed(run))):
        assert ledger.see(page, 1) == []  # type: ignore[arg-type]  # all it asks for
        assert page.read == 0


def test_a_page_that_lacks_an_order_within_is_read_and_shows_nothing_new() -> None:
    ledger = Ledger.load(entry(str(number)) for number in range(1, 101))
    page = Rows((str(number), mark_of(str(number), 0)) for number in range(1, 101) if number != 50)
    assert ledger.see(page, 1) == []  # type: ignore[arg-type]  # all it asks for
    assert ledger.unseen(1) == ["50"]


def test_many_orders_in_many_places_are_put_in_like_few_in_one() -> None:
    evens, odds = [[entry(str(number)) for number in range(start, 2001, 2)] for start in (0, 1)]
    ledger = Ledger.load(evens)
    ledger.write(reversed(odds), look=3)
    assert len(ledger) == 2001
    assert ledger.count_seen(1) == len(odds)
    run = Rows((str(number), mark_of(str(number), 0)) for number in range(500, 600))
    assert ledger.see(run, 4) == []  # type: ignore[arg-type]  # all it asks for
    assert run.read == 0


def test_more_statuses_than_it_has_codes_for_are_counted_together() -> None:
    """Nonsense of a source must cost neither memory nor a crash; the first 255 stay what they are."""
    ledger = Ledger.load(entry(str(number), status=f"s{number % 300}") for number in range(600))
    counts = ledger.counts()
    assert {status: count for status, count in counts.items() if status} == {f"s{n}": 2 for n in range(255)}
    assert counts[""] == 2 * 45
    assert (ledger.status("254"), ledger.status("255")) == ("s254", "")
    assert list(ledger.with_status("s254")) == ["254", "554"]
    ledger.write([entry("255", status="s7")], look=1)
    assert (ledger.status("255"), ledger.counts()["s7"], ledger.counts()[""]) == ("s7", 3, 89)


def test_numbers_stand_as_numbers_go_and_texts_after_them() -> None:
    ledger = Ledger.load(map(entry, ["10", "9", "007", "7", "9" * 19, "9" * 18]))
    assert ledger.unseen(1) == ["7", "9", "10", "9" * 18, "007", "9" * 19]
    assert ledger.newest() == int("9" * 18)
    assert (ledger.newer_than("8"), ledger.newer_than("007"), ledger.newer_than("9" * 19)) == (3, None, None)


def test_an_order_costs_what_it_says() -> None:
    """A million orders are 21 MB; a list of Python's own numbers alone would be thrice that."""
    ledger = Ledger.load(Entry(str(number), number + 1, "active") for number in range(10_000))
    columns = (ledger._numbers.ids, ledger._numbers.marks, ledger._numbers.seen)
    assert sum(column.itemsize for column in columns if isinstance(column, array)) + 1 == 21
