"""Events in, messages out. Pure, and the same in each copy: what is written depends on nothing but the arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from jinja2 import Template

from monitor.alerting.composing import Occasion, Wording, compose, compose_many, compose_news, order_link, variables
from monitor.alerting.detailed import extra_of
from monitor.alerting.drill import marked
from monitor.alerting.gathering import Gathered, gather
from monitor.alerting.headlines import severity_of
from monitor.alerting.news import News
from monitor.alerting.routes import HEALTH_ROUTE
from monitor.alerting.rule_settings import RULES
from monitor.alerting.samples import SAMPLE_REF, sample_for, sample_news, sample_rule, sample_story, source_for
from monitor.alerting.settings import ChannelStyle, RouteSettings
from monitor.alerting.trying import check_channel_templates, check_templates
from monitor.alerting.variables import VARIABLES
from monitor.alerting.views import REASON_LENGTH, plain
from monitor.alerting.voices import BODY_LENGTH, TITLE_LENGTH, Part, Voice
from monitor.errors import TemplateError
from monitor.model import Details, Event, EventKind, Meanings, Message, OrderEvent

__all__ = [
    "BODY_LENGTH",
    "TITLE_LENGTH",
    "VARIABLES",
    "Renderer",
    "check_channel_templates",
    "check_templates",
    "severity_of",
]


class _Place(NamedTuple):
    """A channel, as far as rendering knows it."""

    style: ChannelStyle
    voice: Voice
    templates: Mapping[Part, Template]


class Renderer:
    """The words of the configuration in force.

    ``labels`` are the sources', ``order_urls`` the addresses of their orders' pages, ``meanings`` what their statuses
    mean, ``hosts`` the names of the machines they are on; ``styles`` are the channels'. A channel's time zone and
    locale go before those given here, and a route's template before its channel's: the route knows what the message is
    about.

    ValueError if a time zone or a locale is unknown; TemplateError if a template does not compile
    (``check_templates`` and ``check_channel_templates`` say so first, and more of it).
    """

    def __init__(  # noqa: PLR0913  # all that the configuration says about wording
        self,
        routes: Sequence[RouteSettings],
        time_zone: str = "UTC",
        locale: str = "en",
        labels: Mapping[str, Mapping[str, str]] | None = None,
        styles: Mapping[str, ChannelStyle] | None = None,
        order_urls: Mapping[str, str] | None = None,
        *,
        meanings: Mapping[str, Meanings] | None = None,
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        self._hosts = hosts or {}
        self._routes = {route.name: route for route in routes}
        self._time_zone, self._locale = time_zone, locale
        self._labels = labels or {}
        self._order_urls = order_urls or {}
        self._meanings = meanings
        self._voices: dict[tuple[str, str], Voice] = {}
        self._anywhere = self._place(ChannelStyle())
        self._places = {name: self._place(style) for name, style in (styles or {}).items()}

    def render(  # noqa: PLR0913  # what a message is about, and what was fetched for it
        self,
        route: str,
        event: Event,
        ref: str,
        *,
        now: datetime,
        channel: str | None = None,
        story: Sequence[OrderEvent] = (),
        details: Details | None = None,
        without: str | None = None,
    ) -> Message:
        """The message that this route makes of the event for this channel. A template that fails loses no alert.

        ``story`` are the order's events so far, oldest first, written where the channel wants it. ``details`` were
        fetched for it, who the order is from among them, as far as the channel's privacy allows; ``without``: why
        there are none, where there should be. The reference stands in each message, whatever a template says.
        """
        place = self._place_of(channel)
        closes = self._closes(route, event)
        on = Occasion(route, channel or "", ref, now, place.style, place.voice.words, closes)
        link = order_link(self._order_urls.get(event.source), event.order) if isinstance(event, OrderEvent) else None
        known = variables(on, event, link, self._labels.get(event.source, {}), details)
        more = extra_of(details, without, known["details"], on.words, place.style.privacy)
        return compose(on, event, link, _wording(place, on, event, known), story, more)

    def gather(self, events: Iterable[Event]) -> Gathered | News:
        """What a message about all of these says of them."""
        return gather(events, self._anywhere.voice.words)

    def render_many(  # what a message is about
        self, route: str, found: Gathered | News, ref: str, *, now: datetime, channel: str | None = None, why: str = ""
    ) -> Message:
        """One message about several events, as grave as the gravest of them: a table. Amounts are not added up.

        News of sources alone have no table, but each one's reason.

        ``why``: why they are told together, where that needs to be said.
        """
        place = self._place_of(channel)
        on = Occasion(route, channel or "", ref, now, place.style, place.voice.words)
        if isinstance(found, News):
            return compose_news(on, found, self._hosts, why)
        return compose_many(on, found, self._order_urls, why)

    def render_sample(self, route: str, channel: str | None = None, details: Details | None = None) -> Message:
        """A message as this route would make it for this channel, about something made up.

        ``details`` are for sources that have some, such as SAMPLE_DETAILS.
        """
        settings = self._routes.get(route)
        source = source_for(settings, {**{name: {} for name in self._order_urls}, **self._labels})
        if route == HEALTH_ROUTE:
            news = sample_news(source)
            return self.render(route, news, SAMPLE_REF, now=news.at, channel=channel)
        kinds = (settings.when.event if settings else None) or []
        if kinds and kinds[0] in RULES:
            rule = sample_rule(EventKind(kinds[0]), source, route)
            return self.render(route, rule, SAMPLE_REF, now=rule.at, channel=channel)
        event = sample_for(settings, source)
        return self.render(
            route,
            event,
            SAMPLE_REF,
            now=event.at,
            channel=channel,
            story=sample_story(event),
            details=details,
        )

    def _closes(self, route: str, event: Event) -> bool:
        """Whether the route is about stuck orders, and the event is not: it ends what the route told of."""
        settings = self._routes.get(route)
        return settings is not None and settings.when.event == [EventKind.STUCK] and event.kind is not EventKind.STUCK

    def _place_of(self, channel: str | None) -> _Place:
        return self._places.get(channel or "", self._anywhere)

    def _place(self, style: ChannelStyle) -> _Place:
        key = (style.time_zone or self._time_zone, style.locale or self._locale)
        if key not in self._voices:
            self._voices[key] = Voice(*key, tuple(self._routes.values()), self._meanings)
        voice = self._voices[key]
        return _Place(style, voice, voice.compile_all(style))


def _wording(place: _Place, on: Occasion, event: Event, known: Mapping[str, Any]) -> Wording:
    worded = isinstance(event, OrderEvent) or bool(event.rule)
    # A channel's own words are about orders.
    of_channel = place.templates if isinstance(event, OrderEvent) else {}
    own, problems = _own_words(place, on, known, of_channel) if worded else ({}, [])
    if event.kind is EventKind.DRILL:
        own = {part: marked(text) for part, text in own.items()}
    text = own.get("body")
    if text is not None:
        return Wording(text, own.get("title"), problems, own=True)
    return Wording(place.voice.default_text(event.kind, known), own.get("title"), problems)


def _own_words(
    place: _Place, on: Occasion, known: Mapping[str, Any], of_channel: Mapping[Part, Template]
) -> tuple[dict[Part, str], list[str]]:
    """What the route's and the channel's templates say, and why one could not be used."""
    templates = {part: (f"channel {on.channel}", template) for part, template in of_channel.items()}
    # A rule's words are about an order that is stuck.
    of_route = {} if on.closes else place.voice.of_route(on.route)
    templates |= {part: (f"route {on.route}", template) for part, template in of_route.items()}
    said: dict[Part, str] = {}
    problems = []
    for part, (owner, template) in templates.items():
        try:
            said[part] = place.voice.write(template, known, part)
        except TemplateError as error:
            problems.append(f"the {part} template of {owner} failed ({plain(str(error), REASON_LENGTH)})")
    return said, problems
