"""What every dialect can count on: any address and method, single orders, own spellings, what was modified since."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from talking import NOW, PATH, ask, ask_orders, serving, world_of

from monitor.simulator.base import BaseDialect
from monitor.simulator.dialect import Asked, Call, Listing, Reply, json_reply
from monitor.simulator.faults import (
    AnyFault,
    EmptyList,
    ExpiredToken,
    Failure,
    Fault,
    IgnoredFilter,
    IgnoredPaging,
    NoSuccess,
    Stale,
    Truncated,
)
from monitor.simulator.server import BODY_LIMIT, TOKEN, answer
from monitor.simulator.truth import TrueOrder, TrueService
from monitor.simulator.world import World

LIST = "/orders"
LATER = NOW + timedelta(hours=1)


class Small(BaseDialect):
    """A system as a newcomer would describe it."""

    list_path = LIST
    order_path = r"/orders/([^/]+)"
    statuses: Mapping[str, str] = {"pending": "Pending", "active": "processing", "cancelled": "Canceled"}
    per_page = 2

    def asked(self, call: Call) -> Asked:
        since = LATER if "modified_since" in call.query else None
        skip = int(call.query["offset"]) if "offset" in call.query else None
        return msgspec.structs.replace(super().asked(call), modified_since=since, skip=skip)

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        return json_reply(self.row(order)) if order else self.error(404, "no such order")

    def reply(self, listing: Listing, call: Call) -> Reply:
        rows = [self.row(order) for order in listing.rows]
        return json_reply({"rows": rows, "total": listing.total, "asked_at": call.path})

    def row(self, order: TrueOrder) -> dict[str, object]:
        return {"id": order.id, "status": self.spelled(order.status)}


class Currencies(Small):
    """A system that shows more than orders."""

    def knows(self, call: Call) -> bool:
        return call.path == "/currency" or super().knows(call)

    def other(self, world: World, call: Call) -> Reply | None:
        return json_reply({"currency": world.order(1).currency}) if call.path == "/currency" else None


def call(path: str = LIST, method: str = "GET", token: str = TOKEN, **query: str) -> Call:
    return Call(path, query, {"Authorization": f"Bearer {token}"}, NOW, method)


def said(asked: Call, world: World, *faults: Fault, dialect: BaseDialect | None = None) -> Any:
    reply = answer(dialect or Small(TOKEN), asked, world, faults)
    return reply.status, msgspec.json.decode(reply.body)


def ids(asked: Call, world: World, *faults: Fault) -> list[int]:
    return [row["id"] for row in said(asked, world, *faults)[1]["rows"]]


def test_a_list_has_pages_a_token_and_an_own_spelling() -> None:
    world = world_of(5)
    assert ids(call(), world) == [5, 4]
    assert ids(call(page="3"), world) == [1]
    assert ids(call(offset="1", per_page="3"), world) == [4, 3, 2]
    assert said(call(), world)[1]["rows"][0] == {"id": 5, "status": "Pending"}
    assert said(call(), world)[1]["asked_at"] == LIST
    assert said(call(token="other"), world) == (401, {"message": "Unauthenticated."})


def test_oldest_first_is_the_other_way_round() -> None:
    (first, second) = said(call(), world_of(3), dialect=Small(TOKEN, "oldest"))[1]["rows"]
    assert (first["id"], second["id"]) == (1, 2)


def test_a_status_is_filtered_by_its_own_spelling() -> None:
    """A status that has no word of the world's is shown as it is, and one that has two is found by both."""
    world = world_of(6)
    for order, status in ((1, "active"), (2, "processing"), (3, "on-hold"), (4, "active"), (5, "pending")):
        world.set_status(order, status)
    found = {s: ids(call(status=s, per_page="9"), world) for s in ("processing", "Pending", "on-hold", "active", "x")}
    assert found == {"processing": [4, 2, 1], "Pending": [6, 5], "on-hold": [3], "active": [], "x": []}
    assert said(call(status="processing"), world)[1]["total"] == 3
    assert ids(call(status="on-hold"), world, IgnoredFilter()) == [6, 5]


def test_what_was_modified_since_is_listed() -> None:
    world = world_of(4)
    world.set_status(2, "active", at=LATER)
    world.set_status(3, "active", at=LATER - timedelta(seconds=1))
    world.change(4, invoice_status="Paid", at=LATER + timedelta(seconds=1))
    assert ids(call(modified_since="x"), world) == [4, 2]
    assert ids(call(modified_since="x", status="processing"), world) == [2]
    assert ids(call(modified_since="x", page="2", per_page="1"), world, IgnoredPaging()) == [4, 2]


def test_one_order_is_shown_by_id_and_by_number() -> None:
    world = world_of(2)
    world.place(number="SHOP-7")
    assert said(call("/orders/2"), world) == (200, {"id": 2, "status": "Pending"})
    assert said(call("/orders/SHOP-7"), world)[1]["id"] == 3
    for unknown in ("9", "SHOP-9", "-1", "0"):
        assert said(call(f"/orders/{unknown}"), world) == (404, {"message": "no such order"})
    assert said(call("/orders/2", token="other"), world)[0] == 401


def test_what_there_is_not_is_told_before_the_token_is_looked_at() -> None:
    world = world_of(1)
    for asked in (call("/elsewhere"), call("/orders/1/items"), call(method="POST"), call("/elsewhere", token="x")):
        assert said(asked, world) == (404, {"message": "Not Found"})


