"""Answers kept for being asked for again: a server that has nothing new then says so (304) and sends no body."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from monitor.sources.base import Answer
from monitor.sources.headers import Headers, http_date

KEPT_BYTES = 2 * 1024 * 1024
LONGEST_KEPT = 3600.0
"""Seconds after which an answer is read whole again: if a server's validators lie, no longer than this."""
_OVERHEAD = 1024
_LONGEST_VALIDATOR = 1024
_SETTLED = 60.0


class Kept(NamedTuple):
    """An answer, and the header that asks for a newer one only."""

    answer: Answer
    asking: Mapping[str, str]

    def confirmed(self, headers: Headers, sent: float, received: float) -> Answer:
        """The answer that a 304 stands for: the earlier body, seen anew."""
        # What describes a body would describe the 304's; what dates the earlier answer is no longer so.
        earlier = {name: value for name, value in self.answer.headers.items() if name not in ("age", "date")}
        newer = {name: value for name, value in headers.items() if not name.startswith(("content-", "transfer-"))}
        return msgspec.structs.replace(self.answer, headers={**earlier, **newer}, sent=sent, received=received)


class Memory:
    """The answers of one source, in memory only, up to ``largest`` bytes: those used last.

    Bodies are customers' data seen with one source's credentials: each source has a Memory of its own, which goes with
    it.
    """

    def __init__(self, largest: int = KEPT_BYTES) -> None:
        self.bytes = 0
        self._largest = largest
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def recall(self, url: str, now: float) -> Kept | None:
        """What is kept of this address, as long as it is young enough."""
        kept = self._kept.get(url)
        if kept is None:
            return None
        if now - kept.answer.received > LONGEST_KEPT:
            self._forget(url)
            return None
        self._kept.move_to_end(url)
        return kept

    def keep(self, url: str, answer: Answer) -> None:
        """Instead of what was kept of this address: nothing, where the answer cannot or must not be."""
        asking = _asking(answer)
        if self._kept:
            self._forget(url)
        if not asking or _size(url, answer) > self._largest:
            return
        self._kept[url] = Kept(answer, asking)
        self.bytes += _size(url, answer)
        while self.bytes > self._largest:
            self._forget(next(iter(self._kept)))

    def _forget(self, url: str) -> None:
        kept = self._kept.pop(url, None)
        if kept:
            self.bytes -= _size(url, kept.answer)


def _size(url: str, answer: Answer) -> int:
    headers = sum(len(name) + len(value) for name, value in answer.headers.items())
    return len(answer.body) + len(url) + headers + _OVERHEAD


def _asking(answer: Answer) -> dict[str, str]:
    """The header to ask with, empty where the answer is not to be kept. The ETag alone where there are both."""
    headers = answer.headers
    said = headers.get("cache-control", "").lower()
    if answer.status != 200 or "no-store" in said or headers.get("vary", "").strip() == "*":
        return {}
    if _can_be_sent(headers.get("etag", "")):
        return {"If-None-Match": headers["etag"]}
    if _can_be_sent(headers.get("last-modified", "")) and _settled(headers):
        return {"If-Modified-Since": headers["last-modified"]}
    return {}


def _can_be_sent(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable() and len(text) <= _LONGEST_VALIDATOR


def _settled(headers: Headers) -> bool:
    # It counts whole seconds, and a change may be stamped before it shows: one that came after this answer could bear
    # the same time, and would be asked for in vain.
    modified, date = http_date(headers["last-modified"]), http_date(headers.get("date", ""))
    return modified is not None and date is not None and (date - modified).total_seconds() >= _SETTLED
