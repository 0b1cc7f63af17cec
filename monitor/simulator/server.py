"""The simulator's server: a world shown through a dialect and its faults; all of the simulator's I/O starts here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl

from aiohttp import web

from monitor.simulator.control import PREFIX, Control
from monitor.simulator.dialect import Call, Dialect, ListOrder, Reply, login_page
from monitor.simulator.faults import Fault, Faults
from monitor.simulator.registry import DIALECTS
from monitor.simulator.sending import Sleep, send
from monitor.simulator.timeline import Life, Timeline
from monitor.simulator.world import World

TOKEN = "simulator-token"  # noqa: S105  # opens nothing but made-up orders
"""The credential that a simulator expects where it is given no other."""

REQUEST_LIMIT = 20_000
"""So many of the latest requests stay recorded."""

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body; the answer to a longer one is 413."""

_FORM = "application/x-www-form-urlencoded"
_GRACE = 0.05  # seconds that stop() gives the requests in flight


class Simulator:
    """A simulated billing API: ``async with Simulator(world) as simulator`` serves at ``simulator.url``.

    ``requests`` records the latest requests, ``request_count`` counts all of them; the control endpoints stand apart.
    While ``hold`` is an event that is not set, requests wait for it before the world is looked at; with ``hold_reply``,
    once their answer stands and before it is sent. ``before_answer`` is called with each request just before the world
    is looked at, so that a test can change the world between any two.
    """

    def __init__(
        self,
        world: World,
        dialect: str = "documented",
        *,
        token: str = TOKEN,
        order: ListOrder = "newest",
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        if dialect not in DIALECTS:
            raise ValueError(f"there is no dialect {dialect}: choose one of {', '.join(DIALECTS)}")
        self.world = world
        self.token = token
        self.faults = Faults(world)
        self.requests: list[Call] = []
        self.request_count = 0
        self.hold: asyncio.Event | None = None
        self.hold_reply: asyncio.Event | None = None
        self.before_answer: Callable[[Call], object] | None = None
        self.host = "127.0.0.1"
        self.port = 0
        self._dialect = DIALECTS[dialect](token, order)
        self._sleep = sleep
        self._runner: web.AppRunner | None = None
        self._arrived = asyncio.Condition()

    @property
    def url(self) -> str:
        """The base address, as a source's ``url``; it stays after ``stop``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve; port 0 picks a free one. OSError if the address cannot be used."""
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.host, self.port = host, runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection; requests in flight are given up. ``start(port=simulator.port)`` brings it back."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait_for_requests(self, count: int) -> None:
        """Until so many requests have come in, since the beginning."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.request_count >= count)

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=BODY_LIMIT)
        application.router.add_get("/login", self._serve_login)
        application.add_subapp(PREFIX, Control(self.world, self.faults).application())
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        call = await self._record(request)
        faults = self.faults.take(self._dialect.page(call))
        await self._delay(faults)
        await _pass(self.hold)
        self._before(call, faults)
        reply = answer(self._dialect, call, self.world, faults)
        answered_at = self.world.now()
        await _pass(self.hold_reply)
        return await send(request, reply, answered_at, self._sleep)

    async def _serve_login(self, request: web.Request) -> web.StreamResponse:
        return await send(request, login_page(), self.world.now(), self._sleep)

    async def _record(self, request: web.Request) -> Call:
        body = await request.read() if request.can_read_body else b""
        form = _form(body) if body and request.content_type == _FORM else {}
        call = Call(request.path, request.query, request.headers, self.world.now(), request.method, form, body)
        self.requests.append(call)
        if len(self.requests) > 2 * REQUEST_LIMIT:
            del self.requests[:-REQUEST_LIMIT]
        async with self._arrived:
            self.request_count += 1
            self._arrived.notify_all()
        return call

    async def _delay(self, faults: Sequence[Fault]) -> None:
        seconds = sum(fault.delay() for fault in faults)
        if seconds:
            await self._sleep(seconds)

    def _before(self, call: Call, faults: Sequence[Fault]) -> None:
        for fault in faults:
            fault.before(self.world)
        if self.before_answer is not None:
            self.before_answer(call)


def answer(dialect: Dialect, call: Call, world: World, faults: Sequence[Fault] = ()) -> Reply:
    """What the API says to a call, with each fault taking effect at its step."""
    reply = _instead(dialect, call, faults) or _refuse(dialect, call) or _show(dialect, call, world, faults)
    for fault in faults:
        reply = fault.sent(reply)
    return reply


def _instead(dialect: Dialect, call: Call, faults: Sequence[Fault]) -> Reply | None:
    replies = (fault.instead(dialect, call) for fault in faults)
    return next((reply for reply in replies if reply is not None), None)


def _refuse(dialect: Dialect, call: Call) -> Reply | None:
    return dialect.refuse(call) if dialect.knows(call) else dialect.unknown(call)


def _show(dialect: Dialect, call: Call, world: World, faults: Sequence[Fault]) -> Reply:
    for fault in faults:
        world = fault.view(world)
    other = dialect.other(world, call)
    if other is not None:
        return other
    key = dialect.order_key(call)
    if key is None:
        return _list(dialect, call, world, faults)
    return dialect.detail(world.order(key) if key in world else None, call)


def _list(dialect: Dialect, call: Call, world: World, faults: Sequence[Fault]) -> Reply:
    asked = dialect.asked(call)
    for fault in faults:
        asked = fault.asked(asked)
    listing = dialect.listing(world, asked)
    for fault in faults:
        listing = fault.shown(listing)
    return dialect.reply(listing, call)


def _form(body: bytes) -> Mapping[str, str]:
    """As PHP reads it: of two fields of one name the last counts."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


async def run_life(life: Life, sleep: Sleep) -> None:
    """Let a life happen at its own times by the clock of its world, until cancelled."""
    while True:
        await sleep(max(0.0, (life.next_at - life.world.now()).total_seconds()))
        life.step(life.world.now())


async def run_timeline(timeline: Timeline, world: World, faults: Faults, sleep: Sleep) -> None:
    """Do the steps of a timeline at their times, counted from now; returns after the last."""
    elapsed = 0.0
    while (at := timeline.next_at) is not None:
        await sleep(at - elapsed)
        elapsed = at
        timeline.step(elapsed, world, faults)


async def _pass(gate: asyncio.Event | None) -> None:
    if gate is not None:
        await gate.wait()
