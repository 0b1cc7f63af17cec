"""One request as it goes out, and what may be shown of it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlencode

from multidict import CIMultiDict
from yarl import URL

from monitor import __version__
from monitor.errors import Redirected
from monitor.sources.base import Request
from monitor.sources.settings import HttpSettings

OUR_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "Cache-Control": "no-cache"}


class Body(NamedTuple):
    """What a POST sends, and the headers that say what it is."""

    content: bytes
    headers: Mapping[str, str]


class Call(NamedTuple):
    """One request. ``where`` is the url as it may be shown; without a ``body`` it is a GET."""

    url: URL
    where: str
    headers: CIMultiDict[str]
    attempt: int
    body: Body | None = None
    secrets: tuple[str, ...] = ()
    request: Request | None = None


def body_of(request: Request) -> Body | None:
    """What a POST sends; None for a GET."""
    if request.form is not None:
        return Body(urlencode(request.form).encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    return None if request.json is None else Body(request.json, {"Content-Type": "application/json"})


def shown(url: URL) -> str:
    """An address without what may be secret in it."""
    return str(url.with_query(None).with_fragment(None))


def headers_of_source(settings: HttpSettings) -> CIMultiDict[str]:
    """What goes with each request to a source, besides what its adapter adds."""
    headers = CIMultiDict({"User-Agent": f"order-monitor/{__version__}"})
    headers.update({name: value.get_secret_value() for name, value in settings.headers.items()})
    headers.update(OUR_HEADERS)
    return headers


def secrets_of(call: Call) -> frozenset[str]:
    """What our request holds that nobody must see, should the server repeat it: ``Invalid token abc``."""
    sent = [value for name, value in call.headers.items() if name not in OUR_HEADERS and name != "User-Agent"]
    parts = [part for value in (*sent, *call.secrets) for part in (value, value.rpartition(" ")[2])]
    # As an address or a form spells them: servers repeat those too.
    spelled = (spell(part) for part in parts for spell in (str, quote, partial(quote, safe=""), quote_plus))
    return frozenset(part for part in spelled if len(part) > 3)


def redirection(call: Call, location: str | None) -> URL | Redirected:
    """Where a redirect leads, if that may be followed: on the same origin only."""
    try:
        target = call.url.join(URL(location or "")).with_user(None)
        origin = target.origin()
    except ValueError:
        location = None
    if not location:
        return Redirected(f"{call.where} redirects, but to no usable address: is url right?")
    if origin == call.url.origin():
        return target
    return Redirected(f"{call.where} redirects to another host: set url to {origin} if that is the billing system")
