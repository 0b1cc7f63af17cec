"""What is a change, and what absences may be believed: values in, values out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from monitor.diff import Absences, Look, absent, compare, is_return, judge_absences
from monitor.model import Doubt, EventKind, Item, Known, Money, Order, OrderEvent, Service

T0 = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOOK = Look("shop", baseline=True, first_revision=7)
ORDER = Order(
    "88",
    "pending",
    number="ORD-0088",
    total=Money(Decimal("22.00"), "USD"),
    created_at=T0 - timedelta(days=1),
    items=(Item("Hosting", 1, Money(Decimal(20), "USD")), Item("Domain", 2, Money(Decimal(1), "USD"))),
    invoice_status="Unpaid",
    services=(Service("31", "Pending", "Starter Hosting"), Service("32", "Active", "Domain")),
)
OPTIONAL = ["number", "total", "created_at", "items", "invoice_status", "services"]


def knowing(order: Order = ORDER, **fields: Any) -> Known:
    return msgspec.structs.replace(Known(order, revision=3, first_seen=T0, seen_at=T0), **fields)


def shown(**fields: Any) -> Order:
    return msgspec.structs.replace(ORDER, **fields)


def events(known: Known | None, seen: Order, look: Look = LOOK) -> tuple[OrderEvent, ...]:
    change = compare(known, seen, T0 + MINUTE, look)
    return change.events if change else ()


def kinds(known: Known | None, seen: Order, look: Look = LOOK) -> list[EventKind]:
    return [event.kind for event in events(known, seen, look)]


def test_a_first_sighting_is_stored_and_announced_only_after_the_baseline() -> None:
    before = compare(None, ORDER, T0, Look("shop", baseline=False, first_revision=1))
    assert before is not None
    assert (before.new, before.events) == (True, ())
    after = compare(None, ORDER, T0, Look("shop", baseline=True, first_revision=7, last_complete=T0 - MINUTE))
    assert after is not None
    [event] = after.events
    assert (event.kind, event.revision, event.before, event.after_time) == (EventKind.APPEARED, 7, None, T0 - MINUTE)


def test_an_unchanged_order_is_not_written() -> None:
    assert compare(knowing(), ORDER, T0 + MINUTE, LOOK) is None


def test_a_status_change_says_from_what_to_what_and_between_which_looks() -> None:
    change = compare(
        knowing(),
        shown(status="active"),
        T0 + 3 * MINUTE,
        Look("shop", baseline=True, first_revision=7, last_complete=T0 + MINUTE),
    )
    assert change is not None
    [event] = change.events
    assert event.kind is EventKind.STATUS_CHANGED
    assert event.before == ORDER
    assert event.order.status == "active"
    assert (event.after_time, event.at) == (T0 + MINUTE, T0 + 3 * MINUTE)
    assert event.since == ORDER.created_at, "nobody saw it enter pending: it has been so since it was placed"
    after = change.known
    assert (after.revision, after.previous_status, after.status_since) == (4, "pending", T0 + 3 * MINUTE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Canceled", "cancelled"),
        ("Active", "active"),
        ("On-Hold", "on_hold"),
        ("on hold", "ON-HOLD"),
        (" active ", "active"),
    ],
)
def test_another_spelling_of_a_status_announces_nothing(before: str, after: str) -> None:
    change = compare(knowing(shown(status=before)), shown(status=after), T0, LOOK)
    assert change is not None
    assert change.events == ()
    assert change.known.previous_status is None, "it has not left its status"
    assert change.known.status_since is None


@pytest.mark.parametrize("field", OPTIONAL)
def test_a_field_decoded_for_the_first_time_announces_nothing_and_is_kept(field: str) -> None:
    change = compare(knowing(shown(**{field: None})), ORDER, T0, LOOK)
    assert change is not None
    assert change.events == ()
    assert change.known.order == ORDER


@pytest.mark.parametrize("field", OPTIONAL)
def test_a_field_that_is_not_shown_this_time_is_no_change_and_is_not_forgotten(field: str) -> None:
    assert compare(knowing(), shown(**{field: None}), T0, LOOK) is None
    change = compare(knowing(), shown(status="active", **{field: None}), T0, LOOK)
    assert change is not None
    assert getattr(change.known.order, field) == getattr(ORDER, field)


def test_a_value_that_went_unshown_for_a_while_is_compared_with_the_last_one_shown() -> None:
    change = compare(knowing(), shown(status="active", total=None), T0, LOOK)
    assert change is not None
    cheaper = shown(status="active", total=Money(Decimal(5), "USD"))
    assert kinds(change.known, cheaper) == [EventKind.CHANGED]


def money(amount: str, currency: str | None = "USD") -> Money:
    return Money(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (money("22"), []),
        (money("22.000"), []),
        (money("2.2E+1"), []),
        (money("22.00", None), []),
        (money("22.01"), [EventKind.CHANGED]),
        (money("22.005"), [EventKind.CHANGED]),
        (money("22.00", "EUR"), [EventKind.CHANGED]),
        (money("-22"), [EventKind.CHANGED]),
    ],
)
def test_totals_are_compared_by_value(total: Money, expected: list[EventKind]) -> None:
    assert kinds(knowing(), shown(total=total)) == expected


HOSTING, DOMAIN = ORDER.items or ()


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((DOMAIN, HOSTING), []),
        ((HOSTING,), [EventKind.CHANGED]),
        ((HOSTING, DOMAIN, DOMAIN), [EventKind.CHANGED]),
        ((HOSTING, msgspec.structs.replace(DOMAIN, quantity=3)), [EventKind.CHANGED]),
        ((HOSTING, msgspec.structs.replace(DOMAIN, price=money("2"))), [EventKind.CHANGED]),
        ((HOSTING, msgspec.structs.replace(DOMAIN, price=money("1.00"))), []),
        ((HOSTING, msgspec.structs.replace(DOMAIN, price=money("1", "EUR"))), [EventKind.CHANGED]),
        ((), [EventKind.CHANGED]),
    ],
)
def test_items_are_compared_as_a_multiset(items: tuple[Item, ...], expected: list[EventKind]) -> None:
    assert kinds(knowing(), shown(items=items)) == expected


def without(price: bool, currency: bool) -> tuple[Item, ...]:
    """The order's items as an adapter showed them that could not read this of them."""

    def lesser(item: Item) -> Item:
        assert item.price is not None
        less = None if price else msgspec.structs.replace(item.price, currency=None if currency else "USD")
        return msgspec.structs.replace(item, price=less)

    return tuple(map(lesser, ORDER.items or ()))


