"""`check --connect` of sources that are watched in other ways than by status: by followed ids, by what was modified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from typed import Hook, Keyboard

from monitor.cli.connect import look, unreached
from monitor.cli.findings import SourceFound, Way, requests_a_day
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.simulator.faults import Failure, IgnoredFilter
from monitor.simulator.server import Simulator
from monitor.simulator.world import World
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.opterius import Opterius
from monitor.sources.pretix import Pretix
from monitor.sources.registry import ADAPTERS

TOKEN = "made-up-token-4711"
PLACED = datetime(2025, 7, 1, 12, 22, tzinfo=UTC)
HOSTUP: dict[str, Any] = {"type": "hostup", "api_key": TOKEN}
PRETIX: dict[str, Any] = {"type": "pretix", "token": TOKEN, "organizer": "acme", "currency": "EUR"}


def world_of(**statuses: int) -> World:
    world = World()
    for status, count in statuses.items():
        for _ in range(count):
            world.place(status=status, total=4900, at=PLACED)
    return world


@asynccontextmanager
async def serving(dialect: str, **statuses: int) -> AsyncIterator[Simulator]:
    async with Simulator(world_of(**statuses), dialect, token=TOKEN) as shop:
        yield shop


def configuration(shop: Simulator, hook: str, **source: Any) -> dict[str, Any]:
    return {"sources": {"shop": {"url": shop.url, **source}}, "channels": {"ops": {"url": hook}}}


async def found(shop: Simulator, **source: Any) -> tuple[SourceFound, tuple[int, int]]:
    """What is found, and polls and requests a day."""
    settings = Settings.model_validate({"sources": {"shop": {"url": shop.url, **source}}})
    (only,) = await look(settings, SystemClock())
    assert isinstance(only, SourceFound)
    return only, requests_a_day(only, settings.sources["shop"])


async def test_each_followed_order_is_read_and_one_is_shown(keyboard: Keyboard, hook: Hook) -> None:
    async with serving("hostup", pending=2, fraud=1) as shop:
        keyboard.file.write_text(yaml.safe_dump(configuration(shop, hook.url, **HOSTUP, orders=[1, 2, 3])))
        typed = await keyboard.beside("check", "--connect")
        assert shop.request_count == 3
    assert (typed.code, typed.err) == (0, "")
    lines = [line.strip() for line in typed.out.splitlines()]
    assert "✓ token       accepted" in lines
    assert "orders      3 orders: 2 Pending · 1 Fraud" in lines
    assert any(line.startswith("one as read ") and " · Pending · " in line for line in lines)
    assert "noticed     changes within 60 s, deletions within 2 min" in lines
    assert "a day       4,320 requests: 1,440 polls of 3" in lines
    assert "routes      a change to any of these statuses reaches somebody" in lines


async def test_a_followed_order_that_is_not_there_is_warned_of() -> None:
    async with serving("hostup", active=1) as shop:
        seen, _ = await found(shop, **HOSTUP, orders=[1, 777, 778])
    assert (seen.problem, seen.by_status) == (None, {"Active": 1})
    assert seen.warnings == ["it has no such order: 777, 778"]


async def test_a_source_that_follows_nothing_is_warned_of_and_not_contacted() -> None:
    async with serving("hostup", active=1) as shop:
        seen, a_day = await found(shop, **HOSTUP)
        assert shop.request_count == 0
    assert a_day == (1440, 0)
    (warning,) = seen.warnings
    assert warning.startswith("it follows no order, and was not contacted: name some under orders")


async def test_details_are_asked_for_as_for_a_message(keyboard: Keyboard, hook: Hook) -> None:
    """A detail source that refuses, or knows the orders by other ids, would be found out by the first alert."""
    async with serving("documented", active=2) as shop, serving("hostup", active=2) as hosting:
        source = {"type": "opterius", "token": TOKEN, "detail": "hosting"}
        settings = configuration(shop, hook.url, **source)
        settings["sources"]["hosting"] = {"url": hosting.url, **HOSTUP}
        keyboard.file.write_text(yaml.safe_dump(settings))
        shown = (await keyboard.beside("check", "--connect")).out
        hosting.faults.set(Failure(code=403))
        refused = (await keyboard.beside("check", "--connect")).out
    assert "✓ details     shown by hosting" in shown
    assert "was not contacted but for details about orders of shop" in shown
    assert "! mind        messages will lack details: hosting does not show order 2: 403" in refused


async def test_a_key_that_is_refused_is_no_missing_order() -> None:
    async with serving("hostup", active=1) as shop:
        shop.token = "another"
        seen, _ = await found(shop, **(HOSTUP | {"api_key": "a-wrong-key"}), orders=[1, 2])
    assert (seen.reachable, seen.token_accepted) == (True, False)
    assert "refused" in (seen.problem or "")


async def test_what_was_modified_costs_one_request_a_poll_and_a_sweep_a_day(keyboard: Keyboard, hook: Hook) -> None:
    async with serving("pretix", active=117, pending=3, cancelled=2) as shop:
        keyboard.file.write_text(yaml.safe_dump(configuration(shop, hook.url, **PRETIX)))
        typed = await keyboard.beside("check", "--connect")
    lines = [line.strip() for line in typed.out.replace("\u00a0", " ").splitlines()]
    assert (typed.code, typed.err) == (0, "")
    assert "orders      122 orders: 117 p (active) · 3 n (pending) · 2 c (cancelled)" in lines
    assert "noticed     changes within 60 s, deletions within 1 day" in lines
    assert "a day       1,443 requests: 1,440 polls of 1, a sweep of 3" in lines


async def test_a_list_of_one_page_is_read_whole_whatever_it_could_be_asked_for() -> None:
    async with serving("pretix", active=30) as shop:
        seen, a_day = await found(shop, **PRETIX)
    assert (seen.way, seen.requests, a_day) == (Way.WHOLE, 1, (1440, 1440))


async def test_a_source_that_ignores_the_time_that_it_is_asked_for_is_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    as_it_is = Pretix.list_request

    def without_the_time(self: Pretix, query: ListQuery) -> Request:
        return as_it_is(self, msgspec.structs.replace(query, modified_since=None))

    monkeypatch.setattr(Pretix, "list_request", without_the_time)
    async with serving("pretix", active=122) as shop:
        seen, _ = await found(shop, **PRETIX)
    assert seen.way is Way.WHOLE
    assert "it shows orders modified before the time that it is asked for" in seen.warnings


async def test_sources_that_share_a_budget_wait_for_each_other() -> None:
    """What one of them could do alone is no promise: the smallest budget of the host counts, for all of its sources."""
    async with serving("hostup", active=3) as shop:
        source = {"url": shop.url, **HOSTUP, "orders": [1, 2, 3], "every": "20s"}
        sources = {"one": source, "two": source, "three": {**source, "max_requests_per_minute": 60}}
        settings = Settings.model_validate({"sources": sources})
        seen = await look(settings, SystemClock())
    assert [one.reading for one in seen if isinstance(one, SourceFound)] == [9, 9, 9]


class _Chained(Opterius):
    """Each page leads to the next, which cannot be asked for alone."""

    chained = True

    def list_request(self, query: ListQuery) -> Request:
        page = query.page if query.after is None else int(query.after)
        return super().list_request(ListQuery(page, query.size, query.status))

    def decode_list(self, answer: Answer) -> Any:
        page: Any = super().decode_list(answer)
        page.following = str(page.number + 1) if page.number < page.last_page else None
        return page


@pytest.mark.parametrize("ignored", [False, True])
async def test_a_list_that_leads_from_page_to_page_is_never_watched_by_status(
    ignored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With believable totals it need not even be read; without them it is, to its end."""
    entry = ADAPTERS["opterius"]._replace(make=_Chained.from_settings)
    monkeypatch.setitem(ADAPTERS, "opterius", entry)
    async with serving("documented", active=500, pending=3) as shop:
        if ignored:
            shop.faults.set(IgnoredFilter())
        seen, a_day = await found(shop, type="opterius", token=TOKEN)
    assert seen.by_status == {"active": 500, "pending": 3}
    assert (seen.way, seen.requests, a_day) == (Way.WHOLE, 6, (1440, 6 * 1440))


def test_a_route_that_names_a_meaning_reaches_the_statuses_that_mean_it() -> None:
    shop = {"type": "pretix", "url": "https://x.example.com", "token": TOKEN, "organizer": "acme"}
    routes = [{"name": "only", "when": {"to": ["cancelled", "active"]}, "channels": ["ops"]}]
    settings = {"sources": {"shop": shop}, "channels": {"ops": {"url": "json://localhost"}}, "routes": routes}
    assert unreached(Settings.model_validate(settings), "shop", ["n", "p", "c"]) == ["n"]
    own: dict[str, Any] = {**shop, "statuses": {"N": "active"}}
    settings["sources"] = {"shop": own}
    assert unreached(Settings.model_validate(settings), "shop", ["n", "p", "c"]) == []
