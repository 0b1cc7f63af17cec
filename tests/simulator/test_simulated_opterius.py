"""Both dialects of ``GET /api/v1/orders``, by a real client, against the reference's own example."""

from __future__ import annotations

from datetime import timedelta

import pytest
from talking import NOW, PATH, ask, ask_orders, reference_world, serving, world_of

from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.world import World

REFERENCE = {
    "data": [
        {
            "id": 88,
            "order_number": "ORD-0088",
            "status": "active",
            "total": 2200,
            "currency_code": "USD",
            "created_at": "2026-04-01T09:15:00Z",
            "items": [
                {"product_name": "Starter Hosting Plan", "qty": 1, "amount": 2000},
                {"product_name": "Domain Registration — .com", "qty": 1, "amount": 1200},
            ],
        },
        {
            "id": 91,
            "order_number": "ORD-0091",
            "status": "pending",
            "total": 500,
            "currency_code": "USD",
            "created_at": "2026-04-10T14:22:00Z",
            "items": [{"product_name": "Business Email Add-on", "qty": 1, "amount": 500}],
        },
    ],
    "meta": {"current_page": 1, "last_page": 1, "per_page": 15, "total": 2},
}


async def test_documented_answers_the_references_example() -> None:
    async with Simulator(reference_world(), order="oldest") as simulator:
        answer = await ask_orders(simulator)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == REFERENCE
    assert list(answer.json["data"][0]) == list(REFERENCE["data"][0])  # type: ignore[index]  # a dict by its making


async def test_documented_shows_the_newest_first_by_default() -> None:
    async with serving(reference_world()) as simulator:
        assert (await ask_orders(simulator)).ids == [91, 88]


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_hold_every_order_once(order: str) -> None:
    async with Simulator(world_of(25), order="newest" if order == "newest" else "oldest") as simulator:
        pages = [await ask_orders(simulator, page=str(page), per_page="10") for page in (1, 2, 3)]
    assert [len(page.ids) for page in pages] == [10, 10, 5]
    ascending = list(range(1, 26))
    assert [id_ for page in pages for id_ in page.ids] == (ascending[::-1] if order == "newest" else ascending)
    assert pages[2].json["meta"] == {"current_page": 3, "last_page": 3, "per_page": 10, "total": 25}


async def test_a_page_has_fifteen_rows_and_at_most_a_hundred() -> None:
    async with serving(world_of(120)) as simulator:
        assert len((await ask_orders(simulator)).ids) == 15
        assert len((await ask_orders(simulator, per_page="100")).ids) == 100
        refused = await ask_orders(simulator, per_page="101")
    text = "The per page field must not be greater than 100."
    assert (refused.status, refused.json) == (422, {"message": text, "errors": {"per_page": [text]}})


async def test_an_empty_list_has_one_page_and_a_page_past_the_end_no_rows() -> None:
    async with serving(World()) as simulator:
        assert (await ask_orders(simulator)).json == {
            "data": [],
            "meta": {"current_page": 1, "last_page": 1, "per_page": 15, "total": 0},
        }
    async with serving(world_of(16)) as simulator:
        for page in (3, 4000):
            answer = await ask_orders(simulator, page=str(page))
            assert answer.json["data"] == []
            assert answer.json["meta"] == {"current_page": page, "last_page": 2, "per_page": 15, "total": 16}


async def test_the_filter_by_status_has_its_own_pages_and_total() -> None:
    world = world_of(40)
    for id_ in (3, 9, 27):
        world.set_status(id_, "fraud")
    async with serving(world) as simulator:
        fraud = await ask_orders(simulator, status="fraud", per_page="2")
        assert fraud.ids == [27, 9]
        assert fraud.json["meta"] == {"current_page": 1, "last_page": 2, "per_page": 2, "total": 3}
        assert (await ask_orders(simulator, status="fraud", per_page="2", page="2")).ids == [3]
        assert (await ask_orders(simulator, status="pending")).json["meta"]["total"] == 37
        assert (await ask_orders(simulator, status="cancelled")).ids == []
        assert (await ask_orders(simulator, status="")).json["meta"]["total"] == 40


