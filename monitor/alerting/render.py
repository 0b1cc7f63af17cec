"""Events in, messages out. Pure, and the same in each copy: what is written depends on nothing but the arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Literal

from jinja2 import Template
from jinja2 import TemplateError as JinjaError

from monitor.alerting.samples import sample_event
from monitor.alerting.sandbox import Sandbox
from monitor.alerting.settings import RouteSettings
from monitor.alerting.views import REASON_LENGTH, OrderView, cut, items_only_in, look_of, plain, view_items, view_order
from monitor.alerting.words import Words
from monitor.errors import TemplateError
from monitor.model import Event, EventKind, Message, OrderEvent, Severity, SourceEvent

TITLE_LENGTH = 250
BODY_LENGTH = 8_000
_CUT = f"\n… (cut at {BODY_LENGTH:,} characters)"
_LINK_LENGTH = 2_000

VARIABLES: Mapping[str, str] = {
    "event": "the kind of event: appeared, status_changed, changed, vanished or reappeared",
    "order": "the order as it is now; prints its number",
    "order.number": "its number as the source writes it, else its id",
    "order.id": "its id",
    "order.status": "its status as the source writes it",
    "order.word": "its status as a heading, such as Fraud",
    "order.emoji": "an emoji for its status",
    "order.total": "its total, which prints as $49.00; `order.total.amount` and `order.total.currency` are its parts",
    "order.created_at": "when it was placed, where the source says so",
    "order.items": "its first 100 items, each with name, quantity and price; each prints as Starter Hosting Plan ×1",
    "order.item_count": "how many items it has",
    "before": "the order as it was before, with the same fields; nothing for appeared",
    "added": "the items that the order had not before",
    "removed": "the items that it has no longer",
    "source": "the source's name",
    "labels": "the source's labels: `labels.client`; one that a source has not is empty",
    "route": "the route's name",
    "ref": "the delivery's short reference, added below a text that lacks it",
    "link": "the address of the order's page, where there is one",
    "severity": "info, success, warning or failure",
    "seen_at": "when the answer that showed the change was received",
    "changed_after": "when the source was last seen without the change, where that is known",
    "lasted": "how long the order had been in the status before, where that is known",
    "now": "when the message is written",
}
"""All that a route's templates can name. Values are plain single lines; unknown ones are empty."""

_SEVERITIES = {
    EventKind.CHANGED: Severity.INFO,
    EventKind.VANISHED: Severity.WARNING,
    EventKind.SOURCE_DOWN: Severity.FAILURE,
    EventKind.SOURCE_UP: Severity.SUCCESS,
    EventKind.SOURCE_DOUBTFUL: Severity.WARNING,
}
_Part = Literal["title", "body"]
_PARTS: tuple[_Part, ...] = ("title", "body")


class Labels(dict[str, str]):
    """A source's labels; one that it has not is empty, for one template serves many sources."""

    def __missing__(self, name: str) -> str:
        return ""


