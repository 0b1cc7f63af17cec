"""What the API tells: what is asked for and nothing else, and plainly what cannot be asked."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from api_asking import TOKEN
from api_stage import Asking, asking
from web_stage import TOKEN as SHOP_TOKEN

from monitor.cli import main
from monitor.diff import Change
from monitor.model import Doubt, EventKind, Known, Order, SourceState
from monitor.web.api import reading as api_reading
from monitor.web.api.openapi import document


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asking]:
    async with asking(tmp_path) as made:
        yield made


def ids(page: Any) -> list[str]:
    return [row["order"]["id"] for row in page["items"]]


async def refused(asked: Asking, path: str, status: int = 400) -> str:
    """What is said against it."""
    said = await asked.api.ask("GET", path)
    assert said.status == status, said
    return str(said.body["error"])


# Orders


async def test_orders_come_with_the_one_that_moved_last_first(asked: Asking) -> None:
    page = await asked.api.get("/orders")
    assert len(page["items"]) == 31
    entered = [row.get("status_since") or row["order"]["created_at"] for row in page["items"]]
    times = [datetime.fromisoformat(time) for time in entered]
    assert times == sorted(times, reverse=True)
    assert {str(asked.moved), str(asked.dead)} == {*ids(await asked.api.get("/orders?status=FRAUD"))}
    assert ids(await asked.api.get("/orders?status=nonsense")) == []


async def test_orders_that_are_gone_are_shown_when_asked(asked: Asking) -> None:
    [gone] = (await asked.api.get("/orders?vanished=true"))["items"]
    assert gone["vanished_at"]
    assert gone["order"]["id"] not in ids(await asked.api.get("/orders?vanished=false"))


async def test_orders_are_found_by_the_beginning_or_the_end_of_their_number(asked: Asking) -> None:
    assert str(asked.moved) in ids(await asked.api.get(f"/orders?text=ORD-{asked.moved:04}"))
    assert ids(await asked.api.get("/orders?source=shop&text=0030")) == ["30"]


async def test_an_order_is_told_as_explain_does(asked: Asking, tmp_path: Path) -> None:
    def explain() -> Any:
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            assert main(["explain", "shop", str(asked.moved), "--json", "-c", str(tmp_path / "monitor.yaml")]) == 0
        return json.loads(shown.getvalue())

    told = await asked.api.get(f"/orders/shop/{asked.moved}")
    assert told == await asyncio.to_thread(explain)
    assert told == await asked.api.get(f"/orders/shop/{told['number']}")
    assert [event["kind"] for event in told["events"]] == ["status_changed"]


async def test_an_id_may_hold_anything(asked: Asking) -> None:
    odd = ["a/b", "%2F", "a b", "ö?&#", "retry", "a/../b", "..a", "x" * 300, '<script>"', "\N{PILE OF POO}"]
    now = asked.stage.server.context.clock.now()

    def write(tx: Any) -> None:
        orders = [Known(Order(one, "active"), 1, now, now) for one in odd]
        tx.save_orders("shop", [Change(one, new=True) for one in orders], {})

    await asked.stage.server.context.store.transact(write)
    for one in odd:
        assert (await asked.api.get(f"/orders/shop/{quote(one, safe='')}"))["id"] == one


async def test_a_number_of_several_orders_names_them(asked: Asking) -> None:
    now = asked.stage.server.context.clock.now()
    twins = [Change(Known(Order(one, "active", number="TWIN"), 1, now, now), new=True) for one in ("901", "902")]
    await asked.stage.server.context.store.transact(lambda tx: tx.save_orders("shop", twins, {}))
    why = await refused(asked, "/orders/shop/TWIN", 404)
    assert why == "several orders are called so: ask for one by its id: 901, 902"
    assert await refused(asked, "/events?order=TWIN") == "order: is several orders' number: 901, 902"
    assert (await asked.api.get("/events?order=902"))["items"] == []


async def test_what_was_never_seen_is_not_there(asked: Asking) -> None:
    assert await refused(asked, "/orders/shop/nosuch", 404) == "no such order was ever seen"
    assert await refused(asked, "/orders/nosuch/1", 404) == "no such order was ever seen"
    for path in ("/events/999", "/deliveries/999", "/sources/shpo", "/events/x", "/events/9999999999999999999", "/nix"):
        assert await refused(asked, path, 404)
    assert await refused(asked, "/sources/shpo", 404) == "there is no such source, did you mean shop?"


# Events


async def test_events_come_newest_first_and_by_kind(asked: Asking) -> None:
    everything = (await asked.api.get("/events"))["items"]
    numbers = [event["id"] for event in everything]
    assert numbers == sorted(numbers, reverse=True)
    for kind in {event["kind"] for event in everything}:
        found = (await asked.api.get(f"/events?kind={kind}"))["items"]
        assert found == [event for event in everything if event["kind"] == kind]
    both = (await asked.api.get("/events?kind=appeared&kind=source_down"))["items"]
    assert [event["kind"] for event in both] == ["source_down", "appeared", "appeared"]
    assert await asked.api.get(f"/events/{numbers[0]}") == everything[0]


async def test_events_of_an_order_by_id_or_number(asked: Asking) -> None:
    by_id = await asked.api.get(f"/events?order={asked.moved}")
    assert [event["kind"] for event in by_id["items"]] == ["status_changed"]
    number = by_id["items"][0]["order"]["number"]
    assert await asked.api.get(f"/events?source=shop&order={number}") == by_id
    assert (await asked.api.get("/events?order=nosuch"))["items"] == []


async def test_events_say_what_routes_made_of_them(asked: Asking) -> None:
    [event] = (await asked.api.get(f"/events?order={asked.moved}"))["items"]
    assert event["decided"] == [{"route": "fraud", "part": "tells", "to": ["ops"]}]
    assert event["stopped_by"] == "fraud"


async def test_events_are_searched_for_a_text(asked: Asking) -> None:
    assert [event["kind"] for event in (await asked.api.get("/events?text=No%20Connection"))["items"]] == [
        "source_down"
    ]


async def test_events_before_an_id(asked: Asking) -> None:
    found = (await asked.api.get("/events?before=3"))["items"]
    assert [event["id"] for event in found] == [2, 1]


async def test_a_script_that_asks_after_what_it_saw_misses_nothing(asked: Asking) -> None:
    everything = [event["id"] for event in (await asked.api.get("/events"))["items"]][::-1]
    seen, after = [], 0
    while page := (answer := await asked.api.get(f"/events?after={after}&limit=2"))["items"]:
        seen += [event["id"] for event in page]
        after = answer["after"]
    assert seen == everything
    assert answer == {"items": [], "next": None, "after": everything[-1]}
    asked.stage.world.set_status(asked.moved, "active")
    await asked.stage.app.poll_all()
    [news] = (await asked.api.get(f"/events?after={after}"))["items"]
    assert (news["kind"], news["id"]) == ("status_changed", after + 1)


async def test_after_goes_past_what_is_not_wanted(asked: Asking) -> None:
    """Else a script that wants few kinds would look at the same events for ever."""
    newest = (await asked.api.get("/events"))["items"][0]["id"]
    page = await asked.api.get("/events?after=0&kind=spike")
    assert page == {"items": [], "next": None, "after": newest}
    page = await asked.api.get("/events?after=0&kind=appeared&limit=1")
    assert len(page["items"]) == 1
    assert page["next"]
    rest = await asked.api.get(f"/events?cursor={page['next']}&kind=appeared&limit=1")
    assert (len(rest["items"]), rest["next"], rest["after"]) == (1, None, newest)
    assert rest["items"][0]["id"] > page["items"][0]["id"]
    by_order = await asked.api.get(f"/events?after=0&source=shop&order={asked.moved}")
    assert [event["order"]["id"] for event in by_order["items"]] == [str(asked.moved)]
    assert by_order["after"] == newest


async def test_after_goes_on_where_a_question_has_looked_at_enough(
    asked: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_reading, "_BATCH", 2)
    monkeypatch.setattr(api_reading, "_MOST_BATCHES", 1)
    page = await asked.api.get("/events?after=0&kind=source_down")
    assert (page["items"], page["after"]) == ([], 2)
    while page["next"]:
        page = await asked.api.get(f"/events?kind=source_down&cursor={page['next']}")
        if page["items"]:
            break
    assert [event["kind"] for event in page["items"]] == ["source_down"]


# Deliveries


async def test_deliveries_by_state_route_and_channel(asked: Asking) -> None:
    [dead] = (await asked.api.get("/deliveries?state=dead"))["items"]
    assert (dead["order_id"], dead["route"], dead["channel"]) == (str(asked.dead), "fraud", "ops")
    both = (await asked.api.get("/deliveries?state=dead&state=sent&route=fraud"))["items"]
    assert [row["state"] for row in both] == ["dead", "sent"]
    assert (await asked.api.get("/deliveries?channel=nosuch"))["items"] == []
    [waiting] = (await asked.api.get("/deliveries?route=grouped&source=shop"))["items"]
    assert (waiting["gathers"], waiting["orders"]) == ("group", 2)


async def test_a_delivery_is_told_with_its_text_and_what_each_attempt_said(asked: Asking) -> None:
    sent = await asked.api.get("/deliveries/1")
    assert "ORD-" in sent["title"]
    assert "→ fraud" in sent["body"]
    assert [one["delivered"] for one in sent["attempts_said"]] == [True]
    [dead] = (await asked.api.get("/deliveries?state=dead"))["items"]
    [attempt] = (await asked.api.get(f"/deliveries/{dead['id']}"))["attempts_said"]
    assert (attempt["delivered"], attempt["permanent"], attempt["status"]) == (False, True, 404)
    [waiting] = (await asked.api.get("/deliveries?route=grouped"))["items"]
    told = await asked.api.get(f"/deliveries/{waiting['id']}")
    assert (told["body"], told["attempts_said"], told["orders"]) == (None, [], 2)


async def test_a_text_that_is_no_longer_kept_is_null(asked: Asking) -> None:
    later = asked.stage.server.context.clock.now() + timedelta(days=8)
    await asked.stage.server.context.store.transact(lambda tx: tx.drop_bodies(later))
    assert (await asked.api.get("/deliveries/1"))["body"] is None


# Sources


async def test_a_source_says_how_it_is_and_how_it_is_read(asked: Asking) -> None:
    source = await asked.api.get("/sources/shop")
    assert (source["health"], source["reason"], source["failures"], source["total"]) == ("well", None, 0, 31)
    assert (source["every"], source["type"], source["down_after"]) == ("1h", "opterius", 3)
    assert (source["looked"]["orders"], source["looked"]["requests"]) == (31, 1)
    assert (await asked.api.get("/sources"))["items"][0]["name"] == "shop"


async def test_a_source_that_is_not_well_says_why_and_since_when(asked: Asking) -> None:
    store = asked.stage.server.context.store
    [state] = (await store.read(lambda tx: tx.sources())).values()

    async def shown(**changes: Any) -> tuple[str, str, str]:
        changed: SourceState = msgspec.structs.replace(state, **changes)
        await store.transact(lambda tx: tx.save_source("shop", changed))
        source = await asked.api.get("/sources/shop")
        return source["health"], source["reason"], source["since"]

    now = state.baseline_at
    assert now is not None
    since = now.isoformat().replace("+00:00", "Z")
    broken: dict[str, Any] = {"failing_since": now, "error": f"no answer to {SHOP_TOKEN}"}
    assert await shown(failures=1, **broken) == ("failing", "no answer to ***", since)
    assert await shown(failures=3, down=True, **broken) == ("down", "no answer to ***", since)
    assert await shown(doubt=Doubt("lacks 9 orders", now)) == ("doubtful", "lacks 9 orders", since)


# What cannot be asked

WRONG = [
    ("/orders?sorce=shop", "sorce: unknown parameter, did you mean source?"),
    ("/sources?limit=1", "limit: unknown parameter: there is none here"),
    ("/orders/shop/1?limit=1", "limit: unknown parameter: there is none here"),
    ("/orders?source=shpo", "source: there is no such source, did you mean shop?"),
    ("/events?source=nix", "source: there is no such source: there are drill, shop"),
    ("/deliveries?source=shpo", "source: there is no such source, did you mean shop?"),
    ("/orders?limit=0", "limit: expected a whole number from 1 to 200"),
    ("/orders?limit=201", "limit: expected a whole number from 1 to 200"),
    ("/orders?limit=ten", "limit: expected a whole number from 1 to 200"),
    ("/orders?limit=%D9%A3", "limit: expected a whole number from 1 to 200"),
    ("/orders?limit=1&limit=2", "limit: is given more than once"),
    ("/orders?vanished=yes", "vanished: expected true or false"),
    ("/orders?text=", "text: expected 1 to 200 characters"),
    ("/orders?text=" + "x" * 201, "text: expected 1 to 200 characters"),
    ("/events?after=-1", "after: expected a whole number from 0 to 9007199254740991"),
    ("/events?before=9007199254740992", "before: expected a whole number from 0 to 9007199254740991"),
    ("/events?after=1&before=9", "after: does not go with before"),
    ("/events?after=1&text=x", "text: does not go with after: it searches from the newest back"),
    ("/events?kind=apeared", f"kind: expected one of {', '.join(EventKind)}, did you mean appeared?"),
    ("/deliveries?state=lost", "state: expected one of waiting, sending, sent, dead, dropped"),
    ("/silences?ended=1", "ended: expected true or false"),
    ("/openapi.json?x=1", "x: unknown parameter: there is none here"),
    (
        "/orders?limit=0&nonsense=1",
        "nonsense: unknown parameter: there are source, status, text, vanished, limit, cursor; "
        "limit: expected a whole number from 1 to 200",
    ),
]  # fmt: skip


async def test_what_cannot_be_asked_is_refused_with_all_that_is_wrong(asked: Asking) -> None:
    for path, why in WRONG:
        assert await refused(asked, path) == why, path
    said = await asked.api.ask("GET", "/orders?limit=0&nonsense=1")
    assert [problem["field"] for problem in said.body["problems"]] == ["nonsense", "limit"]
    assert [problem["value"] for problem in said.body["problems"]] == ["1", "0"]


async def test_any_bytes_in_an_address_are_answered(asked: Asking) -> None:
    for path in ("/orders?text=%00", "/orders?text=%FF%FE", "/orders?cursor=%FF", "/events?text=%25%5F%5C%27"):
        assert (await asked.api.ask("GET", path)).status in (200, 400)
    for path in ("/orders/shop/%FF", "/orders/shop/%00", "/orders/%FF/1", "/sources/%FF", "/orders/shop/%ED%A0%80"):
        assert (await asked.api.ask("GET", path)).status == 404


# Paging


async def test_pages_lead_from_one_to_the_next(asked: Asking) -> None:
    for path, narrowed in (
        ("/orders", "source=shop"), ("/events", "kind=appeared&kind=vanished"), ("/deliveries", "route=fraud"),
    ):  # fmt: skip
        for query in ("limit=200", f"limit=200&{narrowed}"):
            whole = (await asked.api.get(f"{path}?{query}"))["items"]
            found, cursor = [], ""
            while True:
                page = await asked.api.get(f"{path}?{query.replace('200', '2')}{cursor}")
                found += page["items"]
                assert len(page["items"]) <= 2
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            assert found == whole, (path, query)


async def test_only_its_own_cursors_lead_on(asked: Asking) -> None:
    cursor = (await asked.api.get("/events?limit=1&source=shop"))["next"]
    assert (await asked.api.get(f"/events?limit=5&cursor={cursor}&source=shop"))["items"]
    not_ours = "cursor: is no cursor of this listing: give `next` of the page before, and all else as it was"
    changed = f"{'A' if cursor[0] != 'A' else 'B'}{cursor[1:]}"
    for path in (
        f"/events?cursor={cursor}",
        f"/events?cursor={cursor}&source=shop&kind=appeared",
        f"/orders?source=shop&cursor={cursor}",
        f"/events?source=shop&cursor={cursor[:-1]}",
        f"/events?source=shop&cursor={changed}",
        "/events?cursor=nonsense",
        "/events?cursor=",
        "/events?cursor=%C3%B6",
        "/silences?cursor=5",
        "/deliveries?cursor=5",
    ):
        assert await refused(asked, path) == not_ours, path
    of_messages = (await asked.api.get("/deliveries?limit=1"))["next"]
    assert await refused(asked, f"/silences?cursor={of_messages}") == not_ours
    assert await refused(asked, f"/events?cursor={cursor}&source=shop&before=4") == "before: does not go with cursor"


async def test_a_cursor_may_be_used_again(asked: Asking) -> None:
    first = await asked.api.get("/orders?limit=3")
    again = [ids(await asked.api.get(f"/orders?limit=3&cursor={first['next']}")) for _ in range(2)]
    assert again[0] == again[1]
    assert {*again[0]}.isdisjoint(ids(first))


async def test_head_answers_as_get_does_without_its_body(asked: Asking) -> None:
    for path in ("/orders", "/events", "/deliveries", "/sources", "/silences", "/openapi.json"):
        said = await asked.api.ask("HEAD", path)
        assert (said.status, said.body) == (200, None)
        assert int(said.headers["Content-Length"]) > 10
    assert (await asked.api.ask("HEAD", "/orders?limit=0")).status == 400


# What is nobody's business


async def test_no_secret_and_no_digest_is_in_any_answer(asked: Asking) -> None:
    homes = [home.url for home in asked.stage.server.context.site.homes]
    assert homes
    assert all(homes)
    paths = [
        "/orders", "/events", "/events/1", "/deliveries", "/deliveries/1", "/deliveries/2", "/sources", "/sources/shop",
        "/silences?ended=true", f"/orders/shop/{asked.moved}", f"/orders/shop/{asked.dead}", "/events?after=0",
    ]  # fmt: skip
    for path in paths:
        text = json.dumps(await asked.api.get(path))
        for secret in (*homes, TOKEN, SHOP_TOKEN, '"fence"', '"url"', "json://"):
            assert secret not in text, path


async def test_the_description_is_served(asked: Asking) -> None:
    assert await asked.api.get("/openapi.json") == document()
