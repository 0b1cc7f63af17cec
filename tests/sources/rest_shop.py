"""A system that is described in settings alone, and its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.rest import RestSource, make
from monitor.sources.rest_settings import RestSettings
from monitor.sources.rows import RowPage

URL = "https://shop.example.com"
PATH = "/api/v1/orders"
ORDER: dict[str, Any] = {"id": 7, "status": "active"}


def settings(**described: Any) -> RestSettings:
    return RestSettings.model_validate({"type": "rest", "url": URL, "path": PATH, **described})


def source(**described: Any) -> RestSource:
    return make(settings(**described))


def answer(content: object, headers: Mapping[str, str] | None = None) -> Answer:
    """``content`` is a body as it is, or what to write as JSON."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Answer(f"{URL}{PATH}", 200, headers or {}, raw, 0.0, 1.0)


def page(content: object, headers: Mapping[str, str] | None = None, **described: Any) -> RowPage:
    return source(**described).decode_list(answer(content, headers))


def only(content: object, **described: Any) -> Order:
    """The one order of an answer."""
    shown = page(content, **described)
    (order_id,) = shown.ids
    assert order_id is not None
    return shown.order(order_id)
