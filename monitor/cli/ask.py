"""`orders`, `events`, `deliveries` and `accept`: what is known. They work beside a running daemon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice

from monitor.alerting.explaining import waiting
from monitor.alerting.headlines import change
from monitor.alerting.views import readable
from monitor.alerting.words import Words
from monitor.asking import documents
from monitor.cli.common import ask_state, change_state, read_settings
from monitor.cli.output import at, print_json, print_table
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.model import Delivery, DeliveryState, Destination, EventKind, Known, OrderEvent, normalise_status
from monitor.parts import words_of
from monitor.polling.health import accept_loss
from monitor.store.base import StoredEvent, Transaction


def orders(options: argparse.Namespace) -> int:
    """List the orders that are known."""
    settings = read_settings(options, thoroughly=False)
    status = options.status and normalise_status(options.status)
    most = None if options.json else options.limit
    found = ask_state(settings, lambda tx: list(islice(tx.orders(options.source, status), most)))
    if options.json:
        print_json(documents.order(source, known) for source, known in found)
        return 0
    words = words_of(settings)
    rows = [_order_row(source, known, words, settings.time_zone) for source, known in found]
    print_table(("source", "order", "status", "total", "since", "first seen"), rows, "no orders are known")
    _say_if_cut(len(found), most)
    return 0


def events(options: argparse.Namespace) -> int:
    """List what was observed."""
    settings = read_settings(options, thoroughly=False)
    most = None if options.json else options.limit

    def find(tx: Transaction) -> list[StoredEvent]:
        known = tx.find_orders(options.source, options.order) if options.order else []
        order_id = known[0].order.id if known else options.order
        return tx.events(options.source, order_id, most)

    found = ask_state(settings, find)
    if options.json:
        print_json(map(documents.event, found))
        return 0
    words = words_of(settings)
    rows = [_event_row(row, words, settings.time_zone) for row in found]
    print_table(("seen", "source", "order", "event", "what"), rows, "nothing was observed yet")
    _say_if_cut(len(found), most, "newest")
    return 0


def deliveries(options: argparse.Namespace) -> int:
    """List messages, or send dead letters again."""
    settings = read_settings(options, thoroughly=False)
    if options.action == "retry":
        return _retry(settings, options.ids)
    states = [DeliveryState(state) for state in options.state] if options.state else None
    most = None if options.json else options.limit

    def find(tx: Transaction) -> tuple[list[Delivery], Mapping[int, int]]:
        rows = tx.deliveries(states, most)
        return rows, tx.orders_told([row.id for row in rows if row.gathers])

    found, orders_told = ask_state(settings, find)
    if options.json:
        print_json(documents.delivery(row, orders_told.get(row.id)) for row in found)
        return 0
    rows = [_delivery_row(delivery, orders_told.get(delivery.id, 1), settings.time_zone) for delivery in found]
    columns = ("id", "ref", "made", "state", "route", "to", "order", "tries", "what it said")
    print_table(columns, rows, "no messages")
    _say_if_cut(len(found), most, "newest")
    return 0


def accept(options: argparse.Namespace) -> int:
    """Believe what a source lacks."""
    settings = read_settings(options, thoroughly=False)
    if options.source not in settings.sources:
        known = ", ".join(settings.sources)
        raise ConfigError([Problem(options.config, f"sources.{options.source}", f"no such source: there are {known}")])

    def believe(tx: Transaction) -> int | None:
        state = tx.source(options.source)
        accepted = state and accept_loss(state)
        if not accepted:
            return None
        tx.save_source(options.source, accepted)
        return accepted.accepted

    count = change_state(settings, believe)
    if count is None:
        print(f"{options.source}: nothing is in doubt that could be accepted")
        return 1
    print(f"{options.source}: the next complete look may lack {count:,} orders; it will announce them as vanished")
    return 0


def _retry(settings: Settings, ids: list[int]) -> int:
    now = datetime.now(UTC)
    count = change_state(settings, lambda tx: tx.resurrect(ids or None, now))
    print(f"{count} dead letter{'' if count == 1 else 's'} will be sent again, by the running daemon or the next poll")
    return 0 if count or not ids else 1


def _order_row(source: str, known: Known, words: Words, zone: str) -> list[str]:
    order = known.order
    status = readable(order.status, words.meanings(source)) + (" (vanished)" if known.vanished_at else "")
    total = words.money(order.total.amount, order.total.currency) if order.total else ""
    return [
        source,
        order.label,
        status,
        total,
        at(known.status_since or order.created_at, zone),
        at(known.first_seen, zone),
    ]


def _event_row(row: StoredEvent, words: Words, zone: str) -> list[str]:
    event = row.event
    if not isinstance(event, OrderEvent):
        return [at(event.at, zone), event.source, "", event.kind.value, event.reason]
    meanings = words.meanings(event.source)
    what = readable(event.order.status, meanings)
    if event.kind is EventKind.STATUS_CHANGED and event.before:
        what = f"{readable(event.before.status, meanings)} → {what}"
    elif event.kind in (EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED):
        what = change(event, words)
    return [at(event.at, zone), event.source, event.order.label, event.kind.value, what]


def _delivery_row(row: Delivery, orders: int, zone: str) -> list[str]:
    to = str(Destination(row.channel, row.url_number)) + (f" (for {row.stands_for})" if row.stands_for else "")
    about = f"{orders:,} orders" if orders > 1 else row.order_id or row.source
    return [
        str(row.id), row.ref, at(row.created_at, zone), row.state.value, row.route, to, about,
        str(row.attempts), _said(row, zone),
    ]  # fmt: skip


def _said(row: Delivery, zone: str) -> str:
    """What came of it so far."""
    if row.state is DeliveryState.WAITING and row.gathers and not row.attempts:
        return waiting(row, lambda moment: at(moment, zone))
    return row.last_error or row.title or ""


def _say_if_cut(shown: int, most: int | None, which: str = "first") -> None:
    if most is not None and shown == most:
        print(f"… the {which} {most}; --limit N shows more, --json all")
