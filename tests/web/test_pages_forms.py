"""Forms do what they say: dead letters are sent again, silences begin and end, a look happens, a loss is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from page_reading import Page
from page_stage import ROUTES, lively, page_of, settled
from surfing import Browser
from web_stage import WebStage, served

from monitor.alerting.silences import Silence
from monitor.model import SourceState

SILENCE = {"source": "shop", "to": "fraud", "for": "2h", "reason": "a known wave"}


async def _silences(stage: WebStage) -> list[Silence]:
    return await stage.server.context.reader.read(lambda tx: tx.silences())


async def _state(stage: WebStage, name: str = "shop") -> SourceState:
    states = await stage.server.context.reader.read(lambda tx: tx.sources())
    return states[name]


async def _until(stage: WebStage, holds: Callable[[SourceState], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds(await _state(stage)):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)


async def test_a_dead_letter_is_sent_again_from_the_page(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        await lively(stage)
        before = len(stage.receiver.received)
        page = await page_of(browser, "/deliveries?state=dead")
        (action,) = {
            action for _, action, _ in page.forms if action.endswith("/retry") and action != "/deliveries/retry"
        }
        answer = await browser.post(action, {"next": "/deliveries?state=dead"})
        assert (answer.status, answer.place) == (303, "/deliveries?state=dead&did=retried&n=1")
        await stage.until(lambda: len(stage.receiver.received) == before + 1)
        after = await page_of(browser, answer.place)
        assert "1 dead letter is sent again." in after.text


async def test_all_dead_letters_are_sent_again_at_once(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        await lively(stage)
        stage.receiver.status = 404
        stage.world.set_status(stage.world.ids("active")[0], "fraud")
        await settled(stage)
        stage.receiver.status, before = 200, len(stage.receiver.received)
        page = await page_of(browser, "/")
        assert "Retry all 2" in page.text
        answer = await browser.post("/deliveries/retry", {"next": "/"})
        assert answer.place == "/?did=retried&n=2"
        await stage.until(lambda: len(stage.receiver.received) == before + 2)
        again = await browser.post("/deliveries/retry")
        assert again.place == "/deliveries?did=retried&n=0"


async def test_a_silence_from_the_page_mutes_until_it_is_ended_there(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        first, second, *_ = stage.world.ids("active")
        await browser.get("/silences")
        answer = await browser.post("/silences", SILENCE | {"by": "kim"})
        assert (answer.status, answer.place) == (303, "/silences?did=silenced")
        stage.world.set_status(first, "fraud")
        await settled(stage)
        assert stage.receiver.received == []
        page = await page_of(browser, "/silences")
        assert "source shop, to fraud a known wave · kim" in page.text
        assert "muted by a silence" in (await page_of(browser, "/events")).text
        (action,) = [action for _, action, _ in page.forms if action.endswith("/end")]
        assert (await browser.post(action)).place == "/silences?did=ended"
        assert (await browser.post(action)).place == "/silences?did=not-active"
        stage.world.set_status(second, "fraud")
        await settled(stage)
        assert len(stage.receiver.received) == 1


async def test_an_order_is_silenced_from_its_own_page(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        page = await page_of(browser, "/orders/shop/7")
        (link,) = [link for link in page.links if link.text == "Silence this order"]
        form = await page_of(browser, link.href.partition("#")[0])
        fields = next(fields for _, action, fields in form.forms if action == "/silences#add")
        assert (fields["source"], fields["order"]) == ("shop", "7")
        await browser.post("/silences", {"source": "shop", "order": "7", "for": "30m", "reason": "noise"})
        (silence,) = await _silences(stage)
        assert str(silence.matcher) == "source shop, order 7"


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"source": "sho"}, "source", "Sho: there is no such source, did you mean shop?"),
        ({"channel": "pager"}, "channel", "Pager: there is no such channel: there are ops."),
        ({"route": "none"}, "route", "None: there is no such route"),
        ({"reason": " "}, "reason", "Is empty: say why, for whoever wonders."),
        ({"reason": "x" * 201}, "reason", "Is longer than 200 characters."),
        ({"own": "soon"}, "own", "Expected a duration such as 90s, 5m, 1h or 2d."),
        ({"own": "31d"}, "own", "Is longer than 30d: a silence that nobody remembers hides what it was not set for."),
        ({"own": "0s"}, "own", "Is over already"),
        ({"source": "", "to": ""}, "matcher", "Of what? Fill in what it is about, or choose everything."),
        ({"all": "1"}, "matcher", "Is everything, not only source shop, to fraud: leave one of them out."),
    ],
)
async def test_what_is_wrong_with_a_silence_stands_beside_its_field(
    tmp_path: Path, fields: dict[str, str], field: str, said: str
) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        await browser.get("/silences")
        typed = SILENCE | {"by": "<kim>", "own": ""} | fields
        answer = await browser.post("/silences", typed)
        assert answer.status == 422
        page = Page(answer.text)
        assert not page.faults, page.faults
        assert f'<p class="fault" id="fault-{field}">{said}' in answer.text
        assert f'aria-describedby="fault-{field}' in answer.text
        kept = next(kept for _, action, kept in page.forms if action == "/silences#add")
        assert all(kept[name] == value for name, value in typed.items() if name not in ("for", "all"))
        assert await _silences(stage) == []


async def test_a_silence_of_everything_is_asked_for_by_name(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        await browser.get("/silences")
        answer = await browser.post("/silences", {"all": "1", "own": "90m", "for": "7d", "reason": "move"})
        assert answer.status == 303
        (silence,) = await _silences(stage)
        assert str(silence.matcher) == "everything"
        assert (silence.until - silence.created_at).total_seconds() == 90 * 60


async def test_a_look_is_asked_for_on_the_page(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        await browser.get("/")
        before = (await _state(stage)).polled_at
        answer = await browser.post("/sources/shop/poll", {"next": "/"})
        assert answer.place == "/?did=polling"
        await _until(stage, lambda state: state.polled_at != before)
        assert (await browser.post("/sources/none/poll")).status == 404


async def test_a_loss_is_accepted_on_the_page(tmp_path: Path) -> None:
    async with served(tmp_path, orders=60, shop={"down_after": 1}) as stage, Browser(stage.url) as browser:
        for number in list(stage.world.ids())[:20]:
            stage.world.delete(number)
        await stage.app.poll_all()
        page = await page_of(browser, "/sources/shop")
        assert "Doubtful" in page.text
        assert "Accept the loss of 20 orders" in page.text
        answer = await browser.post("/sources/shop/accept")
        assert answer.place == "/sources/shop?did=accepted"
        assert "Accept the loss" not in (await page_of(browser, answer.place)).text
        for _ in range(2):
            await stage.app.poll_all()
        assert "Healthy" in (await page_of(browser, "/sources/shop")).text
        assert (await browser.post("/sources/shop/accept")).place == "/sources/shop?did=nothing-accepted"
        assert (await browser.post("/sources/none/accept")).status == 404
        orders = await page_of(browser, "/orders?vanished=1")
        assert "20 orders that vanished" in orders.text


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example.com/",
        "//evil.example.com",
        "/\\evil.example.com",
        "/%0d%0aSet-Cookie:x",
        "javascript:x",
        "",
    ],
)
async def test_a_form_leads_to_no_other_place(tmp_path: Path, place: str) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        await browser.get("/")
        answer = await browser.post("/deliveries/retry", {"next": place})
    assert answer.status == 303
    assert answer.place.startswith("/")
    assert not answer.place.startswith(("//", "/\\"))
    assert not set(answer.place) & set("\r\n")
