"""Where a request comes from, and for whom it takes us: what keeps other pages from acting in somebody's name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from monitor.web.settings import is_loopback

_PORTS = {"http": 80, "https": 443}
_LONGEST_PATH = 2000
_BEFORE_LOGIN = ("/login", "/logout", "/stream", "/fragments", "/api", "/static")


def may_be_asked_as(hosts: Sequence[str], public_url: str | None) -> bool:
    """Whether a server without a password answers to this Host: by what names the machine itself knows it, or as it is
    configured. A page elsewhere whose name was made to lead here (DNS rebinding) would send its own.

    A request without the header comes from no browser.
    """
    if not hosts:
        return True
    name = _host_name(hosts[0]) if len(hosts) == 1 else ""
    if public_url and name == urlsplit(public_url).hostname:
        return True
    try:
        return is_loopback(name)
    except ValueError:
        return False


def _host_name(host: str) -> str:
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return ""
    return name.removesuffix(".") if parts.netloc == host and "@" not in host else ""


def is_navigation_from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether somebody followed a link on another site: a browser sends no cookie of ours with that."""
    return headers.get("Sec-Fetch-Site") == "cross-site" and headers.get("Sec-Fetch-Mode") == "navigate"


def is_part_of_another_page(headers: Mapping[str, str]) -> bool:
    """Whether a page on another site wants it as a picture, a script or the like."""
    return headers.get("Sec-Fetch-Site") == "cross-site" and headers.get("Sec-Fetch-Mode") != "navigate"


def acts_from_elsewhere(headers: Mapping[str, str], public_url: str | None) -> bool:
    """Whether a request that changes something comes from another page than ours, as far as the browser tells."""
    site, origin = headers.get("Sec-Fetch-Site"), headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        return True
    return origin is not None and not _is_ours(origin, headers.get("Host", ""), public_url)


def _is_ours(origin: str, host: str, public_url: str | None) -> bool:
    """The scheme is not compared: a proxy may have taken the TLS off."""
    scheme = origin.partition("://")[0]
    found = _place(origin, scheme)
    ours = [_place(f"{scheme}://{host}", scheme)]
    ours += [_place(public_url, urlsplit(public_url).scheme)] if public_url else []
    return found is not None and found in ours


def _place(url: str, scheme: str) -> tuple[str, int | None] | None:
    try:
        parts = urlsplit(url)
        return (parts.hostname, parts.port or _PORTS.get(scheme)) if parts.hostname else None
    except ValueError:
        return None


def path_here(wish: str) -> str:
    """Where to go after the log-in: a path of this server's that shows a page, quoted for a header; else ``/``.

    Browsers read ``//evil``, ``/\\evil`` and ``/<tab>/evil`` as another host.
    """
    whole = wish.startswith("/") and not wish.startswith("//") and len(wish) <= _LONGEST_PATH
    if not whole or "\\" in wish or not wish.isprintable():
        return "/"
    path = wish.partition("?")[0].partition("#")[0]
    if any(path == other or path.startswith(f"{other}/") for other in _BEFORE_LOGIN):
        return "/"
    return quote(wish, safe="/%?&=#:@!$'()*+,;~")