def test_amounts_shown_without_a_currency_are_in_the_one_that_the_order_had() -> None:
    bare = shown(
        status="active",
        total=money("22.00", None),
        items=tuple(
            msgspec.structs.replace(item, price=item.price and money(str(item.price.amount), None))
            for item in ORDER.items or ()
        ),
    )
    [event] = events(knowing(), bare)
    assert (event.order.total, event.order.items) == (ORDER.total, ORDER.items)
    [event] = events(knowing(), msgspec.structs.replace(bare, status="pending", total=money("23.00", None)))
    assert event.order.total == money("23.00")


@pytest.mark.parametrize("less", [without(price=True, currency=False), without(price=False, currency=True)])
def test_a_price_or_currency_of_an_item_decoded_for_the_first_time_announces_nothing(less: tuple[Item, ...]) -> None:
    """An upgrade that reads more of each item would announce every order of the shop."""
    assert kinds(knowing(shown(items=less)), ORDER) == []
    assert kinds(knowing(), shown(items=less)) == []


def test_an_unknown_price_hides_no_change_of_the_other_items() -> None:
    unknown = msgspec.structs.replace(HOSTING, price=None)
    dearer = msgspec.structs.replace(DOMAIN, price=money("9"))
    assert kinds(knowing(shown(items=(unknown, DOMAIN))), shown(items=(HOSTING, dearer))) == [EventKind.CHANGED]
    assert kinds(knowing(shown(items=(unknown, DOMAIN))), shown(items=(HOSTING, DOMAIN, DOMAIN))) == [EventKind.CHANGED]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("Paid", [EventKind.INVOICE_CHANGED]), (" unpaid", []), ("UNPAID", []), ("", [EventKind.INVOICE_CHANGED])],
)
def test_an_invoice_changes_with_its_status_however_that_is_spelled(status: str, expected: list[EventKind]) -> None:
    assert kinds(knowing(), shown(invoice_status=status)) == expected


HOSTED, NAMED = ORDER.services or ()


def service(was: Service, **fields: str) -> Service:
    return msgspec.structs.replace(was, **fields)


@pytest.mark.parametrize(
    ("services", "changed"),
    [
        ((NAMED, HOSTED), False),
        ((service(HOSTED, name="Starter Hosting (example.com)"), NAMED), False),
        ((service(HOSTED, status="PENDING"), NAMED), False),
        ((service(HOSTED, status="Active"), NAMED), True),
        ((service(HOSTED, status="Active"), service(NAMED, status="Expired")), True),
        ((service(HOSTED, status="Active"), service(NAMED, status="Pending")), True),
        ((HOSTED, NAMED, Service("33", "Pending")), True),
        ((HOSTED, NAMED, NAMED), True),
        ((HOSTED,), True),
        ((), True),
    ],
)
def test_services_are_compared_by_id_and_status_and_make_one_event(
    services: tuple[Service, ...], changed: bool
) -> None:
    """One event a look, whatever moved in it: an event's key has its kind in it, and no service."""
    assert kinds(knowing(), shown(services=services)) == [EventKind.SERVICE_CHANGED] * changed


