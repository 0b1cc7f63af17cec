"""The scene of a storm: 10,000 orders change between two looks. What telling of them costs, beside telling nobody."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from bench_goals import Measured
from bench_hold import reset_peak, resident
from bench_ours import SWEEP, changes_told, monitor
from bench_place import Place, say
from bench_stats import Pairs, spent

_CHANGES = 10_000
_ROUNDS = 3
_TOLD = "[{name: fraud, when: {to: fraud}, channels: [ops], urgent: true}]"
_UNTOLD = "[{name: nobody, when: {to: cancelled}, channels: [ops]}]"
_MB = 1_000_000


class _Storm(NamedTuple):
    """Seconds of CPU, bytes at the worst above what was held before, and how many messages arrived."""

    cpu: float
    grown: int
    messages: int


async def storm(place: Place, count: int = 20_000) -> list[Measured]:
    """The poll that finds them and all sending, with a route that they match and with one that they do not."""
    await _play(place, count, _UNTOLD)  # what is loaded once is paid by neither
    rounds = [(await _play(place, count, _TOLD), await _play(place, count, _UNTOLD)) for _ in range(_ROUNDS)]
    pairs = Pairs([told.cpu for told, _ in rounds], [untold.cpu for _, untold in rounds])
    grown, floor = (median(one.grown for one in side) / _MB for side in zip(*rounds, strict=True))
    messages = max(told.messages for told, _ in rounds)
    figure = f"{median(pairs.ours):.2f} s CPU; told to nobody {median(pairs.floor):.2f} s"
    return [
        Measured("storm", pairs.ratio, figure, pairs.ratio),
        Measured("storm_memory", grown - floor, f"+{grown:.0f} MB; told to nobody +{floor:.0f} MB", grown / floor),
        Measured("storm_messages", messages, str(messages), messages / 3),
    ]


async def _play(place: Place, count: int, routes: str) -> _Storm:
    place.world.begin(count)
    async with monitor(place.world, place.known_state(count), sends=True, routes=routes) as ours:
        place.world.move("active", "fraud", _CHANGES)
        before = reset_peak()

        async def tell() -> int:
            result = await ours.poll(SWEEP)
            await ours.app.deliveries.drain()
            return changes_told(result)

        found, cost = await spent(tell)
    if found != _CHANGES:
        raise RuntimeError(f"{found:,} changes were found, not {_CHANGES:,}")
    storm = _Storm(cost.cpu, resident("VmHWM") - before, len(place.world.control("alerts")))
    say(f"{routes[:15]}… {storm}")
    return storm
