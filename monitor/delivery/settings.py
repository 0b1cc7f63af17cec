"""Where messages go."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from monitor.fields import Section


def _lines(value: object) -> object:
    """A list as it is; text as its lines, for a file of URLs holds one a line."""
    if not isinstance(value, str):
        return [value] if isinstance(value, SecretStr) else value
    return [line.strip() for line in value.splitlines() if line.strip()]


def _is_url(value: SecretStr) -> SecretStr:
    scheme, colon, rest = value.get_secret_value().strip().partition("://")
    if not (scheme and colon and rest):
        raise PydanticCustomError(
            "url", "expected an Apprise URL such as json://alerts.example.com, or a webhook's address"
        )
    return value


class ChannelSettings(Section):
    """A named destination: an Apprise URL, or several."""

    url: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_is_url)], ...],
        BeforeValidator(_lines, json_schema_input_type=str | list[str]),
        Field(min_length=1),
    ]
    """An Apprise URL, or a list of them. Secret. In ``url_file`` one stands on each line."""

    @property
    def urls(self) -> tuple[SecretStr, ...]:
        """Every URL, in the order in which they are written."""
        return self.url