def test_a_name_of_a_service_that_changes_is_stored_silently() -> None:
    renamed = (service(HOSTED, name="Starter Hosting (example.com)"), NAMED)
    change = compare(knowing(), shown(services=renamed), T0, LOOK)
    assert change is not None
    assert (change.events, change.known.order.services) == ((), renamed)


def test_the_invoice_and_the_services_leave_what_is_known_of_the_orders_status_as_it_was() -> None:
    """A return, and how long a status lasted, are about the order's own."""
    known = knowing(previous_status="fraud", status_since=T0)
    change = compare(known, shown(invoice_status="Paid", services=()), T0 + MINUTE, LOOK)
    assert change is not None
    assert [event.kind for event in change.events] == [EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED]
    assert (change.known.previous_status, change.known.status_since) == ("fraud", T0)
    assert not is_return(known, shown(invoice_status="fraud", services=(Service("31", "fraud"),)))


def test_all_that_one_look_finds_shares_a_revision() -> None:
    found = events(knowing(), shown(status="active", invoice_status="Paid", services=(), items=()))
    assert [event.kind for event in found] == [
        EventKind.STATUS_CHANGED,
        EventKind.CHANGED,
        EventKind.INVOICE_CHANGED,
        EventKind.SERVICE_CHANGED,
    ]
    assert {event.revision for event in found} == {4}


def test_status_and_total_changing_together_are_two_events_of_one_revision() -> None:
    found = events(knowing(), shown(status="fraud", total=money("1")))
    assert [event.kind for event in found] == [EventKind.STATUS_CHANGED, EventKind.CHANGED]
    assert {event.revision for event in found} == {4}


def test_a_created_at_or_number_that_moves_is_stored_silently() -> None:
    change = compare(knowing(), shown(number="ORD-88", created_at=T0), T0, LOOK)
    assert change is not None
    assert change.events == ()
    assert change.known.order.number == "ORD-88"


def test_a_change_of_the_total_leaves_what_is_known_of_the_status_as_it_was() -> None:
    change = compare(knowing(previous_status="fraud", status_since=T0), shown(total=money("1")), T0 + MINUTE, LOOK)
    assert change is not None
    assert (change.known.previous_status, change.known.status_since) == ("fraud", T0)


def test_only_the_previous_status_is_a_return() -> None:
    known = knowing(shown(status="Active"), previous_status="pending")
    assert is_return(known, shown(status="PENDING"))
    assert not is_return(known, shown(status="active"))
    assert not is_return(known, shown(status="fraud"))
    assert not is_return(knowing(), shown(status="active"))


def test_an_order_is_gone_at_the_second_proof_in_a_row() -> None:
    first = absent(knowing(), T0 + MINUTE, LOOK)
    assert first.events == ()
    assert (first.known.missing, first.known.vanished_at) == (1, None)
    second = absent(first.known, T0 + 2 * MINUTE, LOOK)
    assert [event.kind for event in second.events] == [EventKind.VANISHED]
    assert (second.known.revision, second.known.vanished_at) == (5, T0 + 2 * MINUTE)


def test_a_vanished_order_was_last_seen_before_the_look_that_missed_it_first() -> None:
    """Else the message says "after 08:02" of an order that was gone at 08:01 already."""
    first = absent(knowing(), T0 + 2 * MINUTE, Look("shop", baseline=True, first_revision=7, last_complete=T0 + MINUTE))
    second = absent(
        first.known, T0 + 3 * MINUTE, Look("shop", baseline=True, first_revision=8, last_complete=T0 + 2 * MINUTE)
    )
    [event] = second.events
    assert event.after_time == T0 + MINUTE


def test_a_sighting_between_two_absences_starts_the_count_anew() -> None:
    first = absent(knowing(), T0, LOOK)
    seen = compare(first.known, ORDER, T0, LOOK)
    assert seen is not None
    assert seen.events == ()
    assert seen.known.missing == 0
    assert absent(seen.known, T0, LOOK).events == ()


def test_a_believed_absence_needs_no_second_one() -> None:
    assert [event.kind for event in absent(knowing(), T0, LOOK, believed=True).events] == [EventKind.VANISHED]


