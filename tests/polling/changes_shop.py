"""A shop whose list can be asked for what was modified since a time, stamped by a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

import msgspec
from polling_shop import URL, Shop, is_second
from pydantic import SecretStr

from monitor.errors import NotFound, Rejected, ServerFailed
from monitor.model import Details
from monitor.simulator.dialect import Call
from monitor.simulator.server import TOKEN
from monitor.simulator.truth import TrueChange, TrueOrder
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.opterius import Opterius

Sort = Literal["id", "oldest change first", "latest change first"]
SINCE = "modified_since"


class ChangesSource(Opterius):
    """An adapter that can ask for what was modified; what it can do besides is the shop's to say."""

    overlap = timedelta(seconds=5)
    statuses: tuple[str, ...] = ()  # type: ignore[assignment]  # Opterius has just four

    def list_request(self, query: ListQuery) -> Request:
        request = super().list_request(query)
        if query.modified_since is None:
            return request
        return msgspec.structs.replace(request, params=(*request.params, (SINCE, query.modified_since.isoformat())))

    def decode_list(self, answer: Answer) -> Any:
        page: Any = super().decode_list(answer)
        rows = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])["data"]
        page.modified = [
            lenient.instant(row.get("updated_at", lenient.ABSENT))
            for row in msgspec.json.decode(rows, type=list[dict[str, msgspec.Raw]])
        ]
        return page


class DetailedSource(Opterius):
    """An adapter that shows single orders beside its list."""

    def order_request(self, order_id: str) -> Request:
        return Request(f"/orders/{order_id}")

    def decode_order(self, answer: Answer) -> Any:
        return self.decode_list(msgspec.structs.replace(answer, body=b'{"data":[' + answer.body + b"]}"))

    def decode_details(self, answer: Answer) -> Details:
        page = self.decode_order(answer)
        return Details(page.order(page.ids[0]))

    def is_gone(self, error: NotFound) -> bool:
        return error.body == b'{"error":"no such order"}'


class DetailedChangesSource(DetailedSource, ChangesSource):
    """Both."""


class ChangesShop(Shop):
    """The clock of the server differs by ``apart`` from ours, and its rows bear the time when they were modified.

    ``ignores``: the parameter is. ``sort`` is how the list of modified orders is sorted. ``without``: fields of rows,
    or claims of the list, that are not shown. ``dated``: answers bear a Date. ``shown`` may change the ids of a list,
    and ``instead`` give a single order another 404.
    """

    def __init__(
        self, adapter: type[Opterius] = ChangesSource, *, size: int = 10, apart: timedelta = timedelta(0)
    ) -> None:
        super().__init__()
        self.apart = apart
        self.world.now = lambda: self.clock.now() + self.apart
        self.size = size
        self.ignores = self.refuses = False
        self.dated = True
        self.sort: Sort = "id"
        self.without: tuple[str, ...] = ()
        self.shown: Callable[[Sequence[int], Call], Sequence[int]] = lambda ids, call: ids
        self._stamps: dict[int, datetime] = {}
        self._adapter = adapter
        self.instead: Callable[[str], bytes | None] = lambda order_id: None
        self.world.listeners.append(self._stamp)

    def source(self, url: str = URL) -> Opterius:
        return self._adapter(url, SecretStr(TOKEN))

    async def get(self, request: Request) -> Answer:
        answer = await super().get(request)
        if not self.dated:
            return answer
        date = format_datetime((self.clock.now() + self.apart).replace(microsecond=0), usegmt=True)
        return msgspec.structs.replace(answer, headers={"date": date})

    def asked(self) -> list[tuple[str, bool]]:
        """The path or page of each request since the last time, and whether it asked for modified orders only.

        Second reads aside.
        """
        calls = [call for call in self.calls if not is_second(call)]
        self.calls.clear()
        return [(call.query.get("page") or call.path, SINCE in call.query) for call in calls]

    def _stamp(self, change: TrueChange) -> None:
        if change.after:
            self._stamps[change.order.id] = change.at

    def _body(self, call: Call) -> bytes:
        if self.fails(len(self.calls), call):
            raise ServerFailed(f"503 from {URL}: the server cannot answer now")
        if "page" not in call.query:
            return self._order(call.path.rsplit("/", 1)[1])
        if self.refuses and SINCE in call.query:
            raise Rejected(f"400 from {URL}: the request is not accepted")
        return self._list(call)

    def _order(self, order_id: str) -> bytes:
        instead = self.instead(order_id)
        if instead is not None:
            raise NotFound("404: there is nothing at this address", body=instead)
        if order_id not in self.world:
            raise NotFound("404: there is nothing at this address", body=b'{"error":"no such order"}')
        return msgspec.json.encode(self._row(self.world.order(order_id)))

    def _list(self, call: Call) -> bytes:
        ids = self.shown(self._listed(call.query.get(SINCE), call.query.get("status")), call)
        page, size = int(call.query["page"]), min(self.size, int(call.query["per_page"]))
        rows = [self._row(self.world.order(i)) for i in ids[(page - 1) * size : page * size]]
        meta = {"current_page": page, "last_page": max(-(-len(ids) // size), 1), "per_page": size, "total": len(ids)}
        return msgspec.json.encode({"data": rows, "meta": {k: v for k, v in meta.items() if k not in self.without}})

    def _listed(self, since: str | None, status: str | None) -> Sequence[int]:
        ids = self.world.ids(status)[::-1]
        if since is None:
            return ids
        if not self.ignores:
            ids = [i for i in ids if self._stamps[i] >= datetime.fromisoformat(since)]
        if self.sort == "id":
            return ids
        return sorted(ids, key=lambda i: self._stamps[i], reverse=self.sort == "latest change first")

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        row = {
            "id": order.id,
            "order_number": order.number,
            "status": order.status,
            "total": order.total,
            "currency_code": order.currency,
            "created_at": order.created_at,
            "updated_at": self._stamps[order.id],
        }
        return {name: value for name, value in row.items() if name not in self.without}
