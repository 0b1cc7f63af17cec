"""The canaries: secrets that can be told from everything else, and the search for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

SOURCE_TOKEN = "tkcanary01+/=x"
SOURCE_HEADER = "hdcanary02 plain"
URL_USER = "uscanary03"
URL_PASSWORD = "pwcanary04/w@rd:1"
URL_PATH = "pacanary05"
URL_QUERY = "qucanary06"
URL_HEADER = "xhcanary07 v/2"
MAIL_PASSWORD = "mpcanary08&co"
MAIL_USER = "mucanary09"
SLACK_TOKEN = "SlCanary10AAAAAAAAAAAAAA"
FILE_TOKEN = "ftcanary11"
OTHER_TOKEN = "otcanary12"
CANARIES = (
    SOURCE_TOKEN, SOURCE_HEADER, URL_USER, URL_PASSWORD, URL_PATH, URL_QUERY, URL_HEADER, MAIL_PASSWORD, MAIL_USER,
    SLACK_TOKEN, FILE_TOKEN, OTHER_TOKEN,
)  # fmt: skip
BASIC = f"{URL_USER}:{URL_PASSWORD}"


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield json.dumps(secret)[1:-1]
    for before in ("", "a", "ab"):  # wherever in a longer text it stands: without the ends, which its neighbours change
        yield base64.b64encode((before + secret).encode()).decode().rstrip("=")[2 + len(before) : -2]


def assert_silent(text: str | bytes, where: str) -> None:
    """No canary stands here in any form."""
    data = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
    plain = data.casefold()
    for secret in (*CANARIES, BASIC):
        for form in _forms(secret):
            if form in data or form.casefold() in plain:
                at = plain.find(form.casefold())
                pytest.fail(f"{form!r} stands in {where}: … {data[max(0, at - 200) : at + 100]} …")