class Renderer:
    """The words of the configuration in force.

    ``labels`` are the sources'. ValueError if the time zone or the locale is unknown; TemplateError if a route's
    template does not compile (``check_templates`` says so first, and more of it).
    """

    def __init__(
        self,
        routes: Sequence[RouteSettings],
        time_zone: str = "UTC",
        locale: str = "en",
        labels: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._labels = labels or {}
        self._words = Words(time_zone, locale)
        self._sandbox = Sandbox(self._words)
        self._defaults = {kind: self._sandbox.get_template(f"{kind}.j2") for kind in EventKind}
        self._own = {route.name: {part: self._compile(text) for part, text in _own(route)} for route in routes}

    def _compile(self, source: str) -> Template:
        try:
            return self._sandbox.from_string(source)
        except JinjaError as error:
            raise TemplateError(str(error)) from error

    def render(self, route: str, event: Event, ref: str, *, now: datetime, link: str | None = None) -> Message:
        """The message that this route makes of the event. A template of the route that fails loses no alert.

        ``link`` is the address of the order's page; the reference stands in each message, whatever the template says.
        """
        variables = {"route": route, "ref": ref, "now": now, "link": _short(link, _LINK_LENGTH)} | self._variables(
            event
        )
        text = self._default(event.kind, variables)
        problems = self._overwrite(text, route, variables) if isinstance(event, OrderEvent) else []
        title = cut(_one_line(text["title"]), TITLE_LENGTH)
        ending = "".join(f"\nThis is the default text: {problem}." for problem in problems)
        body = _complete(text["body"].strip(), ending, "" if ref in title else ref)
        return Message(title, body, severity_of(event), ref, "; ".join(problems) or None)

    def _default(self, kind: EventKind, variables: Mapping[str, Any]) -> dict[_Part, str]:
        text = self._sandbox.write(self._defaults[kind], variables, BODY_LENGTH)
        title, _, body = text.partition("\n")
        return {"title": title, "body": body}

    def _overwrite(self, text: dict[_Part, str], route: str, variables: Mapping[str, Any]) -> list[str]:
        """Puts the route's own words in place of the default ones; returns why a template could not be used."""
        problems = []
        for part, template in self._own.get(route, {}).items():
            try:
                text[part] = self._write_own(template, variables, part)
            except TemplateError as error:
                reason = plain(str(error), REASON_LENGTH)
                problems.append(f"the {part} template of route {route} failed ({reason})")
        return problems

    def _write_own(self, template: Template, variables: Mapping[str, Any], part: _Part) -> str:
        text = self._sandbox.write(template, variables, TITLE_LENGTH if part == "title" else BODY_LENGTH)
        if part == "title" and not text.strip():
            raise TemplateError("it gives an empty text")
        return text

    def _variables(self, event: Event) -> dict[str, Any]:
        shared = {
            "event": str(event.kind),
            "source": event.source,
            "labels": Labels(self._labels.get(event.source, {})),
            "seen_at": event.at,
            "lasted": _lasted(event),
            "severity": str(severity_of(event)),
        }
        return shared | (
            self._source_variables(event) if isinstance(event, SourceEvent) else self._order_variables(event)
        )

    def _source_variables(self, event: SourceEvent) -> dict[str, Any]:
        return {
            "reason": _short(event.reason, REASON_LENGTH),
            "since": event.since,
            "acceptable": event.acceptable,
            "changed_after": None,
        }

    def _order_variables(self, event: OrderEvent) -> dict[str, Any]:
        before, words = event.before, self._words
        return {
            "order": view_order(event.order, words),
            "before": view_order(before, words) if before else None,
            "added": view_items(items_only_in(event.order, before), words),
            "removed": view_items(items_only_in(before, event.order), words) if before else (),
            "changed_after": event.after_time,
        }

    def faults(self, route: RouteSettings) -> Iterator[tuple[str, str]]:
        """What is wrong with the route's templates: the key, and the fault in words."""
        for part, source in _own(route):
            found = list(self._sandbox.faults(source, _NAMES)) or list(self._failures(route, source))
            yield from ((part, text) for text in found[:10])

    def _failures(self, route: RouteSettings, source: str) -> Iterator[str]:
        """How the template fails for an event of each kind that the route is about."""
        for kind in route.when.event or ["status_changed"]:
            event = sample_event(EventKind(kind))
            variables = {"route": route.name, "ref": "7K3F", "now": event.at, "link": None} | self._variables(event)
            try:
                self._sandbox.write(self._compile(source), variables, BODY_LENGTH)
            except TemplateError as error:
                yield f"fails for an event {kind}: {error}"


def check_templates(routes: Sequence[RouteSettings]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with the routes' templates: where, as a path of keys below the root, and what, in words.

    Syntax and unknown names are found in every branch, the rest by writing a message about a sample of each kind.
    """
    renderer = Renderer([])
    for number, route in enumerate(routes):
        for part, text in renderer.faults(route):
            yield ("routes", number, part), text


def severity_of(event: Event) -> Severity:
    """How grave an event is; an order that appears, or comes back, as a fraud is as grave as one that becomes one."""
    if event.kind in _SEVERITIES or isinstance(event, SourceEvent):
        return _SEVERITIES.get(event.kind, Severity.INFO)
    severity = look_of(event.order.status).severity
    moved = event.kind is EventKind.STATUS_CHANGED
    return severity if moved or severity is Severity.FAILURE else Severity.INFO


def _names() -> dict[str, Collection[str]]:
    names: dict[str, Collection[str]] = {name: () for name in VARIABLES if "." not in name}
    order = [field.name for field in fields(OrderView)]
    return names | {"order": order, "before": order}


_NAMES = _names()
"""The variables of templates, with the fields of those that have any."""


def _own(route: RouteSettings) -> Iterator[tuple[_Part, str]]:
    for part in _PARTS:
        text = getattr(route, part)
        if text is not None:
            yield part, text


def _lasted(event: Event) -> timedelta | None:
    span = event.at - event.since if event.since else timedelta(0)
    return span if span >= timedelta(seconds=1) else None


def _short(text: str | None, length: int) -> str | None:
    return plain(text, length) if text else None


def _one_line(text: str) -> str:
    return " ".join(filter(None, map(str.strip, text.splitlines())))


def _complete(body: str, ending: str, ref: str) -> str:
    """The body and its ending within the limit, and the reference where it is not there yet."""
    last = f"\nref {ref}"
    kept = cut(body, BODY_LENGTH - len(ending) - len(last), _CUT) + ending
    return (kept if ref in kept else kept + last).strip()
