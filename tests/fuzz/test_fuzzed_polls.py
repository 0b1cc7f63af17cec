"""The poller against nonsense: nothing false is told, nothing known is harmed, and once it is over all is made good."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from fuzz_corpus import (
    CLAIMED,
    CLAIMS,
    JUNK,
    META,
    NO_ORDERS,
    STRANGERS,
    meta_of,
    page_of,
    stranger,
    with_claim,
    with_field,
    with_junk,
    with_meta,
)
from fuzz_shop import Distort, Judge, NonsenseShop, Spell, happen, instead
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from polling_stage import Watch, state

STATUSES = ("pending", "active", "fraud", "cancelled")
WHICH = ("all", "whole list", "status lists", "later pages", "first pages", "second reads")
SHOPS: dict[str, tuple[str, int, int]] = {
    "without pages": ("released", 12, 100),
    "on one page": ("documented", 12, 100),
    "in a few pages": ("documented", 25, 10),
    "watched": ("documented", 120, 10),
}
"""What it speaks, how many orders there are, and how many of them on a page."""
GARBLED = (
    ("status", (b"null", b'""', b"1", b"{}", b"[]")),
    ("id", (b"null", b'""', b"7.5", b"{}", b"true")),
    ("total", (b"null", b'"NaN"', b"1e400", b"[]", b'"22,50"', b"9" * 5000)),
    ("items", (b"null", b'""', b"{}", b'"[]"', b"7")),
    ("created_at", (b"null", b'"0000-00-00 00:00:00"', b"{}", b"0")),
    ("x", (b'"\\ud800"', b"[" * 400 + b"]" * 400, b'"\xff"')),
)

PAGING = {"current_page": b"1", "last_page": b"12", "per_page": b"10", "total": b"120"}

Changes = list[tuple[int | None, str]]


class Bout(NamedTuple):
    """What changes in the shop, then the nonsense that one poll meets.

    ``restart``: by a new process. One that was shown nonsense reads the list whole for a while.
    """

    changes: Changes
    spell: Spell
    restart: bool


class Told(NamedTuple):
    """A distortion, by a name that says what it is."""

    name: str
    distort: Distort

    def __repr__(self) -> str:
        return self.name


def lie(name: str, value: bytes) -> Told:
    return Told(f"{name}: {value[:20]!r}", lambda body: with_claim(body, name, value))


def alone(order_id: str) -> Told:
    return Told(f"a stranger alone: {order_id[:20]}", lambda body: page_of([stranger(order_id)], meta_of(PAGING)))


DISTORTIONS: st.SearchStrategy[Told] = st.one_of(
    st.sampled_from(sorted(NO_ORDERS)).map(lambda name: Told(name, instead(name))),
    st.builds(lie, st.sampled_from(CLAIMED), st.sampled_from(CLAIMS)),
    st.sampled_from(META).map(lambda meta: Told(f"meta: {meta!r}", lambda body: with_meta(body, meta))),
    st.tuples(st.sampled_from(JUNK), st.integers(0, 12)).map(
        lambda junk: Told(f"junk: {junk[0][:30]!r}", lambda body: with_junk(body, *junk))
    ),
    st.sampled_from([(field, value) for field, values in GARBLED for value in values]).map(
        lambda field: Told(f"{field[0]}: {field[1][:20]!r}", lambda body: with_field(body, *field))
    ),
    st.tuples(st.sampled_from(sorted(STRANGERS)), st.integers(0, 12)).map(
        lambda odd: Told(f"among strangers: {odd[0][:20]}", lambda body: with_junk(body, stranger(odd[0]), odd[1]))
    ),
    st.sampled_from(sorted(STRANGERS)).map(alone),
    st.integers(0, 300).map(lambda cut: Told(f"cut at {cut}", lambda body: body[:cut])),
)


@st.composite
def spells(draw: st.DrawFn) -> Spell:
    distort = draw(DISTORTIONS)
    event(distort.name.split(":")[0])
    return Spell(distort.distort, draw(st.sampled_from(WHICH)), draw(st.integers(1, 3)), draw(st.integers(0, 3)))


CHANGES = st.lists(st.tuples(st.none() | st.integers(0, 200), st.sampled_from(STATUSES)), max_size=3)
BOUTS = st.lists(st.builds(Bout, CHANGES, spells(), st.booleans()), min_size=1, max_size=5)
SCENES = st.tuples(st.sampled_from(sorted(SHOPS)), st.sampled_from(["newest", "oldest"]))
AT_LENGTH = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
BRIEFLY = settings(AT_LENGTH, max_examples=60, derandomize=True)


async def stand_nonsense(scene: tuple[str, Any], bouts: list[Bout]) -> None:
    shop = NonsenseShop(*SHOPS[scene[0]], scene[1])
    async with state() as store:
        judge = Judge(shop, Watch(shop, store))
        await judge.baseline()
        await judge.poll()
        assert judge.watches_by_status == (scene[0] == "watched")
        for bout in bouts:
            if bout.restart:
                shop.spell = None
                await judge.begin_anew()
            happen(shop, bout.changes)
            shop.spell = bout.spell
            await judge.poll()
        shop.spell = None
        await calm_down(judge)


async def calm_down(judge: Judge) -> None:
    """Honest again: within a settle what is known is true. A sweep later it still is."""
    for _ in range(12):
        await judge.poll()
        if not await judge.differing():
            break
    for apart in (60, 600, 86400, 86400, 60):
        await judge.poll(apart=apart)
        assert await judge.differing() == []


@given(SCENES, BOUTS)
@BRIEFLY
def test_nonsense_tells_nothing_false_and_harms_nothing_known(scene: tuple[str, Any], bouts: list[Bout]) -> None:
    asyncio.run(stand_nonsense(scene, bouts))


@pytest.mark.torture
@given(SCENES, st.lists(st.builds(Bout, CHANGES, spells(), st.booleans()), min_size=1, max_size=12))
@settings(AT_LENGTH, max_examples=int(os.environ.get("ROUNDS", "1000")))
def test_nonsense_at_length(scene: tuple[str, Any], bouts: list[Bout]) -> None:
    asyncio.run(stand_nonsense(scene, bouts))


@pytest.mark.parametrize("scene", SHOPS)
async def test_each_body_of_the_corpus_is_stood_by_each_kind_of_shop(scene: str) -> None:
    await stand_each(scene, [Told(name, instead(name)) for name in NO_ORDERS])


@pytest.mark.parametrize("scene", SHOPS)
@pytest.mark.parametrize("name", CLAIMED)
async def test_each_odd_claim_is_stood_by_each_kind_of_shop(scene: str, name: str) -> None:
    """Its rows are true: what is made of them must be, too."""
    await stand_each(scene, [lie(name, value) for value in CLAIMS])


@pytest.mark.parametrize("scene", SHOPS)
async def test_orders_with_odd_ids_are_stood_by_each_kind_of_shop(scene: str) -> None:
    """Alone on each page, where known orders are looked up."""
    await stand_each(scene, [alone(order_id) for order_id in STRANGERS])


@pytest.mark.parametrize("scene", SHOPS)
@pytest.mark.parametrize("name", [name for name in NO_ORDERS if name.startswith(("empty", "rows"))])
async def test_a_list_of_nothing_is_not_believed_for_half_an_hour(scene: str, name: str) -> None:
    shop = NonsenseShop(*SHOPS[scene], "newest")
    async with state() as store:
        judge = Judge(shop, Watch(shop, store))
        await judge.baseline()
        shop.spell = Spell(instead(name))
        for _ in range(5):
            await judge.poll(apart=360)
        shop.spell = None
        await calm_down(judge)


@pytest.mark.parametrize("scene", SHOPS)
@pytest.mark.parametrize(("field", "value"), [("id", b"null"), ("status", b'""'), ("status", b"[]")])
async def test_a_row_that_cannot_be_read_is_no_absence(scene: str, field: str, value: bytes) -> None:
    """The last orders of each page are no orders for a while. They may be there all the same."""
    shop = NonsenseShop(*SHOPS[scene], "newest")
    async with state() as store:
        judge = Judge(shop, Watch(shop, store))
        await judge.baseline()
        shop.spell = Spell(lambda body: with_field(body, field, value, rows_from=9))
        for _ in range(5):
            await judge.poll()
        shop.spell = None
        await calm_down(judge)


async def stand_each(scene: str, distortions: Iterable[Told]) -> None:
    """One after the other, in some answers to a poll and then in all; an order is placed and one moves amid each."""
    shop = NonsenseShop(*SHOPS[scene], "newest")
    async with state() as store:
        judge = Judge(shop, Watch(shop, store))
        await judge.baseline()
        await judge.begin_anew()
        # Lists of one status are asked for, and whole ones beside them, only where orders are watched by status.
        ways = ("status lists", "whole list", "all") if judge.watches_by_status else ("all",)
        for number, told in enumerate(distortions):
            try:
                await stand_one(judge, shop, [Spell(told.distort, way) for way in ways], STATUSES[1 + number % 3])
            except Exception as error:
                error.add_note(f"the nonsense: {told.name}")
                raise
        shop.spell = None
        await calm_down(judge)


async def stand_one(judge: Judge, shop: NonsenseShop, spells: Iterable[Spell], status: str) -> None:
    happen(shop, [(None, "pending")])
    for turn, spell in enumerate(spells):
        shop.spell = None
        await judge.begin_anew()
        happen(shop, [(-2 - turn, status)])
        shop.spell = spell
        await judge.poll()
