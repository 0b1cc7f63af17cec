"""The settings of the server: where it listens, and who may ask it."""

from __future__ import annotations

import ipaddress
import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from monitor.fields import Duration, Section

_HASH = re.compile(r"\$argon2id?\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")
_SHORTEST_TOKEN = 16
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]+(?:[/?#]|$)")


def split_listen(value: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:8080`` or ``[::1]:8080``; ValueError if it is neither."""
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdecimal() and int(port) < 65536):
        raise ValueError(value)
    if host != "localhost":
        ipaddress.ip_address(host)
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _listen(value: str) -> str:
    try:
        split_listen(value)
    except ValueError:
        raise PydanticCustomError("listen", "expected an address and a port, such as 127.0.0.1:8080") from None
    return value


def _password(value: SecretStr) -> SecretStr:
    if not _HASH.fullmatch(value.get_secret_value().strip()):
        raise PydanticCustomError("password", "expected a hash, which `order-monitor password` makes of a password")
    return SecretStr(value.get_secret_value().strip())


def _token(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < _SHORTEST_TOKEN:
        raise PydanticCustomError("token", f"expected at least {_SHORTEST_TOKEN} characters: openssl rand -hex 32")
    return SecretStr(value.get_secret_value().strip())


def _public_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = _ORIGIN.match(value) and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise PydanticCustomError("public_url", "expected an address such as https://monitor.example.com")
    if parts.path.strip("/"):
        raise PydanticCustomError("public_url", "has a path: give the page a host name of its own")
    return f"{parts.scheme}://{parts.netloc}"


class WebSettings(Section):
    """The status page, the JSON API, health and metrics."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    """Address and port; elsewhere than on the machine itself only with a password."""

    password: Annotated[SecretStr, AfterValidator(_password)] | None = None
    """What to log in with, as the hash that `order-monitor password` makes of it; default: no log-in, on loopback."""

    token: Annotated[SecretStr, AfterValidator(_token)] | None = None
    """What machines ask `/api` and `/metrics` with (`Authorization: Bearer …`); default: as the page is asked."""

    public_url: Annotated[str, AfterValidator(_public_url)] | None = None
    """Where people reach it, if through a proxy: `https://monitor.example.com`."""

    session: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(days=7)
    """How long a log-in lasts."""

    @model_validator(mode="after")
    def _elsewhere_only_with_a_password(self) -> WebSettings:
        if self.password is None and not is_loopback(split_listen(self.listen)[0]):
            raise PydanticCustomError(
                "open",
                "listen is reachable from elsewhere: set password_file to a hash that `order-monitor password` makes",
            )
        return self
