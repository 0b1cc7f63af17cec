"""Which messages were, which would be, and the difference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.comparing import Sent, What, compare

NOON = datetime(2026, 4, 11, 12, tzinfo=UTC)


def sent(*events: int, place: str = "ops", route: str = "one") -> Sent:
    return Sent(route, place, place, NOON, events)


def differences(were: list[Sent], would: list[Sent]) -> list[tuple[str, tuple[int, ...], int, int]]:
    return [(one.what, one.message.events, one.before, one.untold) for one in compare(were, would).differences]


def test_the_same_messages_are_no_difference_whatever_route_makes_them() -> None:
    compared = compare([sent(1), sent(2, 3)], [sent(1, route="other"), sent(2, 3)])
    assert (compared.same, compared.differences) == (2, [])
    assert (compared.were, compared.would) == ({("one", "ops"): 2}, {("one", "ops"): 1, ("other", "ops"): 1})


def test_a_message_is_new_where_none_of_its_events_was_told_and_gone_where_none_would_be() -> None:
    assert differences([sent(1)], [sent(2)]) == [("gone", (1,), 0, 0), ("added", (2,), 0, 0)]
    assert differences([sent(1)], [sent(1, place="mail")]) == [("added", (1,), 0, 0), ("gone", (1,), 0, 0)]


def test_events_that_are_told_in_other_company_are_grouped_otherwise() -> None:
    assert differences([sent(1), sent(2)], [sent(1, 2)]) == [("grouped", (1, 2), 2, 0)]
    assert differences([sent(1, 2)], [sent(1), sent(2)]) == [("grouped", (1,), 1, 0), ("grouped", (2,), 1, 0)]
    assert differences([sent(1)], [sent(1, 2, 3)]) == [("grouped", (1, 2, 3), 1, 2)]
    assert differences([sent(1, 2)], [sent(1)]) == [("grouped", (1,), 1, 0)]


@st.composite
def messages(draw: st.DrawFn) -> list[Sent]:
    """Each event in one message of a place at most."""
    made = []
    for place in ("ops", "mail"):
        events = draw(st.lists(st.integers(1, 12), unique=True))
        sizes = draw(st.lists(st.integers(1, 4), min_size=len(events), max_size=len(events)))
        while events:
            size = sizes.pop()
            made.append(sent(*sorted(events[:size]), place=place))
            events = events[size:]
    return made


@given(messages(), messages())
def test_every_message_is_counted_once_as_the_same_or_a_difference(were: list[Sent], would: list[Sent]) -> None:
    compared = compare(were, would)
    found = Counter(one.what for one in compared.differences)
    assert compared.same + found[What.ADDED] + found[What.GROUPED] == len(would)
    assert sum(compared.were.values()) == len(were)
    assert compare(were, were).differences == []
    told = {(one.place, event) for one in would for event in one.events}
    gone = [one.message for one in compared.differences if one.what is What.GONE]
    assert gone == [one for one in sorted(were, key=lambda one: one.events) if one in gone]
    assert all((one.place, event) not in told for one in gone for event in one.events)
