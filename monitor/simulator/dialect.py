"""What a dialect is: how one billing system's API is asked and how it answers. Pure; the server does the I/O.

Most dialects are short on top of ``monitor.simulator.base.BaseDialect``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from monitor.simulator.truth import OrderKey, TrueOrder
from monitor.simulator.world import World

ListOrder = Literal["newest", "oldest"]
"""Which order stands first in a list."""


class Call(msgspec.Struct, frozen=True):
    """One request as it came in. ``headers`` finds a name in any case; ``form`` is an urlencoded ``body``, decoded."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    at: datetime
    method: str = "GET"
    form: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def token(self) -> str | None:
        """The bearer token; None if there is none."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password of HTTP Basic; None if there are none."""
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password

    @property
    def wants_json(self) -> bool:
        """Whether the client says that it reads JSON."""
        return "json" in self.headers.get("Accept", "")


class Asked(msgspec.Struct, frozen=True):
    """Which part of the list the server takes a call to ask for; ``status`` as the system spells it.

    ``skip`` is how many rows stand before it, where that does not follow from the page. ``newest_first`` is how the
    call wants the list sorted; None where it does not say.
    """

    status: str | None = None
    page: int = 1
    per_page: int = 15
    skip: int | None = None
    modified_since: datetime | None = None
    newest_first: bool | None = None

    @property
    def skipped(self) -> int:
        """How many rows stand before the part that is asked for."""
        return (self.page - 1) * self.per_page if self.skip is None else self.skip


class Listing(msgspec.Struct, frozen=True):
    """The rows to show, in their order, and what the server says of the whole."""

    rows: Sequence[TrueOrder]
    total: int
    asked: Asked


class Reply(msgspec.Struct, frozen=True):
    """An answer and the manner of sending it.

    ``cut`` is how many of the promised bytes are never sent. With ``piece``, so many bytes go at a time, and ``pause``
    seconds pass between them.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int = 0
    piece: int | None = None
    pause: float = 0.0


class Dialect(Protocol):
    """One API: the pure steps from a call to its reply, in their order; faults take effect between them."""

    @property
    def statuses(self) -> Mapping[str, str]:
        """How it spells the world's own words (pending, active, fraud, cancelled); others are shown as they are."""
        ...

    def page(self, call: Call) -> int:
        """The number of the page that a call wants, counted from 1."""
        ...

    def error(self, status: int, text: str) -> Reply:
        """An error that says this, in this API's shape. With status 200 it is one that hides in a good answer."""
        ...

    def knows(self, call: Call) -> bool:
        """Whether there is anything at this address, with this method."""
        ...

    def unknown(self, call: Call) -> Reply:
        """What a call is told for which there is nothing."""
        ...

    def refuse(self, call: Call) -> Reply | None:
        """What a call is told that may not or does not make sense; None if it is in order."""
        ...

    def expired(self, call: Call) -> Reply:
        """What a call is told whose credential is no longer valid."""
        ...

    def other(self, world: World, call: Call) -> Reply | None:
        """The answer to a call for neither a list nor one order (a currency, say); None if it is for one of these."""
        ...

    def order_key(self, call: Call) -> OrderKey | None:
        """The id (an int) or number of the one order that a call asks for; None if it asks for a list."""
        ...

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        """One order in this API's words; None: there is no such order."""
        ...

    def asked(self, call: Call) -> Asked:
        """What a call for a list asks for."""
        ...

    def listing(self, world: World, asked: Asked) -> Listing:
        """That part of the list."""
        ...

    def reply(self, listing: Listing, call: Call) -> Reply:
        """The listing in this API's words."""
        ...


def json_reply(content: object, status: int = 200) -> Reply:
    """A reply with this content as JSON."""
    return raw_json_reply(msgspec.json.encode(content), status)


def raw_json_reply(body: bytes, status: int = 200) -> Reply:
    """A reply with this JSON text."""
    return Reply(body, status, {"Content-Type": "application/json", "Cache-Control": "no-cache, private"})


def html_reply(title: str, content: str = "", status: int = 200) -> Reply:
    """A reply with a small page for people."""
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{content}</body></html>"
    return Reply(page.encode(), status, {"Content-Type": "text/html; charset=utf-8"})


def redirect_reply(to: str, status: int = 302) -> Reply:
    """A reply that sends the client elsewhere."""
    page = html_reply(f"Redirecting to {to}", status=status)
    return msgspec.structs.replace(page, headers={**page.headers, "Location": to})


def login_page() -> Reply:
    """The page on which a person would sign in."""
    return html_reply("Log in", '<form method="post" action="/login"><input name="email"></form>')
