"""How the tests of systems that are read by a ``rest`` description ask them."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import msgspec
from talking import NOW

from monitor.simulator.dialect import Call, Dialect
from monitor.simulator.faults import Fault
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import TOKEN, answer
from monitor.simulator.world import World

LATER = NOW + timedelta(hours=1)
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{TOKEN}:{TOKEN}".encode()).decode()}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Asker:
    """Asks one system of its own world."""

    def __init__(self, name: str, path: str, world: World, headers: dict[str, str] = BEARER) -> None:
        self.dialect: Dialect = DIALECTS[name](TOKEN, "newest")
        self.path, self.world, self.headers = path, world, headers

    def full(self, *faults: Fault, path: str = "", **query: Any) -> tuple[int, Any]:
        """Status and content of the answer."""
        call = Call(path or self.path, {k: str(v) for k, v in query.items()}, self.headers, NOW)
        reply = answer(self.dialect, call, self.world, faults)
        return reply.status, msgspec.json.decode(reply.body)

    def said(self, *faults: Fault, path: str = "", **query: Any) -> Any:
        """The content of the answer alone."""
        return self.full(*faults, path=path, **query)[1]
