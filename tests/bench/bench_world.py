"""The world outside the monitor, a process of its own: a billing system, an endpoint for alerts, a way to steer both.

``GET /api/v1/orders`` is the documented Opterius list, newest first. ``POST /alerts`` takes an alert.
``GET /control/…`` changes the orders, the endpoint's answer or the delay of the list's, and tells what has been seen.
It ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench_http import Said, Talk
from bench_orders import STATUSES, Moved, Orders

_NUMBER = re.compile(r"ORD-0*(\d+)")
_META = b'{"current_page":%d,"last_page":%d,"per_page":%d,"total":%d}'
_PER_PAGE = 15


class Billing:
    """The list of orders, and what was asked of it."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.delay = 0.0
        self.insert_each = False
        self.requests = self.under_way = self.most_under_way = 0
        self.last_total = 0
        self.awaited: set[int] = set()
        self.shown: dict[int, float] = {}

    def reset(self) -> None:
        """Count from now on."""
        self.requests = self.most_under_way = 0
        self.awaited.clear()
        self.shown.clear()

    def answer(self, asked: Mapping[str, str]) -> Said:
        """A page of the list."""
        self.requests += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        status, page, size = asked.get("status"), int(asked.get("page", 1)), int(asked.get("per_page", _PER_PAGE))
        ids, total = self.orders.page(status, page, size), len(self.orders.ids(status))
        body = b'{"data":[%b],"meta":%b}' % (
            self.orders.rows(ids),
            _META % (page, max(1, -(-total // size)), size, total),
        )
        showing = self.awaited.intersection(ids) if self.awaited else set()
        self.last_total = len(self.orders.ids())
        if self.insert_each:
            self.orders.insert()

        def sent() -> None:
            self.under_way -= 1
            self.shown.update(dict.fromkeys(showing, time.monotonic()))
            self.awaited.difference_update(showing)

        return Said(body, delay=self.delay, sent=sent)

    def seen(self) -> dict[str, Any]:
        """What was asked since ``reset``; ``shown``: when an answer that shows a changed order was first sent."""
        return {
            "requests": self.requests,
            "in_flight": self.most_under_way,
            "last_total": self.last_total,
            "shown": self.shown,
            "totals": {name: len(self.orders.ids(name)) for name in STATUSES},
        }


class Alerts:
    """The endpoint: what was posted when, and with which status it was answered."""

    def __init__(self) -> None:
        self.status = 200
        self.posts: list[dict[str, Any]] = []

    def take(self, body: bytes) -> Said:
        arrived = time.monotonic()
        orders = sorted({int(number) for number in _NUMBER.findall(body.decode())})
        self.posts.append({"at": arrived, "status": self.status, "orders": orders})
        return Said(b"{}", self.status)


class World:
    """Both of them, and the control of them."""

    def __init__(self, orders: Orders) -> None:
        self.billing = Billing(orders)
        self.alerts = Alerts()

    def handle(self, method: str, target: str, body: bytes) -> Said:
        path, _, query = target.partition("?")
        asked = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        if method == "POST":
            return self.alerts.take(body)
        if path.startswith("/control/"):
            done = _CONTROLS[path.removeprefix("/control/")](self, asked)
            return Said(json.dumps(done).encode())
        return self.billing.answer(asked)


def _await(world: World, moved: list[Moved]) -> list[Moved]:
    world.billing.awaited.update(order.id for order in moved)
    return moved


def _begin(world: World, asked: Mapping[str, str]) -> None:
    """So many orders as they are at first, nothing seen, nothing posted."""
    world.billing, world.alerts = Billing(Orders(int(asked["count"]))), Alerts()


def _set(world: World, asked: Mapping[str, str]) -> None:
    """How the list and the endpoint behave from now on."""
    billing, alerts = world.billing, world.alerts
    billing.delay = float(asked.get("delay", billing.delay))
    billing.insert_each = asked.get("insert_each", str(int(billing.insert_each))) == "1"
    alerts.status = int(asked.get("answer", alerts.status))


def _reset(world: World, _: Mapping[str, str]) -> None:
    world.billing.reset()
    world.alerts.posts.clear()


_CONTROLS: Mapping[str, Callable[[World, Mapping[str, str]], object]] = {
    "begin": _begin,
    "change": lambda world, asked: _await(world, world.billing.orders.change(int(asked["count"]))),
    "move": lambda world, asked: _await(
        world, world.billing.orders.move(asked["before"], asked["after"], int(asked["count"]))
    ),
    "set": _set,
    "reset": _reset,
    "seen": lambda world, _: world.billing.seen(),
    "alerts": lambda world, _: world.alerts.posts,
}


async def serve() -> None:
    """Say on the first line of output at which port the world is; it stays until its end."""
    world = World(Orders(0))
    server = await asyncio.get_running_loop().create_server(lambda: Talk(world.handle), "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _end_with_input() -> None:
    """A world whose maker is gone would stay for ever."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(serve())
