"""Silences: what is muted, until when and why; a form to add one, and an end to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from monitor.alerting.routes import HEALTH_ROUTE
from monitor.alerting.silences import Matcher
from monitor.asking.muting import Configured, Draft, Fault, Hints, Wish, draft
from monitor.model import Meaning
from monitor.web.context import context_of
from monitor.web.forms import done, fields_of, local
from monitor.web.pages.events import KINDS, number_in
from monitor.web.rendering import render, view_of
from monitor.web.site import Site

ENDED_SHOWN = 50
DURATIONS = (("30m", "30 minutes"), ("2h", "2 hours"), ("8h", "8 hours"), ("1d", "1 day"), ("7d", "7 days"))
FIELDS = ("source", "order", "route", "channel", "event", "from", "to", "for", "own", "reason", "by", "all")
"""The fields of the form; ``own`` is a duration as it is typed, which goes before the one that is chosen."""
_AIM = ("source", "order", "route", "channel", "event", "from", "to")
_MANY = ("source", "route", "channel")
"""The fields that take several values with commas between them: no name has one."""
_LONGEST_FIELD = 1_000
_HINTS = Hints(
    aim="Fill in what it is about, or choose everything.",
    long="a silence that nobody remembers hides what it was not set for.",
)
Values = Mapping[str, Any]


async def silences(request: web.Request) -> web.StreamResponse:
    """What is muted, and the form; what the address says stands in it already."""
    typed = {name: request.query.get(name, "")[:_LONGEST_FIELD] for name in FIELDS}
    return await _page(request, typed | {"for": typed["for"] or "2h"}, {})


async def fragment(request: web.Request) -> web.StreamResponse:
    """The silences alone."""
    return render(request, "part_silence_rows.html", **await _found(request))


async def add(request: web.Request) -> web.StreamResponse:
    """Set a silence; where something is wrong with it, the form again, with all that was typed."""
    context, fields = context_of(request), await fields_of(request)
    typed = {name: fields.get(name, "")[:_LONGEST_FIELD] for name in FIELDS}
    now = context.clock.now()
    made = draft(wish_of(typed), configured(context.site), _HINTS, context.site.redactor, now)
    if not isinstance(made, Draft):
        return await _page(request, typed, by_field(made), status=422)
    await context.store.transact(lambda tx: tx.add_silence(made.matcher, now, made.until, made.reason, made.by))
    context.hub.poke()
    raise done("/silences", "silenced")


async def end(request: web.Request) -> web.StreamResponse:
    """End a silence before its time."""
    context, fields = context_of(request), await fields_of(request)
    number, now = int(request.match_info["id"]), context.clock.now()
    ended = await context.store.transact(lambda tx: tx.end_silence(number, now))
    context.hub.poke()
    raise done(local(fields.get("next", ""), "/silences"), "ended" if ended else "not-active")


async def _page(
    request: web.Request, typed: Mapping[str, str], faults: Mapping[str, str], *, status: int = 200
) -> web.Response:
    site = context_of(request).site
    return render(
        request,
        "silences.html",
        status=status,
        typed=typed,
        faults=faults,
        durations=DURATIONS,
        kinds=KINDS,
        meanings=[str(meaning) for meaning in Meaning],
        routes=(*site.routes, HEALTH_ROUTE),
        **await _found(request),
    )


async def _found(request: web.Request) -> Values:
    view = view_of(request)
    found = await context_of(request).reader.read(lambda tx: tx.silences())
    shown = [view.silence(one) for one in reversed(found)]
    ended = [one for one in shown if not one.active]
    most = number_in(request, "ended") or ENDED_SHOWN
    return {
        "active": [one for one in shown if one.active],
        "ended": ended[:most],
        "left_out": max(0, len(ended) - most),
    }


# From the form to a silence, and its faults back


def wish_of(typed: Mapping[str, str]) -> Wish:
    """What the form asks for."""
    chosen: dict[str, Any] = {name.replace("from", "from_"): _values(name, typed[name]) for name in _AIM}
    span = typed["own"].strip() or typed["for"]
    return Wish(
        matcher=Matcher(**chosen),
        span=span,
        until=None,
        reason=typed["reason"],
        by=typed["by"],
        everything=bool(typed["all"]),
    )


def _values(name: str, text: str) -> tuple[str, ...]:
    parts = text.split(",") if name in _MANY else [text]
    return tuple(filter(None, (part.strip() for part in parts)))


def configured(site: Site) -> Configured:
    """What a silence can be about."""
    sources = {name: shown.labels for name, shown in site.sources.items()}
    return Configured(sources, site.routes, site.channels, site.words.zone)


def by_field(faults: Sequence[Fault]) -> dict[str, str]:
    """The faults by the field of the form beside which they stand, as sentences."""
    said: dict[str, list[str]] = {}
    for fault in faults:
        text = f"{fault.value}: {fault.text}" if fault.value and fault.field in _MANY else fault.text
        field = {"for": "own", "all": "matcher"}.get(fault.field, fault.field)
        said.setdefault(field, []).append(_sentence(text))
    return {field: " ".join(texts) for field, texts in said.items()}


def _sentence(text: str) -> str:
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "?", "!")) else f"{begun}."


ROUTES: list[web.RouteDef] = [
    web.get("/silences", silences),
    web.post("/silences", add),
    web.post(r"/silences/{id:\d{1,18}}/end", end),
    web.get("/fragments/silence-rows", fragment),
]
