"""Stripe and Magento as their documentation and source have them, quirks included."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from rest_asking import LATER, Asker
from talking import NOW, world_of

from monitor.simulator import magento, stripe
from monitor.simulator.faults import EmptyList, ExpiredToken, Failure, Fault, IgnoredPaging
from monitor.simulator.server import TOKEN


def stripe_of(count: int) -> Asker:
    return Asker("stripe", stripe.PATH, world_of(count))


def intents(said: Any) -> list[str]:
    return [row["id"] for row in said["data"]]


def test_stripe_goes_on_behind_the_row_that_it_is_told() -> None:
    """So what is made while the list is being read moves nothing."""
    asker = stripe_of(5)
    first = asker.said(limit=2)
    asker.world.place()
    second = asker.said(limit=2, starting_after=first["data"][-1]["id"])
    third = asker.said(limit=2, starting_after=second["data"][-1]["id"])
    assert [intents(page) for page in (first, second, third)] == [["pi_5", "pi_4"], ["pi_3", "pi_2"], ["pi_1"]]
    assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
    assert asker.said(limit=1, starting_after="pi_1") == {
        "object": "list",
        "url": stripe.PATH,
        "has_more": False,
        "data": [],
    }


def test_stripe_shows_ten_newest_first_whatever_else_it_is_asked_for() -> None:
    asker = stripe_of(12)
    assert intents(asker.said()) == [f"pi_{number}" for number in range(12, 2, -1)]
    assert intents(asker.said(status="succeeded", order="asc")) == intents(asker.said())
    assert len(intents(asker.said(EmptyList()))) == 0
    assert intents(asker.said(IgnoredPaging(), limit=2, starting_after="pi_5"))[0] == "pi_12"


def test_stripe_can_leave_out_what_was_made_before_a_time() -> None:
    asker = stripe_of(5)  # a minute apart
    since = str(int((NOW - timedelta(minutes=3)).timestamp()))
    assert intents(asker.said(**{"created[gte]": since})) == ["pi_5", "pi_4", "pi_3"]
    assert intents(asker.said(**{"created[gte]": since, "starting_after": "pi_4"})) == ["pi_3"]


def test_an_intent_shows_minor_units_and_who_may_confirm_it() -> None:
    asker = stripe_of(0)
    asker.world.place(status="active", total=1980)
    asker.world.place(status="fraud", currency="ISK", total=500)
    refused, paid = asker.said()["data"]
    assert (paid["status"], paid["amount"], paid["amount_received"], paid["currency"]) == (
        "succeeded",
        1980,
        1980,
        "usd",
    )
    assert (refused["status"], refused["amount"], refused["amount_received"]) == ("requires_payment_method", 50_000, 0)
    assert stripe.SECRETS[0] in paid["client_secret"]
    assert asker.said(path=f"{stripe.PATH}/pi_1") == paid


@pytest.mark.parametrize(
    ("path", "query", "faults", "status", "error"),
    [
        (f"{stripe.PATH}/pi_9", {}, [], 404, ("invalid_request_error", "resource_missing")),
        (f"{stripe.PATH}/no", {}, [], 404, ("invalid_request_error", "resource_missing")),
        ("/v1/charge", {}, [], 404, ("invalid_request_error", None)),
        (stripe.PATH, {"limit": "101"}, [], 400, ("invalid_request_error", None)),
        (stripe.PATH, {}, [ExpiredToken()], 401, ("invalid_request_error", None)),
        (stripe.PATH, {}, [Failure(code=429)], 429, ("rate_limit_error", "rate_limit")),
        (stripe.PATH, {}, [Failure(code=500)], 500, ("api_error", None)),
    ],
)
def test_stripe_errors_say_their_type(
    path: str, query: dict[str, str], faults: list[Fault], status: int, error: tuple[str, str | None]
) -> None:
    answered, said = stripe_of(1).full(*faults, path=path, **query)
    assert (answered, said["error"]["type"], said["error"].get("code")) == (status, *error)
    assert said["error"]["message"]


def test_stripe_takes_the_key_as_a_user_without_a_password_too() -> None:
    asker = stripe_of(1)
    asker.headers = {"Authorization": "Basic " + base64.b64encode(f"{TOKEN}:".encode()).decode()}
    assert asker.full()[0] == 200
    asker.headers = {"Authorization": "Bearer another"}
    assert asker.full()[0] == 401


PAGE, SIZE = "searchCriteria[currentPage]", "searchCriteria[pageSize]"


def magento_of(count: int) -> Asker:
    return Asker("magento", magento.PATH, world_of(count))


def filtered(field: str, value: str, condition: str = "eq") -> dict[str, str]:
    start = "searchCriteria[filter_groups][0][filters][0]"
    return {f"{start}[field]": field, f"{start}[value]": value, f"{start}[condition_type]": condition}


def entities(said: Any) -> list[int]:
    return [row["entity_id"] for row in said["items"]]


def test_magento_shows_its_last_page_again_to_whoever_goes_on() -> None:
    asker = magento_of(5)
    pages = [asker.said(**{PAGE: str(page), SIZE: "2"}) for page in (1, 2, 3, 4, 99)]
    assert [entities(page) for page in pages] == [[1, 2], [3, 4], [5], [5], [5]]
    assert [page["total_count"] for page in pages] == [5] * 5
    assert pages[-1]["search_criteria"]["current_page"] == 99
    assert asker.said(EmptyList(), **{SIZE: "2"})["items"] == []


def test_magento_shows_everything_where_no_page_size_is_said() -> None:
    asker = magento_of(30)
    assert len(entities(asker.said(searchCriteria=""))) == 30
    assert entities(asker.said(**{"searchCriteria[page_size]": "2", "searchCriteria[current_page]": "2"})) == [3, 4]
    sorted_ = {"searchCriteria[sortOrders][0][field]": "entity_id", "searchCriteria[sortOrders][0][direction]": "DESC"}
    assert entities(asker.said(**sorted_, **{SIZE: "2"})) == [30, 29]


def test_magento_filters_by_status_and_by_when_an_order_was_updated() -> None:
    asker = magento_of(4)
    asker.world.set_status(2, "active", at=LATER)
    asker.world.set_status(3, "fraud", at=LATER - timedelta(seconds=1))
    assert entities(asker.said(**filtered("status", "processing"))) == [2]
    assert entities(asker.said(**filtered("updated_at", "2026-04-11 09:00:00", "gteq"))) == [2]
    (changed,) = asker.said(**filtered("status", "fraud"))["items"]
    assert (changed["state"], changed["updated_at"]) == ("payment_review", "2026-04-11 08:59:59")


def test_magento_sends_the_fields_that_it_is_asked_for() -> None:
    asker = magento_of(1)
    everything = msgspec.json.encode(asker.said(searchCriteria="")).decode()
    assert all(secret in everything for secret in magento.SECRETS)
    wanted = "items[entity_id,items[name,parent_item_id],nothing],total_count"
    assert asker.said(searchCriteria="", fields=wanted) == {
        "items": [
            {
                "entity_id": 1,
                "items": [
                    {"name": "Business Email Add-on"},
                    {"name": "Business Email Add-on-1", "parent_item_id": 2},
                ],
            }
        ],
        "total_count": 1,
    }
    assert asker.said(path=f"{magento.PATH}/1", fields="increment_id") == {"increment_id": "000000001"}
    for nonsense in ("]", "[a]", "a]]"):
        assert "protect_code" in asker.said(path=f"{magento.PATH}/1", fields=nonsense)


@pytest.mark.parametrize(
    ("path", "query", "status", "said"),
    [
        (magento.PATH, {}, 400, ('"%fieldName" is required. Enter and try again.', {"fieldName": "searchCriteria"})),
        (magento.PATH, {SIZE: "301"}, 400, ("Maximum SearchCriteria pageSize is %max", {"max": 300})),
        (
            magento.PATH,
            filtered("state", "new"),
            400,
            ("%1", ["The simulator filters by status (eq) and updated_at (gteq) alone."]),
        ),
        (
            magento.PATH,
            filtered("updated_at", "2026-04-11T09:00:00Z", "gteq"),
            400,
            ("%1", ["Incorrect TIMESTAMP value"]),
        ),
        ("/rest/V1/order", {}, 404, ("Request does not match any route.", None)),
        (
            f"{magento.PATH}/9",
            {},
            404,
            ("The entity that was requested doesn't exist. Verify the entity and try again.", None),
        ),
    ],
)
def test_magento_errors_have_gaps_and_what_fills_them(
    path: str, query: dict[str, str], status: int, said: tuple[str, object]
) -> None:
    answered, content = magento_of(1).full(path=path, **query)
    assert (answered, content["message"], content.get("parameters")) == (status, *said)


def test_magento_names_what_a_consumer_may_not_do() -> None:
    asker = magento_of(1)
    asker.headers = {}
    said = {
        "message": "The consumer isn't authorized to access %resources.",
        "parameters": {"resources": "Magento_Sales::actions_view"},
    }
    assert asker.full(searchCriteria="") == (401, said)
