"""Paymenter and Blesta as their source has them, quirks included."""

from __future__ import annotations

from typing import Any

from rest_asking import BASIC, BEARER, LATER, Asker
from talking import NOW, world_of

from monitor.simulator import blesta, paymenter
from monitor.simulator.dialect import Call
from monitor.simulator.faults import EmptyList, Failure
from monitor.simulator.server import TOKEN, answer
from monitor.simulator.truth import TrueItem


def paymenter_of(count: int) -> Asker:
    return Asker("paymenter", paymenter.PATH, world_of(count))


def services(said: Any) -> list[int]:
    return [int(row["id"]) for row in said["data"]]


def test_paymenter_pages_say_whether_there_is_another_and_not_how_many() -> None:
    asker = paymenter_of(5)
    pages = [asker.said(per_page=2, page=page) for page in (1, 2, 3, 4)]
    assert [services(page) for page in pages] == [[1, 2], [3, 4], [5], []]
    assert [page["links"].get("next", "")[-len("services?page=2") :] for page in pages] == [
        "services?page=2",
        "services?page=3",
        "",
        "",
    ]
    assert [(page["meta"]["from"], page["meta"]["to"]) for page in pages] == [(1, 2), (3, 4), (5, 5), (None, None)]
    assert not {"total", "last_page"} & pages[0]["meta"].keys()
    assert (pages[0]["meta"]["per_page"], asker.said()["meta"]["per_page"]) == ("2", 15)


def test_paymenter_answers_in_json_api() -> None:
    reply = answer(paymenter_of(1).dialect, Call(paymenter.PATH, {}, BEARER, NOW), world_of(1))
    assert reply.headers["Content-Type"] == "application/vnd.api+json"


def test_a_paymenter_service_shows_the_price_of_one() -> None:
    asker = paymenter_of(0)
    asker.world.place(items=[TrueItem("VPS 2 GB", 3, 200)], status="fraud")
    (row,) = asker.said()["data"]
    shown = {name: row["attributes"][name] for name in ("id", "quantity", "price", "status", "currency_code")}
    assert shown == {"id": 1, "quantity": 3, "price": "2.00", "status": "suspended", "currency_code": "USD"}
    assert asker.said(path=f"{paymenter.PATH}/1")["data"] == row


def test_paymenter_sorts_and_filters_as_it_is_asked() -> None:
    asker = paymenter_of(3)
    asker.world.set_status(2, "active")
    assert services(asker.said(sort="-id")) == [3, 2, 1]
    assert services(asker.said(**{"filter[status]": "active"})) == [2]
    assert asker.full(sort="price") == (
        400,
        {
            "message": "Requested sort(s) `price` is not allowed. "
            "Allowed sort(s) are `id, created_at, updated_at, expires_at, status`."
        },
    )


def test_paymenter_errors_have_laravels_shape_and_one_of_their_own() -> None:
    asker = paymenter_of(1)
    missing = {"message": r"No query results for model [App\Models\Service] 9"}
    assert asker.full(path=f"{paymenter.PATH}/9") == (404, missing)
    assert asker.full(path="/api/v1/admin/x") == (404, {"message": "The route api/v1/admin/x could not be found."})
    asker.headers = {"Authorization": "Bearer another"}
    assert asker.full() == (401, {"message": "The provided API key is invalid or has been disabled."})
    asker.headers = {}
    assert asker.full() == (401, {"error": "The request is missing a valid bearer token."})


ARGUMENTS = {"status": "", "page": "1", "order_by[orders.id]": "asc", "filters[client_id]": ""}


def blesta_of(count: int) -> Asker:
    return Asker("blesta", blesta.PATH, world_of(count), BASIC)


def numbers(said: Any) -> list[int]:
    return [int(row["id"]) for row in said["response"]]


def test_blesta_shows_twenty_orders_a_page_and_false_behind_them() -> None:
    asker = blesta_of(25)
    assert numbers(asker.said(**ARGUMENTS)) == list(range(1, 21))
    assert numbers(asker.said(**{**ARGUMENTS, "page": "2", "per_page": "100"})) == [21, 22, 23, 24, 25]
    assert asker.said(**{**ARGUMENTS, "page": "3"}) == {"response": False}
    assert asker.said(EmptyList(), **ARGUMENTS) == {"response": False}


def test_blesta_does_not_find_the_defaults_of_its_arguments() -> None:
    asker = blesta_of(1)
    for name in ARGUMENTS:
        others = {other: value for other, value in ARGUMENTS.items() if other != name}
        assert asker.full(**others) == (500, {"message": "Failed to retrieve the default value"})


def test_blesta_sorts_and_filters_as_it_is_asked() -> None:
    asker = blesta_of(3)
    asker.world.set_status(1, "active")
    assert numbers(asker.said(**{**ARGUMENTS, "order_by[orders.id]": "desc"})) == [3, 2, 1]
    assert numbers(asker.said(**{**ARGUMENTS, "status": "accepted"})) == [1]
    assert asker.said(**{**ARGUMENTS, "status": "fraud"}) == {"response": False}


def test_blesta_says_false_of_an_order_that_does_not_exist() -> None:
    asker = blesta_of(1)
    asker.world.change(1, invoice_status="Paid", at=LATER)
    order = asker.said(path=blesta.ORDER_PATH, order_id=1)["response"]
    shown = {name: order[name] for name in ("order_number", "total", "paid", "date_closed", "services")}
    assert shown == {
        "order_number": "ORD-0001",
        "total": "5.0000",
        "paid": "5.0000",
        "date_closed": "2026-04-11 09:00:00",
        "services": [],
    }
    for unknown in ("2", "", "x"):
        assert asker.full(path=blesta.ORDER_PATH, order_id=unknown) == (200, {"response": False})


def test_blesta_takes_its_key_in_two_ways_and_refuses_in_its_own_shape() -> None:
    asker = blesta_of(1)
    asker.headers = {"BLESTA-API-USER": TOKEN, "BLESTA-API-KEY": TOKEN}
    assert asker.full(**ARGUMENTS)[0] == 200
    assert asker.full(path="/api/orders/getList.json") == (404, {"message": "The requested resource does not exist."})
    assert asker.said(Failure(code=400, says="Not so.")) == {
        "message": "The request cannot be fulfilled due to bad syntax.",
        "errors": {"order": {"invalid": "Not so."}},
    }
    asker.headers = {"BLESTA-API-USER": TOKEN, "BLESTA-API-KEY": "x"}
    assert asker.full() == (401, {"message": "The authorization details given appear to be invalid."})
