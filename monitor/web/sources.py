"""What pages show of a source: is it well, or why not; how it is read, and of how many requests. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.alerting.views import plain
from monitor.model import Doubt, SourceState
from monitor.web.addresses import source_href
from monitor.web.daemons import Place
from monitor.web.site import Looked, Shown
from monitor.web.views import LONGEST, Badge, View, When

_PATIENCE = timedelta(minutes=5)
_LOOKS = 3
"""A source that was not looked at for so many of its intervals, and a while, is not being watched."""
WELL = Badge("good", "Healthy")
NEW = Badge("calm", "First look under way")


class Meter(NamedTuple):
    """Requests of the last minute, of how many: ``percent`` is None where nothing limits them."""

    text: str
    percent: float | None
    look: str


class SourceView(NamedTuple):
    """A source as it is configured, known and read. ``trouble`` says what is wrong with it, or is empty.

    ``acceptable``: so many orders are missing that its owner can accept as gone. ``daemon`` polls it, where several
    share the state (else it is empty); only the one where it ``is_read_here`` knows how, and when next.
    """

    name: str
    href: str
    type: str
    host: str
    labels: str
    badge: Badge
    trouble: str
    complete: When | None
    polled: When | None
    bound: str
    refusal: str
    orders: int
    meter: Meter
    next_at: When | None
    last: str
    acceptable: int
    daemon: str
    is_read_here: bool

    @property
    def is_well(self) -> bool:
        """Whether nothing is to be said against it."""
        return self.badge.look in ("good", "calm")


def view_source(
    shown: Shown, state: SourceState | None, looked: Looked | None, orders: int, view: View, place: Place | None = None
) -> SourceView:
    """One source; ``orders`` of it are known and there. ``looked`` None: another daemon polls it."""
    is_read_here, looked = looked is not None, looked or Looked()
    badge, trouble = health_of(shown, state, view)
    doubt = state.doubt if state else None
    return SourceView(
        name=shown.name,
        href=source_href(shown.name),
        type=shown.type,
        host=plain(shown.host, 120),
        labels=", ".join(f"{name} {plain(value, 60)}" for name, value in shown.labels.items()),
        badge=badge,
        trouble=trouble,
        complete=_when(view, state.complete_at if state else None),
        polled=_when(view, state.polled_at if state else None),
        bound=plain(looked.bound, LONGEST) if looked.bound else "",
        refusal=plain(looked.refusal, LONGEST) if looked.refusal else "",
        orders=orders,
        meter=_meter(looked),
        next_at=_when(view, looked.next_at),
        last=f"{looked.requests:,} request{'' if looked.requests == 1 else 's'} in {looked.seconds:.1f} s"
        if looked.requests
        else "",
        acceptable=doubt.missing if doubt and state and state.accepted != doubt.missing else 0,
        daemon=_daemon(place) if place else "",
        is_read_here=is_read_here,
    )


def _daemon(place: Place) -> str:
    if not place.daemon:
        return "none just now; one takes it over within seconds"
    return f"{place.daemon} (this one)" if place.is_here else place.daemon


def health_of(shown: Shown, state: SourceState | None, view: View) -> tuple[Badge, str]:
    """How a source is, in a word, and what is wrong with it in a sentence."""
    if state is None or state.polled_at is None:
        return Badge("calm", "Not looked at yet"), ""
    if state.down:
        return Badge("bad", "Down"), f"Down since {view.time(state.failing_since)}: {_reason(state.error)}"
    if state.failures:
        times = f"{state.failures} of {shown.down_after} looks until it counts as down"
        return Badge("warn", "Failing"), f"Failed {times}: {_reason(state.error)}"
    if state.doubt:
        return _doubted(state.doubt, view)
    if _is_late(shown, state.polled_at, view.now):
        return Badge("warn", "Not watched"), f"It was last looked at {view.near(state.polled_at)}."
    return (WELL if state.baseline_at else NEW), ""


def _doubted(doubt: Doubt, view: View) -> tuple[Badge, str]:
    if doubt.announced:
        return Badge("warn", "Doubtful"), f"Doubtful since {view.time(doubt.since)}: {_reason(doubt.reason)}"
    return Badge("warn", "Unsure"), f"The last look is not believed yet: {_reason(doubt.reason)}"


def _is_late(shown: Shown, polled_at: datetime, now: datetime) -> bool:
    return now - polled_at > _LOOKS * shown.every + _PATIENCE


def _reason(text: str | None) -> str:
    return plain(text, LONGEST) if text else "no reason is known"


def _when(view: View, time: datetime | None) -> When | None:
    return view.when(time) if time else None


def _meter(looked: Looked) -> Meter:
    if looked.per_minute is None:
        said = f"{looked.used:,} request{'' if looked.used == 1 else 's'} in the last minute, no limit"
        return Meter(said, None, "calm")
    percent = min(100.0, 100 * looked.used / looked.per_minute) if looked.per_minute else 100.0
    look = "bad" if percent >= 100 else "warn" if percent >= 80 else "calm"
    return Meter(f"{looked.used:,} of {looked.per_minute:,} requests a minute", round(percent, 1), look)
