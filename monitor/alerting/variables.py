"""What templates can name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from monitor.alerting.headlines import lasted, severity_of
from monitor.alerting.views import REASON_LENGTH, OrderView, items_only_in, plain, view_items, view_order
from monitor.alerting.words import Words
from monitor.model import Event, OrderEvent, SourceEvent

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
    "channel": "the channel's name",
    "ref": "the delivery's short reference, added below a text that lacks it",
    "link": "the address of the order's page, where the source has an order_url",
    "severity": "info, success, warning or failure",
    "seen_at": "when the answer that showed the change was received",
    "changed_after": "when the source was last seen without the change, where that is known",
    "lasted": "how long the order had been in the status before, where that is known",
    "now": "when the message is written",
}
"""All that the templates of routes and channels can name. Values are plain single lines; unknown ones are empty."""


class Labels(dict[str, str]):
    """A source's labels; one that it has not is empty, for one template serves many sources."""

    def __missing__(self, name: str) -> str:
        return ""


def names() -> dict[str, Collection[str]]:
    """The variables of templates, with the fields of those that have any."""
    order = [field.name for field in fields(OrderView)]
    plain_names: dict[str, Collection[str]] = {name: () for name in VARIABLES if "." not in name}
    return plain_names | {"order": order, "before": order}


def event_variables(event: Event, labels: Mapping[str, str], words: Words) -> dict[str, Any]:
    """What a template may know of an event; the rest is the message's: route, channel, ref, now, link."""
    shared = {
        "event": str(event.kind),
        "source": event.source,
        "labels": Labels(labels),
        "seen_at": event.at,
        "lasted": lasted(event),
        "severity": str(severity_of(event)),
    }
    return shared | (_of_source(event) if isinstance(event, SourceEvent) else _of_order(event, words))


def _of_source(event: SourceEvent) -> dict[str, Any]:
    reason = plain(event.reason, REASON_LENGTH) if event.reason else None
    return {"reason": reason, "since": event.since, "acceptable": event.acceptable, "changed_after": None}


def _of_order(event: OrderEvent, words: Words) -> dict[str, Any]:
    before = event.before
    return {
        "order": view_order(event.order, words),
        "before": view_order(before, words) if before else None,
        "added": view_items(items_only_in(event.order, before), words),
        "removed": view_items(items_only_in(before, event.order), words) if before else (),
        "changed_after": event.after_time,
    }
