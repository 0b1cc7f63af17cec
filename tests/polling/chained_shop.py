"""A shop whose pages can only be read one after the other: each names the id after which the next one begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from changes_shop import SINCE, ChangesShop, ChangesSource
from polling_shop import URL, Shop

from monitor.errors import NotFound
from monitor.simulator.dialect import Call
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.opterius import Opterius

AFTER = "after"


class ChainedSource(Opterius):
    """An adapter that reads on where the page before says, and can ask for one status besides."""

    chained = True

    def list_request(self, query: ListQuery) -> Request:
        request = super().list_request(query)
        kept = [(name, value) for name, value in request.params if name != "page"]
        if query.after is not None:
            kept.append((AFTER, query.after))
        return msgspec.structs.replace(request, params=tuple(kept))

    def decode_list(self, answer: Answer) -> Any:
        page: Any = super().decode_list(answer)
        said = msgspec.json.decode(answer.body)
        page.following, page.stated = said.get("next"), not said.get("maybe")
        return page


class ChainedChangesSource(ChainedSource, ChangesSource):
    """The same, and it can be asked for what was modified since a time."""


class ChainedShop(ChangesShop):
    """``size`` orders a page, newest first. ``claims``: it says how many there are. ``leads``: what is said to follow.
    ``ends_with_404``: what follows is only likely, and the page after the last is a 404.

    ``calls`` are the requests; ``before_page`` is called with the id after which a page begins.
    """

    def __init__(self, adapter: type[Opterius] = ChainedSource, *, size: int = 10) -> None:
        super().__init__(adapter, size=size)
        self.claims = False
        self.ends_with_404 = False
        self.leads: Callable[[str | None, str | None], str | None] = lambda after, following: following
        self.before_page: Callable[[str | None], object] = lambda after: None

    def asked_after(self) -> list[str | None]:
        """After which order each page began that was asked for since the last time."""
        asked = [call.query.get(AFTER) for call in self.calls]
        self.calls.clear()
        return asked

    def _body(self, call: Call) -> bytes:
        after = call.query.get(AFTER)
        self.before_page(after)
        listed = self._listed(call.query.get(SINCE), call.query.get("status"))
        ids = [i for i in listed if after is None or i < int(after)]
        if self.ends_with_404 and after is not None and not ids:
            raise NotFound(f"404 from {URL}: there is nothing at this address")
        shown, behind = ids[: self.size], ids[self.size :]
        answer: dict[str, Any] = {"data": [self._row(self.world.order(i)) for i in shown]}
        answer["next"], answer["maybe"] = self.leads(after, str(shown[-1]) if behind else None), self.ends_with_404
        return msgspec.json.encode({**answer, "meta": {"total": len(listed)}} if self.claims else answer)


def chained(shop: Shop) -> ChainedShop:
    """The shop of a watch, as what it is."""
    assert isinstance(shop, ChainedShop)
    return shop