async def test_an_invalid_parameter_is_a_validation_error() -> None:
    async with serving(world_of(1)) as simulator:
        status = await ask_orders(simulator, status="paid")
        assert (status.status, status.json) == (
            422,
            {
                "message": "The selected status is invalid.",
                "errors": {"status": ["The selected status is invalid."]},
            },
        )
        several = await ask_orders(simulator, status="paid", page="0", per_page="many")
        assert several.json["message"] == "The selected status is invalid. (and 2 more errors)"
        assert several.json["errors"]["page"] == ["The page field must be at least 1."]
        assert several.json["errors"]["per_page"] == ["The per page field must be an integer."]
        assert (await ask_orders(simulator, page="9" * 5000)).status == 422
        person = await ask(simulator.url + PATH, {"status": "paid"}, accept="text/html")
        assert (person.status, person.headers["Location"]) == (302, "/")


async def test_a_changed_order_is_shown_as_it_is_now() -> None:
    world = world_of(2)
    async with serving(world) as simulator:
        assert (await ask_orders(simulator)).json["data"][1]["status"] == "pending"
        world.set_status(1, "active")
        world.change(1, total=777)
        row = (await ask_orders(simulator)).json["data"][1]
        assert (row["status"], row["total"]) == ("active", 777)
        world.delete(1)
        assert (await ask_orders(simulator)).ids == [2]


async def test_released_answers_the_whole_list_whatever_is_asked() -> None:
    async with serving(reference_world(), "released") as simulator:
        plain = await ask_orders(simulator)
        assert plain.json == {
            "data": [
                {
                    "id": 91,
                    "status": "pending",
                    "total": 5,
                    "currency": "USD",
                    "created_at": "2026-04-10T14:22:00+00:00",
                },
                {
                    "id": 88,
                    "status": "active",
                    "total": 22,
                    "currency": "USD",
                    "created_at": "2026-04-01T09:15:00+00:00",
                },
            ]
        }
        asked = await ask_orders(simulator, status="fraud", page="2", per_page="1000")
        assert asked.body == plain.body


async def test_released_writes_major_units_as_a_whole_number_or_a_float() -> None:
    world = World()
    for currency, total in [("USD", 2250), ("USD", 1999), ("JPY", 1500), ("KWD", 1234), ("KWD", 5000), ("USD", 0)]:
        world.place(currency=currency, total=total)
    async with serving(world, "released") as simulator:
        rows = sorted((await ask_orders(simulator)).json["data"], key=lambda row: row["id"])
    totals = [row["total"] for row in rows]
    assert totals == [22.5, 19.99, 1500, 1.234, 5, 0]
    assert [type(total) for total in totals] == [float, float, int, float, int, int]


async def test_released_sorts_by_the_time_of_creation() -> None:
    world = world_of(3)
    late_entry = world.place(created_at=NOW - timedelta(days=30))
    async with serving(world, "released") as simulator:
        assert (await ask_orders(simulator)).ids == [3, 2, 1, late_entry.id]


@pytest.mark.parametrize(
    ("dialect", "token", "content"),
    [
        ("documented", None, {"message": "Unauthenticated."}),
        ("documented", "wrong", {"message": "Unauthenticated."}),
        ("released", None, {"error": "Unauthenticated."}),
        ("released", "wrong", {"error": "Invalid or expired token."}),
    ],
)
async def test_without_the_token_each_dialect_refuses_in_its_own_shape(
    dialect: str, token: str | None, content: object
) -> None:
    async with serving(world_of(1), dialect) as simulator:
        answer = await ask(simulator.url + PATH, token=token)
        assert (answer.status, answer.json) == (401, content)
        person = await ask(simulator.url + PATH, token=token, accept="*/*")
        assert (person.status, person.headers["Location"]) == (302, "/login")
        login = await ask(simulator.url + "/login", token=None)
        assert (login.status, login.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert (await ask(simulator.url + PATH, accept="*/*", token=TOKEN)).status == 200
