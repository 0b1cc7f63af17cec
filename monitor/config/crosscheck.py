"""What no single setting can know: names that must exist, or be unique; sections that must hold something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.alerting.drill import DRILL_SOURCE
from monitor.config.faults import Faults
from monitor.config.keeping import check_keep
from monitor.config.nodes import Node
from monitor.fields import did_you_mean
from monitor.store.address import is_shared, passwords


def cross_check(root: Node, faults: Faults) -> None:
    """Check the tree as a whole, beside and independent of the validation of its values."""
    if not faults.incomplete:
        _check_not_empty(root, "sources", "no source: there is nothing to watch", faults)
        _check_not_empty(root, "channels", "no channel: messages would go nowhere", faults)
        _check_channel_names(root, faults)
        _check_hooks(root, faults)
    _check_destinations(root, faults)
    _check_route_names(root, faults)
    _check_client_keys(root, faults)
    _check_details(root, faults)
    _check_fallbacks(root, faults)
    _check_reserved(root, faults)
    _check_state_password(root, faults)
    check_keep(root, faults)


def _check_not_empty(root: Node, key: str, text: str, faults: Faults) -> None:
    entry = root.entries.get(key)
    if entry is None:
        faults.add(root.mark, text, key)
    elif entry.value.data in ({}, None):
        faults.add(entry.key, text)


def _check_destinations(root: Node, faults: Faults) -> None:
    """Each channel leads somewhere, and to one kind of place."""
    channels = root.value("channels")
    for entry in channels.entries.values() if channels else []:
        url, mail = entry.value.value("url"), entry.value.value("mail")
        if entry.value.broken or not isinstance(entry.value.data, dict | None):
            continue
        if not url and not mail:
            faults.add(entry.key, "leads nowhere, expected url (or url_file) or mail")
        elif url and mail:
            faults.add(entry.value.entries["mail"].key, "stands beside url: keep one")


def _check_channel_names(root: Node, faults: Faults) -> None:
    channels = root.value("channels")
    if channels is None or not isinstance(channels.data, dict):
        return
    for node in _channel_names(root):
        if isinstance(node.data, str) and node.data not in channels.data:
            near = did_you_mean(node.data, channels.data)
            faults.add(node.mark, f"unknown channel{near or ', expected the name of one under channels'}")


def _channel_names(root: Node) -> Iterator[Node]:
    health, routes = root.value("health"), root.value("routes")
    escalations = [route.value("escalate") for route in (routes.items if routes else [])]
    for owner in filter(None, [health, root.value("drill"), *(routes.items if routes else []), *escalations]):
        names = owner.value("channels")
        yield from names.items if names else []
    yield from _fallbacks(root).values()


def _check_route_names(root: Node, faults: Faults) -> None:
    routes = root.value("routes")
    first: dict[str, Node] = {}
    for route in routes.items if routes else []:
        name = route.value("name")
        if name is None or not isinstance(name.data, str):
            continue
        if name.data in first:
            faults.add(name.mark, f"this name is taken, the first stands at {first[name.data].mark.where}")
        else:
            first[name.data] = name


def _check_client_keys(root: Node, faults: Faults) -> None:
    sources = root.value("sources")
    for entry in sources.entries.values() if sources else []:
        key, certificate = entry.value.value("client_key_file"), entry.value.value("client_cert")
        if key and key.data and not (certificate and (certificate.data or certificate.broken)):
            faults.add(key.mark, "client_key_file needs client_cert beside it")


def _check_hooks(root: Node, faults: Faults) -> None:
    """A webhook needs somebody who listens."""
    sources = root.value("sources")
    for entry in sources.entries.values() if sources and "web" not in root.entries else []:
        if hook := entry.value.value("hook"):
            faults.add(hook.mark, "nobody would hear it: add a section web (`web: {}`)")


def _check_details(root: Node, faults: Faults) -> None:
    """``detail`` names another source. Whether that one shows single orders is for the caller's checks."""
    sources = root.value("sources")
    for name, entry in (sources.entries if sources else {}).items():
        detail = entry.value.value("detail")
        if sources is None or detail is None or not isinstance(detail.data, str):
            continue
        if detail.data == name:
            faults.add(detail.mark, "this is the source itself, expected the name of another under sources")
        elif detail.data not in sources.entries and not faults.incomplete:
            near = did_you_mean(detail.data, sources.entries)
            faults.add(detail.mark, f"unknown source{near or ', expected the name of one under sources'}")


def _check_fallbacks(root: Node, faults: Faults) -> None:
    """No channel falls back to itself, along however many others. A ring is reported where it is written first."""
    fallbacks = _fallbacks(root)
    reported: set[str] = set()
    for name in fallbacks:
        ring = _ring(name, {channel: node.data for channel, node in fallbacks.items()})
        if ring and name not in reported:
            reported.update(ring)
            said = f"leads in a ring: {' → '.join([*ring, name])}" if len(ring) > 1 else "this is the channel itself"
            faults.add(fallbacks[name].mark, f"{said}, expected the name of another under channels")


def _fallbacks(root: Node) -> dict[str, Node]:
    """By channel, where the name of its fallback stands."""
    channels = root.value("channels")
    found = {name: entry.value.value("fallback") for name, entry in (channels.entries if channels else {}).items()}
    return {name: node for name, node in found.items() if node is not None and isinstance(node.data, str)}


def _ring(name: str, fallbacks: Mapping[str, Any]) -> list[str]:
    """The channels on the way from this one back to itself; empty if the way does not lead back."""
    way = [name]
    while (following := fallbacks.get(way[-1])) is not None:
        if following == name:
            return way
        if following in way:
            break
        way.append(following)
    return []


def _check_reserved(root: Node, faults: Faults) -> None:
    sources = root.value("sources")
    entry = sources.entries.get(DRILL_SOURCE) if sources else None
    if entry:
        faults.add(entry.key, f"{DRILL_SOURCE} is the source of fire drills: take another name")


def _check_state_password(root: Node, faults: Faults) -> None:
    """A password belongs to a database, and stands in one place."""
    entry, state = root.entries.get("state_password"), root.value("state")
    if entry is None or entry.value.data is None:
        return
    if state is None or not isinstance(state.data, str) or not is_shared(state.data):
        faults.add(entry.key, "goes with a state at postgresql://user@host/database")
    elif any(passwords(state.data)):
        faults.add(entry.key, "stands beside the password in state: keep one")
