"""Metrics for Prometheus: what has happened since this process began to serve, counted as it happens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from monitor import __version__
from monitor.alerting.routes import DRILL_ROUTE, HEALTH_ROUTE
from monitor.delivery.verdicts import Dead, RetryIn, Sent, Verdict
from monitor.model import Delivery, EventKind
from monitor.polling.commit import Committed
from monitor.polling.poller import PollResult
from monitor.web.hints import Hint
from monitor.web.site import Site

PREFIX = "order_monitor_"
_COUNTERS = {
    "polls": ("Polls that ended, by what they came to.", ("source", "result")),
    "requests": ("Requests that polls made.", ("source",)),
    "received_bytes": ("Bytes of answers that polls read, decompressed.", ("source",)),
    "events": ("Events that were found.", ("source", "kind")),
    "deliveries_silenced": ("Deliveries that silences kept back.", ("source",)),
    "deliveries_dropped": ("Deliveries that were true no more when their time had come.", ("source",)),
    "deliveries": ("Attempts to send, by what they came to.", ("channel", "route", "result")),
    "hints": ("Hints that came in at /hooks/SOURCE.", ("source", "result")),
    "http_requests": ("Requests that this server answered.", ("handler", "code")),
    "config_reloads": ("Reloads of the configuration.", ("result",)),
}
_HISTOGRAMS = {
    "poll_duration_seconds": (
        "How long polls took.",
        ("source",),
        (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
    ),
    "delivery_wait_seconds": (
        "From when a delivery was written until it was sent; one that gathers events is meant to wait.",
        ("channel", "gathered"),
        (0.05, 0.25, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400),
    ),
}
_RESULTS = ("ok", "doubtful", "failed", "superseded", "lost")
_KINDS = tuple(kind for kind in EventKind if kind is not EventKind.DRILL)
_VERDICTS = {Sent: "sent", RetryIn: "retried", Dead: "dead"}


class Metrics:
    """The counters of this process. Labels are words of ours and names of the configuration in force, nothing else."""

    def __init__(self, site: Site, now: datetime) -> None:
        # A second series beside each counter, of which little use is made.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._counters = {
            name: Counter(PREFIX + name, text, labels, registry=registry) for name, (text, labels) in _COUNTERS.items()
        }
        self._histograms = {
            name: Histogram(PREFIX + name, text, labels, buckets=buckets, registry=registry)
            for name, (text, labels, buckets) in _HISTOGRAMS.items()
        }
        self._reload_successful = self._gauge(
            "config_last_reload_successful", "Whether the last configuration that was read is in force."
        )
        self._reloaded_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration in force was read."
        )
        self._gauge("build_info", "Which version runs.", "version").labels(__version__).set(1)
        self._in_force = _names(site)
        self._begin(site, now)

    def serve(self, site: Site) -> None:
        """From now on, count for what is configured now; what was counted for anything else disappears."""
        before, self._in_force = self._in_force, _names(site)
        for label, names in before.items():
            for gone in names - self._in_force[label]:
                self._forget(label, gone)
        self._begin_at_zero(site)

    def committed(self, source: str, committed: Committed) -> None:
        """A look has been written."""
        if source not in self._in_force["source"]:
            return
        for kind, count in committed.events.items():
            self._add("events", count, source, kind)
        self._add("deliveries_silenced", committed.silenced, source)
        self._add("deliveries_dropped", committed.dropped, source)

    def polled(self, result: PollResult) -> None:
        """A poll has ended."""
        source = result.source
        if source not in self._in_force["source"]:
            return
        self._add("polls", 1, source, _came_to(result))
        self._add("requests", result.requests, source)
        self._add("received_bytes", result.bytes, source)
        self._histograms["poll_duration_seconds"].labels(source).observe(result.seconds)

    def unpolled(self, source: str, reason: str) -> None:
        """A poll has come to nothing: ``superseded`` by another daemon's, or ``lost``, as the state cannot be used."""
        if source in self._in_force["source"]:
            self._add("polls", 1, source, reason)

    def attempted(self, delivery: Delivery, verdict: Verdict, now: datetime) -> None:
        """An attempt to send has been settled. Of a route that is gone the name is not told."""
        channel, names = delivery.channel, self._in_force
        if channel not in names["channel"]:
            return
        route = delivery.route if delivery.route in names["route"] else ""
        self._add("deliveries", 1, channel, route, _VERDICTS[type(verdict)])
        if isinstance(verdict, Sent):
            waited = self._histograms["delivery_wait_seconds"].labels(channel, "yes" if delivery.gathers else "no")
            waited.observe(max(0.0, (now - delivery.created_at).total_seconds()))

    def reloaded(self, now: datetime, *, done: bool) -> None:
        """The configuration was read again; ``done``: and is in force."""
        self._add("config_reloads", 1, "done" if done else "refused")
        self._reload_successful.set(done)
        if done:
            self._reloaded_at.set(now.timestamp())

    def hinted(self, source: str, result: Hint) -> None:
        """A hint came in."""
        if source in self._in_force["source"]:
            self._add("hints", 1, source, result)

    def answered(self, handler: str, code: int) -> None:
        """A request was answered, by which part of the server."""
        self._add("http_requests", 1, handler, code)

    def _begin(self, site: Site, now: datetime) -> None:
        for result in ("done", "refused"):
            self._add("config_reloads", 0, result)
        self._reload_successful.set(1)
        self._reloaded_at.set(now.timestamp())
        self.serve(site)

    def _begin_at_zero(self, site: Site) -> None:
        """What begins at 1 shows no increase: the first event of a kind would be on no graph."""
        for source, shown in site.sources.items():
            for name in ("requests", "received_bytes", "deliveries_silenced", "deliveries_dropped"):
                self._add(name, 0, source)
            for result in _RESULTS:
                self._add("polls", 0, source, result)
            for kind in _KINDS:
                self._add("events", 0, source, kind)
            for hint in Hint if shown.hook else ():
                self._add("hints", 0, source, hint)

    def _forget(self, label: str, value: str) -> None:
        families: Iterable[Counter | Histogram] = (*self._counters.values(), *self._histograms.values())
        for family, (_, labels, *_) in zip(families, (_COUNTERS | _HISTOGRAMS).values(), strict=True):
            if label in labels:
                family.remove_by_labels({label: value})

    def _add(self, name: str, count: float, *labels: object) -> None:
        self._counters[name].labels(*labels).inc(count)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(PREFIX + name, text, labels, registry=self.registry)


def _names(site: Site) -> dict[str, frozenset[str]]:
    """By label, the names that are configured."""
    return {
        "source": frozenset(site.sources),
        "channel": frozenset(site.channels),
        "route": frozenset((*site.routes, HEALTH_ROUTE, DRILL_ROUTE)),
    }


def _came_to(result: PollResult) -> str:
    if result.snapshot.error is not None:
        return "failed"
    return "ok" if result.committed.doubt is None else "doubtful"
