"""What most dialects have in common: a dialect states its addresses, its statuses and its rows, and inherits the rest.

A list-only dialect says ``list_path`` and ``reply``, a detail-only one ``order_path`` and ``detail``; whatever else
differs is overridden. One line in ``monitor.simulator.registry`` makes it known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply
from monitor.simulator.truth import OrderKey, TrueOrder
from monitor.simulator.world import World

_NUMBER = re.compile(r"-?[0-9]{1,18}")


class BaseDialect:
    """A dialect with a bearer token, pages by number and errors under ``message``, unless it says otherwise."""

    method = "GET"
    list_path: str | None = None
    """Where its list is; None: it has none."""

    order_path: str | None = None
    """Where one order is, as a regular expression with one group, its id or number; None: it shows no single ones."""

    statuses: Mapping[str, str] = {}
    per_page = Asked().per_page
    """How many orders a page has where the call does not say."""

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        self.token = token
        self.newest_first = order == "newest"

    def spelled(self, status: str) -> str:
        """A status of the world as this system spells it."""
        return self.statuses.get(status, status)

    def allowed(self, call: Call) -> bool:
        """Whether the call bears the credential."""
        return call.token == self.token

    def page(self, call: Call) -> int:
        return number(call.query.get("page")) or 1

    def error(self, status: int, text: str) -> Reply:
        return json_reply({"success": False, "error": text} if status == 200 else {"message": text}, status)

    def knows(self, call: Call) -> bool:
        return call.method == self.method and (call.path == self.list_path or self.order_key(call) is not None)

    def unknown(self, call: Call) -> Reply:
        return self.error(404, "Not Found")

    def refuse(self, call: Call) -> Reply | None:
        return None if self.allowed(call) else self.expired(call)

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Unauthenticated.")

    def other(self, world: World, call: Call) -> Reply | None:
        return None

    def order_key(self, call: Call) -> OrderKey | None:
        found = re.fullmatch(self.order_path, call.path) if self.order_path else None
        return key(found[1]) if found else None

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        return self.unknown(call)

    def asked(self, call: Call) -> Asked:
        per_page = number(call.query.get("per_page")) or self.per_page
        return Asked(status=call.query.get("status") or None, page=self.page(call), per_page=per_page)

    def ids(self, world: World, asked: Asked) -> Sequence[int]:
        """The ids of the whole list of which a part is asked for, ascending; to be read and not kept."""
        ids = world.ids() if asked.status is None else ids_of(world, self.statuses, asked.status)
        if asked.modified_since is None:
            return ids
        modified = world.modified_since(asked.modified_since)
        return modified if asked.status is None else sorted({*ids}.intersection(modified))

    def listing(self, world: World, asked: Asked) -> Listing:
        ids = self.ids(world, asked)
        newest_first = self.newest_first if asked.newest_first is None else asked.newest_first
        rows = [world.order(id_) for id_ in page_of(ids, asked, newest_first=newest_first)]
        return Listing(rows, len(ids), asked)

    def reply(self, listing: Listing, call: Call) -> Reply:
        return self.unknown(call)


class Rows:
    """Each order's JSON, encoded once and kept until the order is another: orders are immutable."""

    def __init__(self, encode: Callable[[TrueOrder], bytes]) -> None:
        self._encode = encode
        self._kept: dict[int, tuple[TrueOrder, bytes]] = {}

    def join(self, orders: Sequence[TrueOrder]) -> bytes:
        """The rows of these orders, with commas in between."""
        return b",".join(map(self._row, orders))

    def _row(self, order: TrueOrder) -> bytes:
        kept = self._kept.get(order.id)
        if kept is None or kept[0] is not order:
            kept = self._kept[order.id] = (order, self._encode(order))
        return kept[1]


def page_of(ids: Sequence[int], asked: Asked, *, newest_first: bool) -> Sequence[int]:
    """That part of ascending ids which stands on the page that is asked for."""
    skipped = asked.skipped
    if not newest_first:
        return ids[skipped : skipped + asked.per_page]
    end = max(0, len(ids) - skipped)
    return ids[max(0, end - asked.per_page) : end][::-1]


def ids_of(world: World, statuses: Mapping[str, str], wanted: str) -> Sequence[int]:
    """The ids of the orders whose status is spelled like this, ascending; to be read and not kept."""
    words = dict.fromkeys(word for word in (*statuses, wanted) if statuses.get(word, word) == wanted)
    found = [ids for ids in map(world.ids, words) if ids]
    return found[0] if len(found) == 1 else sorted(id_ for ids in found for id_ in ids)


def key(text: str) -> OrderKey:
    """What stands for an order in an address: an id if it is a number, else a number as people write it."""
    id_ = number(text)
    return text if id_ is None else id_


def number(text: str | None) -> int | None:
    """The whole number that this is; None if it is none."""
    return int(text) if text and _NUMBER.fullmatch(text) else None
