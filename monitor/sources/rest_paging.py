"""How a ``rest`` source's list is read page by page: which parameters ask for one, and what its answer claims."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from monitor.errors import BadAnswer
from monitor.expressions import Expression
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.rest_document import Document
from monitor.sources.rest_links import in_header, place
from monitor.sources.rest_parts import ClaimSettings, Param
from monitor.sources.rest_rows import RestRows, compiled, identity, text
from monitor.sources.rest_settings import RestSettings
from monitor.sources.rows import Claims, where

_COUNT = re.compile(r"[0-9]{1,15}")
_NUMBERED = ("page", "offset")

Sent = Mapping[str, Param]


class Seen(NamedTuple):
    """What an answer shows: the whole of it, and the rows of its list."""

    answer: Answer
    document: Document
    rows: list[Raw]


class Claim:
    """A number that answers state, in a header or in the body."""

    def __init__(self, settings: ClaimSettings | None) -> None:
        self._header = settings.header.lower() if settings and settings.header else None
        self._at = Expression(settings.at) if settings and settings.at else None

    def of(self, seen: Seen) -> int | None:
        """The number; None where the answer states none."""
        if self._header is not None:
            return number_in(seen.answer.headers.get(self._header))
        return number_in(seen.document.of(self._at))


class Paging:
    """A list that comes whole, and what all others begin with."""

    chained = False

    def __init__(self, settings: RestSettings, rows: RestRows) -> None:
        self._settings = settings.pages
        self._rows = rows
        self._at = compiled(settings.pages, ("number", "next", "more"))
        self._total, self._count = Claim(settings.total), Claim(settings.pages.count)
        self._per_page = Claim(settings.pages.per_page)

    def params(self, query: ListQuery) -> Sent:
        """What asks for this page."""
        return {self._settings.size_param: self._size(query)} if self._settings.size_param else {}

    def noted(self, request: Request, query: ListQuery) -> Request:
        """The request, with what ``claims`` must know of it."""
        return request

    def claims(self, seen: Seen) -> Claims:
        """What the answer says of its list; BadAnswer if nobody can tell whether it goes on."""
        # It holds as many as there are: that this is a full page says nothing.
        return Claims(self._total.of(seen), last_page=1, size=len(seen.rows) + 1)

    def _size(self, query: ListQuery) -> int:
        return min(query.size, self._settings.size) if self._settings.size_param else self._settings.size

    def _held(self, seen: Seen) -> int | None:
        fixed = self._settings.size_param is None and "size" in self._settings.model_fields_set
        return self._per_page.of(seen) or (self._settings.size if fixed else None)


class NumberedRequest(Request, frozen=True):
    """What an answer does not say of itself: where it ``begins``, of how many orders, and what page led to it."""

    begins: int = 0
    size: int = 0
    after: str | None = None


class NumberedPaging(Paging):
    """By a page's number."""

    default_first = 1

    def __init__(self, settings: RestSettings, rows: RestRows) -> None:
        super().__init__(settings, rows)
        self._param = settings.pages.param or settings.pages.by
        given = settings.pages.first
        self._first = self.default_first if given is None else given
        # Where nothing says how far the list goes, only the page before tells whether there is another.
        self.chained = settings.total is None and settings.pages.count is None

    def params(self, query: ListQuery) -> Sent:
        return {self._param: self._begins(query), **super().params(query)}

    def noted(self, request: Request, query: ListQuery) -> Request:
        kept = msgspec.structs.asdict(request)
        return NumberedRequest(**kept, begins=self._begins(query), size=self._size(query), after=query.after)

    def claims(self, seen: Seen) -> Claims:
        number = number_in(seen.document.of(self._at.get("number")))
        return Claims(
            self._total.of(seen),
            self._count.of(seen),
            None if number is None else number - self._first + 1,
            self._held(seen),
            self._following(seen) if self.chained else None,
            stated="more" in self._at,
        )

    def _begins(self, query: ListQuery) -> int:
        return self._first + query.page - 1

    def _following(self, seen: Seen) -> str | None:
        """Any text that is another one on each page: one that is shown twice is found out by it.

        Past the end some show the last page again and again: unless it says that there is more, that is the end.
        """
        mark = self._mark(seen)
        before = seen.answer.request.after if isinstance(seen.answer.request, NumberedRequest) else None
        if mark is not None and before is not None and before.split()[-1] == mark.split()[-1]:
            return before if "more" in self._at else None
        return mark

    def _mark(self, seen: Seen) -> str | None:
        return str(lenient.marks(seen.rows[-1:])[0]) if seen.rows and _goes_on(self._at, seen) else None


