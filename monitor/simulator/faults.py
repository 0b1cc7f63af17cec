"""Faults on demand: one class each, saying at which step of an answer it takes effect. Pure; the server does the I/O.

A fault takes effect until it is cleared, or for the next ``times`` requests; with ``page``, only of that page.
As JSON or YAML: ``{"kind": "failure", "code": 429, "retry_after": "30", "times": 2}``.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from monitor.simulator.dialect import (
    Asked,
    Call,
    Dialect,
    Listing,
    Reply,
    html_reply,
    login_page,
    redirect_reply,
)
from monitor.simulator.world import World

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0)]

_REASONS = {429: "Too Many Attempts.", 500: "Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", forbid_unknown_fields=True):
    """What every fault has, and the steps of an answer, in their order; a fault overrides the one it disturbs."""

    times: AtLeastOne | None = None
    page: AtLeastOne | None = None

    def begin(self, world: World) -> Fault:
        """Called once, when the fault is set."""
        return self

    def delay(self) -> float:
        """So many seconds pass before anything else."""
        return 0.0

    def before(self, world: World) -> None:
        """What happens to the orders just before the answer."""

    def instead(self, dialect: Dialect, call: Call) -> Reply | None:
        """The reply that is given instead of an answer."""
        return None

    def view(self, world: World) -> World:
        """The world that the answer shows."""
        return world

    def asked(self, asked: Asked) -> Asked:
        """What the server takes the call to ask for."""
        return asked

    def shown(self, listing: Listing) -> Listing:
        """What the server shows."""
        return listing

    def sent(self, reply: Reply) -> Reply:
        """What goes over the wire, and how."""
        return reply


class Latency(Fault, tag="latency", frozen=True, kw_only=True):
    """The answer comes ``seconds`` late."""

    seconds: Seconds = 1.0

    def delay(self) -> float:
        return self.seconds


class Failure(Fault, tag="failure", frozen=True, kw_only=True):
    """An error answer in the system's own shape; 502 and above in the HTML of a proxy.

    ``retry_after`` goes out as it is written; ``says`` is what the system says, in place of the usual.
    """

    code: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    retry_after: str | None = None
    says: str | None = None

    def instead(self, dialect: Dialect, call: Call) -> Reply:
        reason = self.says or _REASONS.get(self.code, f"Error {self.code}")
        reply = dialect.error(self.code, reason) if self.code <= 500 else html_reply(reason, "", self.code)
        if self.retry_after is None:
            return reply
        return replace(reply, headers={**reply.headers, "Retry-After": self.retry_after})


class LoginPage(Fault, tag="login_page", frozen=True, kw_only=True):
    """The login page, with status 200."""

    def instead(self, dialect: Dialect, call: Call) -> Reply:
        return login_page()


class ExpiredToken(Fault, tag="expired_token", frozen=True, kw_only=True):
    """The token has expired: the dialect's 401."""

    def instead(self, dialect: Dialect, call: Call) -> Reply:
        return dialect.expired(call)


class Redirect(Fault, tag="redirect", frozen=True, kw_only=True):
    """A redirect to another origin, or to whatever ``to`` says."""

    to: str = "https://elsewhere.example.com/api/v1/orders"
    code: Literal[301, 302, 303, 307, 308] = 302

    def instead(self, dialect: Dialect, call: Call) -> Reply:
        return redirect_reply(self.to, self.code)


class NoSuccess(Fault, tag="no_success", frozen=True, kw_only=True):
    """An error in the body of an answer with status 200, in the system's own shape."""

    says: str = "Something went wrong."

    def instead(self, dialect: Dialect, call: Call) -> Reply:
        return dialect.error(200, self.says)


class PageDrift(Fault, tag="page_drift", frozen=True, kw_only=True):
    """With each request an order is placed, or the newest or oldest one deleted, so that the pages shift."""

    change: Literal["place", "delete_newest", "delete_oldest"] = "place"

    def before(self, world: World) -> None:
        if self.change == "place":
            world.place()
        elif ids := world.ids():
            world.delete(ids[-1 if self.change == "delete_newest" else 0])


class Stale(Fault, tag="stale", frozen=True, kw_only=True):
    """The list as it was when the fault was set, as a cache would serve it; with an ``Age`` header if given."""

    age: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def begin(self, world: World) -> Fault:
        return _Frozen(times=self.times, page=self.page, age=self.age, copy=world.copy())

    def sent(self, reply: Reply) -> Reply:
        return reply if self.age is None else replace(reply, headers={**reply.headers, "Age": str(self.age)})


class _Frozen(Stale, tag="stale", frozen=True, kw_only=True):
    copy: World

    def view(self, world: World) -> World:
        return self.copy


