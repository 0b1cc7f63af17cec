"""Metrics for Prometheus: how things are, from the state, the configuration in force and the daemon. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

from monitor.alerting.views import plain
from monitor.model import Meanings, SourceState, meaning_of
from monitor.store.base import Tallies, Transaction
from monitor.store.listings import Outbox
from monitor.web.metrics import PREFIX
from monitor.web.site import Looked, Share, Shown

MOST_STATUSES = 50
"""Of one source: what it calls its orders' statuses is its own affair, and each one is a series."""
LONGEST_STATUS = 64
OTHER = "other"
Samples = Iterable[tuple[tuple[str, ...], float]]


class Found(NamedTuple):
    """What a scrape reads of the state."""

    sources: Mapping[str, SourceState]
    outbox: Outbox
    silences: int


def find(tx: Transaction, now: datetime) -> Found:
    """Read it."""
    return Found(tx.sources(), tx.outbox(now), len(tx.active_silences(now)))


def of_state(shown: Mapping[str, Shown], found: Found, now: datetime) -> Iterator[Metric]:
    """What the state says, of the sources that are configured."""
    yield from _of_sources({name: found.sources[name] for name in shown if name in found.sources})
    yield from _of_outbox(found.outbox, now)
    yield _gauge("silences_active", "Silences that mute now.", [((), found.silences)])


def of_daemon(shown: Mapping[str, Shown], looked: Mapping[str, Looked]) -> Iterator[Metric]:
    """What the configuration and the last polls say."""
    types = [((name, one.type), 1.0) for name, one in shown.items()]
    yield _gauge("source_info", "The sources that are configured.", types, "source", "type")
    intervals = [((name,), one.every.total_seconds()) for name, one in shown.items()]
    yield _gauge("source_poll_interval_seconds", "How far apart polls are meant to be.", intervals, "source")
    used = [((name,), float(one.used)) for name, one in looked.items()]
    yield _gauge("source_budget_used_requests", "Requests to its host in the last minute.", used, "source")
    limits = [((name,), float(one.per_minute)) for name, one in looked.items() if one.per_minute is not None]
    yield _gauge("source_budget_limit_requests", "Requests that its host may get a minute.", limits, "source")
    bounds = [
        ((name, change), seconds)
        for name, one in looked.items()
        if one.within
        for change, seconds in one.within._asdict().items()
    ]
    text = "Within how long a change is noticed: of an open order, of any order's status, any other."
    yield _gauge("source_detection_bound_seconds", text, bounds, "source", "change")


def of_share(share: Share | None, sources: int) -> Iterator[Metric]:
    """What this daemon does among those that share its state, as far as it knows itself. Alone it does everything."""
    daemons, held, valid = (share.daemons, share.held, share.is_valid) if share else (1, sources, True)
    yield _gauge("daemons", "Daemons that share the state and live, as this one last saw.", [((), daemons)])
    yield _gauge("sources_held", "Sources that this daemon polls.", [((), held)])
    yield _gauge("leases_valid", "Whether this daemon may poll and send.", [((), valid)])


def of_server(state_up: bool, state_errors: int, streams: int) -> Iterator[Metric]:
    """What the server knows of itself."""
    yield _gauge("state_up", "Whether the state could be read for this scrape.", [((), state_up)])
    errors = CounterMetricFamily(f"{PREFIX}state_errors", "Times that the state could not be read or written.")
    errors.add_metric((), state_errors)
    yield errors
    yield _gauge("streams_open", "Pages that listen for what happens.", [((), streams)])


def _of_sources(states: Mapping[str, SourceState]) -> Iterator[Metric]:
    polled = {name: state for name, state in states.items() if state.polled_at}
    gauges: list[tuple[str, str, Callable[[SourceState], float]]] = [
        ("source_up", "Whether the source answers; 0 once it counts as down.", lambda one: not one.down),
        ("source_doubtful", "Whether what the source answers is in doubt.", lambda one: one.doubt is not None),
        ("source_failures", "Polls in a row that failed.", lambda one: one.failures),
    ]
    for name, text, value in gauges:
        yield _gauge(name, text, [((source,), value(state)) for source, state in polled.items()], "source")
    times: list[tuple[str, str, Callable[[SourceState], datetime | None]]] = [
        ("source_last_poll_timestamp_seconds", "When the last poll ended.", lambda one: one.polled_at),
        (
            "source_last_good_timestamp_seconds",
            "When the last poll ended that had a usable answer.",
            lambda one: one.good_at,
        ),
        (
            "source_last_complete_timestamp_seconds",
            "When the last look began that showed every order.",
            lambda one: one.complete_at,
        ),
    ]
    for name, text, at in times:
        samples = [((source,), when.timestamp()) for source, state in polled.items() if (when := at(state))]
        yield _gauge(name, text, samples, "source")


def of_orders(shown: Mapping[str, Shown], tallies: Tallies) -> Iterator[Metric]:
    """How many orders there are, of the sources that are configured."""
    there: dict[str, Counter[str]] = {source: Counter() for source in shown}
    gone: Counter[str] = Counter(dict.fromkeys(shown, 0))
    for (source, status, vanished), count in tallies.orders.items():
        if source not in shown:
            continue
        if vanished:
            gone[source] += count
        else:
            there[source][status] += count
    known = [((source,), float(counts.total())) for source, counts in there.items()]
    yield _gauge("orders_known", "Orders that are there.", known, "source")
    yield _gauge("orders_vanished", "Orders that were there, and are gone.", _by_source(gone), "source")
    by_status = [
        ((source, *labels), count)
        for source, counts in there.items()
        for labels, count in statuses(counts, shown[source].meanings).items()
    ]
    yield _gauge("orders", "Orders that are there, by status.", by_status, "source", "status", "meaning")


def statuses(counts: Counter[str], meanings: Meanings) -> Mapping[tuple[str, str], float]:
    """Orders by status, fit to be a label, and meaning: the most frequent ones by name, all others together."""
    found: Counter[tuple[str, str]] = Counter()
    # One and the same at each scrape: of equally many, by name.
    for place, (status, count) in enumerate(sorted(counts.items(), key=lambda one: (-one[1], one[0]))):
        name = plain(status, LONGEST_STATUS) if place < MOST_STATUSES else OTHER
        meaning = meaning_of(status, meanings) if place < MOST_STATUSES else None
        found[name, meaning or ""] += count
    return {labels: float(count) for labels, count in found.items()}


def _of_outbox(outbox: Outbox, now: datetime) -> Iterator[Metric]:
    counts = [
        (("waiting",), outbox.waiting),
        (("sending",), outbox.sending),
        (("dead",), outbox.dead),
    ]
    yield _gauge("outbox_deliveries", "Deliveries that have not arrived, and dead letters.", counts, "state")
    text = "Of those that wait, the ones that wait with others or for their time."
    yield _gauge("outbox_gathering_deliveries", text, [((), outbox.gathering)])
    text = "Of those that wait, the ones that have failed at least once."
    yield _gauge("outbox_retried_deliveries", text, [((), outbox.retried)])
    since = outbox.overdue_since
    overdue = max(0.0, (now - since).total_seconds()) if since else 0.0
    text = "How long the oldest delivery that could be sent has been due."
    yield _gauge("outbox_oldest_due_seconds", text, [((), overdue)])


def _by_source(counts: Mapping[str, int]) -> Samples:
    return [((source,), float(count)) for source, count in counts.items()]


def _gauge(name: str, text: str, samples: Samples, *labels: str) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family
