"""Each fault, as a real client sees it."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec
import pytest
from talking import NOW, PATH, TurnedClock, ask, ask_orders, serving, world_of

from monitor.simulator.faults import (
    Drip,
    EmptyList,
    ExpiredToken,
    Failure,
    Fault,
    Faults,
    GzipBomb,
    IgnoredFilter,
    IgnoredPaging,
    Latency,
    LoginPage,
    LyingTotal,
    NoSuccess,
    PageDrift,
    Redirect,
    RepeatedRows,
    Stale,
    Truncated,
    parse_fault,
)
from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.world import World


async def test_a_fault_lasts_for_so_many_requests() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Failure(times=2))
        assert [(await ask_orders(simulator)).status for _ in range(4)] == [500, 500, 200, 200]
        assert simulator.faults.active == ()


async def test_a_fault_can_strike_one_page_only() -> None:
    async with serving(world_of(40)) as simulator:
        simulator.faults.set(Failure(page=2, times=1))
        statuses = [(await ask_orders(simulator, page=page)).status for page in ("1", "2", "2", "3")]
        assert statuses == [200, 500, 200, 200]


async def test_a_fault_lasts_until_it_is_cleared() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Failure(code=503))
        simulator.faults.set(EmptyList())
        assert {(await ask_orders(simulator)).status for _ in range(3)} == {503}
        simulator.faults.clear("failure")
        assert (await ask_orders(simulator)).ids == []
        simulator.faults.clear()
        assert (await ask_orders(simulator)).ids == [1]


async def test_latency_comes_before_the_answer() -> None:
    clock = TurnedClock()
    async with Simulator(world_of(1), sleep=clock.sleep) as simulator:
        simulator.faults.set(Latency(seconds=2.5))
        simulator.faults.set(Latency(seconds=0.5))
        assert (await ask_orders(simulator)).ids == [1]
    assert clock.slept == [3.0]


@pytest.mark.parametrize("form", ["30", "1.5", "Sat, 11 Apr 2026 09:00:00 GMT", "in a while", None])
async def test_too_many_requests_carries_retry_after_in_any_form(form: str | None) -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Failure(code=429, retry_after=form))
        answer = await ask_orders(simulator)
    assert (answer.status, answer.headers.get("Retry-After")) == (429, form)
    assert answer.json == {"message": "Too Many Attempts."}


@pytest.mark.parametrize(("code", "kind"), [(500, "application/json"), (502, "text/html"), (503, "text/html")])
async def test_a_failing_server_answers_in_json_and_its_proxy_in_html(code: int, kind: str) -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Failure(code=code))
        answer = await ask_orders(simulator)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (code, kind)


async def test_a_truncated_answer_breaks_off_before_its_promised_length() -> None:
    async with serving(world_of(5)) as simulator:
        whole = await ask_orders(simulator)
        simulator.faults.set(Truncated(missing=30, times=1))
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            async with session.get(simulator.url + PATH) as response:
                assert response.content_length == len(whole.body)
                assert await response.content.readexactly(len(whole.body) - 30) == whole.body[:-30]
                with pytest.raises(aiohttp.ClientPayloadError):
                    await response.content.readany()
            async with session.get(simulator.url + PATH) as response:
                assert await response.read() == whole.body


async def test_a_login_page_comes_as_html_with_status_200() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(LoginPage())
        answer = await ask_orders(simulator)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"Log in" in answer.body


@pytest.mark.parametrize(
    ("dialect", "content"),
    [("documented", {"message": "Unauthenticated."}), ("released", {"error": "Invalid or expired token."})],
)
async def test_an_expired_token_is_refused_in_the_dialects_shape(dialect: str, content: object) -> None:
    async with serving(world_of(1), dialect) as simulator:
        simulator.faults.set(ExpiredToken())
        answer = await ask_orders(simulator)
    assert (answer.status, answer.json) == (401, content)


async def test_a_redirect_leads_to_another_origin() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Redirect(times=1))
        simulator.faults.set(Redirect(to="http://other.example.com/", code=307))
        first, second = await ask_orders(simulator), await ask_orders(simulator)
    assert (first.status, first.headers["Location"]) == (302, "https://elsewhere.example.com/api/v1/orders")
    assert (second.status, second.headers["Location"]) == (307, "http://other.example.com/")


async def test_no_success_comes_with_status_200() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(NoSuccess())
        answer = await ask_orders(simulator)
    assert (answer.status, answer.json["success"]) == (200, False)


async def test_a_gzip_bomb_is_small_on_the_wire_and_large_unpacked() -> None:
    size = 5_000_001
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(GzipBomb(size=size))
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session,
            session.get(simulator.url + PATH) as response,
        ):
            assert response.headers["Content-Encoding"] == "gzip"
            assert (response.content_length or size) < size / 100
            unpacked = 0
            async for chunk in response.content.iter_chunked(65536):
                unpacked += len(chunk)
    assert unpacked == size


async def test_a_dripping_body_comes_in_pieces() -> None:
    clock = TurnedClock()
    async with Simulator(world_of(1), sleep=clock.sleep) as simulator:
        whole = await ask_orders(simulator)
        simulator.faults.set(Drip(piece=50, pause=0.5))
        assert (await ask_orders(simulator)).body == whole.body
    assert clock.slept == [0.5] * -(-len(whole.body) // 50)


async def test_a_client_that_leaves_a_dripping_body_does_no_harm() -> None:
    async with Simulator(world_of(1)) as simulator:
        simulator.faults.set(Drip(piece=1, pause=0.01, times=1))
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"}) as session:
            response = await session.get(simulator.url + PATH)
            assert await response.content.readexactly(3) == b'{"d'
            response.close()
        assert (await ask_orders(simulator)).status == 200


async def test_an_empty_list_says_that_there_is_nothing() -> None:
    async with serving(world_of(3)) as simulator:
        simulator.faults.set(EmptyList())
        answer = await ask_orders(simulator)
    assert answer.json == {"data": [], "meta": {"current_page": 1, "last_page": 1, "per_page": 15, "total": 0}}


@pytest.mark.parametrize("dialect", ["documented", "released"])
async def test_a_stale_answer_shows_the_list_as_it_was_when_the_fault_was_set(dialect: str) -> None:
    world = world_of(2)
    async with serving(world, dialect) as simulator:
        fresh = await ask_orders(simulator)
        simulator.faults.set(Stale(age=300, times=1))
        world.set_status(1, "fraud")
        world.place()
        stale = await ask_orders(simulator)
        assert (stale.body, stale.headers["Age"]) == (fresh.body, "300")
        assert "Age" not in fresh.headers
        assert (await ask_orders(simulator)).ids == [3, 2, 1]


async def test_a_cache_need_not_give_itself_away() -> None:
    world = world_of(1)
    async with serving(world) as simulator:
        simulator.faults.set(Stale())
        world.delete(1)
        answer = await ask_orders(simulator)
    assert answer.ids == [1]
    assert "Age" not in answer.headers


@pytest.mark.parametrize(("by", "last_page"), [(7, 3), (-13, 1), (-99, 1)])
async def test_a_lying_total_moves_the_last_page_and_no_row(by: int, last_page: int) -> None:
    async with serving(world_of(20)) as simulator:
        simulator.faults.set(LyingTotal(by=by))
        answer = await ask_orders(simulator, per_page="10")
    assert len(answer.ids) == 10
    assert answer.json["meta"] | {"current_page": 1, "per_page": 10} == answer.json["meta"]
    assert (answer.json["meta"]["total"], answer.json["meta"]["last_page"]) == (max(0, 20 + by), last_page)


async def test_repeated_rows_stand_beside_or_in_the_place_of_others() -> None:
    async with serving(world_of(4)) as simulator:
        simulator.faults.set(RepeatedRows(rows=2, times=1))
        assert (await ask_orders(simulator)).ids == [4, 3, 2, 1, 4, 3]
        simulator.faults.set(RepeatedRows(rows=1, hiding=True))
        assert (await ask_orders(simulator)).ids == [4, 3, 2, 4]


async def test_an_ignored_filter_shows_every_status() -> None:
    world = world_of(3)
    world.set_status(1, "fraud")
    async with serving(world) as simulator:
        simulator.faults.set(IgnoredFilter())
        assert (await ask_orders(simulator, status="fraud")).ids == [3, 2, 1]


async def test_ignored_paging_shows_the_first_page_again_and_again() -> None:
    async with serving(world_of(40)) as simulator:
        simulator.faults.set(IgnoredPaging())
        first, second = await ask_orders(simulator), await ask_orders(simulator, page="2", per_page="100")
    assert first.body == second.body
    assert len(first.ids) == 15


@pytest.mark.parametrize(
    ("change", "ids"),
    [("place", [5, 4, 4, 3]), ("delete_newest", [3, 2]), ("delete_oldest", [4, 3])],
)
async def test_page_drift_shifts_the_pages_with_each_request(change: str, ids: list[int]) -> None:
    """Two pages of two, newest first: an insert shows a row twice, a delete skips one."""
    async with serving(world_of(4)) as simulator:
        simulator.faults.set(parse_fault({"kind": "page_drift", "change": change}))
        pages = [await ask_orders(simulator, per_page="2", page=page) for page in ("1", "2")]
    assert [id_ for page in pages for id_ in page.ids] == ids


async def test_page_drift_of_an_empty_list_does_nothing() -> None:
    async with serving(World()) as simulator:
        simulator.faults.set(PageDrift(change="delete_newest"))
        assert (await ask_orders(simulator)).ids == []


async def test_faults_add_up() -> None:
    async with serving(world_of(3)) as simulator:
        simulator.faults.set(LyingTotal(by=1))
        simulator.faults.set(RepeatedRows())
        answer = await ask_orders(simulator)
    assert (answer.ids, answer.json["meta"]["total"]) == ([3, 2, 1, 3], 4)


async def test_a_reply_is_dated_by_the_worlds_clock() -> None:
    async with serving(world_of(1)) as simulator:
        simulator.faults.set(Failure(times=1))
        for _ in range(2):
            assert parsedate_to_datetime((await ask_orders(simulator)).headers["Date"]) == NOW


async def test_without_a_page_in_the_call_a_fault_of_page_one_strikes() -> None:
    async with serving(world_of(1), "released") as simulator:
        simulator.faults.set(Failure(page=1))
        assert (await ask_orders(simulator)).status == 500
        assert (await ask(simulator.url + PATH, {"page": "x"})).status == 500
        assert (await ask_orders(simulator, page="2")).status == 200


KINDS = {
    "latency": Latency(seconds=2.0),
    "failure": Failure(code=429, retry_after="5", times=3, page=2),
    "stale": Stale(age=60),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_can_be_written_as_a_mapping(kind: str) -> None:
    written = {key: value for key, value in msgspec.to_builtins(KINDS[kind]).items() if value is not None}
    assert written["kind"] == kind
    assert parse_fault(written) == KINDS[kind]


@pytest.mark.parametrize(
    "written",
    [
        {},
        {"kind": "meteor"},
        {"kind": "latency", "secnods": 2},
        {"kind": "latency", "times": 0},
        {"kind": "failure", "code": 200},
    ],
)
def test_a_fault_that_is_none_is_refused(written: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_fault(written)


def test_a_fault_that_does_nothing_leaves_everything_as_it_was() -> None:
    faults = Faults(World(now=lambda: datetime(2026, 1, 1, tzinfo=UTC)))
    faults.set(Fault(times=1))
    assert faults.take(1) == (Fault(times=1),)
    assert faults.take(1) == ()
