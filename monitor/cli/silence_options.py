"""What can be typed after `silence`. Imports nothing but the standard library, like ``parser.py``, whose part it is."""

from __future__ import annotations

import argparse
from collections.abc import Callable

MORE = """\
What matches is found and stored as ever, and told to nobody: not even by an urgent route, and not afterwards.
  order-monitor silence add --source shop --for 2h --reason "migration"
  order-monitor silence list
  order-monitor silence end 3"""
_ADD = """\
All that is given must match. An option takes a value or a glob ('shop*'), and may be given several times: any of them
then matches. --route and --channel mute only what goes that way. Without --order, --from and --to, the news of a
source's health are muted, too; how it is by then is told when the silence ends. Takes effect at once, beside a running
daemon, too.
  order-monitor silence add --source shop --for 2h --reason "migration"
  order-monitor silence add --source shop --to fraud --channel ops --until '2026-12-01 08:00' --reason "known wave\""""
_LIST = """\
Times are by the configuration's time zone.
  order-monitor silence list --ended"""
_END = """\
What happens from now on is told again; what the silence has muted is not.
  order-monitor silence end 3"""
_CHOICES = (
    ("--source", "source", "NAME", "events of this source"),
    ("--label", "labels", "KEY=VALUE", "events of sources with this label"),
    ("--order", "order", "ORDER", "events of this order, by id or number"),
    ("--from", "from_", "STATUS", "changes from this status, in the source's words or by its meaning"),
    ("--to", "to", "STATUS", "changes to this status"),
    ("--event", "event", "KIND", "this kind of event, such as vanished"),
    ("--route", "route", "NAME", "only what this route tells; `health`: the news of sources"),
    ("--channel", "channel", "NAME", "only what goes to this channel"),
)
Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, the function to call, one line of help, and more of it."""


def add_actions(add: Add) -> None:
    """The actions of `silence`."""
    new = add("add", "silence:add", "Mute what matches, for a while.", _ADD)
    matcher = new.add_argument_group("what to mute")
    for option, name, value, help_ in _CHOICES:
        matcher.add_argument(option, dest=name, metavar=value, action="append", default=[], help=help_)
    matcher.add_argument("--all", action="store_true", help="everything")
    end = new.add_argument_group("until when, and why")
    until = end.add_mutually_exclusive_group(required=True)
    until.add_argument("--for", dest="span", metavar="DURATION", help="so long from now, such as 90m, 2h or 1d")
    until.add_argument("--until", metavar="TIME", help="such as '2026-12-01 08:00', in the configuration's time zone")
    end.add_argument("--reason", required=True, metavar="TEXT", help="why, for whoever wonders; no customer's data")
    end.add_argument("--by", default="", metavar="NAME", help="who asks for it (default: nobody is named)")
    end.add_argument("--yes", action="store_true", help="even if that is longer than 30d")
    listed = add("list", "silence:list_", "List the silences that are active.", _LIST)
    listed.add_argument("--ended", action="store_true", help="those that have ended, too")
    listed.add_argument("--json", action="store_true", help="a JSON document a line")
    ended = add("end", "silence:end", "End silences before their time.", _END)
    ended.add_argument("ids", nargs="+", type=int, metavar="ID", help="which, by their numbers")