def test_a_vanished_order_that_shows_again_reappears_with_what_changed_meanwhile() -> None:
    gone = knowing(vanished_at=T0, missing=2)
    assert kinds(gone, ORDER) == [EventKind.REAPPEARED]
    assert kinds(gone, shown(status="active")) == [EventKind.REAPPEARED, EventKind.STATUS_CHANGED]
    change = compare(gone, ORDER, T0, LOOK)
    assert change is not None
    assert (change.known.missing, change.known.vanished_at) == (0, None)


def ids(count: int, start: int = 0) -> list[str]:
    return [str(number) for number in range(start, start + count)]


@pytest.mark.parametrize(
    ("known", "missing", "verdict"),
    [
        (100, 0, Absences.COUNT),
        (0, 0, Absences.COUNT),
        (6, 5, Absences.COUNT),
        (100, 10, Absences.COUNT),
        (100, 11, Absences.DOUBT),
        (40, 5, Absences.COUNT),
        (40, 6, Absences.DOUBT),
        (5, 5, Absences.DOUBT),
        (1, 1, Absences.DOUBT),
        (100_000, 10_000, Absences.COUNT),
        (100_000, 10_001, Absences.DOUBT),
    ],
)
def test_a_loss_is_doubtful_above_the_limit_or_when_nothing_is_left(
    known: int, missing: int, verdict: Absences
) -> None:
    judged, doubt = judge_absences(known, ids(missing), None, None, T0)
    assert judged is verdict
    assert (doubt is not None) is (verdict is Absences.DOUBT)


def look_again(doubt: Doubt | None, at: datetime, missing: list[str], known: int = 20) -> tuple[Absences, Doubt | None]:
    return judge_absences(known, missing, doubt, None, at)


def test_three_agreeing_looks_over_an_hour_are_believed() -> None:
    verdict, doubt = look_again(None, T0, ids(20))
    verdict, doubt = look_again(doubt, T0 + 59 * MINUTE, ids(20))
    assert verdict is Absences.DOUBT
    verdict, doubt = look_again(doubt, T0 + 60 * MINUTE, list(reversed(ids(20))))
    assert (verdict, doubt) == (Absences.BELIEVE, None)


def test_two_looks_are_not_enough_however_long_they_are_apart() -> None:
    _, doubt = look_again(None, T0, ids(20))
    assert look_again(doubt, T0 + timedelta(days=3), ids(20))[0] is Absences.DOUBT


def test_many_looks_within_an_hour_are_not_enough() -> None:
    doubt = None
    for minute in range(60):
        verdict, doubt = look_again(doubt, T0 + minute * MINUTE, ids(20))
        assert verdict is Absences.DOUBT


def test_looks_that_lack_other_orders_do_not_agree_but_are_counted_as_doubtful() -> None:
    """A list that lacks something else each time must be reported, and never believed."""
    doubt = None
    for number in range(5):
        verdict, doubt = look_again(doubt, T0 + number * timedelta(hours=1), ids(10, start=number))
        assert verdict is Absences.DOUBT
    assert doubt is not None
    assert (doubt.looks, doubt.agreeing, doubt.since) == (5, 1, T0)


def test_the_hour_of_agreement_begins_with_the_first_look_that_agrees() -> None:
    _, doubt = look_again(None, T0, ids(10, start=1))
    _, doubt = look_again(doubt, T0 + 50 * MINUTE, ids(10))
    _, doubt = look_again(doubt, T0 + 60 * MINUTE, ids(10))
    assert look_again(doubt, T0 + 109 * MINUTE, ids(10))[0] is Absences.DOUBT
    assert look_again(doubt, T0 + 110 * MINUTE, ids(10))[0] is Absences.BELIEVE


def test_an_accepted_loss_is_believed_and_so_is_one_a_little_larger() -> None:
    assert judge_absences(100, ids(50), None, 50, T0)[0] is Absences.BELIEVE
    assert judge_absences(100, ids(60), None, 50, T0)[0] is Absences.BELIEVE
    assert judge_absences(100, ids(61), None, 50, T0)[0] is Absences.DOUBT
    assert judge_absences(3, ids(3), None, 3, T0)[0] is Absences.BELIEVE


def test_a_list_that_is_whole_again_leaves_no_doubt() -> None:
    _, doubt = look_again(None, T0, ids(20))
    assert look_again(doubt, T0, []) == (Absences.COUNT, None)


def test_how_long_an_order_was_in_a_status_that_nobody_saw_it_enter_is_not_made_up() -> None:
    change = compare(knowing(order=shown(status="active")), shown(status="fraud"), T0 + MINUTE, LOOK)
    assert change is not None
    assert change.events[0].since is None
