"""Templates are tried before they are needed: what is wrong with those of routes and channels, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from monitor.alerting.rule_settings import RULES
from monitor.alerting.samples import SAMPLE_DETAILS, SAMPLE_REF, sample_event, sample_rule
from monitor.alerting.settings import ChannelStyle, RouteSettings
from monitor.alerting.variables import event_variables, names
from monitor.alerting.voices import BODY_LENGTH, Voice, Worded, own_templates
from monitor.errors import TemplateError
from monitor.model import Details, EventKind

Fault = tuple[tuple[str | int, ...], str]
_MOST_FAULTS = 10


def check_templates(routes: Sequence[RouteSettings]) -> Iterator[Fault]:
    """What is wrong with the routes' templates: where, as a path of keys below the root, and what, in words.

    Syntax and unknown names are found in every branch, the rest by writing a message about a sample of each kind.
    """
    voice = Voice("UTC", "en")
    for number, route in enumerate(routes):
        for part, text in _faults(voice, route, _kinds(route)):
            yield ("routes", number, part), text


def check_channel_templates(styles: Mapping[str, ChannelStyle], routes: Sequence[RouteSettings]) -> Iterator[Fault]:
    """The same of the channels' templates, each tried with every kind of event that a route leads there."""
    voice = Voice("UTC", "en")
    for name, style in styles.items():
        told = [kind for route in routes if name in _channels(route) for kind in _kinds(route)]
        kinds = [kind for kind in told if kind not in RULES]  # which a channel does not word
        for part, text in _faults(voice, style, dict.fromkeys(kinds or ["status_changed"])):
            yield ("channels", name, part), text


def _channels(route: RouteSettings) -> Sequence[str]:
    return [*route.channels, *(route.escalate.channels if route.escalate else ())]


def _kinds(route: RouteSettings) -> Collection[str]:
    return route.when.event or ["status_changed"]


def _faults(voice: Voice, owner: Worded, kinds: Iterable[str]) -> Iterator[tuple[str, str]]:
    for part, source in own_templates(owner):
        found = list(voice.sandbox.faults(source, names())) or list(_failures(voice, source, kinds))
        yield from ((part, text) for text in found[:_MOST_FAULTS])


def _failures(voice: Voice, source: str, kinds: Iterable[str]) -> Iterator[str]:
    """How the template fails for an event of each kind: by itself, or only with what may be fetched for it."""
    for kind in kinds:
        if fault := _failure(voice, source, kind):
            yield f"fails for an event {kind}: {fault}"
        elif kind not in RULES and (fault := _failure(voice, source, kind, SAMPLE_DETAILS)):
            yield f"fails for an event {kind} with details: {fault}"


def _failure(voice: Voice, source: str, kind: str, details: Details | None = None) -> str | None:
    event = sample_rule(EventKind(kind)) if kind in RULES else sample_event(EventKind(kind))
    about = {"route": "sample", "channel": "sample", "ref": SAMPLE_REF, "now": event.at, "link": None}
    try:
        variables = about | event_variables(event, {}, voice.words, details)
        voice.sandbox.write(voice.compile(source), variables, BODY_LENGTH)
    except TemplateError as error:
        return str(error)
    return None
