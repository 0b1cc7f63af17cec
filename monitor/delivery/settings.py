"""Where messages go."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from monitor.alerting.settings import ChannelStyle
from monitor.fields import Name, Section
from monitor.notifier.mail_url import build_mail_url


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


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class MailSettings(Section):
    """A mail server and who writes to whom, as people write these: nothing here wants URL-encoding."""

    host: Annotated[str, StringConstraints(pattern=r"^[^\s/@?#]+$")]
    """The mail server."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; default: 587 with starttls, 465 with ssl, 25 with none."""

    tls: Literal["starttls", "ssl", "none"] = "starttls"
    """How the connection is encrypted: after a greeting in the clear, from the start, or not at all."""

    user: str | None = None
    """Who logs in; default: nobody."""

    password: SecretStr | None = None
    """The password of ``user``. Secret."""

    from_: str = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    """The sender's address."""

    to: Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
    """The recipients' addresses. Each gets a mail of its own, and one that fails holds up no other."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        try:
            self.urls()
        except ValueError as error:
            raise PydanticCustomError("mail", "{text}", {"text": str(error)}) from None
        return self

    def urls(self) -> tuple[SecretStr, ...]:
        """The Apprise URL of each recipient."""
        password = None if self.password is None else self.password.get_secret_value()
        return tuple(
            SecretStr(
                build_mail_url(
                    self.host,
                    sender=self.from_,
                    to=to,
                    tls=self.tls,
                    port=self.port,
                    user=self.user,
                    password=password,
                )
            )
            for to in self.to
        )


class ChannelSettings(ChannelStyle):
    """A named destination: an Apprise URL or several, or a mail server. config checks that it is one of these."""

    url: (
        Annotated[
            tuple[Annotated[SecretStr, AfterValidator(_is_url)], ...],
            BeforeValidator(_lines, json_schema_input_type=str | list[str]),
            Field(min_length=1),
        ]
        | None
    ) = None
    """An Apprise URL, or a list of them; a Slack or Discord webhook as pasted. Secret. In ``url_file`` one stands on
    each line."""

    mail: MailSettings | None = None
    """Mail, without having to write a URL."""

    fallback: Name | None = None
    """Name of another channel, which gets what could not be sent here, and is told why; default: none."""

    @property
    def urls(self) -> tuple[SecretStr, ...]:
        """Every URL, in the order in which they are written."""
        if self.mail is not None:
            return self.mail.urls()
        return self.url or ()
