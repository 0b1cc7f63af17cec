"""Control of a running simulator over HTTP: what a user of ``order-monitor simulate`` does with curl."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from monitor.simulator.faults import Faults, kind_of, parse_fault
from monitor.simulator.timeline import Edit
from monitor.simulator.truth import UnknownOrder, order_fields
from monitor.simulator.world import World

PREFIX = "/_simulator"

HELP = """\
The simulated billing API. Amounts are in minor units; {id} is an order's id or number.

GET    /_simulator/orders/{id}
POST   /_simulator/orders       {"total": 500, "currency": "USD"}   place an order; every field has a default
POST   /_simulator/orders/{id}  {"status": "fraud"}                 or total, items, invoice_status, services
DELETE /_simulator/orders/{id}
GET    /_simulator/log          what happened; ?after=12 for what happened after number 12
GET    /_simulator/faults       the faults in force
POST   /_simulator/faults       {"kind": "failure", "code": 500, "times": 3}
DELETE /_simulator/faults       end all faults; ?kind=latency for those of one kind

Example: curl -d '{"status": "fraud"}' http://127.0.0.1:PORT/_simulator/orders/ORD-0088
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """The endpoints below ``/_simulator``, for one world and its faults."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def application(self) -> web.Application:
        """The endpoints, to be mounted at ``PREFIX``."""
        application = web.Application(middlewares=[_explain])
        application.add_routes(
            [
                web.get("", self.help),
                web.post("/orders", self.place),
                web.get("/orders/{id}", self.show),
                web.post("/orders/{id}", self.edit),
                web.delete("/orders/{id}", self.delete),
                web.get("/log", self.log),
                web.get("/faults", self.list_faults),
                web.post("/faults", self.set_fault),
                web.delete("/faults", self.clear_faults),
            ]
        )
        return application

    async def help(self, request: web.Request) -> web.Response:
        return web.Response(text=HELP)

    async def place(self, request: web.Request) -> web.Response:
        return _json(self._world.place(**order_fields(await _body(request))), 201)

    async def show(self, request: web.Request) -> web.Response:
        return _json(self._world.order(request.match_info["id"]))

    async def edit(self, request: web.Request) -> web.Response:
        key = request.match_info["id"]
        edit = msgspec.convert({**await _body(request), "order": key}, Edit)
        edit.apply(self._world, self._faults)
        return _json(self._world.order(key))

    async def delete(self, request: web.Request) -> web.Response:
        return _json(self._world.delete(request.match_info["id"]))

    async def log(self, request: web.Request) -> web.Response:
        return _json(self._world.since(msgspec.convert(request.query.get("after", 0), int, strict=False)))

    async def list_faults(self, request: web.Request) -> web.Response:
        return _json([kind_of(fault) for fault in self._faults.active])

    async def set_fault(self, request: web.Request) -> web.Response:
        self._faults.set(parse_fault(await _body(request)))
        return _json([kind_of(fault) for fault in self._faults.active], 201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear(request.query.get("kind"))
        return await self.list_faults(request)


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell the user in words what was wrong with a request."""
    try:
        return await handler(request)
    except UnknownOrder as error:
        return _json({"error": str(error)}, 404)
    except (msgspec.MsgspecError, ValueError) as error:
        return _json({"error": str(error)}, 400)


async def _body(request: web.Request) -> dict[str, object]:
    return msgspec.json.decode(await request.read(), type=dict[str, object])


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(content) + b"\n", status=status, headers={"Content-Type": "application/json"}
    )
