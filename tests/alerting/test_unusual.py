"""Changes of status outside the usual life of an order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from alerting_examples import SEEN, event, order, routes

from monitor.alerting.conditions import subjects_of
from monitor.alerting.routes import Router
from monitor.model import Life, Meaning, Meanings, OrderEvent, normalise_status
from monitor.sources.registry import ADAPTERS

LIFE: Life = {"pending": ("active", "fraud"), "active": ("cancelled",), "fraud": (), "n": ("p",)}
MEANINGS: Meanings = {"n": Meaning.PENDING, "p": Meaning.ACTIVE, "on_hold": Meaning.PENDING, "draft": Meaning.PENDING}


def changed(before: str, after: str, kind: str = "status_changed") -> OrderEvent:
    return event(kind, was=before, order=order(after))


def is_unusual(happened: OrderEvent, life: Life = LIFE, meanings: Meanings = MEANINGS) -> bool:
    (subject,) = subjects_of(happened, {}, meanings, life)
    return subject.unusual


@pytest.mark.parametrize(
    ("before", "after", "unusual"),
    [
        ("pending", "active", False),
        ("Pending", "FRAUD", False),
        ("fraud", "active", True),
        ("active", "pending", True),
        ("pending", "cancelled", True),
        ("pending", "weird", True),
        # by its own words before what they mean
        ("n", "p", False),
        ("n", "fraud", True),
        # by what it means, where its own words are not in the life
        ("on-hold", "p", False),
        ("on-hold", "cancelled", True),
        # from one word to another of the same meaning
        ("on-hold", "draft", False),
        # of what is not in it nothing is known
        ("weird", "active", False),
        ("cancelled", "active", False),
    ],
)
def test_a_change_is_unusual_that_the_life_does_not_have(before: str, after: str, unusual: bool) -> None:
    assert is_unusual(changed(before, after)) is unusual


@pytest.mark.parametrize("kind", ["appeared", "vanished", "reappeared", "changed", "invoice_changed"])
def test_only_a_change_of_the_order_s_status_is_unusual(kind: str) -> None:
    assert not is_unusual(changed("fraud", "active", kind))
    assert not is_unusual(event(was=None, order=order("active")))


def test_a_source_without_a_life_has_nothing_unusual() -> None:
    assert not is_unusual(changed("fraud", "active"), {})


def matches(when: str, happened: OrderEvent) -> bool:
    router = Router(routes(f"[{{name: one, when: {when}}}]"), {"ops": ["url-1"]}, lives={"shop": LIFE})
    return bool(router.route(happened, SEEN).planned)


@pytest.mark.parametrize(
    ("when", "of_the_unusual", "of_the_usual"),
    [
        ("{unusual: true}", True, False),
        ("{unusual: false}", False, True),
        ("{not: {unusual: true}}", False, True),
        ("{unusual: true, to: fraud}", False, False),
    ],
)
def test_a_route_can_ask_for_what_is_unusual(when: str, of_the_unusual: bool, of_the_usual: bool) -> None:
    assert matches(when, changed("fraud", "active")) is of_the_unusual
    assert matches(when, changed("pending", "active")) is of_the_usual


def moves_of(kind: str) -> Iterable[tuple[str, str, bool]]:
    entry = ADAPTERS[kind]
    for before in entry.life:
        for after in entry.life:
            if before != after:
                yield before, after, is_unusual(changed(before, after), entry.life, entry.meanings)


@pytest.mark.parametrize("kind", ADAPTERS)
def test_each_life_is_written_as_statuses_are_compared_and_goes_on_with_what_it_knows(kind: str) -> None:
    life = ADAPTERS[kind].life
    after = {status for statuses in life.values() for status in statuses}
    assert after <= life.keys()
    assert {normalise_status(status) for status in life} == life.keys()


@pytest.mark.parametrize("kind", ADAPTERS)
def test_every_status_that_can_be_asked_for_has_its_place_in_the_life(kind: str) -> None:
    entry = ADAPTERS[kind]
    for status in map(normalise_status, entry.statuses):
        assert status in entry.life or str(entry.meanings.get(status)) in entry.life


@pytest.mark.parametrize("kind", ["opterius", "whmcs", "hostbill", "hostup", "rest"])
def test_what_an_administrator_can_cause_is_unusual(kind: str) -> None:
    found = {(before, after): unusual for before, after, unusual in moves_of(kind)}
    assert not any(found["pending", status] for status in ("active", "fraud", "cancelled"))
    assert not found["active", "cancelled"]
    assert found["fraud", "active"]
    assert found["cancelled", "pending"]
    assert found["active", "pending"]


@pytest.mark.parametrize(
    ("kind", "usual", "unusual"),
    [
        ("pretix", [("n", "p"), ("e", "p"), ("p", "c")], [("c", "p"), ("p", "n")]),
        ("woocommerce", [("on_hold", "processing"), ("failed", "processing")], [("cancelled", "processing")]),
        ("fossbilling", [("pending_setup", "active"), ("suspended", "active")], [("cancelled", "active")]),
    ],
)
def test_systems_with_words_of_their_own_have_lives_of_their_own(
    kind: str, usual: list[tuple[str, str]], unusual: list[tuple[str, str]]
) -> None:
    found = {(before, after): odd for before, after, odd in moves_of(kind)}
    assert not any(found[move] for move in usual)
    assert all(found[move] for move in unusual)
