"""`demo` and `simulate`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from monitor.app import App, open_app
from monitor.cli.browsing import can_open, open_in_browser
from monitor.cli.common import set_up_logs
from monitor.cli.simulated import source_of
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.errors import ConfigError, MonitorError, Problem
from monitor.fields import parse_duration
from monitor.simulator.server import Simulator, run_life, run_timeline
from monitor.simulator.timeline import BadTimeline, Life, Timeline
from monitor.simulator.truth import TrueChange, minor_units
from monitor.simulator.world import World

_TOKEN = "token-of-the-demo"  # noqa: S105  # opens nothing but the simulator
_USUAL_PORT = 8080
_MOMENT_S = 0.05


def demo(options: argparse.Namespace) -> int:
    """Daemon, simulated billing system and alerts in one process."""
    seconds = _seconds(options.seconds)
    with tempfile.TemporaryDirectory(prefix="order-monitor-demo-") as folder:
        return asyncio.run(_demo(options, Path(folder), seconds))


def simulate(options: argparse.Namespace) -> int:
    """The simulated billing system alone."""
    return asyncio.run(_simulate(options))


async def _demo(options: argparse.Namespace, folder: Path, seconds: float | None) -> int:
    stop = _until_signal()
    if seconds is not None:
        asyncio.get_running_loop().call_later(seconds, stop.set)
    world = World.seeded(options.seed, orders=options.orders)
    screen = _Screen()
    async with Simulator(world, token=_TOKEN) as simulator, _Webhook(screen.alert) as webhook:
        listen = f"127.0.0.1:{_free_port()}"
        settings = _demo_settings(simulator.url, webhook.url, folder, listen)
        set_up_logs(settings, "error")
        screen.introduce(simulator.url, len(world), f"http://{listen}")
        async with open_app(settings, SystemClock()) as app:
            await app.poll_all()
            screen.say("monitor", f"{len(world):,} orders are known: the baseline, about which nothing is announced")
            world.listeners.append(screen.happened)
            life = asyncio.create_task(run_life(_lively(world, options.seed), asyncio.sleep))
            opening = asyncio.create_task(_open_page(app, wanted=not options.no_browser))
            try:
                await app.run(stop)
            finally:
                life.cancel()
                opening.cancel()
    screen.conclude()
    return 0


async def _simulate(options: argparse.Namespace) -> int:
    stop = _until_signal()
    world = World.seeded(options.seed, orders=options.orders)
    simulator = Simulator(world, dialect=options.dialect, token=options.token)
    host, _, port = options.listen.rpartition(":")
    try:
        await simulator.start(host.strip("[]") or "127.0.0.1", int(port))
    except (OSError, ValueError, OverflowError) as error:
        raise MonitorError(f"cannot listen on {options.listen}: {error}") from None
    print(
        f"a simulated billing system with {len(world):,} orders at {simulator.url}, token: {options.token}", flush=True
    )
    print(f"a source that reads it: {source_of(options.dialect, simulator.url, options.token)}", flush=True)
    print(f"GET {simulator.url}/_simulator says how to change its orders; Ctrl-C ends it", flush=True)
    try:
        await _live_until(stop, _happenings(options, world, simulator))
    finally:
        await simulator.stop()
    return 0


async def _live_until(stop: asyncio.Event, life: Coroutine[None, None, None]) -> None:
    """Let a life happen until it is told to stop; one that ends goes on as it is, one that fails raises."""
    happening = asyncio.create_task(life)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([happening, waiting], return_when=asyncio.FIRST_COMPLETED)
    if happening.done():
        happening.result()
    await waiting
    happening.cancel()


async def _happenings(options: argparse.Namespace, world: World, simulator: Simulator) -> None:
    if options.timeline:
        timeline = _read_timeline(options.timeline)
        try:
            await run_timeline(timeline, world, simulator.faults, asyncio.sleep)
        except (LookupError, ValueError) as error:
            raise MonitorError(f"{options.timeline}: a step cannot be done: {error}") from None
    elif not options.still:
        await run_life(Life(world, options.seed), asyncio.sleep)


def _read_timeline(path: str) -> Timeline:
    import yaml

    try:
        return Timeline.parse(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, BadTimeline, UnicodeDecodeError, TypeError, AttributeError) as error:
        raise ConfigError([Problem(path, "", f"is no timeline: {error}")]) from None


async def _open_page(app: App, *, wanted: bool) -> None:
    """Open the page once it is served, where there is somebody to look at it."""
    if not (wanted and can_open(os.environ, sys.stdout)):
        return
    while app.serving.server is None:  # noqa: ASYNC110  # nobody tells of it
        await asyncio.sleep(_MOMENT_S)
    await asyncio.to_thread(open_in_browser, app.serving.server.url)


def _free_port() -> int:
    """The usual port of the page, or another one if that is taken."""
    for port in (_USUAL_PORT, 0):
        with socket.socket() as tried, suppress(OSError):
            # As the server does: what a demo that has just ended leaves behind does not count as taken.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(("127.0.0.1", port))
            return int(tried.getsockname()[1])
    raise MonitorError("no port of 127.0.0.1 is free")


def _demo_settings(source: str, webhook: str, folder: Path, listen: str) -> Settings:
    return Settings.model_validate(
        {
            "state": f"sqlite:///{folder}/demo.db",
            "sources": {"shop": {"type": "opterius", "url": source, "token": SecretStr(_TOKEN), "every": "1s"}},
            "channels": {"webhook": {"url": SecretStr(webhook)}},
            "routes": [
                {"name": "status", "channels": ["webhook"]},
                {"name": "placed", "when": {"event": "appeared"}, "channels": ["webhook"]},
            ],
            "web": {"listen": listen},
        }
    )


def _lively(world: World, seed: int) -> Life:
    """Something happens every second or two, so that a stranger sees all of it within a minute."""
    return Life(world, seed, rate=20.0, pending_for=6.0)


def _until_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(parse_duration(text).total_seconds())  # type: ignore[attr-defined]  # a timedelta, or it raises
    except ValueError as error:
        raise ConfigError([Problem("--for", "", str(error))]) from None


class _Webhook:
    """A receiver of JSON messages, as somebody's own system would have one."""

    def __init__(self, received: Callable[[str, str], None]) -> None:
        self._received = received
        self.url = ""

    async def __aenter__(self) -> _Webhook:
        app = web.Application()
        app.router.add_post("/alerts", self._post)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"json://{host}:{port}/alerts"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _post(self, request: web.Request) -> web.Response:
        message: dict[str, Any] = await request.json()
        self._received(message["title"], message["message"])
        return web.Response()


