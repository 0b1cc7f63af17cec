"""Reading JSON fields that a source writes in more than one way. Nonsense is None: it costs a field, not a row."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import repeat
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from xxhash import xxh3_64_intdigest

from monitor import __version__
from monitor.sources.verdicts import plain

ABSENT = Raw(b"")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding foreign bytes can raise."""

T = TypeVar("T")
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ONE_ESCAPE = len(rb"\ud800")
# A whole pair, half of one, any other escape: in this order, so that what is left is known for what it is.
_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u[dD][89a-fA-F]..|\\.", re.DOTALL)
_COUNT = re.compile(r"[0-9]{1,15}")
_NO_ERROR = (b"", b"null", b"false", b"0", b'""', b"[]", b"{}")
_FAILED = (b"false", b"0", b'"false"', b'"0"')
_LONGEST_ERROR = 64 * 1024
_SEED = xxh3_64_intdigest(__version__.encode())
_text_decoder = msgspec.json.Decoder(str)
_fields_decoder = msgspec.json.Decoder(dict[str, Raw])
_raw_decoder = msgspec.json.Decoder(Raw)
_any_decoder = msgspec.json.Decoder(Any)


def marks(rows: list[Raw]) -> array[int]:
    """A hash over each row's bytes, for ``monitor.sources.base.Page``. Another version of ours makes others.

    What a new version decodes, an old one may have passed over: after an upgrade each order is compared once in full.
    """
    return array("q", array("Q", map(xxh3_64_intdigest, rows, repeat(_SEED))).tobytes())


def read(decoder: msgspec.json.Decoder[T], raw: Raw | bytes) -> T | None:
    """What the decoder makes of it; None if it is absent or of another shape."""
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None


def without_lone_surrogates(body: bytes) -> bytes:
    """JSON in which each half of a surrogate pair that stands alone (``\\ud800``) is a replacement character."""
    return _ESCAPE.sub(lambda found: b"\\ufffd" if len(found[0]) == _ONE_ESCAPE else found[0], body)


def is_json(body: bytes) -> bool:
    """Whether the body is one whole JSON value."""
    return read(_raw_decoder, body) is not None


def fields(raw: Raw | bytes) -> dict[str, Raw] | None:
    """The fields of a JSON object, unread; None if it is none."""
    return read(_fields_decoder, raw)


def text(raw: Raw) -> str | None:
    """A text without the blanks around it, or a number exactly as written; None if neither, or empty."""
    value = bytes(raw)
    if _NUMBER.fullmatch(value):
        return value.decode("ascii")
    return (read(_text_decoder, value) or "").strip() or None


def count(raw: Raw) -> int | None:
    """A whole number from 0 up, also one that is written as a text."""
    written = text(raw)
    return int(written) if written and _COUNT.fullmatch(written) else None


def instant(raw: Raw, zone: tzinfo = UTC) -> datetime | None:
    """An ISO 8601 time, or one as PHP writes it (``2026-04-01 12:00:00``), in UTC; without a zone it is of ``zone``.

    A zero date (``0000-00-00 00:00:00``) is None.
    """
    try:
        time = datetime.fromisoformat(read(_text_decoder, raw) or "")
        return (time if time.tzinfo else time.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def denies(success: Raw) -> bool:
    """Whether an envelope's ``success`` says that there is none, in any of the ways in which PHP says no."""
    return bytes(success) in _FAILED


def objects(error: Raw) -> bool:
    """Whether an envelope's ``error`` says that there is one."""
    return bytes(error) not in _NO_ERROR


def error_text(body: bytes, names: Sequence[str] = ("message", "error", "errors")) -> str | None:
    """What ``{"message": …, "errors": {…}}`` or ``{"error": …}`` says, on one line; None for any other shape.

    ``names`` are the fields that may say something, in the order in which they are quoted.
    """
    # Nobody reads a longer one, and all of it would be taken apart for the few words that are shown.
    found = (fields(body.removeprefix(BYTE_ORDER_MARK)) if len(body) <= _LONGEST_ERROR else None) or {}
    values = (read(_any_decoder, found.get(name, ABSENT)) for name in names)
    said = dict.fromkeys(line.strip() for value in values for line in _texts(value))
    return plain(" ".join(line for line in said if line)) or None


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)
