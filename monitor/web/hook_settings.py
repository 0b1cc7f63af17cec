"""The settings of a source's webhook: who may hint that something has changed there."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, SecretStr
from pydantic_core import PydanticCustomError

from monitor.fields import Section
from monitor.sources.settings import HEADER_NAME

_SHORTEST_SECRET = 8


def _secret(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if len(text) < _SHORTEST_SECRET:
        raise PydanticCustomError("hook", f"expected at least {_SHORTEST_SECRET} characters: openssl rand -hex 32")
    return SecretStr(text)


def _header(value: str) -> str:
    if not HEADER_NAME.fullmatch(value):
        raise PydanticCustomError("header", "a header's name holds letters, digits and hyphens only")
    return value


class HookSettings(Section):
    """A webhook of the billing system, at ``/hooks/NAME``: it makes the next poll begin at once. What it says is not
    read."""

    secret: Annotated[SecretStr, AfterValidator(_secret)]
    """What it is signed with (HMAC-SHA256), as the billing system has it."""

    header: Annotated[str, AfterValidator(_header)] | None = None
    """The header that holds the signature; default: X-WC-Webhook-Signature for woocommerce, else
    X-Hub-Signature-256."""
