"""A shop that shows single orders by their ids and lists none, and a watch that follows some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import msgspec
from polling_shop import URL, Shop
from polling_stage import Watch, router

from monitor.errors import BadAnswer, NotFound, SourceError
from monitor.model import Details
from monitor.polling.poller import Poller
from monitor.simulator.dialect import Call
from monitor.simulator.truth import TrueOrder
from monitor.sources import lenient
from monitor.sources.base import Answer, Page, Request
from monitor.sources.opterius import Opterius

GONE = b'{"success":false,"error":"ORDER_NOT_FOUND"}'


class _Envelope(msgspec.Struct):
    data: msgspec.Raw


class FollowSource:
    """Its envelope is ``{"data": {…}}``."""

    def __init__(self, lists: Opterius) -> None:
        self._lists = lists
        self.identity = f"follow {URL}"

    def order_request(self, order_id: str) -> Request:
        return Request(f"/orders/{order_id}")

    def decode_order(self, answer: Answer) -> Page:
        if answer.body == GONE:
            raise NotFound(f"{answer.status} from {answer.url}: there is no such order", body=answer.body)
        found = lenient.read(msgspec.json.Decoder(_Envelope), answer.body)
        if found is None:
            raise BadAnswer(f"{answer.status} from {answer.url} holds no order")
        return self._lists.decode_list(msgspec.structs.replace(answer, body=b'{"data":[' + bytes(found.data) + b"]}"))

    def decode_details(self, answer: Answer) -> Details:
        page = self.decode_order(answer)
        return Details(page.order(page.ids[0] or ""))

    def is_gone(self, error: NotFound) -> bool:
        return error.body == GONE

    def error_text(self, body: bytes) -> str | None:
        return lenient.error_text(body)


class FollowShop(Shop):
    """``instead`` are errors or bodies that stand for single orders; ``most_at_once`` counts requests under way."""

    def __init__(self) -> None:
        super().__init__()
        self.instead: dict[str, SourceError | bytes] = {}
        self.second: dict[str, bytes] = {}
        self.at_once = self.most_at_once = 0

    def source(self, url: str = URL) -> Any:
        return FollowSource(super().source(url))

    async def get(self, request: Request) -> Answer:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        try:
            return await super().get(request)
        finally:
            self.at_once -= 1

    def body_of(self, order_id: int) -> bytes:
        """What the shop says of this order now."""
        return msgspec.json.encode({"data": _row(self.world.order(order_id))})

    def _body(self, call: Call) -> bytes:
        order_id = call.path.rsplit("/", 1)[1]
        instead = self.instead.get(order_id)
        if order_id in self.second:
            # The second answer of a poll.
            self.instead[order_id] = self.second.pop(order_id)
        if isinstance(instead, SourceError):
            raise instead
        if instead is None and order_id not in self.world:
            raise NotFound("404: there is nothing at this address", body=GONE)
        return instead or self.body_of(int(order_id))


class FollowWatch(Watch):
    """Follows these orders; ``followed`` may be changed at any time."""

    def __init__(self, shop: FollowShop, store: Any, followed: Collection[int | str]) -> None:
        self.followed = {str(order_id) for order_id in followed}
        self.follows = shop
        super().__init__(shop, store)

    def restart(self, store: Any = None, url: str | None = None) -> None:
        self.poller = Poller(
            name="shop",
            source=self.follows.source(),
            settings=self._settings,
            reading=self.shop.reading,
            store=self.store,
            router=router(),
            clock=self.shop.clock,
            owner=self._owner,
            followed=self.followed,
        )


def _row(order: TrueOrder) -> dict[str, Any]:
    return {"id": str(order.id), "status": order.status, "total": order.total, "currency_code": order.currency}
