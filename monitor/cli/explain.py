"""`explain`: what was seen of an order, which messages that made, and why no others. Works beside a running daemon."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec

from monitor.alerting.drill import DRILL_SOURCE
from monitor.alerting.views import NUMBER_LENGTH, plain
from monitor.asking import documents
from monitor.asking.story import Story, story_of
from monitor.cli.common import ask_state, now_of, read_settings
from monitor.cli.explain_view import lines
from monitor.cli.output import at, print_json
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.fields import did_you_mean, format_duration
from monitor.parts import router_of, words_of
from monitor.store.base import Transaction


class Unknown(msgspec.Struct):
    """There is no such order, but perhaps these, or several that are called so."""

    near: Sequence[str] = ()
    elsewhere: Sequence[str] = ()
    ids: Sequence[str] = ()


def explain(options: argparse.Namespace) -> int:
    """Explain one order; 1 if it is not known."""
    settings = read_settings(options, thoroughly=False)
    found = ask_state(settings, lambda tx: _find(tx, options, settings))
    if isinstance(found, Unknown):
        print(_unknown(options, found), file=sys.stderr)
        return 1
    found.ask_today(router_of(settings))
    if options.json:
        print_json([documents.story(found)])
        return 0
    for line in lines(found, words_of(settings), settings.time_zone, options.limit):
        print(line)
    horizon = now_of(options) - settings.keep
    if found.known and found.known.first_seen < horizon:
        kept = format_duration(settings.keep)
        print(f"\nWhat happened before {at(horizon, settings.time_zone)} was dropped: `keep` is {kept}.")
    return 0


def _find(tx: Transaction, options: argparse.Namespace, settings: Settings) -> Story | Unknown:
    state = tx.source(options.source)
    if state is None and options.source not in (*settings.sources, DRILL_SOURCE):
        there = {*settings.sources, *tx.sources()}
        near = did_you_mean(options.source, there) or f": there are {', '.join(sorted(there))}"
        raise ConfigError([Problem(options.config, f"sources.{options.source}", f"no such source{near}")])
    matching = tx.find_orders(options.source, options.order)
    exact = [known for known in matching if known.order.id == options.order]
    if len(matching) > 1 and not exact:
        return Unknown(ids=[known.order.id for known in matching])
    known = next(iter(exact or matching), None)
    order_id = known.order.id if known else options.order
    story = story_of(tx, options.source, order_id, known)
    return story if known or story.happenings else _who_else(tx, options, settings)


def _who_else(tx: Transaction, options: argparse.Namespace, settings: Settings) -> Unknown:
    others = {*settings.sources, *tx.sources()} - {options.source}
    elsewhere = [name for name in sorted(others) if tx.find_orders(name, options.order)]
    labels = tx.labels_near(options.source, options.order)
    return Unknown(_nearest(options.order, labels), elsewhere)


def _nearest(text: str, labels: Sequence[str]) -> list[str]:
    """Those that end with the same number, then those that look alike, in any case."""
    from difflib import get_close_matches

    digits = text.lstrip("0")
    ending = [label for label in labels if digits.isdecimal() and _number_of(label) == digits]
    by_folded = {label.casefold(): label for label in labels}
    alike = get_close_matches(text.casefold(), by_folded, n=3, cutoff=0.7)
    return list(dict.fromkeys([*ending, *(by_folded[folded] for folded in alike)]))[:3]


def _number_of(label: str) -> str:
    """The number at the end of what people call an order: ``88`` of ``ORD-0088``."""
    digits = len(label) - len(label.rstrip("0123456789"))
    return label[len(label) - digits :].lstrip("0")


def _unknown(options: argparse.Namespace, found: Unknown) -> str:
    order = plain(options.order, NUMBER_LENGTH)
    if found.ids:
        ids = ", ".join(plain(order_id, NUMBER_LENGTH) for order_id in found.ids)
        return f"{options.source}: several orders are called {order}; name one by its id: {ids}"
    said = f"{options.source}: no order {order} was ever seen"
    if found.near:
        said += f"; did you mean {' or '.join(plain(one, NUMBER_LENGTH) for one in found.near)}?"
    return said + (f"; {', '.join(found.elsewhere)} has one" if found.elsewhere else "")
