"""The parts of a message, put together. What channels show of them is decided in ``formats``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from monitor.alerting.detailed import Extra
from monitor.alerting.formats.plain import below
from monitor.alerting.gathering import Gathered
from monitor.alerting.headlines import Headline, headline, headline_of_many, no_longer_stuck, severity_of
from monitor.alerting.news import News, lines_of, severity_of_news, title_of
from monitor.alerting.routes import DEFAULT_ROUTE, DRILL_ROUTE, HEALTH_ROUTE
from monitor.alerting.settings import ChannelStyle
from monitor.alerting.stories import tabulate, tell
from monitor.alerting.variables import event_variables
from monitor.alerting.views import cut, view_money
from monitor.alerting.voices import BODY_LENGTH, TITLE_LENGTH
from monitor.alerting.words import Words
from monitor.model import Details, Event, EventKind, Message, Order, OrderEvent, SourceEvent

_CUT = f"\n… (cut at {BODY_LENGTH:,} characters)"
_LINK_LENGTH = 2_000
_SEEN = {
    EventKind.APPEARED: ("Seen", "appeared"),
    EventKind.VANISHED: ("Noticed", "gone"),
    EventKind.REAPPEARED: ("Seen", "back"),
    EventKind.STUCK: ("Noticed", "stuck"),
}


class Occasion(NamedTuple):
    """Why, where and when a message is written. ``closes``: it says that an order is no longer stuck."""

    route: str
    channel: str
    ref: str
    now: datetime
    style: ChannelStyle
    words: Words
    closes: bool = False


class Wording(NamedTuple):
    """The text below the title, and the title if it is not the default one; ``own``: neither is the text.

    ``problems`` say which templates could not be used.
    """

    text: str
    title: str | None = None
    problems: Sequence[str] = ()
    own: bool = False


def variables(
    on: Occasion, event: Event, link: str | None, labels: Mapping[str, str], details: Details | None = None
) -> dict[str, Any]:
    """What templates can name."""
    about = {"route": on.route, "channel": on.channel, "ref": on.ref, "now": on.now, "link": link}
    return about | event_variables(event, labels, on.words, details)


def compose(
    on: Occasion,
    event: Event,
    link: str | None,
    wording: Wording,
    earlier: Sequence[OrderEvent],
    extra: Extra,
) -> Message:
    """The message about one event."""
    news = _news(on, event)
    title = cut(_one_line(wording.title or news.title), TITLE_LENGTH)
    small = (*_small(on, event, wording, title), *extra.note)
    story = tell(event, earlier, on.words, on.now) if on.style.story and isinstance(event, OrderEvent) else ()
    rest = below("", story=story, link=None if wording.own else link, small=small)
    lines = (wording.text.strip(), *(() if wording.own else extra.lines))
    text = cut("\n".join(filter(None, lines)), BODY_LENGTH - len(rest) - 1, _CUT)
    return Message(
        title=title,
        body="\n".join(filter(None, (text, rest))),
        severity=severity_of(event, on.words),
        ref=on.ref,
        problem="; ".join(wording.problems) or None,
        subject=_subject(on.style, news, title if wording.title else None),
        label=news.label if isinstance(event, OrderEvent) else "",
        link=link,
        text=text,
        customer=extra.customer,
        story=story,
        small=small,
        footer=_footer(on),
        route=on.route,
        thread=_thread(event),
        id=_digest("message", on.ref, *_identity(event)),
    )


def compose_many(on: Occasion, found: Gathered, links: Mapping[str, str], why: str = "") -> Message:
    """The message about several events: a table. ``links`` are templates of addresses, by source.

    ``why``: why they are told together, where that needs to be said.
    """
    news = headline_of_many(found.emoji, found.said, found.orders, found.sources)
    table = tabulate(found, on.words, lambda event: order_link(links.get(event.source), event.order))
    largest = " · ".join(f"{view_money(one.total, on.words)} ({one.label})" for one in found.largest)
    beside = lines_of(found.news, on.words) if found.news else ()
    text = "\n".join(filter(None, (why, largest and why and f"Largest: {largest}", *beside)))
    small = f"Seen {_period(on, found.first, found.last)} · ref {on.ref}"
    return Message(
        title=cut(news.title, TITLE_LENGTH),
        body=cut(below(text, table=table), BODY_LENGTH - len(small) - 1, _CUT) + f"\n{small}",
        severity=found.severity,
        ref=on.ref,
        subject=cut(news.subject, TITLE_LENGTH),
        text=text,
        table=table,
        small=(small,),
        footer=_footer(on),
        route=on.route,
        id=_digest("message", on.ref, found.digest),
    )


def compose_news(on: Occasion, news: News, hosts: Mapping[str, str], why: str = "") -> Message:
    """The message about several pieces of news of sources. ``hosts`` are theirs, by source."""
    title = cut(title_of(news, on.words, hosts), TITLE_LENGTH)
    small = f"Noticed {_period(on, news.first, news.last)} · ref {on.ref}"
    text = cut("\n".join(filter(None, (why, *lines_of(news, on.words)))), BODY_LENGTH - len(small) - 1, _CUT)
    return Message(
        title=title,
        body=f"{text}\n{small}",
        severity=severity_of_news(news, on.words),
        ref=on.ref,
        subject=title.partition(" ")[2],
        text=text,
        small=(small,),
        footer=_footer(on),
        route=on.route,
        id=_digest("message", on.ref, news.digest),
    )


def _news(on: Occasion, event: Event) -> Headline:
    if on.closes and isinstance(event, OrderEvent):
        return no_longer_stuck(event, on.words)
    return headline(event, on.words)


def order_link(template: str | None, order: Order) -> str | None:
    """The address of the order's page; None where there is no template, or it would be too long to be one."""
    if template is None:
        return None
    number = quote(order.number or order.id, safe="", errors="replace")
    link = template.replace("{id}", quote(order.id, safe="", errors="replace")).replace("{number}", number)
    return link if len(link) <= _LINK_LENGTH else None


