"""JSON as PHP's billing systems write it: ``[]`` where an object is meant, ``""`` where a list is meant."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from monitor.sources import lenient

_EMPTY = (b'""', b"false")
_list_decoder = msgspec.json.Decoder(list[Raw])


def entries(raw: Raw) -> list[Raw] | None:
    """The members of a list, unread; ``""``, ``{}`` and false stand for an empty one.

    A list whose keys have gaps is an object to PHP (``{"0": …, "2": …}``): its values are the members. None if nothing
    is shown (absent, null), or something else.
    """
    if bytes(raw) in _EMPTY:
        return []
    members = lenient.read(_list_decoder, raw)
    if members is not None:
        return members
    fields = lenient.fields(raw)
    return None if fields is None or not all(key.isdecimal() for key in fields) else list(fields.values())


def rows(raw: Raw) -> list[Raw] | None:
    """The same where a list of one row may be that row itself: an object with an ``id``."""
    found = entries(raw)
    return [raw] if found is None and "id" in record(raw) else found


def record(raw: Raw) -> dict[str, Raw]:
    """The fields of an object, unread; none where PHP writes ``[]``, ``""``, null or nothing."""
    return lenient.fields(raw) or {}
