"""WHMCS, HostBill and FOSSBilling by a real client, in the ways that trip those who read their documentation only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from talking import NOW, Answered, reference_world, serving, world_of

from monitor.simulator.fossbilling import LIST_PATH, ORDER_PATH
from monitor.simulator.hostbill import API_ID
from monitor.simulator.hostbill import PATH as HOSTBILL
from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.truth import TrueService
from monitor.simulator.whmcs import IDENTIFIER
from monitor.simulator.whmcs import PATH as WHMCS
from monitor.simulator.world import World


async def post(simulator: Simulator, path: str, **form: str) -> Answered:
    async with (
        aiohttp.ClientSession() as session,
        session.post(simulator.url + path, data=form) as response,
    ):
        return Answered(response.status, response.headers, await response.read())


async def whmcs(simulator: Simulator, **form: str) -> Any:
    given = {"action": "GetOrders", "identifier": IDENTIFIER, "secret": TOKEN, **form}
    return (await post(simulator, WHMCS, **given)).json


async def hostbill(simulator: Simulator, **form: str) -> Any:
    return (await post(simulator, HOSTBILL, **{"call": "getOrders", "api_id": API_ID, "api_key": TOKEN, **form})).json


async def fossbilling(simulator: Simulator, path: str, params: Mapping[str, str], key: str = TOKEN) -> Answered:
    headers = {"Authorization": aiohttp.encode_basic_auth("admin", key)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(simulator.url + path, params=params) as response,
    ):
        return Answered(response.status, response.headers, await response.read())


async def test_whmcs_shows_parts_of_a_list_by_offset() -> None:
    async with serving(world_of(30), "whmcs") as simulator:
        first = await whmcs(simulator)
        assert (first["result"], first["totalresults"], first["startnumber"], first["numreturned"]) == (
            "success",
            30,
            0,
            25,
        )
        shown = await whmcs(simulator, limitstart="28", limitnum="5", status="Pending")
        assert [row["id"] for row in shown["orders"]["order"]] == [2, 1]


async def test_whmcs_writes_an_empty_list_and_a_list_of_one_otherwise() -> None:
    async with serving(reference_world(), "whmcs") as simulator:
        assert (await whmcs(simulator, status="Fraud"))["orders"] == ""
        row = (await whmcs(simulator, status="Active"))["orders"]["order"]
        assert (row["id"], row["amount"], row["currencysuffix"]) == (88, "22.00", " USD")
        assert [line["amount"] for line in row["lineitems"]["lineitem"]] == ["$20.00 USD", "$12.00 USD"]
        assert (await whmcs(simulator, id="88"))["orders"]["order"] == row
        assert (await whmcs(simulator, id="89"))["totalresults"] == 0


async def test_whmcs_answers_errors_with_status_200() -> None:
    async with serving(World(now=lambda: NOW), "whmcs") as simulator:
        refused = await post(simulator, WHMCS, action="GetOrders", identifier=IDENTIFIER, secret="wrong")
        assert (refused.status, refused.json) == (200, {"result": "error", "message": "Authentication Failed"})
        assert (await whmcs(simulator, action="GetOrdrs"))["message"] == "Command Not Found: GetOrdrs"


async def test_a_service_without_an_item_is_a_line_all_the_same() -> None:
    world = World(now=lambda: NOW)
    world.place(services=[TrueService(5, "VPS", "Active", "vps.example.com")])
    async with serving(world, "whmcs") as simulator:
        line = (await whmcs(simulator))["orders"]["order"]["lineitems"]["lineitem"]
    assert (line["relid"], line["status"], line["domain"]) == (5, "Active", "vps.example.com")


@pytest.mark.parametrize(("dialect", "first"), [("hostbill", 0), ("hostbill_from_one", 1)])
async def test_hostbill_counts_pages_from_0_or_from_1(dialect: str, first: int) -> None:
    async with serving(world_of(60), dialect) as simulator:
        shown = [await hostbill(simulator, page=str(first + page)) for page in range(4)]
        assert [len(page["orders"]) for page in shown] == [25, 25, 10, 0]
        assert [page["sorter"]["sorterpage"] for page in shown] == [1, 2, 3, 4]
        assert (shown[0]["sorter"]["totalpages"], shown[0]["sorter"]["sorterrecords"]) == (3, "60")
        assert (await hostbill(simulator))["orders"] == shown[0]["orders"]
        assert (await hostbill(simulator, page="0"))["orders"] == shown[0]["orders"]


async def test_hostbill_shows_one_order_with_more_than_the_list_does() -> None:
    async with serving(reference_world(), "hostbill") as simulator:
        details = (await hostbill(simulator, call="getOrderDetails", id="88"))["details"]
        listed = (await hostbill(simulator, list="active"))["orders"]
        assert [row["id"] for row in listed] == ["88"]
        assert details.items() >= {"status": "Active", "total": "22.00", "domains": ""}.items()
        assert "order_ip" in details.keys() - listed[0].keys()


async def test_hostbill_answers_errors_with_status_200() -> None:
    async with serving(World(now=lambda: NOW), "hostbill") as simulator:
        refused = await post(simulator, HOSTBILL, call="getOrders", api_id=API_ID, api_key="wrong")
        assert (refused.status, refused.json["error"]) == (200, ["Wrong API ID or API KEY"])
        assert (await hostbill(simulator, call="getOrderDetails", id="5"))["error"] == ["Order not found"]
        assert (await hostbill(simulator, call="getOrdrs"))["success"] is False


async def test_fossbilling_shows_pages_and_an_empty_list_has_none() -> None:
    async with serving(world_of(30), "fossbilling") as simulator:
        shown = (await fossbilling(simulator, LIST_PATH, {"page": "2", "per_page": "20"})).json["result"]
        assert {name: shown[name] for name in ("pages", "page", "per_page", "total")} == {
            "pages": 2,
            "page": 2,
            "per_page": 20,
            "total": 30,
        }
        assert [row["id"] for row in shown["list"]] == list(range(10, 0, -1))
        assert {row["status"] for row in shown["list"]} == {"pending_setup"}
        empty = (await fossbilling(simulator, LIST_PATH, {"status": "active"})).json["result"]
        assert (empty["pages"], empty["total"], empty["list"]) == (0, 0, [])


async def test_fossbilling_shows_one_order() -> None:
    async with serving(reference_world(), "fossbilling") as simulator:
        assert (await fossbilling(simulator, ORDER_PATH, {"id": "91"})).json["result"]["total"] == 5
        missing = await fossbilling(simulator, ORDER_PATH, {"id": "1"})
        assert (missing.status, missing.json["error"]["message"]) == (200, "Order not found")
        assert (await fossbilling(simulator, ORDER_PATH, {})).json["error"]["message"] == "Order id not passed"


async def test_fossbilling_refuses_wrong_keys_addresses_and_sizes() -> None:
    async with serving(reference_world(), "fossbilling") as simulator:
        refused = await fossbilling(simulator, LIST_PATH, {}, "wrong")
        assert (refused.status, refused.json["error"]["code"]) == (401, 205)
        elsewhere = await fossbilling(simulator, "/api/admin/order/lst", {})
        assert (elsewhere.status, elsewhere.json["error"]["code"]) == (400, 879)
        large = await fossbilling(simulator, LIST_PATH, {"per_page": "501"})
        assert (large.status, large.json["result"]) == (200, None)
        assert "too large" in large.json["error"]["message"]
