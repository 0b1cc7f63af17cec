"""What templates can name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from monitor.alerting.detailed import DetailsView, view_details
from monitor.alerting.headlines import age_of, lasted, severity_of
from monitor.alerting.moves import service_moves
from monitor.alerting.views import (
    REASON_LENGTH,
    OrderView,
    items_only_in,
    plain,
    view_items,
    view_moves,
    view_order,
)
from monitor.alerting.words import Words
from monitor.model import Details, Event, EventKind, OrderEvent, SourceEvent

VARIABLES: Mapping[str, str] = {
    "event": "the kind of event: appeared, status_changed, changed, invoice_changed, service_changed, vanished or "
    "reappeared",
    "order": "the order as it is now; prints its number",
    "order.number": "its number as the source writes it, else its id",
    "order.id": "its id",
    "order.status": "its status as the source writes it",
    "order.readable": "the same, but n (pending) where it is only a code",
    "order.meaning": "what its status means: pending, active, fraud …; empty where nobody says",
    "order.word": "its status as a heading, such as Fraud",
    "order.emoji": "an emoji for its status",
    "order.total": "its total, which prints as $49.00; `order.total.amount` and `order.total.currency` are its parts",
    "order.created_at": "when it was placed, where the source says so",
    "order.items": "its first 100 items, each with name, quantity and price; each prints as Starter Hosting Plan ×1",
    "order.item_count": "how many items it has",
    "order.invoice_status": "its invoice's status as the source writes it, where it shows one",
    "order.services": "its first 100 services, each with name, status and id; each prints as Starter Hosting: Active",
    "before": "the order as it was before, with the same fields; nothing for appeared",
    "added": "the items that the order had not before",
    "removed": "the items that it has no longer",
    "moves": "the first 100 services that a service_changed is about, each with name, id, before and after; each "
    "prints as Starter Hosting: Active → Suspended, or says added or removed",
    "move_count": "how many services it is about",
    "details": "what the source says of the order alone, where it was asked; each field is empty where it does not say",
    "details.invoice": "its invoice's number",
    "details.invoice_status": "its invoice's status",
    "details.payment": "how it is paid",
    "details.services": "its first 100 services, as in `order.services`; `details.service_count` is how many there are",
    "details.age": "how old it was when the change was seen",
    "reason": "why, of absent and spike, which have no order",
    "about": "the status that a spike is of",
    "over": "whether an absent or a spike is over",
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
    "age": "how long a stuck order has had its status",
    "reminder": "how often it was told before that it is stuck",
    "escalated": "whether others are told of it, too, as it is stuck for so long",
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
    details = [field.name for field in fields(DetailsView)]
    return plain_names | {"order": order, "before": order, "details": details}


def event_variables(
    event: Event, labels: Mapping[str, str], words: Words, details: Details | None = None
) -> dict[str, Any]:
    """What a template may know of an event; the rest is the message's: route, channel, ref, now, link."""
    shared = {
        "details": view_details(details, event, words),
        "event": str(event.kind),
        "source": event.source,
        "labels": Labels(labels),
        "seen_at": event.at,
        "lasted": lasted(event),
        "age": age_of(event),
        "severity": str(severity_of(event, words)),
    }
    return shared | (_of_source(event) if isinstance(event, SourceEvent) else _of_order(event, words))


def _of_source(event: SourceEvent) -> dict[str, Any]:
    reason = plain(event.reason, REASON_LENGTH) if event.reason else None
    about = plain(event.about, REASON_LENGTH) if event.about else ""
    return {
        "reason": reason,
        "since": event.since,
        "acceptable": event.acceptable,
        "about": about,
        "over": event.over,
        "changed_after": None,
    }


def _of_order(event: OrderEvent, words: Words) -> dict[str, Any]:
    before, meanings = event.before, words.meanings(event.source)
    moved = service_moves(before, event.order) if event.kind is EventKind.SERVICE_CHANGED else ()
    return {
        "order": view_order(event.order, words, meanings),
        "before": view_order(before, words, meanings) if before else None,
        "moves": view_moves(moved, meanings),
        "move_count": len(moved),
        "added": view_items(items_only_in(event.order, before), words),
        "removed": view_items(items_only_in(before, event.order), words) if before else (),
        "changed_after": event.after_time,
        "reason": "",
        "about": "",
        "over": False,
        "reminder": event.stuck.reminder if event.stuck else 0,
        "escalated": event.stuck is not None and event.stuck.escalated,
    }
