"""The environment as a layer over the file: ``MONITOR_SOURCES__SHOP__TOKEN``, and ``MONITOR__STATE`` for a top key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import create_model

from monitor.config.compose import MAX_DEPTH
from monitor.config.faults import Faults
from monitor.config.nodes import Entry, Mark, Node, Origin, merge
from monitor.config.settings import ConfigFile
from monitor.config.shape import keys
from monitor.config.sources import SOURCE_OF_ANY_TYPE
from monitor.fields import did_you_mean

if TYPE_CHECKING:
    from pydantic_settings import EnvSettingsSource

PREFIX = "MONITOR_"
_SEPARATOR = "__"
_LAST = 1_000_000  # the environment's problems come after those of the files


def environment_tree(environ: Mapping[str, str], folder: Path, faults: Faults) -> Node:
    """What the variables say, as a tree whose marks name them. Relative paths in them start at ``folder``."""
    origin = Origin("environment", folder, _LAST, environment=True)
    tree = Node({}, Mark(origin, 1, 1, ""))
    ours = sorted((name for name in environ if is_ours(name)), key=lambda name: (name.count(_SEPARATOR), name))
    spelled: dict[tuple[str, ...], str] = {}
    for name in ours:
        mark, path = Mark(origin, 1, 1, name), _path(name)
        if problem := _problem(path, spelled):
            faults.add(mark, problem)
            continue
        spelled[path] = name
        tree = merge(tree, _node(_value(path, environ[name]), mark), at_low=True)
    return tree


def is_ours(name: str) -> bool:
    """Whether a variable is meant for Order Monitor: Kubernetes sets others that start with MONITOR_."""
    return name.startswith(PREFIX) and _SEPARATOR in name


def variable(path: tuple[str, ...]) -> str:
    """The variable that sets the value at this path."""
    return PREFIX + ("_" if len(path) == 1 else "") + _SEPARATOR.join(path).upper()


def _path(name: str) -> tuple[str, ...]:
    rest = name.removeprefix(PREFIX)
    return tuple((rest[1:] if rest.startswith("_") else rest).lower().split(_SEPARATOR))


def _problem(path: tuple[str, ...], spelled: Mapping[tuple[str, ...], str]) -> str | None:
    known = [key for key in keys((ConfigFile,)) if key != "include"]
    if path[0] not in known:
        near = did_you_mean(path[0], known).removeprefix(", did you mean ").removesuffix("?")
        return "unknown variable" + (f", did you mean {variable((near, *path[1:]))}?" if near else "")
    if path in spelled:
        return f"means the same as {spelled[path]}: keep one"
    other = (*path[:-1], path[-1].removesuffix("_file"))
    if other in spelled and other != path:
        return f"stands beside {spelled[other]}: keep one"
    return None


@cache
def _source() -> EnvSettingsSource:
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict  # noqa: PLC0415  # slow, seldom used

    class Environment(ConfigFile, BaseSettings):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter=_SEPARATOR)

    sources: Any = dict[str, SOURCE_OF_ANY_TYPE]  # type: ignore[valid-type]  # a model that is made at run time
    return EnvSettingsSource(create_model("EnvironmentOfAnyType", __base__=Environment, sources=(sources, {})))


def _value(path: tuple[str, ...], text: str) -> Any:
    """The nested value of one variable: JSON where the setting is a list or mapping, else text; empty is null."""
    source = _source()
    source.env_vars = {(PREFIX + _SEPARATOR.join(path)).lower(): text}
    try:
        leaf: Any = source()
        for part in path:
            leaf = leaf[part]
    except (ValueError, RecursionError, KeyError, TypeError):  # no JSON (SettingsError), or nothing under this path
        leaf = None
    is_json = isinstance(leaf, dict | list) and _depth(leaf) <= MAX_DEPTH
    return _nested(path, leaf if is_json else text or None)


def _nested(path: tuple[str, ...], leaf: Any) -> Any:
    for part in reversed(path):
        leaf = {part: leaf}
    return leaf


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [child for item in level for child in _children(item)]
    return deepest


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _node(value: Any, mark: Mark) -> Node:
    if isinstance(value, dict):
        return Node({key: Entry(mark, _node(child, mark)) for key, child in value.items()}, mark)
    if isinstance(value, list):
        return Node([_node(child, mark) for child in value], mark)
    return Node(value, mark)
