"""What happens in the simulated world by itself: a life drawn by seed, or a timeline written by a person. No I/O."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

import msgspec

from monitor.simulator.faults import Fault, Faults, parse_fault
from monitor.simulator.seeding import Shop
from monitor.simulator.truth import OrderFields, OrderKey, TrueChange, TrueItem, TrueService, order_fields
from monitor.simulator.world import World

_FATES = {"active": 80.0, "fraud": 6.0, "cancelled": 8.0, None: 6.0}  # None: stays pending
_SURPRISE = 0.1  # so many changes of old orders for each order placed
_TURNS = {
    ("active", "fraud"): 50.0,
    ("fraud", "active"): 20.0,
    ("cancelled", "pending"): 15.0,
    ("active", "cancelled"): 15.0,
}

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")


class Life:
    """Orders are placed, paid, flagged and cancelled, and now and then an old one turns: the same for the same seed.

    ``rate`` orders are placed a minute; one is decided after ``pending_for`` seconds on average. It begins at
    ``start``, by default the world's present. How often ``step`` is called changes nothing.
    """

    def __init__(
        self, world: World, seed: int, *, rate: float = 6.0, pending_for: float = 30.0, start: datetime | None = None
    ) -> None:
        self.world = world
        self._chance = Random(seed)  # noqa: S311  # made-up orders are no secret
        self._shop = Shop(self._chance)
        self._rate = rate / 60
        self._pending_for = pending_for
        self._due: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self._count = 0
        self._plan(start or world.now(), self._rate, self._place)

    @property
    def next_at(self) -> datetime:
        """When something happens next."""
        return self._due[0][0]

    def step(self, now: datetime) -> list[TrueChange]:
        """Let all happen that is due up to ``now``, each at its own time, and return it."""
        revision = self.world.revision
        while self.next_at <= now:
            at, _, happen = heapq.heappop(self._due)
            happen(at)
        return self.world.since(revision)

    def _plan(self, after: datetime, rate: float, happen: Callable[[datetime], object]) -> None:
        """Something that happens ``rate`` times a second on average will happen next."""
        self._count += 1
        heapq.heappush(self._due, (after + timedelta(seconds=self._chance.expovariate(rate)), self._count, happen))

    def _place(self, at: datetime) -> None:
        order = self.world.place(at=at, **self._shop.basket().fields())
        (fate,) = self._chance.choices(list(_FATES), list(_FATES.values()))
        if fate is not None:
            self._plan(at, 1 / self._pending_for, lambda then: self._decide(order.id, fate, then))
        if self._chance.random() < _SURPRISE:
            self._plan(at, 1 / self._pending_for, self._turn)
        self._plan(at, self._rate, self._place)

    def _decide(self, order_id: int, status: str, at: datetime) -> None:
        """Somebody else may have decided already, or deleted the order."""
        if order_id in self.world and self.world.order(order_id).status == "pending":
            self.world.set_status(order_id, status, at=at)

    def _turn(self, at: datetime) -> None:
        ((before, after),) = self._chance.choices(list(_TURNS), list(_TURNS.values()))
        ids = self.world.ids(before)
        which = self._chance.random()
        if ids:
            self.world.set_status(ids[int(which * len(ids))], after, at=at)


class BadTimeline(ValueError):
    """A timeline that cannot be followed; the text names the step and what is wrong with it."""


class Action(Protocol):
    """One thing that a timeline does."""

    def apply(self, world: World, faults: Faults) -> None:
        """Do it; UnknownOrder or ValueError where the world does not allow it."""
        ...


class Place(msgspec.Struct, frozen=True):
    """``place: {number: ORD-0091, total: 500}``: a new order."""

    fields: OrderFields

    def apply(self, world: World, faults: Faults) -> None:
        world.place(**self.fields)


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``set: {order: ORD-0091, status: fraud}``: another status, or other facts; the total is in minor units."""

    order: OrderKey
    status: str | None = None
    total: int | None = None
    items: tuple[TrueItem, ...] | None = None
    invoice_status: str | None = None
    services: tuple[TrueService, ...] | None = None

    def apply(self, world: World, faults: Faults) -> None:
        world.change(
            self.order,
            total=self.total,
            items=self.items,
            invoice_status=self.invoice_status,
            services=self.services,
        )
        if self.status is not None:
            world.set_status(self.order, self.status)


class Delete(msgspec.Struct, frozen=True):
    """``delete: ORD-0091``: the order is gone."""

    order: OrderKey

    def apply(self, world: World, faults: Faults) -> None:
        world.delete(self.order)


class SetFault(msgspec.Struct, frozen=True):
    """``fault: {kind: latency, seconds: 2}``: a fault is in force from now on."""

    fault: Fault

    def apply(self, world: World, faults: Faults) -> None:
        faults.set(self.fault)


class ClearFaults(msgspec.Struct, frozen=True):
    """``clear: latency``, or ``clear: all``: faults end."""

    kind: str

    def apply(self, world: World, faults: Faults) -> None:
        faults.clear(None if self.kind == "all" else self.kind)


class Step(msgspec.Struct, frozen=True):
    """An action and its time, in seconds from the beginning."""

    at: float
    action: Action


_ACTIONS: dict[str, Callable[[object], Action]] = {
    "place": lambda data: Place(order_fields(data)),
    "set": lambda data: msgspec.convert(data, Edit),
    "change": lambda data: msgspec.convert(data, Edit),
    "delete": lambda data: Delete(msgspec.convert(data, OrderKey)),
    "fault": lambda data: SetFault(parse_fault(data)),
    "clear": lambda data: ClearFaults(msgspec.convert(data, str)),
}


class Timeline:
    """Steps in the order of their times, done one after the other."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = sorted(steps, key=lambda step: step.at)
        self._done = 0

    @classmethod
    def parse(cls, entries: Iterable[Mapping[str, object]]) -> Timeline:
        """From decoded YAML or JSON: ``[{"at": "2s", "place": {"number": "ORD-0091", "total": 500}}, …]``.

        ``at`` counts from the beginning (``500ms``, ``2s``, ``1m``, or seconds). BadTimeline says which step is wrong.
        """
        return cls([_parse_step(number, entry) for number, entry in enumerate(entries, 1)])

    @property
    def next_at(self) -> float | None:
        """Seconds from the beginning to the next step; None after the last."""
        return self._steps[self._done].at if self._done < len(self._steps) else None

    def step(self, elapsed: float, world: World, faults: Faults) -> int:
        """Do all that is due ``elapsed`` seconds after the beginning; returns how many steps that was."""
        already = self._done
        while self.next_at is not None and self.next_at <= elapsed:
            self._done += 1
            self._steps[self._done - 1].action.apply(world, faults)
        return self._done - already


def _parse_step(number: int, entry: Mapping[str, object]) -> Step:
    try:
        ((verb, data),) = ((key, value) for key, value in entry.items() if key != "at")
        return Step(_seconds(entry["at"]), _ACTIONS[verb](data))
    except msgspec.ValidationError as error:
        raise BadTimeline(f"step {number}: {error}") from error
    except (KeyError, ValueError) as error:
        raise BadTimeline(f"step {number}: expected at (such as 2s) and one of {', '.join(_ACTIONS)}") from error


def _seconds(value: object) -> float:
    match = _TIME.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("no time")
    return float(match[1]) * _UNITS[match[2] or "s"]
