"""The one glance: is everything watched, was everybody told; else what is wrong, and where to look. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from monitor.store.listings import Outbox
from monitor.web.sources import SourceView
from monitor.web.views import View

_DUE_TOO_LONG = timedelta(minutes=2)
_NAMED = 6
"""So many troubled sources are named; the rest are counted."""


class Concern(NamedTuple):
    """Something that is wrong: how grave, about what, in words, and where more of it stands."""

    look: str
    about: str
    text: str
    href: str


class Verdict(NamedTuple):
    """What stands at the top of the page."""

    look: str
    title: str
    text: str
    concerns: Sequence[Concern]


def verdict_of(sources: Sequence[SourceView], outbox: Outbox, view: View) -> Verdict:
    """The verdict on all of it."""
    concerns = [*_about_sources(sources), *_about_messages(outbox, view)]
    if concerns:
        return _wrong(concerns, sources)
    if not sources:
        return Verdict("warn", "Nothing is watched", "No source is configured yet.", ())
    if any(source.complete is None for source in sources):
        text = f"{_counted(len(sources))} watched. What is there already is being read; nothing is announced of it."
        return Verdict("calm", "The first look is under way", text, ())
    waiting = f" {_messages(outbox.gathering)} for a group, a digest or a better hour." if outbox.gathering else ""
    return Verdict("good", "All is well", f"{_counted(len(sources))} watched, everybody was told.{waiting}", ())


def _wrong(concerns: Sequence[Concern], sources: Sequence[SourceView]) -> Verdict:
    grave = [one for one in concerns if one.look == "bad"]
    number, well = len(concerns), sum(source.is_well for source in sources)
    text = f"{well:,} of {len(sources):,} sources {'is' if well == 1 else 'are'} well."
    if well == len(sources):
        text = f"{_counted(well)} watched."
    title = "One thing needs attention" if number == 1 else f"{number} things need attention"
    return Verdict("bad" if grave else "warn", title, text, concerns)


def _about_sources(sources: Sequence[SourceView]) -> Iterator[Concern]:
    troubled = [source for source in sources if not source.is_well]
    troubled.sort(key=lambda source: source.badge.look != "bad")
    for source in troubled[:_NAMED]:
        yield Concern(source.badge.look, source.name, source.trouble, source.href)
    if len(troubled) > _NAMED:
        rest = len(troubled) - _NAMED
        yield Concern("warn", f"{rest} more {'source' if rest == 1 else 'sources'}", "Not well, either.", "#sources")


def _about_messages(outbox: Outbox, view: View) -> Iterator[Concern]:
    if outbox.dead:
        text = "It could not be delivered." if outbox.dead == 1 else "They could not be delivered."
        yield Concern("bad", _letters(outbox.dead), text, "/deliveries?state=dead")
    if outbox.retried:
        yield Concern("warn", _messages(outbox.retried), "A first attempt failed.", "/deliveries?state=waiting")
    elif outbox.overdue_since and view.now - outbox.overdue_since > _DUE_TOO_LONG:
        since = view.time(outbox.overdue_since)
        yield Concern("warn", "The outbox", f"What is due since {since} was not sent.", "/deliveries?state=waiting")


def _counted(sources: int) -> str:
    return "1 source is" if sources == 1 else f"{sources:,} sources are"


def _letters(number: int) -> str:
    return "1 dead letter" if number == 1 else f"{number:,} dead letters"


def _messages(number: int) -> str:
    return "1 message waits" if number == 1 else f"{number:,} messages wait"