class _Screen:
    """What the demo prints: what truly happens on the left, what the monitor makes of it below."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty()
        self._happened = self._alerts = 0

    def introduce(self, url: str, orders: int, page: str) -> None:
        print(f"A simulated billing system with {orders:,} orders runs at {url}.")
        print("Order Monitor polls it every second and sends its alerts to a webhook. Ctrl-C ends it.")
        print(f"Its page, which shows all of it as it happens: {page}\n", flush=True)

    def say(self, who: str, text: str, colour: str = "2") -> None:
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        who = f"{who:<8}"
        print(f"{now}  " + (f"\033[{colour}m{who}\033[0m" if self._colours else who) + f"  {text}", flush=True)

    def happened(self, change: TrueChange) -> None:
        self._happened += 1
        self.say("billing", _in_words(change), "36")

    def alert(self, title: str, body: str) -> None:
        self._alerts += 1
        self.say("ALERT", title, "1;33")
        for line in body.splitlines():
            print(f"{'':20}{line}", flush=True)

    def conclude(self) -> None:
        print(f"\n{self._happened} changes in the billing system, {self._alerts} alerts. Nothing is left behind.")
        print("Next: order-monitor init writes a configuration for your own billing system.")


def _in_words(change: TrueChange) -> str:
    order, before = change.order, change.before
    if before is None:
        amount = order.total / minor_units(order.currency)
        return f"{order.number} is placed, {order.status}, {amount:g} {order.currency}"
    if change.after is None:
        return f"{order.number} is deleted"
    return (
        f"{order.number}: {before.status} → {order.status}"
        if before.status != order.status
        else f"{order.number} changes"
    )
