"""The acceptance language: this configuration, this timeline, these messages.

A scenario is a YAML document::

    name: what it shows
    config: |                      # {shop} is a simulated billing system, {ops} {mail} {slack} {…} are receivers
      sources: {shop: {type: opterius, url: "{shop}", token: simulator-token}}
      channels: {ops: {url: "{ops}"}}
    timeline:                      # the simulator's own steps (place, set, delete, fault, clear), and those of stage.py
      - place: {id: 88, total: 2200}
      - poll:
      - set: {order: 88, status: active}
      - poll:
      - expect:                    # what has been received since the beginning, or since the last expect
          ops: ["✅ Active: ORD-0088 *"]
    messages:                      # what has been received since then; a receiver that is not named got nothing
      ops:
        - title: "* ORD-0088 · $22.00 · shop"     # * and ? are wild, everything else stands for itself
          body: ["pending → active*"]             # lines that must stand in it, in this order
          lacks: ["ORD-0089"]                     # texts that must stand nowhere in it

A new kind of step is one function in stage.py; a new kind of expectation is a field of ``Expected``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from receivers import Received

Step = dict[str, Any]
Dialect = Literal["documented", "released", "hostup"]


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one message must be. ``severity`` is Apprise's type, which only the JSON webhook shows."""

    title: str
    body: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    severity: str | None = None

    def faults(self, message: Received) -> Iterator[str]:
        """How the message differs."""
        if not matches(self.title, message.title):
            yield f"title {message.title!r}, expected {self.title!r}"
        lines = iter(message.body.splitlines())
        for wanted in self.body:
            if not any(matches(wanted, line.strip()) for line in lines):
                yield f"no line {wanted!r} (in this order) in:\n{message.body}"
        for unwanted in self.lacks:
            if unwanted in f"{message.title}\n{message.body}":
                yield f"{unwanted!r} stands in:\n{message.title}\n{message.body}"
        if self.severity is not None and message.raw["type"] != self.severity:
            yield f"severity {message.raw['type']}, expected {self.severity}"


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A simulated billing system: its dialect (None: whichever the scenario is run with), token and seeded orders."""

    dialect: Dialect | None = None
    token: str = "simulator-token"
    orders: int = 0
    seed: int = 1


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scenario. ``copies``: one message may arrive twice. ``alone``: it is about a state that serves one daemon."""

    name: str
    config: str
    timeline: list[Step]
    messages: dict[str, list[str | Expected]] = {}
    systems: dict[str, System] = msgspec.field(default_factory=lambda: {"shop": System()})
    dialects: tuple[Dialect, ...] = ("documented",)
    copies: bool = False
    alone: bool = False


def read_scenarios(folder: Path) -> dict[str, Scenario]:
    """Every scenario of every file, by ``file: name``."""
    return {
        f"{path.stem}: {scenario.name}": scenario
        for path in sorted(folder.glob("*.yaml"))
        for scenario in parse_scenarios(path.read_text(encoding="utf-8"))
    }


def parse_scenarios(text: str) -> list[Scenario]:
    """The scenarios of a file; msgspec.ValidationError names a key that the language has not."""
    return [msgspec.convert(document, Scenario) for document in yaml.safe_load_all(text) if document is not None]


def parse_expected(data: object) -> dict[str, list[str | Expected]]:
    """Expectations by receiver."""
    expected: dict[str, list[str | Expected]] = msgspec.convert(data or {}, dict[str, list[str | Expected]])
    return expected


def faults(
    expected: Mapping[str, Sequence[str | Expected]], received: Mapping[str, Sequence[Received]]
) -> Iterator[str]:
    """How what was received differs from what was expected, in words."""
    yield from (f"{name}: there is no such receiver" for name in expected.keys() - received.keys())
    for name, messages in received.items():
        wanted = [one if isinstance(one, Expected) else Expected(one) for one in expected.get(name, ())]
        if len(wanted) != len(messages):
            titles = "".join(f"\n  {message.title}" for message in messages)
            yield f"{name}: {len(messages)} messages, expected {len(wanted)}; these came:{titles}"
        for number, (one, message) in enumerate(zip(wanted, messages, strict=False), 1):
            yield from (f"{name}, message {number}: {fault}" for fault in one.faults(message))


def copies(received: Iterable[Received]) -> Iterator[str]:
    """Messages without a reference, and those whose reference came before: each message arrives once."""
    seen: set[str] = set()
    for message in received:
        if not message.ref:
            yield f"no reference in: {message.title}\n{message.body}"
        elif message.ref in seen:
            yield f"a second copy: {message.title} (ref {message.ref})"
        seen.add(message.ref)


def matches(pattern: str, text: str) -> bool:
    """Whether the text is what the pattern says; only ``*`` and ``?`` are wild."""
    return re.fullmatch(translate(pattern.replace("[", "[[]")), text) is not None
