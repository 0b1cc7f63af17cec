"""What must be true after a chaos, whatever has befallen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

import msgspec
from chaos_daemons import CHANNELS
from chaos_shops import Transition
from chaos_story import Chaos
from recorder import Sending

from monitor.store.outbox_row import reference

_LATE_S = 6.0
"""So long after a trouble a daemon may still send what it was about to send when it began."""
_BUGS = {"not json", "library", "lane_failed", "job_failed", "delivery_failed"}


async def faults_of(chaos: Chaos) -> list[str]:
    """All that is wrong, in words."""
    return [
        *await _wrong_events(chaos),
        *await _wrong_deliveries(chaos),
        *await _wrong_messages(chaos),
        *_wrong_copies(chaos),
        *_overlaps(chaos),
        *_bugs(chaos),
    ]


async def _wrong_events(chaos: Chaos) -> Iterator[str]:
    """Each true transition is one event, those of an order in their order; nothing else is an event."""
    true = chaos.shops.transitions()
    docs = await chaos.rows("SELECT doc FROM events ORDER BY id")
    told = [_told(msgspec.json.decode(doc)) for (doc,) in docs]
    return iter(
        [f"lost: {one}" for one in (Counter(true) - Counter(told)).elements()]
        + [f"doubled, or made up: {one}" for one in (Counter(told) - Counter(true)).elements()]
        + [
            f"out of order: {source} {order}"
            for source, order in {one[:2] for one in true}
            if [one for one in told if one[:2] == (source, order)]
            != [one for one in true if one[:2] == (source, order)]
        ]
    )


async def _wrong_deliveries(chaos: Chaos) -> Iterator[str]:
    """Each event is told to each channel once, and all of it has been sent."""
    states = await chaos.rows("SELECT DISTINCT state FROM deliveries")
    events = await chaos.rows("SELECT id FROM events")
    planned = Counter(
        await chaos.rows("SELECT event_id, channel FROM delivery_events JOIN deliveries ON deliveries.id = delivery_id")
    )
    wanted = Counter((event, channel) for (event,) in events for channel in CHANNELS)
    return iter(
        [f"deliveries are {states}"] * (states != [("sent",)])
        + [f"event without its delivery: {one}" for one in (wanted - planned).elements()]
        + [f"event told twice: {one}" for one in (planned - wanted).elements()]
    )


async def _wrong_messages(chaos: Chaos) -> Iterator[str]:
    """Each delivery has arrived; none of a queue overtakes another, by its first arrival."""
    deliveries = await chaos.rows("SELECT id, channel, queue FROM deliveries")
    about = {reference(id_): (id_, channel, queue) for id_, channel, queue in deliveries}
    found = [f"never arrived: {ref}" for ref in about.keys() - {one.ref for one in _taken(chaos)}]
    lines: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for ref, copies in _by_ref(chaos).items():
        if ref not in about:
            found.append(f"nobody knows: {copies[0]}")
            continue
        id_, channel, queue = about[ref]
        if {(one.path, one.title) for one in copies} != {(channel, copies[0].title)}:
            found.append(f"differs from its copy, or went to another channel: {copies}")
        lines[channel, queue].append(id_)
    found += [f"overtaken: {line}" for line in lines.values() if any(a > b for a, b in pairwise(line))]
    return iter(found)


def _wrong_copies(chaos: Chaos) -> Iterator[str]:
    """A message comes again only where a daemon died or hung between sending and settling."""
    for copies in _by_ref(chaos).values():
        for before, after in pairwise(copies):
            if not _is_troubled(chaos, before, after):
                yield f"a second copy, and no trouble explains it: {before}, {after}"


def _overlaps(chaos: Chaos) -> Iterator[str]:
    """One daemon at a time sends to a URL."""
    for path in CHANNELS:
        sendings = sorted((one for one in chaos.recorder.sendings if one.path == path), key=lambda one: one.began)
        for before, after in pairwise(sendings):
            if after.began < before.ended and not _is_troubled(chaos, before, after):
                yield f"at the same time: {before}, {after}"


def _is_troubled(chaos: Chaos, before: Sending, after: Sending) -> bool:
    lives = {before.sender, after.sender}
    return any(
        trouble.life in lives and trouble.began <= after.began and trouble.ended + _LATE_S >= before.began
        for trouble in chaos.troubles
    )


def _bugs(chaos: Chaos) -> Iterator[str]:
    for slot in chaos.slots:
        for life, process in slot.lives:
            yield from (f"{life} says {line}" for line in process.log if line["event"] in _BUGS)


def _taken(chaos: Chaos) -> Iterator[Sending]:
    return (one for one in chaos.recorder.sendings if one.taken)


def _by_ref(chaos: Chaos) -> dict[str, list[Sending]]:
    found: dict[str, list[Sending]] = {}
    for one in sorted(_taken(chaos), key=lambda one: one.began):
        found.setdefault(one.ref, []).append(one)
    return found


def copies(chaos: Chaos) -> int:
    """How many messages came again."""
    return sum(len(found) - 1 for found in _by_ref(chaos).values())


def _told(doc: dict[str, object]) -> Transition:
    order, before = msgspec.convert(doc["order"], dict[str, object]), doc.get("before")
    gone = doc["kind"] == "vanished"
    status = msgspec.convert(before, dict[str, object])["status"] if before else None
    return Transition(
        str(doc["source"]),
        int(str(order["id"])),
        str(doc["kind"]),
        None if status is None else str(status),
        None if gone else str(order["status"]),
    )
