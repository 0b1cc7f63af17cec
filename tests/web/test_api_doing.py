"""What the API does: it says what was done, and does nothing that was not meant."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from api_asking import TOKEN, Said
from api_stage import Asking, asking
from surfing import Browser
from web_stage import TOKEN as SHOP_TOKEN
from web_stage import served

WHY = {"for": "2h", "reason": "migration"}
ALL = {"all": True, **WHY}


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asking]:
    async with asking(tmp_path) as made:
        yield made


async def until_sent(asked: Asking, delivery: int) -> None:
    while (await asked.api.get(f"/deliveries/{delivery}"))["state"] != "sent":
        await asked.stage.server.context.clock.sleep(0.01)


def problems(said: Said) -> list[tuple[str, str, str]]:
    assert said.status == 422, said
    return [(one["field"], one["value"], one["text"]) for one in said.body["problems"]]


# Dead letters


async def test_a_dead_letter_is_sent_again_at_once(asked: Asking) -> None:
    [dead] = (await asked.api.get("/deliveries?state=dead"))["items"]
    said = await asked.api.ask("POST", f"/deliveries/{dead['id']}/retry")
    assert (said.status, said.body) == (200, {"retried": 1})
    await until_sent(asked, dead["id"])
    assert len((await asked.api.get(f"/deliveries/{dead['id']}"))["attempts_said"]) == 2
    assert len(asked.stage.receiver.received) == 2


async def test_every_dead_letter_is_sent_again(asked: Asking) -> None:
    [dead] = (await asked.api.get("/deliveries?state=dead"))["items"]
    assert (await asked.api.ask("POST", "/deliveries/retry", {})).body == {"retried": 1}
    await until_sent(asked, dead["id"])
    assert (await asked.api.ask("POST", "/deliveries/retry")).body == {"retried": 0}


async def test_what_is_no_dead_letter_is_not_sent_again(asked: Asking) -> None:
    said = await asked.api.ask("POST", "/deliveries/1/retry")
    assert (said.status, said.body["error"]) == (409, "it is no dead letter: it is sent")
    assert (await asked.api.ask("POST", "/deliveries/999/retry")).status == 404
    assert len(asked.stage.receiver.received) == 1


# Polls


async def test_a_source_is_polled_now(asked: Asking) -> None:
    """Which else happens once an hour."""
    [newest] = (await asked.api.get("/events?limit=1"))["items"]
    asked.stage.world.set_status(asked.moved, "active")
    said = await asked.api.ask("POST", "/sources/shop/poll")
    assert (said.status, said.body) == (202, {"source": "shop", "polled": "now"})
    while not (page := await asked.api.get(f"/events?after={newest['id']}"))["items"]:
        await asked.stage.server.context.clock.sleep(0.01)
    assert [event["order"]["status"] for event in page["items"]] == ["active"]


# Silences


async def test_a_silence_mutes_until_it_is_ended(asked: Asking) -> None:
    matcher = {"source": ["shop"], "to": ["fraud"]}
    said = await asked.api.ask("POST", "/silences", {"matcher": matcher, **WHY, "by": " Ada\nL "})
    assert said.status == 201
    made = said.body
    assert (made["matcher"], made["reason"], made["by"], made["active"]) == (matcher, "migration", "Ada L", True)
    assert (await asked.api.get("/silences"))["items"] == [made]

    order = asked.stage.world.ids("active")[5]
    asked.stage.world.set_status(order, "fraud")
    await asked.stage.app.poll_all()
    [event] = (await asked.api.get(f"/events?order={order}&kind=status_changed"))["items"]
    assert [(one["part"], one["by"]) for one in event["decided"]] == [("silenced", f"silence {made['id']}")]

    ended = await asked.api.ask("DELETE", f"/silences/{made['id']}")
    assert (ended.status, ended.body["active"], ended.body["id"]) == (200, False, made["id"])
    assert ended.body["until"] < made["until"]
    assert (await asked.api.get("/silences"))["items"] == []
    assert (await asked.api.get("/silences?ended=true"))["items"][0] == ended.body
    assert (await asked.api.ask("DELETE", f"/silences/{made['id']}")).status == 404


async def test_silences_come_in_pages_newest_first(asked: Asking) -> None:
    for _ in range(3):
        assert (await asked.api.ask("POST", "/silences", ALL)).status == 201
    first = await asked.api.get("/silences?ended=true&limit=3")
    rest = await asked.api.get(f"/silences?ended=true&limit=3&cursor={first['next']}")
    assert [one["id"] for one in first["items"] + rest["items"]] == [4, 3, 2, 1]
    assert rest["next"] is None
    assert [one["id"] for one in (await asked.api.get("/silences?limit=3"))["items"]] == [4, 3, 2]
    assert (await asked.api.get("/silences?limit=3"))["next"] is None


async def test_the_end_may_be_a_time_in_the_configurations_zone(asked: Asking) -> None:
    body = {"all": True, "until": "2099-12-01 08:00", "reason": "x", "long": True}
    assert (await asked.api.ask("POST", "/silences", body)).body["until"] == "2099-12-01T07:00:00Z"


async def test_all_that_is_wrong_with_a_silence_is_said_at_once(asked: Asking) -> None:
    body = {"matcher": {"source": ["shpo"], "labels": {"client": ["Acme"]}}, "for": "2", "reason": " "}
    said = await asked.api.ask("POST", "/silences", body)
    assert problems(said) == [
        ("matcher.source", "shpo", "there is no such source, did you mean shop?"),
        ("matcher.labels", "client", "no source has such a label"),
        ("for", "2", "expected a duration such as 90s, 5m, 1h or 2d"),
        ("reason", "", "is empty: say why, for whoever wonders"),
    ]
    assert said.body["error"].startswith("matcher.source: there is no such source, did you mean shop?; matcher.labels")
    assert (await asked.api.get("/silences"))["items"] == []


MEANINGLESS: list[tuple[Any, str, str]] = [
    (WHY, "matcher", "of what? Give a matcher with source, order, route, channel …, or all: true"),
    ({"matcher": {"source": ["shop"]}, **ALL}, "all", "is everything, not only source shop: leave one of them out"),
    ({"all": True, "reason": "x"}, "for", "say until when, by one of: for how long, or until"),
    ({**ALL, "until": "2099-01-01"}, "for", "say until when, by one of: for how long, or until"),
    ({**ALL, "for": "31d"}, "for", "is longer than 30d: give long: true, too, if you mean it"),
    ({"all": True, "for": "1h"}, "reason", "object missing required field `reason`"),
    ({**ALL, "reason": 5}, "reason", "expected `str`, got `int`"),
    ({"matcher": {"sources": ["shop"]}, **WHY}, "matcher.sources", "object contains unknown field `sources`"),
    ({"matcher": {"source": "shop"}, **WHY}, "matcher.source", "expected `array`, got `str`"),
    ({"matcher": {"source": [5]}, **WHY}, "matcher.source[0]", "expected `str`, got `int`"),
    ({"matcher": {"order": [" "]}, **WHY}, "matcher.order", "is empty"),
    ([], "", "expected `object`, got `array`"),
]


async def test_a_silence_that_makes_no_sense_is_refused(asked: Asking) -> None:
    """A field that is unknown, above all: what was meant to narrow it would be lost."""
    for body, field, text in MEANINGLESS:
        said = await asked.api.ask("POST", "/silences", body)
        assert [(one[0], one[2]) for one in problems(said)] == [(field, text)], body
    assert (await asked.api.get("/silences"))["items"] == []


async def test_a_secret_in_a_reason_is_not_kept(asked: Asking) -> None:
    said = await asked.api.ask("POST", "/silences", {**ALL, "reason": f"new token {SHOP_TOKEN}", "by": TOKEN})
    assert (said.body["reason"], said.body["by"]) == ("new token ***", "***")


# Bodies


async def test_only_json_is_read(asked: Asking) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    for path in ("/silences", "/deliveries/retry", "/sources/shop/poll"):
        assert (await asked.api.ask("POST", path, raw=b"reason=x", **form)).status == 415
    said = await asked.api.ask(
        "POST", "/silences", raw=json.dumps(ALL).encode(), Content_Type="application/json; charset=utf-8"
    )
    assert said.status == 201


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'"\\ud800"', b"[" * 60_000, b'{"reason": NaN}'])
async def test_what_is_no_json_is_refused(asked: Asking, body: bytes) -> None:
    said = await asked.api.ask("POST", "/silences", raw=body, Content_Type="application/json")
    assert said.status in (400, 422)


async def test_a_body_without_a_length_has_a_limit_too(asked: Asking) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    url = f"{asked.stage.url}/api/v1/silences"
    async with asked.stage.http.post(url, data=endless(), headers=headers) as answer:
        assert answer.status == 413


# Browsers


async def test_a_page_of_ours_may_act_with_its_forms_token(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        typed = {"Content-Type": "application/json"}
        body = json.dumps(ALL).encode()
        assert (await browser.ask("POST", "/api/v1/silences", body, typed)).status == 403
        await browser.get("/silences")
        seen = await browser.ask("POST", "/api/v1/silences", body, {**typed, "X-CSRF-Token": browser.token})
        assert (seen.status, json.loads(seen.text)["id"]) == (201, 1)


async def test_without_the_token_nothing_is_told_or_done(asked: Asking) -> None:
    async with aiohttp.ClientSession() as http:
        for method, path in (("GET", "/orders"), ("POST", "/deliveries/retry"), ("DELETE", "/silences/1")):
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                async with http.request(method, f"{asked.stage.url}/api/v1{path}", headers=headers) as answer:
                    assert answer.status == 401
                    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
                    assert (await answer.json()).keys() >= {"error"}
    assert (await asked.api.get("/deliveries?state=dead"))["items"]
