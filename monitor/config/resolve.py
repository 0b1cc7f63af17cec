"""What is worked into the tree before it is validated: defaults, secrets from files, paths, the state's place."""

from __future__ import annotations

from dataclasses import replace

from monitor.config.compose import BadYaml
from monitor.config.faults import Faults
from monitor.config.files import Unreadable, decode, read_bytes
from monitor.config.nodes import Entry, Node, merge
from monitor.config.settings import SQLITE, STATE_FILE, Settings
from monitor.config.shape import Shape, child, fields, keys, of_type, sections
from monitor.store.address import is_shared, with_paths

MAX_SECRET_BYTES = 64 * 1024

_DEFAULTS = {"source": "sources", "channel": "channels", "route": "routes"}


def with_defaults(root: Node) -> Node:
    """The tree with ``defaults`` worked into every entry, and gone itself."""
    defaults = root.value("defaults")
    entries = dict(root.without("defaults").entries)
    for kind, key in _DEFAULTS.items():
        default = defaults.value(kind) if defaults else None
        if default and isinstance(default.data, dict) and key in entries:
            entries[key] = entries[key]._replace(
                value=_under_each(default, entries[key].value, child((Settings,), key))
            )
    return replace(root, data=entries)


def _under_each(default: Node, entries: Node, shape: Shape) -> Node:
    if isinstance(entries.data, list):
        return replace(entries, data=[merge(default, item) for item in entries.data])
    if not isinstance(entries.data, dict):
        return entries
    below = child(shape, "")
    merged = {
        name: entry._replace(value=merge(_fitting(default, entry.value, below), entry.value))
        for name, entry in entries.entries.items()
    }
    return replace(entries, data=merged)


def _fitting(default: Node, entry: Node, shape: Shape) -> Node:
    """Of the defaults, those that the entry's type knows: one that no type knows is reported where it stands."""
    kind = entry.value("type") or default.value("type")
    known = keys(of_type(shape, kind.data if kind else None))
    return default.without(*(key for key in default.entries if key not in known))


def with_state(root: Node) -> Node:
    """The tree with the paths of the state absolute; by default it stands beside the main file."""
    state = root.entries.get("state") or Entry(root.mark, Node(SQLITE + STATE_FILE, root.mark))
    text, folder = state.value.data, state.value.mark.origin.folder
    if not isinstance(text, str) or not (is_shared(text) or text.removeprefix(SQLITE) not in (text, "")):
        return root
    place = with_paths(text, folder) if is_shared(text) else f"{SQLITE}{folder / text.removeprefix(SQLITE)}"
    return replace(root, data=root.entries | {"state": state._replace(value=replace(state.value, data=place))})


def with_files(node: Node, shape: Shape, faults: Faults) -> Node:
    """The tree with secrets read from their files, and every other path absolute and found to be readable."""
    if isinstance(node.data, list):
        return replace(
            node, data=[with_files(item, child(shape, number), faults) for number, item in enumerate(node.data)]
        )
    if not isinstance(node.data, dict):
        return node
    entries = dict(node.data)
    kind = node.value("type")
    shape = of_type(shape, kind.data if kind else None)
    if sections(shape):
        _read_secrets(entries, shape, faults)
        _resolve_paths(entries, shape, faults)
    return replace(
        node,
        data={
            key: entry._replace(value=with_files(entry.value, child(shape, key), faults))
            for key, entry in entries.items()
        },
    )


def _read_secrets(entries: dict[str, Entry], shape: Shape, faults: Faults) -> None:
    for name in {name for model in sections(shape) for name in model.secret_fields()}:
        entry = entries.pop(f"{name}_file", None)
        if entry and name in entries:
            faults.add(entry.key, f"stands beside {name}: keep one")
        elif entry:
            entries[name] = entry._replace(value=_secret(entry.value, faults))
        elif name in entries and entries[name].value.data == "":
            entries[name] = entries[name]._replace(value=_broken(entries[name].value, "is empty", faults))


def _secret(node: Node, faults: Faults) -> Node:
    if node.broken:
        return node
    if not isinstance(node.data, str) or not node.data:
        return _broken(node, "expected the path of a file", faults)
    try:
        text = decode(read_bytes(node.mark.origin.folder / node.data, MAX_SECRET_BYTES))
    except Unreadable as error:
        return _broken(node, str(error), faults)
    except BadYaml:
        return _broken(node, "the file holds something other than UTF-8 text", faults)
    text = text.removesuffix("\n").removesuffix("\r")
    return replace(node, data=text) if text.strip() else _broken(node, "the file is empty", faults)


def _resolve_paths(entries: dict[str, Entry], shape: Shape, faults: Faults) -> None:
    names = {key for model in sections(shape) for key in fields(model) if key.endswith("_file") or key == "client_cert"}
    for name in names & entries.keys():
        entries[name] = entries[name]._replace(value=_readable(entries[name].value, faults))


def _readable(node: Node, faults: Faults) -> Node:
    if not isinstance(node.data, str):
        return node
    path = node.mark.origin.folder / node.data
    try:
        read_bytes(path, 16 * 1024 * 1024)
    except Unreadable as error:
        return _broken(node, str(error), faults)
    return replace(node, data=str(path))


def _broken(node: Node, text: str, faults: Faults) -> Node:
    faults.add(node.mark, text)
    return Node(None, node.mark, broken=True)
