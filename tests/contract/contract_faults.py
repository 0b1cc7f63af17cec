"""Faults of these tests' own: answers that are nonsense, as a whole or in part."""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.simulator.dialect import Call, Dialect, Reply
from monitor.simulator.faults import Fault
from monitor.simulator.truth import OrderKey

NO_ORDERS: tuple[Any, ...] = (None, 7, "row", True, [], {}, {"id": None, "status": "active"}, {"id": {"id": 1}})
"""What may stand in a list of orders, and is none."""

_WEB_PAGE = b"<!DOCTYPE html><html><body>Please log in</body></html>"
_JSON = {"Content-Type": "application/json"}

NONSENSE = (
    Reply(b"", 200, _JSON),
    Reply(_WEB_PAGE, 200, {"Content-Type": "text/html"}),
    Reply(_WEB_PAGE, 200, _JSON),
    Reply(_WEB_PAGE, 404, {"Content-Type": "text/html"}),
    Reply(b'{"data": [{"id": 1, "sta', 200, _JSON),
    Reply(b"null", 200, _JSON),
    Reply(b"17", 200, _JSON),
    Reply(b'"no orders today"', 200, _JSON),
    Reply(b"{}", 200, _JSON),
    Reply(b'{"hello": {"world": []}}', 200, _JSON),
    Reply(b'{"data": 5, "orders": 5, "results": 5, "result": 5, "items": 5, "order": 5}', 200, _JSON),
)
"""Answers that show no list and no order."""

NEARLY_A_LIST = (
    Reply(b"[1, 2, 3]", 200, _JSON),
    Reply(b'[["id", "status"], [1, "active"]]', 200, _JSON),
    Reply(b'{"data": {"order": []}, "orders": {"order": ""}, "results": {}, "result": {"list": {}}}', 200, _JSON),
)
"""Answers that are nonsense to most systems, and to some a list without orders, which is doubtful where some were."""


class Instead(Fault, frozen=True, kw_only=True):
    """This reply, whatever was asked; with ``order``, only to calls for that one."""

    reply: Reply
    order: OrderKey | None = None

    def instead(self, dialect: Dialect, call: Call) -> Reply | None:
        asked = self.order is None or (dialect.knows(call) and dialect.order_key(call) == self.order)
        return self.reply if asked else None


class NoOrdersBetween(Fault, frozen=True, kw_only=True):
    """Before and after the orders of a list stand things that are none."""

    at: tuple[str, ...]

    def sent(self, reply: Reply) -> Reply:
        answer = msgspec.json.decode(reply.body)
        rows = answer
        for key in self.at:
            rows = rows[key]
        rows[:] = [*NO_ORDERS, *rows, *NO_ORDERS]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class Overheard(Fault, frozen=True, kw_only=True):
    """All that the system sends, kept in ``bodies``."""

    bodies: list[bytes]

    def sent(self, reply: Reply) -> Reply:
        self.bodies.append(reply.body)
        return reply
