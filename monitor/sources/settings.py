"""How a source is reached."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr

from monitor.fields import Duration, Section


class HttpSettings(Section):
    """The part of a source's settings that http.py reads."""

    timeout: Annotated[Duration, Field(ge=timedelta(milliseconds=100))] = timedelta(seconds=10)
    """How long one request may take in all."""

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
