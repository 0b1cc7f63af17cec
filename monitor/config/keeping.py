"""History must be kept for as long as any rule looks back at it."""

from __future__ import annotations

from datetime import timedelta

from pydantic_core import PydanticCustomError

from monitor.config.faults import Faults
from monitor.config.nodes import Node
from monitor.fields import format_duration, parse_duration

_LOOKS_BACK = (("when", "within"), ("storm", "within"), ("group", "every"), ("group", "wait"), ("for",))
"""What of a route counts events or messages that have been."""


def check_keep(root: Node, faults: Faults) -> None:
    """``keep`` is no shorter than what a route looks back."""
    keep = root.value("keep")
    kept = _duration(keep)
    if keep is None or kept is None:
        return
    routes = root.value("routes")
    for route in routes.items if routes else []:
        for path in _LOOKS_BACK:
            needed = _duration(_below(route, path))
            if needed and needed > kept:
                name = route.value("name")
                which = f"route {name.data}" if name else "a route"
                said = f"{which} looks back {format_duration(needed)} ({'.'.join(path)}): keep as long at least"
                faults.add(keep.mark, said)


def _below(node: Node, path: tuple[str, ...]) -> Node | None:
    found: Node | None = node
    for key in path:
        found = found.value(key) if found and isinstance(found.data, dict) else None
    return found


def _duration(node: Node | None) -> timedelta | None:
    """What stands there, if it is a duration: if not, somebody else says so."""
    try:
        value = parse_duration(node.data) if node else None
    except PydanticCustomError:
        return None
    return value if isinstance(value, timedelta) else None
