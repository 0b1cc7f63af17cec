"""How work is divided among daemons that know the same of it. Pure: each decides for itself, by what it sees held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import floor
from typing import NamedTuple


class Division(NamedTuple):
    """What one daemon gives up, and what it takes of what is free."""

    gives: list[str]
    takes: list[str]


def divide(
    weights: Mapping[str, int], held: Mapping[str, str], me: str, peers: Collection[str], busy: Collection[str] = ()
) -> Division:
    """What to give and to take, so that in the end all peers carry alike and nothing lies idle.

    ``weights``: all units that the peers know, me among them; ``held``: by whom. What is ``busy`` is kept for now. Who
    has a unit keeps it unless another has too little: the fewest move.
    """
    pool = {unit: weight for unit, weight in weights.items() if held.get(unit, me) in peers}
    loads = dict.fromkeys(peers, 0)
    for unit, weight in pool.items():
        if unit in held:
            loads[held[unit]] += weight
    free = [unit for unit in pool if unit not in held]
    fair = sum(pool.values()) / len(loads)
    mine = [unit for unit in pool if held.get(unit) == me and unit not in busy]
    gives = _surplus(mine, pool, loads[me], fair)
    if not gives and not free:
        gives = _evened(mine, pool, loads, me)
    return Division(gives, [] if gives else _taken(free, pool, loads, me, fair))


def _surplus(mine: Iterable[str], weights: Mapping[str, int], load: int, fair: float) -> list[str]:
    """What I can give and still carry a fair share; the last ones first, as the first ones are taken first."""
    gives = []
    for unit in sorted(mine, key=lambda unit: (weights[unit], unit), reverse=True):
        if load - weights[unit] >= fair:
            load -= weights[unit]
            gives.append(unit)
    return gives


def _evened(mine: Collection[str], weights: Mapping[str, int], loads: Mapping[str, int], me: str) -> list[str]:
    """One unit, if I carry the most and another so little that it would carry no more than I afterwards."""
    most = max(loads, key=lambda one: (loads[one], one))
    lightest = min(mine, key=lambda unit: (weights[unit], unit), default=None)
    if most != me or lightest is None or loads[me] - min(loads.values()) < 2 * weights[lightest]:
        return []
    return [lightest]


def _taken(
    free: Iterable[str], weights: Mapping[str, int], loads: Mapping[str, int], me: str, fair: float
) -> list[str]:
    """What fits into a fair share, the heaviest first; then what the others have no room for, the lightest first."""
    load = loads[me]
    takes: list[str] = []
    left: list[str] = []
    for unit in sorted(free, key=lambda unit: (-weights[unit], unit)):
        fits = load + weights[unit] <= fair
        load += weights[unit] if fits else 0
        (takes if fits else left).append(unit)
    others = [(carries, one) for one, carries in loads.items() if one != me]
    room = sum(max(floor(fair) - carries, 0) for carries, _ in others)
    weight = sum(map(weights.__getitem__, left))
    for unit in reversed(left):
        if not ((load < fair and weight > room) or (load, me) < min(others)):
            break
        load, weight = load + weights[unit], weight - weights[unit]
        takes.append(unit)
    return takes
