"""HostUp as it is simulated: the reference's envelope, PHP's ways, both credentials, and its own errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from talking import NOW

from monitor.simulator.dialect import Call, Reply
from monitor.simulator.faults import Failure
from monitor.simulator.hostup import SECRETS, Hostup
from monitor.simulator.server import answer
from monitor.simulator.truth import TrueCustomer, TrueItem, TrueService
from monitor.simulator.world import World

DIALECT = Hostup("made-up")
KEY = {"X-API-Key": "made-up"}


@pytest.fixture
def world() -> World:
    made = World(now=lambda: NOW)
    made.place(id=7, items=[TrueItem("SSL", price=1250)], created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC))
    made.place(
        id=8, currency="JPY", total=500, status="active", invoice_status="Paid", payment="Stripe",
        items=[TrueItem("VPS 2 GB", 2, 250), TrueItem("Backups")],
        services=[TrueService(701, "VPS 2 GB", "Suspended", "example.com"), TrueService(702, "Mail", "Active")],
        customer=TrueCustomer("Quilla Doe", "Quillaworks"),
    )  # fmt: skip
    return made


def ask(world: World, path: str, headers: Mapping[str, str] = KEY, method: str = "GET") -> Reply:
    return answer(DIALECT, Call(path, {}, headers, NOW, method), world)


def order(world: World, order_id: int) -> dict[str, Any]:
    reply = ask(world, f"/api/billing/order/{order_id}")
    assert reply.status == 200
    whole = msgspec.json.decode(reply.body)
    assert whole["success"] is whole["data"]["success"] is True
    assert whole["requestId"]
    return dict(whole["data"]["order"])


def test_an_order_is_written_as_php_would(world: World) -> None:
    shown = order(world, 7)
    assert (shown["id"], shown["total"], shown["status"]) == ("7", "12.5", "Pending")
    assert shown["date_created"] == "2026-04-01 09:15:00"
    assert (shown["notes"], shown["metadata"], shown["hosting"], shown["contracts"]) == ("", [], "", None)
    assert shown["contract_accepted_date"] == "0000-00-00 00:00:00"
    assert (shown["invstatus"], shown["invoice_id"], shown["addons"]) == (None, "0", ["SSL"])


def test_services_are_hosting_accounts_with_their_secrets(world: World) -> None:
    shown = order(world, 8)
    first, second = shown["hosting"]
    assert (first["id"], first["status"], first["domain"]) == ("701", "Suspended", "example.com")
    assert (first["qty"], first["total"]) == ("2", "500")
    assert (second["name"], second["qty"]) == ("Mail", "1")
    assert {first["username"], first["password"], first["rootpassword"], shown["order_ip"]} == set(SECRETS)
    assert (shown["firstname"], shown["lastname"], shown["companyname"]) == ("Quilla", "Doe", "Quillaworks")
    assert (shown["invstatus"], shown["module"], shown["total"]) == ("Paid", "Stripe", "500")


@pytest.mark.parametrize("headers", [KEY, {"Authorization": "Bearer made-up"}])
def test_either_credential_is_taken(world: World, headers: dict[str, str]) -> None:
    assert ask(world, "/api/billing/order/7", headers).status == 200


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "other"}, {"Authorization": "Basic made-up"}])
def test_any_other_is_refused_in_its_own_shape(world: World, headers: dict[str, str]) -> None:
    reply = ask(world, "/api/billing/order/7", headers)
    said = msgspec.json.decode(reply.body)
    assert (reply.status, said["code"], said["message"]) == (401, "UNAUTHORIZED", "Authentication required")
    assert said.keys() == {"error", "message", "code", "timestamp", "requestId"}


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [
        ("/api/billing/order/99", "GET", "ORDER_NOT_FOUND"),
        ("/api/billing/order/ORD-1", "GET", "NOT_FOUND"),
        ("/api/billing/orders", "GET", "NOT_FOUND"),
        ("/api/billing/order/7", "POST", "NOT_FOUND"),
    ],
)
def test_a_missing_order_is_told_from_a_missing_address(world: World, path: str, method: str, code: str) -> None:
    reply = ask(world, path, method=method)
    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (404, code)


def test_it_may_be_asked_too_often(world: World) -> None:
    call = Call("/api/billing/order/7", {}, KEY, NOW)
    reply = answer(DIALECT, call, world, [Failure(code=429, retry_after="7")])
    assert (reply.status, reply.headers["Retry-After"]) == (429, "7")
    assert msgspec.json.decode(reply.body)["code"] == "RATE_LIMITED"


def test_an_error_may_hide_in_a_good_answer() -> None:
    said = msgspec.json.decode(DIALECT.error(200, "Upstream is away").body)
    assert (said["success"], said["message"]) == (False, "Upstream is away")
