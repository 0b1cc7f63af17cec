"""Where the next page begins, as a word that only its listing understands. Pure.

A cursor is no secret and guards nothing: its check tells one that was cut short, made up, or is another question's.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from typing import TypeVar
from zlib import crc32

import msgspec

T = TypeVar("T")
_CHECK = 4


def write(question: str, key: Sequence[int | str]) -> str:
    """The cursor of the page of this question that begins after ``key``."""
    said = msgspec.json.encode(key)
    return _spelled(_check(question, said) + said)


def read(question: str, cursor: str, kind: type[T]) -> T:
    """The key that was written into it; ValueError if it is none of this question's."""
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
    except (UnicodeEncodeError, Error):
        raise ValueError(cursor) from None
    check, said = raw[:_CHECK], raw[_CHECK:]
    if cursor != _spelled(raw) or check != _check(question, said):
        raise ValueError(cursor)
    return msgspec.json.decode(said, type=kind)


def _spelled(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _check(question: str, said: bytes) -> bytes:
    return crc32(said, crc32(question.encode("utf-8", "surrogatepass"))).to_bytes(_CHECK, "big")
