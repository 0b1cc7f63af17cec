"""What can be typed after `explain` and `backtest`. Imports nothing but the standard library, like ``parser.py``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

_EXPLAIN = """\
When it was seen; of each event what happened, which routes led it where, what was sent, held, merged, muted or dropped,
and what each attempt to send said; of each other route the condition that did not hold. Conditions are those of the
present configuration: where it decides otherwise than the one of then did, both stand there.
  order-monitor explain shop ORD-0088"""
_BACKTEST = """\
What was observed goes through the routes of a draft, with its groups, quiet hours, digests, storms and the silences
that were, into an outbox that sends nothing. + would be a new message, - would be one no more, ~ would tell of other
events at once than it did. Works beside the running daemon. Exit code 2 for a draft that is wrong.
  order-monitor backtest -c draft.yaml --since 30d
  order-monitor backtest -c /tmp/draft.yaml --state-of config/monitor.yaml --since 2026-04-01"""
Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, the function to call, one line of help, and more of it."""


def add_commands(add: Add, at_least_one: Callable[[str], int]) -> None:
    """Both commands; ``at_least_one`` reads a number."""
    explain = add("explain", "explain:explain", "Say what became of an order, and why.", _EXPLAIN)
    explain.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    explain.add_argument("order", metavar="ORDER", help="the order's id or number")
    explain.add_argument("--json", action="store_true", help="all of it as a JSON document")
    explain.add_argument("--limit", type=at_least_one, default=50, metavar="N", help="events as text (default: 50)")
    test = add("backtest", "backtest:backtest", "Try a draft's routes on what has happened.", _BACKTEST)
    test.add_argument("--since", default="30d", metavar="WHEN", help="so long ago, or a date (default: 30d)")
    test.add_argument(
        "--state-of", metavar="FILE", help="the configuration whose history it is (default: the draft's own state)"
    )
    test.add_argument("--json", action="store_true", help="all of it as a JSON document")
    test.add_argument("--limit", type=at_least_one, default=50, metavar="N", help="differences (default: 50)")