class IgnoredFilter(Fault, tag="ignored_filter", frozen=True, kw_only=True):
    """The filter by status does nothing."""

    def asked(self, asked: Asked) -> Asked:
        return replace(asked, status=None)


class IgnoredPaging(Fault, tag="ignored_paging", frozen=True, kw_only=True):
    """Page and page size do nothing: always the first page, of the default size."""

    def asked(self, asked: Asked) -> Asked:
        return replace(asked, page=1, per_page=Asked().per_page, skip=None)


class EmptyList(Fault, tag="empty_list", frozen=True, kw_only=True):
    """No orders at all."""

    def shown(self, listing: Listing) -> Listing:
        return replace(listing, rows=(), total=0)


class LyingTotal(Fault, tag="lying_total", frozen=True, kw_only=True):
    """The total, and the last page with it, is off by ``by``."""

    by: int = 1

    def shown(self, listing: Listing) -> Listing:
        return replace(listing, total=max(0, listing.total + self.by))


class RepeatedRows(Fault, tag="repeated_rows", frozen=True, kw_only=True):
    """The first ``rows`` rows stand again at the end; with ``hiding``, in the place of the rows there."""

    rows: AtLeastOne = 1
    hiding: bool = False

    def shown(self, listing: Listing) -> Listing:
        rows = list(listing.rows)
        again = rows[: self.rows]
        kept = rows[: len(rows) - len(again)] if self.hiding else rows
        return replace(listing, rows=kept + again)


class Truncated(Fault, tag="truncated", frozen=True, kw_only=True):
    """The connection breaks before the last ``missing`` bytes that Content-Length promised."""

    missing: AtLeastOne = 20

    def sent(self, reply: Reply) -> Reply:
        return replace(reply, cut=min(self.missing, len(reply.body)))


class Drip(Fault, tag="drip", frozen=True, kw_only=True):
    """The body comes ``piece`` bytes at a time, with ``pause`` seconds in between."""

    piece: AtLeastOne = 1
    pause: Seconds = 0.1

    def sent(self, reply: Reply) -> Reply:
        return replace(reply, piece=self.piece, pause=self.pause)


class GzipBomb(Fault, tag="gzip_bomb", frozen=True, kw_only=True):
    """A small compressed body that unpacks to ``size`` bytes of blanks."""

    size: AtLeastOne = 64 * 1024 * 1024

    def sent(self, reply: Reply) -> Reply:
        return replace(reply, body=_bomb(self.size), headers={**reply.headers, "Content-Encoding": "gzip"})


AnyFault = (
    Latency | Failure | LoginPage | ExpiredToken | Redirect | NoSuccess | PageDrift | Stale | IgnoredFilter
    | IgnoredPaging | EmptyList | LyingTotal | RepeatedRows | Truncated | Drip | GzipBomb
)  # fmt: skip  # one line for each would say no more
"""Every fault that can be asked for by its ``kind``."""


class Faults:
    """The faults in force. ``world`` is the one they disturb."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left: dict[int, tuple[Fault, int | None]] = {}
        self._count = 0

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults in force, oldest first."""
        return tuple(fault for fault, _ in self._left.values())

    def set(self, fault: Fault) -> None:
        """Put a fault into force, beside those that are."""
        self._count += 1
        self._left[self._count] = (fault.begin(self._world), fault.times)

    def clear(self, kind: str | None = None) -> None:
        """End all faults, or those of one kind."""
        self._left = {n: entry for n, entry in self._left.items() if kind and kind_of(entry[0]) != kind}

    def take(self, page: int) -> tuple[Fault, ...]:
        """The faults that strike this request, for that page; each is used up by one."""
        struck = [n for n, (fault, _) in self._left.items() if fault.page in (None, page)]
        return tuple(self._use(n) for n in struck)

    def _use(self, number: int) -> Fault:
        fault, left = self._left[number]
        if left == 1:
            del self._left[number]
        elif left is not None:
            self._left[number] = (fault, left - 1)
        return fault


def parse_fault(data: object) -> Fault:
    """The fault that a decoded JSON or YAML mapping describes; msgspec.ValidationError says what is wrong with it."""
    fault: Fault = msgspec.convert(data, AnyFault)
    return fault


def kind_of(fault: Fault) -> str:
    """The name by which a fault is asked for."""
    return str(fault.__struct_config__.tag)


@lru_cache(maxsize=4)
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    blank = b" " * min(size, 1024 * 1024)
    whole, rest = divmod(size, len(blank))
    return b"".join([packer.compress(blank) for _ in range(whole)] + [packer.compress(blank[:rest]), packer.flush()])
