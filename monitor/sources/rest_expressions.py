"""Foreign JSON, as expressions read it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from monitor.expressions import Written
from monitor.sources import lenient

_decoder = msgspec.json.Decoder(Any, float_hook=Written)


def value_of(raw: Raw | bytes) -> Any:
    """The JSON value with its numbers exact; None where it is absent or cannot be read."""
    return lenient.read(_decoder, raw)