def test_a_dialect_may_show_other_things_too() -> None:
    dialect = Currencies(TOKEN)
    assert said(call("/currency"), world_of(1), dialect=dialect) == (200, {"currency": "USD"})
    assert said(call("/currency", token="other"), world_of(1), dialect=dialect)[0] == 401
    assert said(call("/orders/1"), world_of(1), dialect=dialect)[1]["id"] == 1


def test_a_dialect_without_a_list_or_without_details_says_so() -> None:
    world = world_of(1)
    dialect = BaseDialect(TOKEN)
    assert said(call(), world, dialect=dialect) == (404, {"message": "Not Found"})
    dialect.list_path, dialect.order_path = LIST, r"/orders/(\d+)"
    assert said(call(), world, dialect=dialect) == said(call("/orders/1"), world, dialect=dialect)
    assert said(call(), world, dialect=dialect) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("fault", "status", "content"),
    [
        (ExpiredToken(), 401, {"message": "Unauthenticated."}),
        (Failure(code=500), 500, {"message": "Server Error"}),
        (Failure(code=400, says="Not today."), 400, {"message": "Not today."}),
        (NoSuccess(says="Not now."), 200, {"success": False, "error": "Not now."}),
        (EmptyList(), 200, {"id": 1, "status": "Pending"}),
    ],
)
@pytest.mark.parametrize("path", ["/orders/1", "/orders/9"])
def test_faults_replace_details_too(path: str, fault: AnyFault, status: int, content: object) -> None:
    """An empty list empties lists alone."""
    if isinstance(fault, EmptyList) and path == "/orders/9":
        status, content = 404, {"message": "no such order"}
    assert said(call(path), world_of(1), fault) == (status, content)


def test_details_may_be_stale_and_cut_short() -> None:
    world = world_of(1)
    stale = Stale(age=60).begin(world)
    world.set_status(1, "active")
    reply = answer(Small(TOKEN), call("/orders/1"), world, [stale, Truncated(missing=5)])
    assert msgspec.json.decode(reply.body)["status"] == "Pending"
    assert (reply.headers["Age"], reply.cut) == ("60", 5)


async def test_any_address_and_method_is_the_dialects() -> None:
    async with serving(world_of(1)) as simulator:
        wrong = await ask(simulator.url + PATH, method="POST", data=b"")
        unknown = await ask(simulator.url + "/api/v2/orders")
        head = await ask(simulator.url + PATH, method="HEAD")
        login = await ask(simulator.url + "/login")
        assert (wrong.status, unknown.status, head.status, login.status) == (405, 404, 405, 200)
        assert wrong.json["message"].startswith("The POST method is not supported for route api/v1/orders.")
        assert unknown.json == {"message": "The route api/v2/orders could not be found."}
        assert [(entry.method, entry.path) for entry in simulator.requests] == [
            ("POST", PATH),
            ("GET", "/api/v2/orders"),
            ("HEAD", PATH),
        ]


async def test_a_form_is_read_as_php_reads_it() -> None:
    async with serving(world_of(1)) as simulator:
        form = b"action=GetOrders&status=On+Hold&note=%C3%A5%FF&empty=&status=Pending"
        kind = "application/x-www-form-urlencoded; charset=utf-8"
        await ask(simulator.url + "/api.php", method="POST", data=form, content_type=kind)
        await ask(simulator.url + "/api.php", method="POST", data=b'{"action": "x"}')
        posted, other = simulator.requests
    assert dict(posted.form) == {"action": "GetOrders", "status": "Pending", "note": "å\ufffd", "empty": ""}
    assert posted.body == form
    assert (dict(other.form), other.body) == ({}, b'{"action": "x"}')


async def test_a_body_has_its_limit() -> None:
    async with serving(world_of(1)) as simulator:
        answered = await ask(simulator.url + PATH, method="POST", data=b"x" * (BODY_LIMIT + 1))
        assert answered.status == 413
        assert (await ask_orders(simulator)).ids == [1]


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("Basic " + base64.b64encode(b"ck_1:cs:2").decode(), ("ck_1", "cs:2")),
        ("basic " + base64.b64encode(b"admin").decode(), ("admin", "")),
        ("Basic ???", None),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), None),
        ("Bearer abc", None),
        ("", None),
    ],
)
def test_basic_credentials_are_read(header: str, read: tuple[str, str] | None) -> None:
    assert Call(LIST, {}, {"Authorization": header}, NOW).basic == read


def test_services_and_invoices_change_and_are_logged() -> None:
    world = world_of(1)
    before = world.order(1)
    assert before.modified_at == before.created_at
    hosting = TrueService(5, "VPS 2 GB", "Pending", "example.com")
    world.change(1, services=[hosting], invoice_status="Unpaid")
    changed = world.change(1, invoice_status="Paid", at=LATER)
    assert (changed.invoice_status, changed.services, changed.modified_at) == ("Paid", (hosting,), LATER)
    assert world.change(1, invoice_status="Paid", at=LATER + timedelta(1)).modified_at == LATER
    assert [change.kind for change in world.log[1:]] == ["changed", "changed"]
    assert list(world.modified_since(LATER)) == [1]
