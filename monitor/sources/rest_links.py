"""Next links: an answer says where to go on, and is believed on its own origin only. Path and query are taken."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urljoin, urlsplit

from monitor.errors import BadAnswer, Redirected
from monitor.sources.base import Answer, Params
from monitor.sources.rows import where
from monitor.sources.settings import split_url

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)
_LONGEST = 8000
_PORTS = {"http": 80, "https": 443}


class Target(NamedTuple):
    """Where a link leads, below a source's ``url``."""

    path: str
    params: Params


def in_header(answer: Answer) -> str | None:
    """The address of the next page in the header ``Link``; None if it has none."""
    for address, about in _LINK.findall(answer.headers.get("link", "")):
        kinds = {kind.lower() for pair in _REL.findall(about) for word in pair for kind in word.split()}
        if "next" in kinds:
            return str(address).strip()
    return None


def place(link: str, answer: Answer, url: str, secret: Collection[str]) -> str:
    """Path and query of the link that this answer gives, without these secret parameters.

    Of a link to another origin only that origin, which ``target`` refuses: what this page shows is true all the same.
    """
    parts = _resolved(link, answer)
    if parts is None:
        raise BadAnswer(f"{where(answer)} names a next page whose address is none")
    if not _is_ours(parts, urlsplit(url)):
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    kept = [(name, value) for name, value in _params(parts) if name not in secret]
    return f"{parts.path or '/'}?{urlencode(kept)}"


def target(following: str, url: str) -> Target:
    """What ``place`` has kept, below the source's url; Redirected if it leads elsewhere."""
    if not following.startswith("/"):
        raise Redirected(
            f"the next page of {url} is said to be on another host: set url to {following} if that is the system"
        )
    parts, base = urlsplit(f"//host{following}"), urlsplit(url).path
    if ".." in unquote(parts.path).split("/") or not f"{parts.path}/".startswith(f"{base}/"):
        raise Redirected(f"the next page of {url} is said to be outside of it: set url so that {parts.path} is below")
    return Target(parts.path.removeprefix(base) or "/", _params(parts))


def _resolved(link: str, answer: Answer) -> SplitResult | None:
    try:
        return split_url(urljoin(answer.url, link)) if len(link) <= _LONGEST else None
    except ValueError:
        return None


def _is_ours(parts: SplitResult, ours: SplitResult) -> bool:
    """Whether the link is of our own origin. Behind a proxy that ends TLS many systems write http for https."""
    downgraded = (parts.scheme, ours.scheme) == ("http", "https") and parts.port in (None, 80) and _port(ours) == 443
    same = parts.scheme == ours.scheme and _port(parts) == _port(ours)
    return parts.hostname == ours.hostname and (same or downgraded)


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)


def _params(parts: SplitResult) -> Params:
    return tuple(parse_qsl(parts.query, keep_blank_values=True))
