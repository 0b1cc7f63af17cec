"""Which host a channel's plugin talks to, where that is known. Pure: it reads what the plugin was made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

_MAIL: Mapping[str, Literal["none", "tls", "starttls"]] = {"insecure": "none", "ssl": "tls", "starttls": "starttls"}


class Address(msgspec.Struct, frozen=True):
    """A host that takes messages, ``speaks`` says how. ``verified``: its certificate must be a trusted one."""

    host: str
    port: int
    tls: Literal["none", "tls", "starttls"]
    verified: bool
    speaks: Literal["http", "smtp"]

    @property
    def place(self) -> str:
        """``mail.example.com:587``."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(scheme: str, plugin: Any) -> Address | None:
    """The address behind an Apprise plugin of this scheme; None where it is not known."""
    find = _KNOWN.get(scheme)
    return find(plugin) if find else None


def _own_host(plugin: Any) -> Address:
    """The URL itself names the host."""
    secure = bool(plugin.secure)
    return Address(
        plugin.host.strip("[]"), plugin.port or (443 if secure else 80), _tls(secure), _verified(plugin), "http"
    )


def _teams(plugin: Any) -> Address:
    return Address(plugin.host, plugin.port or 443, "tls", _verified(plugin), "http")


def _slack(plugin: Any) -> Address:
    return _service(plugin.webhook_url if plugin.mode == "hook" else plugin.api_url, plugin)


def _fixed(plugin: Any) -> Address:
    return _service(plugin.notify_url, plugin)


def _ntfy(plugin: Any) -> Address:
    return _service(plugin.cloud_notify_url, plugin) if plugin.mode == "cloud" else _own_host(plugin)


def _service(url: str, plugin: Any) -> Address:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Address(parts.hostname or "", parts.port or (443 if secure else 80), _tls(secure), _verified(plugin), "http")


def _mail(plugin: Any) -> Address:
    tls = _MAIL[str(plugin.secure_mode)]
    return Address(plugin.smtp_host, plugin.port, tls, _verified(plugin), "smtp")


def _tls(secure: bool) -> Literal["none", "tls"]:
    return "tls" if secure else "none"


def _verified(plugin: Any) -> bool:
    return bool(plugin.verify_certificate)


_OWN = ("json", "xml", "form", "gotify", "mmost", "matrix")
_KNOWN: Mapping[str, Callable[[Any], Address]] = {
    **dict.fromkeys((name + s for name in _OWN for s in ("", "s")), _own_host),
    **dict.fromkeys(("workflow", "workflows"), _teams),
    **dict.fromkeys(("mailto", "mailtos"), _mail),
    **dict.fromkeys(("ntfy", "ntfys"), _ntfy),
    "slack": _slack,
    "discord": _fixed,
    "tgram": _fixed,
}
"""By the scheme of the URL as Apprise reads it."""
