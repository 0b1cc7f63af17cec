"""What a state forgets: history that was kept long enough, and all that there is of an order that is to be erased."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from store_examples import (
    DAY,
    HOUR,
    KINDS,
    MAIL,
    OPS,
    REFUSED,
    SECOND,
    T0,
    certainly_claimed,
    known,
    new,
    opened,
    order_event,
    plan,
    planned,
    retried,
    save,
    settled,
    source_event,
)

from monitor.alerting.routes import Planned
from monitor.alerting.silences import Matcher
from monitor.alerting.timing import Hold, Why
from monitor.errors import ClaimLost
from monitor.model import Doubt, EventKind, Known, Outcome, SourceState, Untold
from monitor.store.base import Store, Transaction
from monitor.store.erasing import Dropped, Erased
from monitor.store.erasing_rows import ErasingRows
from monitor.store.overdue import StuckOrder
from monitor.store.sqlite import SqliteStore

CANARY = "ORD-quillaphone"
LATER = T0 + 400 * DAY


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


async def drop(store: Store, before: Any = LATER, most: int = 100, followed: tuple[str, ...] = ()) -> Dropped:
    return await store.transact(lambda tx: tx.drop_history(before, most, followed))


async def erase(store: Store, order: str = "88", source: str = "shop") -> Erased:
    return await store.transact(lambda tx: tx.erase_order(source, order))


async def count(store: Store, table: str) -> int:
    return await store.read(lambda tx: int(tx._db.rows(f"SELECT COUNT(*) FROM {table}")[0][0]))  # type: ignore[attr-defined]


async def told(store: Store, *orders: str, at: Any = T0) -> None:
    """Messages about these orders, all of them sent."""
    await planned(store, *orders, now=at)
    for _ in orders:
        await settled(store, await certainly_claimed(store, now=at), at=at)


def group(tx: Transaction, *orders: str, revision: int = 50) -> int:
    """A message that waits, and tells of all of these orders."""
    hold = Hold(Why.GROUP, T0 + HOUR, "key", 300.0)
    ids = {
        tx.join(Planned("paid", OPS), hold, event, tx.add_event(event, "{}"), T0)
        for event in (order_event(order, revision) for order in orders)
    }
    (only,) = ids
    return only


# What was kept long enough


async def test_old_events_go_with_their_messages_attempts_and_links(store: Store) -> None:
    await told(store, "88", "99")
    assert await drop(store) == Dropped(events=2, deliveries=2)
    for table in ("events", "deliveries", "attempts", "delivery_events"):
        assert await count(store, table) == 0
    assert await drop(store) == Dropped()


async def test_what_is_younger_stays(store: Store) -> None:
    await told(store, "88")
    assert await drop(store, T0) == Dropped()
    assert await drop(store, T0 + timedelta(microseconds=1)) == Dropped(events=1, deliveries=1)


async def test_a_message_that_was_settled_later_keeps_its_event(store: Store) -> None:
    """A dead letter that is sent again after a year is news of today."""
    await planned(store, "88")
    await settled(store, await certainly_claimed(store), at=T0 + 10 * DAY)
    assert await drop(store, T0 + 5 * DAY) == Dropped()
    assert await drop(store, T0 + 11 * DAY) == Dropped(events=1, deliveries=1)


async def test_what_is_still_to_be_sent_keeps_its_events(store: Store) -> None:
    await planned(store, "88", "99")
    await certainly_claimed(store)
    assert await drop(store) == Dropped()
    assert await count(store, "events") == 2


async def test_a_message_about_several_events_stays_until_the_last_of_them_goes(store: Store) -> None:
    def write(tx: Transaction) -> None:
        group(tx, "88")
        group(tx, "99", revision=51)
        tx._db.run("UPDATE events SET at = at + 1000000 WHERE order_id = '99'")  # type: ignore[attr-defined]

    await store.transact(write)
    await settled(store, await certainly_claimed(store, now=T0 + HOUR), at=T0)
    assert await drop(store, T0) == Dropped()
    assert await drop(store, T0 + SECOND / 2) == Dropped(events=1)
    assert await count(store, "deliveries") == 1
    assert await drop(store) == Dropped(events=1, deliveries=1)


async def test_it_goes_in_pieces_the_oldest_first_of_each_source(store: Store) -> None:
    def write(tx: Transaction) -> None:
        for source in ("shop", "blog"):
            for number in range(5):
                at = T0 + (9 - number) * DAY
                tx.add_event(order_event(str(number), source=source, at=at, revision=number + 1), "{}")

    await store.transact(write)
    assert [(await drop(store, T0 + 7 * DAY, 1)).events for _ in range(5)] == [1, 1, 1, 1, 0]
    left = [row.event.at for row in await store.read(lambda tx: tx.events())]
    assert min(left) == T0 + 7 * DAY
    assert len(left) == 6


async def vanished(store: Store, revision: int = 7) -> None:
    def write(tx: Transaction) -> None:
        save(tx, [new("88", revision=revision, vanished_at=T0), new("99")])
        tx.add_event(order_event("88", 7, EventKind.VANISHED), "{}")

    await store.transact(write)


async def test_an_order_that_has_vanished_goes_with_the_event_of_it(store: Store) -> None:
    await vanished(store)
    assert await drop(store) == Dropped(events=1, orders=1)
    assert list(await store.read(lambda tx: tx.known("shop", ["88", "99"]))) == ["99"]


async def test_one_that_came_back_and_vanished_again_stays_until_that_is_old(store: Store) -> None:
    await vanished(store, revision=9)
    assert await drop(store) == Dropped(events=1)


async def test_one_that_is_followed_stays(store: Store) -> None:
    """It is asked for by its id, and would be one that nobody knows."""
    await vanished(store)
    assert await drop(store, followed=("shop",)) == Dropped(events=1)


async def test_news_that_is_still_to_be_told_after_a_silence_stays(store: Store) -> None:
    def write(tx: Transaction) -> None:
        number = tx.add_event(source_event(), "{}")
        tx.claim("shop", "one", T0, 15)
        tx.save_source("shop", SourceState("x", untold=Untold(number, EventKind.SOURCE_DOWN, ("a0",))))

    await store.transact(write)
    assert await drop(store) == Dropped()


async def test_silences_go_once_no_event_can_name_them(store: Store) -> None:
    def write(tx: Transaction) -> None:
        tx.add_silence(Matcher(), T0, T0 + DAY, "one")
        tx.add_silence(Matcher(), T0, T0 + 5 * DAY, "two")
        tx.add_silence(Matcher(), T0, T0 + 50 * DAY, "three")
        tx.add_event(order_event("88", at=T0 + 2 * DAY), "{}")

    await store.transact(write)
    assert await store.transact(lambda tx: tx.drop_silences(T0 + 10 * DAY)) == 1
    await drop(store, T0 + 10 * DAY)
    assert await store.transact(lambda tx: tx.drop_silences(T0 + 10 * DAY)) == 1
    assert [one.reason for one in await store.read(lambda tx: tx.silences())] == ["three"]


async def test_dropping_is_done_by_the_index(tmp_path: Path) -> None:
    """A million events are looked at by none of them."""
    store = SqliteStore.open(tmp_path / "state.db")
    seen: list[str] = []

    def explain(tx: Transaction) -> None:
        assert isinstance(tx, ErasingRows)
        rows = tx._db.rows

        def spy(sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
            seen.extend(str(row[3]) for row in rows(f"EXPLAIN QUERY PLAN {sql}", **parameters))
            return rows(sql, **parameters)

        tx._db.rows = spy  # type: ignore[method-assign]
        try:
            tx.drop_history(LATER, 10)
            tx.drop_silences(LATER)
        finally:
            tx._db.rows = rows  # type: ignore[method-assign]

    await planned(store, "88", now=T0)
    await settled(store, await certainly_claimed(store), at=T0)
    await store.transact(explain)
    await store.aclose()
    plans = "\n".join(seen)
    assert "SEARCH e USING INDEX events_by_time (source=? AND at<?)" in plans
    whole = {"SCAN json_each VIRTUAL TABLE INDEX 1:", "SCAN found", "SCAN sources"}
    assert not [step for step in seen if step.startswith("SCAN") and step not in whole], plans


# What is to be erased


async def test_nothing_is_left_of_an_order(store: Store) -> None:
    def write(tx: Transaction) -> None:
        save(tx, [new("88"), new("99")])
        tx.follow("shop", "88", T0)
        tx.save_stuck("shop", [StuckOrder("88", "stuck", T0)])

    await store.transact(write)
    await told(store, "88", "99")
    assert await erase(store) == Erased(known=True, events=1, deliveries=1, attempts=1)
    for table in ("orders", "events", "deliveries", "attempts", "delivery_events"):
        assert await count(store, table) == 1
    for table in ("stuck", "followed"):
        assert await count(store, table) == 0
    assert not (await erase(store)).anything


async def test_the_same_number_in_another_source_stays(store: Store) -> None:
    def write(tx: Transaction) -> None:
        save(tx, [new("88")])
        save(tx, [new("88")], source="blog")
        plan(tx, order_event("88", source="blog"))

    await store.transact(write)
    assert (await erase(store)).known
    assert await count(store, "orders") == await count(store, "events") == await count(store, "deliveries") == 1


async def test_what_waits_is_not_sent_and_what_is_on_its_way_is_said(store: Store) -> None:
    await planned(store, "88", "88", to=OPS)
    await planned(store, "88", to=MAIL)
    sending = await certainly_claimed(store, MAIL)
    assert await store.read(lambda tx: tx.sending_of("shop", "88")) == 1
    found = await erase(store)
    assert (found.deliveries, found.unsent, found.sending) == (3, 2, 1)
    assert not await settled(store, sending)
    assert await count(store, "attempts") == 0, "an attempt at what is gone leaves nothing"


async def test_a_message_about_others_too_stays_without_its_text(store: Store) -> None:
    await store.transact(lambda tx: group(tx, "88", "99"))
    delivery = await certainly_claimed(store, now=T0 + HOUR)
    await retried(store, delivery, 1)
    await settled(store, await certainly_claimed(store, now=T0 + 2 * HOUR), Outcome(delivered=False, reason="ORD-88?"))
    found = await erase(store)
    assert (found.events, found.deliveries, found.shared) == (1, 0, 1)

    def look(tx: Transaction) -> tuple[Any, ...]:
        (row,) = tx.deliveries()
        events = [one.event.order.id for one in tx.events_of(row.id)]  # type: ignore[union-attr]
        return row.title, row.last_error, events, [one.outcome.reason for one in tx.attempts(row.id)]

    assert await store.read(look) == (None, "…", ["99"], ["…", "…"])
    (body,) = await store.read(lambda tx: tx._db.rows("SELECT body FROM deliveries"))  # type: ignore[attr-defined]
    assert body == (None,)


async def test_a_group_that_waits_goes_on_with_the_others(store: Store) -> None:
    await store.transact(lambda tx: group(tx, "88", "99"))
    await erase(store)
    delivery = await certainly_claimed(store, now=T0 + HOUR)
    events = await store.read(lambda tx: [one.event for one in tx.events_of(delivery.id)])
    assert [event.order.id for event in events] == ["99"]  # type: ignore[union-attr]


async def test_a_poll_that_has_read_it_is_refused(store: Store) -> None:
    claim = await store.transact(lambda tx: tx.claim("shop", "one", T0, 15))
    assert claim is not None
    await erase(store)
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: tx.check(claim))
    again = await store.transact(lambda tx: tx.claim("shop", "one", T0, 15))
    assert again is not None
    assert again.fence > claim.fence + 1, "and it is not taken for the poll after the last"


async def test_silences_lose_its_name_and_those_about_it_alone_go(store: Store) -> None:
    def write(tx: Transaction) -> None:
        save(tx, [new("88")])
        tx.add_silence(Matcher(order=("ord-88",)), T0, T0 + DAY, "mine")
        tx.add_silence(Matcher(order=("88", "99")), T0, T0 + DAY, "88 and 99 call too often, 188 does not")
        tx.add_silence(Matcher(order=("ORD-*",)), T0, T0 + DAY, "all")
        tx.add_silence(Matcher(order=("88",), source=("blog",)), T0, T0 + DAY, "another's")
        tx.add_silence(Matcher(order=("88",), source=("sh*",)), T0, T0 + DAY, "by a glob")
        tx.add_silence(Matcher(), T0, T0 + DAY, "everything")

    await store.transact(write)
    assert (await erase(store)).silences == 3
    left = {one.reason: one.matcher.order for one in await store.read(lambda tx: tx.silences())}
    assert left == {
        "… and 99 call too often, 188 does not": ("99",),
        "all": ("ORD-*",),
        "another's": ("88",),
        "everything": (),
    }


async def test_a_sources_trouble_does_not_quote_it_any_more(store: Store) -> None:
    state = SourceState(
        "x",
        error="row 3: order 88 makes no sense",
        newest_id=88,
        doubt=Doubt("order ORD-88 stands on one page twice", T0),
    )

    def write(tx: Transaction) -> None:
        save(tx, [new("88")])
        tx.claim("shop", "one", T0, 15)
        tx.save_source("shop", state)

    await store.transact(write)
    await erase(store)
    left = await store.read(lambda tx: tx.source("shop"))
    assert left is not None
    assert left.doubt is not None
    assert (left.error, left.doubt.reason, left.newest_id) == (
        "row 3: order … makes no sense",
        "order … stands on one page twice",
        88,
    )


@pytest.mark.parametrize("sought", ["88", "ORD-88"])
async def test_an_order_is_found_by_its_id_and_its_number_in_state_and_history(store: Store, sought: str) -> None:
    await store.transact(lambda tx: save(tx, [new("88"), new("99")]))
    assert await store.read(lambda tx: tx.called("shop", sought)) == ["88"]
    await store.transact(lambda tx: tx.forget_orders("shop"))
    assert await store.read(lambda tx: tx.called("shop", sought)) == []
    await told(store, "88")
    assert await store.read(lambda tx: tx.called("shop", sought)) == ["88"]
    assert await store.read(lambda tx: tx.called("blog", sought)) == []


async def test_wild_cards_are_letters_like_others(store: Store) -> None:
    await told(store, "88")
    for sought in ("ORD-8_", "ORD-%", "%", "\\", '"'):
        assert await store.read(lambda tx, sought=sought: tx.called("shop", sought)) == []  # type: ignore[misc]


async def test_of_several_orders_with_one_number_all_are_named_and_an_id_is_one_orders(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1", number="X"), new("2", number="X"), new("3", number="1")]))
    assert await store.read(lambda tx: tx.called("shop", "X")) == ["1", "2"]
    assert await store.read(lambda tx: tx.called("shop", "1")) == ["1"]


# The bytes


def bytes_in(folder: Path, what: str) -> list[str]:
    return [file.name for file in folder.glob("state.db*") if what.encode() in file.read_bytes()]


def _churned(number: int, revision: int) -> Known:
    named = CANARY if number == 500 else f"ORD-{number:05}"
    return known(
        str(number), "active" if revision % 2 else "pending", revision, number=f"{named}{'x' * (revision * 7)}"
    )


async def test_no_byte_of_it_is_left_in_the_files_beside_a_daemon(tmp_path: Path) -> None:
    """Its rows have been rewritten, moved and joined by others many times before."""
    daemon = SqliteStore.open(tmp_path / "state.db")
    reader = SqliteStore.open(tmp_path / "state.db", exclusive=False)
    try:
        for revision in range(1, 12):

            def write(tx: Transaction, revision: int = revision) -> None:
                from monitor.diff import Change

                changes = [Change(_churned(n, revision), new=revision == 1) for n in range(1, 1001)]
                tx.save_orders("shop", changes, {})
                for number in range(480, 520):
                    order = _churned(number, revision).order
                    event = msgspec.structs.replace(order_event(str(number), revision), order=order, before=order)
                    id_ = plan(tx, event)
                    assert id_

            await daemon.transact(write)
            for _ in range(40):
                await daemon.transact(
                    lambda tx: tx.settle(
                        tx.claim_delivery([OPS], "one", T0),  # type: ignore[arg-type]
                        T0,
                        REFUSED,
                        f"Order {CANARY}",
                        f"{CANARY} " * 300,
                    )
                )
            if revision == 6:
                await daemon.transact(lambda tx: tx.drop_bodies(T0 + DAY))
        await daemon.transact(lambda tx: tx.drop_bodies(T0 + DAY))
        await reader.read(lambda tx: tx.events())
        assert bytes_in(tmp_path, CANARY)
        other = SqliteStore.open(tmp_path / "state.db", exclusive=False)
        assert (await other.transact(lambda tx: tx.erase_order("shop", "500"))).events == 11
        assert await other.wipe()
        await other.aclose()
        assert bytes_in(tmp_path, CANARY) == []
        assert (tmp_path / "state.db-wal").stat().st_size == 0
    finally:
        await reader.aclose()
        await daemon.aclose()


async def test_whoever_reads_all_the_while_keeps_the_bytes_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.sqlite_session.BUSY_S", 0.3)
    store = SqliteStore.open(tmp_path / "state.db")
    await told(store, "88")
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM events").fetchall()
    await erase(store)
    assert not await store.wipe()
    other.close()
    assert await store.wipe()
    await store.aclose()
