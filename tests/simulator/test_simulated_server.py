"""The server: what it records, how it is held, stopped and started; and the control endpoints."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from talking import NOW, PATH, ask, ask_orders, serving, world_of

from monitor.simulator.control import PREFIX
from monitor.simulator.faults import Drip
from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.world import World


async def test_requests_are_recorded_with_what_was_sent() -> None:
    async with serving(world_of(1)) as simulator:
        await ask_orders(simulator, page="2", status="active")
        await ask(simulator.url + PREFIX)
        (call,) = simulator.requests
        assert simulator.request_count == 1
    assert (call.path, dict(call.query), call.at) == (PATH, {"page": "2", "status": "active"}, NOW)
    assert call.headers["authorization"] == f"Bearer {TOKEN}"
    assert call.token == TOKEN


async def test_a_held_request_sees_the_world_as_it_is_when_let_go() -> None:
    world = world_of(1)
    async with serving(world) as simulator:
        simulator.hold = asyncio.Event()
        asking = asyncio.create_task(ask_orders(simulator))
        await asyncio.wait_for(simulator.wait_for_requests(1), 5)
        world.set_status(1, "fraud")
        assert not asking.done()
        simulator.hold.set()
        assert (await asking).json["data"][0]["status"] == "fraud"


async def test_a_held_reply_shows_the_world_as_it_was() -> None:
    world = world_of(1)
    async with serving(world) as simulator:
        simulator.hold_reply = asyncio.Event()
        answered = asyncio.Event()
        simulator.before_answer = lambda call: answered.set()
        asking = asyncio.create_task(ask_orders(simulator))
        await asyncio.wait_for(answered.wait(), 5)
        world.set_status(1, "fraud")
        done, _ = await asyncio.wait({asking}, timeout=0.05)
        assert not done
        simulator.hold_reply.set()
        assert (await asking).json["data"][0]["status"] == "pending"


async def test_a_hook_can_change_the_world_before_each_answer() -> None:
    world = world_of(4)
    async with serving(world) as simulator:
        simulator.before_answer = lambda call: world.place() if call.query["page"] == "2" else None
        pages = [(await ask_orders(simulator, per_page="2", page=page)).ids for page in ("1", "2", "3")]
    assert pages == [[4, 3], [3, 2], [1]]


async def test_the_server_can_go_away_and_come_back_at_its_address() -> None:
    async with serving(world_of(1)) as simulator:
        url = simulator.url
        await simulator.stop()
        with pytest.raises(aiohttp.ClientConnectionError):
            await ask_orders(simulator)
        await simulator.start(port=simulator.port)
        assert simulator.url == url
        assert (await ask_orders(simulator)).ids == [1]


async def test_stopping_gives_up_what_is_in_flight() -> None:
    async with Simulator(world_of(1)) as simulator:
        simulator.hold = asyncio.Event()
        held = asyncio.create_task(ask_orders(simulator))
        await asyncio.wait_for(simulator.wait_for_requests(1), 5)
        await asyncio.wait_for(simulator.stop(), 2)
        with pytest.raises(aiohttp.ClientConnectionError):
            await held
        await simulator.stop()


async def test_stopping_does_not_wait_for_a_dripping_body() -> None:
    async with Simulator(world_of(1)) as simulator:
        simulator.faults.set(Drip(pause=60))
        dripping = asyncio.create_task(ask_orders(simulator))
        await asyncio.wait_for(simulator.wait_for_requests(1), 5)
        await asyncio.wait_for(simulator.stop(), 2)
        with pytest.raises(aiohttp.ClientError):
            await dripping


async def test_a_taken_address_is_an_error_and_leaves_nothing_running() -> None:
    async with serving(world_of(1)) as simulator:
        second = Simulator(world_of(1))
        with pytest.raises(OSError, match="address already in use"):
            await second.start(port=simulator.port)
        await second.stop()


async def test_it_serves_ipv6_too() -> None:
    simulator = Simulator(world_of(1))
    await simulator.start(host="::1")
    try:
        assert simulator.url == f"http://[::1]:{simulator.port}"
        assert (await ask_orders(simulator)).ids == [1]
    finally:
        await simulator.stop()


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no dialect klingon: choose one of documented, released"):
        Simulator(World(), "klingon")


async def test_a_user_can_place_flip_and_delete_an_order() -> None:
    world = world_of(1)
    async with serving(world) as simulator:
        orders = simulator.url + PREFIX + "/orders"
        placed = await ask(orders, method="POST", data={"number": "SHOP-7", "total": 900}, token=None)
        assert (placed.status, placed.json["id"], placed.json["status"]) == (201, 2, "pending")
        flipped = await ask(orders + "/SHOP-7", method="POST", data={"status": "fraud"}, token=None)
        assert (flipped.status, flipped.json["status"], world.order(2).status) == (200, "fraud", "fraud")
        await ask(orders + "/2", method="POST", data={"total": 1000, "items": [{"product": "VPS"}]})
        assert (await ask(orders + "/2")).json["total"] == 1000
        services = [{"id": 5, "name": "VPS", "status": "Active"}]
        await ask(orders + "/2", method="POST", data={"invoice_status": "Paid", "services": services})
        shown = (await ask(orders + "/2")).json
        assert (shown["invoice_status"], shown["services"]) == ("Paid", services)
        assert (await ask_orders(simulator, status="fraud")).ids == [2]
        assert (await ask(orders + "/ORD-0001", method="DELETE")).status == 200
        assert list(world.ids()) == [2]


async def test_a_user_can_read_what_happened() -> None:
    world = world_of(2)
    world.set_status(2, "active")
    async with serving(world) as simulator:
        log = simulator.url + PREFIX + "/log"
        whole = (await ask(log)).json
        assert [entry["kind"] for entry in whole] == ["placed", "placed", "status_changed"]
        assert (whole[2]["before"]["status"], whole[2]["after"]["status"]) == ("pending", "active")
        assert [entry["sequence"] for entry in (await ask(log, {"after": "2"})).json] == [3]


async def test_a_user_can_set_and_end_faults() -> None:
    async with serving(world_of(1)) as simulator:
        faults = simulator.url + PREFIX + "/faults"
        assert (await ask(faults, method="POST", data={"kind": "failure", "code": 502})).status == 201
        await ask(faults, method="POST", data={"kind": "empty_list"})
        assert (await ask(faults)).json == ["failure", "empty_list"]
        assert (await ask_orders(simulator)).status == 502
        await ask(faults, {"kind": "failure"}, method="DELETE")
        assert (await ask_orders(simulator)).ids == []
        assert (await ask(faults, method="DELETE")).json == []
        assert (await ask_orders(simulator)).ids == [1]


@pytest.mark.parametrize(
    ("method", "path", "data", "status", "complaint"),
    [
        ("POST", "/orders", {"colour": "red"}, 400, "no field colour"),
        ("POST", "/orders", {"id": 1}, 400, "taken"),
        ("POST", "/orders", b"{", 400, "truncated"),
        ("POST", "/orders", b"[]", 400, "object"),
        ("POST", "/orders/1", {"statsu": "fraud"}, 400, "statsu"),
        ("POST", "/orders/77", {"status": "fraud"}, 404, "there is no order 77"),
        ("DELETE", "/orders/ORD-0077", None, 404, "there is no order ORD-0077"),
        ("POST", "/faults", {"kind": "meteor"}, 400, "meteor"),
        ("GET", "/log?after=x", None, 400, "int"),
    ],
)
async def test_a_request_that_makes_no_sense_is_answered_in_words(
    method: str, path: str, data: object, status: int, complaint: str
) -> None:
    async with serving(world_of(1)) as simulator:
        answer = await ask(simulator.url + PREFIX + path, method=method, data=data)
        assert answer.status == status
        assert complaint in answer.json["error"]
        assert simulator.faults.active == ()
        assert len(simulator.world) == 1


async def test_the_control_endpoints_explain_themselves() -> None:
    async with serving(world_of(1)) as simulator:
        answer = await ask(simulator.url + PREFIX, token=None)
    assert answer.status == 200
    assert b"POST   /_simulator/faults" in answer.body


async def test_a_page_of_a_large_list_costs_a_page() -> None:
    """No look at every order for one page: the world is asked for as many orders as the page shows."""
    world = World.seeded(1, 5000)
    looked: list[object] = []
    look = world.order

    def counted(key: int | str) -> object:
        looked.append(key)
        return look(key)

    world.order = counted  # type: ignore[method-assign,assignment]  # counts, and does what it did
    async with serving(world) as simulator:
        await ask_orders(simulator, per_page="100", page="30")
        await ask_orders(simulator, per_page="100", status="active", page="3")
    assert len(looked) == 200