def _one_line(text: str) -> str:
    return " ".join(filter(None, map(str.strip, text.splitlines())))


def _small(on: Occasion, event: Event, wording: Wording, title: str) -> tuple[str, ...]:
    problems = [f"This is the default text: {problem}." for problem in wording.problems]
    if not wording.own:
        return _seen(on, event), *problems
    ref = [] if on.ref in title or on.ref in wording.text else [f"ref {on.ref}"]
    return *ref, *problems


def _seen(on: Occasion, event: Event) -> str:
    seen, happened = _SEEN.get(event.kind, ("Seen", "changed"))
    if isinstance(event, SourceEvent):
        return f"Noticed {on.words.time(event.at, on.now)} · ref {on.ref}"
    after = event.after_time and on.words.time(event.after_time, on.now, beside=event.at)
    since = f" ({happened} after {after})" if after else ""
    return f"{seen} {on.words.time(event.at, on.now)}{since} · ref {on.ref}"


def _period(on: Occasion, first: datetime, last: datetime) -> str:
    end = on.words.time(last, on.now)
    start = on.words.time(first, on.now, beside=last)
    return end if end.startswith(start) else f"{start} to {end}"


def _subject(style: ChannelStyle, news: Headline, own: str | None) -> str:
    subject = news.stable_subject if style.subject == "stable" else own or news.subject
    return cut(subject, TITLE_LENGTH)


def _footer(on: Occasion) -> str:
    if not on.channel:
        return ""
    if on.route == HEALTH_ROUTE:
        why, how = "it takes the monitor's own news", f"leave {on.channel} out of health.channels"
    elif on.route == DRILL_ROUTE:
        why, how = "it takes part in fire drills", f"leave {on.channel} out of drill.channels"
    elif on.route == DEFAULT_ROUTE:
        why, how = "no routes are configured, so that it takes every change of a status", "write routes"
    else:
        why, how = f"route {on.route} leads there", f"remove that route, or take {on.channel} out of its channels,"
    return f"Sent to channel {on.channel}, because {why}. To stop it, {how} in Order Monitor's configuration."


def _thread(event: Event) -> str:
    if isinstance(event, SourceEvent):
        about: tuple[str, ...] = ("rule", event.rule) if event.rule else ("source",)
    else:
        about = ("order", event.order.id)
    return _digest("thread", event.source, *about)


def _identity(event: Event) -> tuple[str, ...]:
    if isinstance(event, SourceEvent):
        return event.source, event.rule, event.kind, event.at.isoformat()
    return event.source, event.order.id, str(event.revision), event.kind, event.at.isoformat()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
