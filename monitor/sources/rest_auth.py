"""The credentials of a ``rest`` source, and how they go with a request."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from monitor.fields import Section
from monitor.sources.settings import HEADER_NAME, Credential


def _printable(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    if not text or not text.isprintable():
        raise PydanticCustomError("credential", "is empty, or holds a line break or another control character")
    return SecretStr(text)


class HeldSecret(Section):
    """A secret under a name of its own: as it is, or ``{value_file: …}``."""

    value: Annotated[SecretStr, AfterValidator(_printable)]
    """The secret."""


Held = Annotated[
    HeldSecret,
    BeforeValidator(
        lambda value: {"value": value} if isinstance(value, str) else value, json_schema_input_type=str | HeldSecret
    ),
]


class BasicSettings(Section):
    """A user and a password."""

    user: SecretStr
    """The user, or the key that stands for one."""

    password: SecretStr = SecretStr("")
    """The password; default: none."""

    @field_validator("user")
    @classmethod
    def _user_has_no_colon(cls, user: SecretStr) -> SecretStr:
        if ":" in user.get_secret_value():
            raise PydanticCustomError("credential", "holds a colon, which no user can")
        return user


class AuthSettings(Section):
    """One way to show who asks, or several; a name may have ``{value_file: …}`` in place of its secret."""

    bearer: Credential | None = None
    """A token for ``Authorization: Bearer``."""

    basic: BasicSettings | None = None
    """A user and a password."""

    header: dict[str, Held] = Field(default_factory=dict)
    """Headers: ``{X-API-Key: …}``, or ``{Authorization: Token …}``."""

    query: dict[str, Held] = Field(default_factory=dict)
    """Parameters of the address: ``{api_key: …}``. Servers write them into their logs: better any other way."""

    form: dict[str, Held] = Field(default_factory=dict)
    """Parameters of the body, with ``send: form`` or ``json``: ``{identifier: …, secret: …}``."""

    @field_validator("header")
    @classmethod
    def _headers_can_be_sent(cls, header: dict[str, HeldSecret]) -> dict[str, HeldSecret]:
        for name, held in header.items():
            if not HEADER_NAME.fullmatch(name):
                raise PydanticCustomError("header", "a header's name holds letters, digits and hyphens only")
            if not held.value.get_secret_value().isascii():
                raise PydanticCustomError("header", "the value of {name} holds what no header can", {"name": name})
        return header

    @model_validator(mode="after")
    def _authorises_once(self) -> Self:
        ways = [self.bearer, self.basic, *(name for name in self.header if name.lower() == "authorization")]
        if sum(way is not None for way in ways) > 1:
            raise PydanticCustomError("auth", "two of bearer, basic and header set Authorization: keep one")
        return self
