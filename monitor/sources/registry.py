"""The systems that can be read: one line for each adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from monitor.fields import Section
from monitor.sources.base import ListSource
from monitor.sources.opterius import STATUSES, Opterius, OpteriusSettings


class Entry(NamedTuple):
    """An adapter's class, the settings of its own that it needs, and how the one is made from the other.

    ``statuses``: by which it can ask for a part of the list, where the system does what its documentation says.
    """

    adapter: type[ListSource]
    settings: type[Section]
    make: Callable[[Any], ListSource]  # Any: each takes its own settings, or a class derived from them
    statuses: tuple[str, ...] = ()


ADAPTERS: Mapping[str, Entry] = {
    "opterius": Entry(Opterius, OpteriusSettings, Opterius.from_settings, STATUSES),
}
"""By the value of ``type``."""