class OffsetPaging(NumberedPaging):
    """By how many orders to pass over: as many as were shown, where a page holds fewer than it was asked for."""

    default_first = 0
    _step: int | None = None

    def claims(self, seen: Seen) -> Claims:
        said, request, shown = super().claims(seen), seen.answer.request, len(seen.rows)
        if isinstance(request, NumberedRequest) and request.begins == self._first and self._step is None:
            # Once only: where a system hides orders of each page, each page of fewer would show fewer still.
            self._step = shown if 0 < shown < min(request.size, said.total or 0) else None
        return said

    def _size(self, query: ListQuery) -> int:
        size = super()._size(query)
        return min(size, self._step or size)

    def _begins(self, query: ListQuery) -> int:
        if query.after is not None:
            return int(query.after.partition(" ")[0])
        return self._first + (query.page - 1) * self._size(query)

    def _mark(self, seen: Seen) -> str | None:
        """With the next page's offset before it."""
        mark, request = super()._mark(seen), seen.answer.request
        begins = request.begins if isinstance(request, NumberedRequest) else self._first
        return mark and f"{begins + len(seen.rows)} {mark}"


class CursorPaging(Paging):
    """By what the page before gave: its cursor, or the id of its last row."""

    chained = True

    def params(self, query: ListQuery) -> Sent:
        cursor = {} if query.after is None else {self._settings.param or "cursor": query.after}
        return {**super().params(query), **cursor}

    def claims(self, seen: Seen) -> Claims:
        following = self._next(seen) if _goes_on(self._at, seen) else None
        stated = not self._at.keys().isdisjoint(("next", "more"))
        return Claims(self._total.of(seen), size=self._held(seen), following=following, stated=stated)

    def _next(self, seen: Seen) -> str | None:
        if "next" in self._at:
            return following_in(self._at["next"], seen)
        head = self._rows.head(seen.rows[-1]) if seen.rows else None
        if seen.rows and head is None:
            raise BadAnswer(f"{where(seen.answer)} ends with a row that has no id to go on from")
        return head.id if head else None


class LinkPaging(Paging):
    """By the address of the next page, which the answer or its header gives."""

    chained = True

    def __init__(self, settings: RestSettings, rows: RestRows) -> None:
        super().__init__(settings, rows)
        self._url = settings.url
        self._secret = frozenset(settings.auth.query) if settings.auth else frozenset()

    def claims(self, seen: Seen) -> Claims:
        link = following_in(self._at["next"], seen) if "next" in self._at else in_header(seen.answer)
        following = None if link is None else place(link, seen.answer, self._url, self._secret)
        return Claims(self._total.of(seen), size=self._held(seen), following=following)


_KINDS: Mapping[str, type[Paging]] = {
    "none": Paging,
    "page": NumberedPaging,
    "offset": OffsetPaging,
    "cursor": CursorPaging,
    "link": LinkPaging,
    "header": LinkPaging,
}


def paging(settings: RestSettings, rows: RestRows) -> Paging:
    """How the list that these settings describe is read."""
    return _KINDS[settings.pages.by](settings, rows)


def number_in(value: Any) -> int | None:
    """A count, also one that is written as a text; None if it is none."""
    written = text(value) or ""
    return int(written) if _COUNT.fullmatch(written) else None


def following_in(at: Expression, seen: Seen) -> str | None:
    """The cursor or address of the next page; None on the last one, where nothing, null, false, 0 or "" stands.

    BadAnswer where something else stands: a list that seems to end there would seem to lack all that follows.
    """
    try:
        found = seen.document.search(at)
    except ValueError:
        found = ()
    if found in (None, False, ""):
        return None
    following = found.strip() if isinstance(found, str) else identity(found)
    if not following:
        raise BadAnswer(f"{where(seen.answer)} does not say where its next page begins: is pages.next right?")
    return following


def _goes_on(at: Mapping[str, Expression], seen: Seen) -> bool:
    return "more" not in at or bool(seen.document.of(at["more"]))
