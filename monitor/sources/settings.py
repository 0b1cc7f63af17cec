"""How a source is reached."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Protocol, Self, runtime_checkable
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from monitor.fields import Duration, Section

HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = {"host", "accept", "accept-encoding", "cache-control", "proxy-authorization"}
_CONDITIONS = {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"}
_OF_THE_CONNECTION = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


def split_url(text: str) -> SplitResult | None:
    """The parts of an http or https address with a host and a possible port; None if it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable and text.isprintable() and not re.search(r"[\s\\]", text) else None


def _base_url(text: str) -> str:
    text = text.strip()
    parts = split_url(text)
    if parts is None:
        raise PydanticCustomError("url", "expected an address such as https://billing.example.com")
    if "@" in parts.netloc:
        raise PydanticCustomError("url", "must hold no user or password: credentials have keys of their own")
    if "?" in text or "#" in text:
        raise PydanticCustomError("url", "must end with the host or a path: no ? and no #")
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{name}{port}{parts.path.rstrip('/')}"


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Address of a source, spelled in one way: lower-case host, no default port, no slash at the end."""


def _credential(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text:
        raise PydanticCustomError("credential", "is empty")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise PydanticCustomError("credential", "holds a space, a line break or a letter that no credential has")
    return SecretStr(text)


Credential = Annotated[SecretStr, AfterValidator(_credential)]
"""A secret that goes into a header: blanks around it are dropped, as a file ends with a line break."""


@runtime_checkable
class Follows(Protocol):
    """Settings of a source without a list, whose orders are followed by id."""

    orders: list[str]
    """The ids that the configuration names."""


class HttpSettings(Section):
    """The part of a source's settings that http.py reads."""

    timeout: Annotated[Duration, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=10)
    """How long one request may take in all."""

    max_requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """How often its host may be asked, by all sources on it together (the smallest counts); default: what the server
    says."""

    proxy: SecretStr | None = None
    """Address of an HTTP proxy; default: what the proxy variables of the environment say."""

    ca_file: str | None = None
    """Certificates (PEM) to trust instead of the system's."""

    client_cert: str | None = None
    """File with our certificate (PEM), for servers that ask for one."""

    client_key_file: str | None = None
    """The key of client_cert, if it is not in that file."""

    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Headers to send besides our own."""

    @field_validator("proxy")
    @classmethod
    def _proxy_is_http(cls, proxy: SecretStr | None) -> SecretStr | None:
        if proxy is not None and split_url(proxy.get_secret_value().strip()) is None:
            raise PydanticCustomError("proxy", "expected an address such as http://proxy.example.com:3128")
        return proxy

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not HEADER_NAME.fullmatch(name):
                raise PydanticCustomError("header", "a header's name holds letters, digits and hyphens only")
            if name.lower() in _OURS | _CONDITIONS | _OF_THE_CONNECTION:
                raise PydanticCustomError("header", "{name} is set by Order Monitor", {"name": name})
            if not value.get_secret_value().isprintable():
                raise PydanticCustomError("header", "the value of {name} holds a control character", {"name": name})
        return headers

    @model_validator(mode="after")
    def _key_has_a_certificate(self) -> Self:
        if self.client_key_file and not self.client_cert:
            raise PydanticCustomError("client_key", "client_key_file needs client_cert beside it")
        return self
