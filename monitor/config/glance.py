"""A glance at a configuration: no more than where its state is, and how often its sources are polled.

To validate a whole configuration costs half a second, mostly to import what that takes: too much for a health check
that runs every half minute. What is not as plain as it mostly is, a glance leaves to who reads thoroughly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from monitor.config.compose import BadYaml
from monitor.config.faults import Faults
from monitor.config.files import Unreadable, decode, read_bytes, read_tree
from monitor.config.nodes import Node
from monitor.store.address import SQLITE, is_shared, passwords, with_password, with_paths

STATE_FILE = "order-monitor.db"
EVERY = "60s"
_PLAIN_DURATION = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST = 64 * 1024
_PLAIN_NAME = re.compile("[a-z][a-z0-9_]*")


class Glance(NamedTuple):
    """The state's URL with all that it takes to open it, and by source how often it is polled."""

    state: str
    every: Mapping[str, timedelta]


def glance(path: Path, environ: Mapping[str, str]) -> Glance | None:
    """What a health check needs of the configuration at ``path``; None: it must be read thoroughly."""
    faults = Faults()
    if any(name.startswith("MONITOR_") and "__" in name for name in environ):
        return None
    root = read_tree(path, environ, faults)
    if root is None or faults:
        return None
    state, every = _state(root, path), _every(root)
    return None if state is None or every is None else Glance(state, every)


def _state(root: Node, path: Path) -> str | None:
    node = root.value("state")
    if node is None:
        return None if _names_password(root) else f"{SQLITE}{path.absolute().parent / STATE_FILE}"
    text = node.data
    if isinstance(text, str) and is_shared(text):
        return _database(root, with_paths(text, node.mark.origin.folder))
    if not isinstance(text, str) or not re.fullmatch(SQLITE + r"/?[\w./ -]*[\w-]", text) or _names_password(root):
        return None
    return f"{SQLITE}{node.mark.origin.folder / text.removeprefix(SQLITE)}"


def _names_password(root: Node) -> bool:
    return bool(root.value("state_password") or root.value("state_password_file"))


def _database(root: Node, url: str) -> str | None:
    """What connects to the database: if it is no right address, the connection fails."""
    if not _names_password(root):
        return url
    password = _password(root)
    return with_password(url, password) if password and not any(passwords(url)) else None


def _password(root: Node) -> str | None:
    written, file = root.value("state_password"), root.value("state_password_file")
    if written or not file:
        return written.data if written and isinstance(written.data, str) and not file else None
    try:
        text = decode(read_bytes(file.mark.origin.folder / str(file.data), _MOST))
    except (Unreadable, BadYaml):
        return None
    return text.removesuffix("\n").removesuffix("\r")


def _every(root: Node) -> dict[str, timedelta] | None:
    defaults = root.value("defaults")
    default = defaults.value("source") if defaults else None
    sources = root.value("sources")
    if sources is None or not all(map(_PLAIN_NAME.fullmatch, sources.entries)):
        return None
    found = {name: _interval(entry.value.value("every"), default) for name, entry in sources.entries.items()}
    plain = {name: interval for name, interval in found.items() if interval is not None}
    return plain if len(plain) == len(found) else None


def _interval(written: Node | None, default: Node | None) -> timedelta | None:
    node = written or (default.value("every") if default else None)
    match = _PLAIN_DURATION.fullmatch(EVERY if node is None else str(node.data))
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else None
