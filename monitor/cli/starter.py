"""The configuration that `init` writes: the starter file, with what is known filled in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec
import yaml

from monitor.config.document import core_scalar

_PLAIN = re.compile(r"[A-Za-z0-9_./@+-]+(?::[A-Za-z0-9_./@+-]+)*")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "$": "$$"}
_COLUMN = 42
"""Where the starter file's comments begin."""


class Secret(msgspec.Struct, frozen=True):
    """A secret and where it is kept: in the file ``name``, in the environment variable ``name``, or in the YAML.

    ``value`` is None where it is there already.
    """

    kept: Literal["file", "variable", "here"]
    name: str = ""
    value: str | None = None

    def __repr__(self) -> str:
        return f"Secret({self.kept!r}, {self.name!r})"


class Mail(msgspec.Struct, frozen=True):
    """A mail server, who writes, and to whom; ``password`` is None for a server that wants no user."""

    host: str
    port: int
    tls: Literal["starttls", "ssl", "none"]
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: Secret | None = None


class Draft(msgspec.Struct):
    """What goes into the file; a placeholder stands for each None."""

    source: str = "shop"
    url: str | None = None
    token: Secret | None = None
    channel: str = "ops"
    to: Secret | Mail | None = None
    time_zone: str | None = None

    def secrets(self) -> Iterator[Secret]:
        """Every secret, wherever it is kept."""
        password = self.to.password if isinstance(self.to, Mail) else self.to
        return (secret for secret in (self.token, password) if secret is not None)


def fill_in(starter: str, draft: Draft) -> str:
    """The starter file with the draft's values; as it is where the draft holds none."""
    text = _replaced(starter, r"  shop: +#", _padded(f"  {draft.source}:") + "#")
    if draft.url is not None:
        text = _replaced(text, r"    url: https://\S+ +", _padded(f"    url: {scalar(draft.url)}"))
    if draft.token is not None:
        text = _replaced(text, r"    token: \S+ +# .*", _token(draft.token))
    if draft.to is not None:
        text = _replaced(text, r"    # Any Apprise(?:.*\n)*?    url: \$.*", "\n".join(_channel(draft.to)))
    if draft.time_zone is not None:
        text = _replaced(text, r"# time_zone: \S+ +", _padded(f"time_zone: {scalar(draft.time_zone)}"))
    return text


def scalar(text: str) -> str:
    """The text as a YAML value that our reader takes for just this text: plain if that is safe, else in quotes."""
    if _PLAIN.fullmatch(text) and core_scalar(text) == text and _means_itself(text):
        return text
    return '"' + "".join(_ESCAPES.get(sign) or _escaped(sign) for sign in text) + '"'


def _means_itself(text: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:  # such as of what begins with @
        return False


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return sign
    number = ord(sign)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def _secret(key: str, secret: Secret) -> str:
    if secret.kept == "file":
        return f"{key}_file: {scalar(secret.name)}"
    value = f"${{{secret.name}}}" if secret.kept == "variable" else scalar(secret.value or "")
    return f"{key}: {value}"


def _token(token: Secret) -> str:
    others = "or token: ${NAME}, from the environment" if token.kept == "file" else "or token_file: shop_token"
    return f"{_padded('    ' + _secret('token', token))}# {others}"


def _channel(to: Secret | Mail) -> Iterator[str]:
    if isinstance(to, Secret):
        yield f"{_padded('    ' + _secret('url', to))}# a Slack or Discord webhook, or any Apprise URL"
        return
    yield "    mail:"
    yield f"      host: {scalar(to.host)}"
    yield f"      port: {to.port}"
    yield f"      tls: {to.tls}"
    if to.user:
        yield f"      user: {scalar(to.user)}"
    if to.password is not None:
        yield f"      {_secret('password', to.password)}"
    yield f"      from: {scalar(to.sender)}"
    yield f"      to: [{', '.join(map(scalar, to.to))}]"


def _padded(text: str) -> str:
    return f"{text:<{_COLUMN}}" if len(text) < _COLUMN else f"{text}  "


def _replaced(text: str, pattern: str, by: str) -> str:
    replaced, count = re.subn(f"^{pattern}", lambda _: by, text, count=1, flags=re.MULTILINE)
    if not count:
        raise LookupError(f"the starter file has no line {pattern}")
    return replaced
