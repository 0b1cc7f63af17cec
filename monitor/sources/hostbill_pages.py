"""From which number HostBill counts the pages of a list: 0 or 1, found out from what its answers show.

The first page is asked for without a number, which is the same in both. Others are asked for as if pages began with 0,
until an answer shows which of the two is true:

- It says of itself (``sorterpage``) one more than it was asked for: it was asked from 0 and speaks from 1.
- It says what it was asked for. If the first page called itself 0, pages begin with 0; else with 1, unless the page
  asked for as 1 shows other orders than the first one.
"""

from __future__ import annotations

from array import array

from monitor.sources.base import Request


class PageRequest(Request, frozen=True):
    """A request for a page of the list ``listed``: the ``page``, from 1, and as which number it was ``sent``."""

    listed: str = "all"
    page: int = 1
    sent: int | None = None


class Pages:
    """What is known of how an installation counts; ``first``, where its owner says it."""

    def __init__(self, first: int | None) -> None:
        self._settled = first is not None
        self._first = first or 0
        self._front: dict[str, tuple[int | None, frozenset[int]]] = {}
        self._by_orders: int | None = None

    def sent(self, page: int) -> int | None:
        """As which number to ask for this page; None: without one."""
        return None if page == 1 else page - 1 + self._first

    def are_as_asked(self, request: Request | None, said: int | None, marks: array[int]) -> bool:
        """Whether these rows stand on the page that was asked for, as far as anybody knows.

        ``said`` is what the answer calls its page.
        """
        if not isinstance(request, PageRequest):
            return True
        if request.sent is None:
            self._front[request.listed] = said, frozenset(marks)
            return True
        if not self._settled:
            self._learn(request, said, frozenset(marks))
        return request.sent == self.sent(request.page)

    def _learn(self, request: PageRequest, said: int | None, rows: frozenset[int]) -> None:
        front, first_rows = self._front.get(request.listed, (None, frozenset()))
        if said is None or request.sent is None:
            return
        if said == request.sent + 1 or (said == request.sent and front == 0):
            self._first = 0
        elif said == request.sent:
            if request.sent == 1 and rows and first_rows:
                self._by_orders = int(2 * len(rows & first_rows) > len(rows))
            self._first = 1 if self._by_orders is None else self._by_orders
