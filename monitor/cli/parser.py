"""What can be typed. Imports nothing but the standard library, so that `--help` comes at once."""

from __future__ import annotations

import argparse
import os
import re
from functools import partial
from typing import NoReturn

from monitor import __version__
from monitor.cli import care_options, history_options, silence_options

_INTRO = """\
Watches the orders of billing systems and tells people, in Slack, by mail or anywhere Apprise reaches,
when an order's status changes: pending → active, pending → fraud, and whatever else you ask for.
"""

_FIRST_STEPS = """\
first steps:
  order-monitor demo                    see it work, with nothing to set up
  order-monitor init                    write a configuration to start from
  order-monitor check                   is it right?
  order-monitor test ops_slack          does this channel reach anybody?
  order-monitor run                     watch

exit codes: 0 done, 1 failed, 2 bad usage or configuration
"""


def make_parser() -> argparse.ArgumentParser:
    """The whole command line; ``options.call`` names the function to call as module:function."""
    parser = _Parser(
        prog="order-monitor",
        description=_INTRO,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"order-monitor {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_watching(commands)
    _add_setting_up(commands)
    _add_asking(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Errors end with where to read more."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


DIALECTS = (
    *("documented", "released", "hostup", "hostbill", "hostbill_from_one", "whmcs", "fossbilling"),
    *("pretix", "pretix_old", "woocommerce", "paymenter", "blesta", "stripe", "magento"),
)
"""What the simulator speaks; the first two are Opterius Commerce's, as documented and as released."""

Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers returns


def _command(
    commands: Commands[_Parser], name: str, call: str, help_: str, more: str = "", *, configured: bool = True
) -> _Parser:
    command = commands.add_parser(
        name,
        help=help_,
        description=f"{help_}\n\n{more}".rstrip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(call=call)
    if configured:
        command.add_argument(
            "-c",
            "--config",
            metavar="FILE",
            default=os.environ.get("MONITOR_CONFIG") or "config/monitor.yaml",
            help="the configuration (default: $MONITOR_CONFIG, else config/monitor.yaml)",
        )
    return command


def _add_watching(commands: Commands[_Parser]) -> None:
    run = _command(commands, "run", "watch:run", "Watch until told to stop.", _RUN)
    run.add_argument(
        "--dry-run", action="store_true", help="use a throw-away state and print messages instead of sending"
    )
    poll = _command(commands, "poll", "watch:poll", "Poll each source once now, and try each due delivery once.", _POLL)
    poll.add_argument(
        "--dry-run", action="store_true", help="use a throw-away state and print messages instead of sending"
    )
    demo = _command(
        commands,
        "demo",
        "demo:demo",
        "See it work: daemon and simulated billing system together.",
        _DEMO,
        configured=False,
    )
    demo.add_argument("--for", dest="seconds", metavar="DURATION", help="end after so long, such as 30s")
    demo.add_argument("--orders", type=_count, default=3000, metavar="N", help="orders to begin with (default: 3000)")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another story (default: 1)")
    demo.add_argument("--no-browser", action="store_true", help="do not open the page, where there is a browser")
    simulate = _command(
        commands, "simulate", "demo:simulate", "Serve a simulated billing system alone.", _SIMULATE, configured=False
    )
    simulate.add_argument("--listen", default="127.0.0.1:8099", metavar="HOST:PORT", help="default: 127.0.0.1:8099")
    simulate.add_argument(
        "--token", default="simulated-token", help="the bearer token that it wants (default: simulated-token)"
    )
    simulate.add_argument(
        "--dialect",
        choices=DIALECTS,
        default="documented",
        metavar="NAME",
        help=f"which system's: {', '.join(DIALECTS)} (default: documented)",
    )
    simulate.add_argument(
        "--orders", type=_count, default=3000, metavar="N", help="orders to begin with (default: 3000)"
    )
    simulate.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    simulate.add_argument("--timeline", metavar="FILE", help="follow this script (YAML) instead of a life of its own")
    simulate.add_argument("--still", action="store_true", help="nothing happens by itself")


def _add_setting_up(commands: Commands[_Parser]) -> None:
    init = _command(commands, "init", "init:init", "Write a configuration to start from.", _INIT)
    init.add_argument("--url", help="address of the billing system")
    init.add_argument("--token-file", metavar="FILE", help="the file that holds its API token")
    init.add_argument("--channel-url", metavar="URL", help="a webhook or Apprise URL, or '${NAME}' for a variable's")
    init.add_argument("--time-zone", metavar="NAME", help="of the times in messages, such as Europe/Stockholm")
    init.add_argument("--yes", action="store_true", help="ask nothing; the time zone is this machine's")
    init.add_argument("--force", action="store_true", help="overwrite a file that is there")
    check = _command(
        commands, "check", "setup:check", "Check the configuration; contacts nobody unless told to.", _CHECK
    )
    check.add_argument("--show", action="store_true", help="print it as it is understood, secrets masked")
    check.add_argument("--connect", action="store_true", help="look at each source and channel; nothing is sent")
    check.add_argument("--json", action="store_true", help="with --connect: a JSON document a line")
    probe = _command(
        commands, "probe", "probe:probe", "Describe any list of orders, from one page of it.", _PROBE, configured=False
    )
    probe.add_argument("url", metavar="URL", help="the address of the list, with what parameters it needs")
    probe.add_argument("--auth", default="bearer", metavar="HOW", help="bearer (default), basic or header:NAME")
    probe.add_argument("--secret-file", metavar="FILE", help="the file that holds the token, or user:password")
    probe.add_argument("--name", default="shop", type=_name, metavar="NAME", help="the source's name (default: shop)")
    probe.add_argument("--json", action="store_true", help="description and orders as a JSON document")
    preview = _command(commands, "preview", "preview:preview", "Show a route's message, sending nothing.", _PREVIEW)
    preview.add_argument(
        "route", metavar="ROUTE", help="its name in the configuration; `default` without routes, `health`"
    )
    preview.add_argument("--channel", metavar="NAME", help="as this channel words it (default: the route's first)")
    preview.add_argument("--html", metavar="FILE", help="write the mail's HTML there, for a browser")
    test = _command(commands, "test", "setup:test", "Send a test message to a channel.", _TEST)
    test.add_argument("channel", metavar="CHANNEL", help="its name in the configuration")
    _command(commands, "password", "password:password", "Make what locks the page.", _LOCK, configured=False)
    _command(
        commands,
        "schema",
        "setup:schema",
        "Print the configuration's JSON schema, for editors.",
        _SCHEMA,
        configured=False,
    )


def _add_asking(commands: Commands[_Parser]) -> None:
    orders = _command(commands, "orders", "ask:orders", "List the orders that are known.", _ORDERS)
    orders.add_argument("--source", metavar="NAME", help="only this source's")
    orders.add_argument("--status", metavar="STATUS", help="only those in this status")
    _listing(orders)
    events = _command(commands, "events", "ask:events", "List what was observed, newest last.", _EVENTS)
    events.add_argument("--source", metavar="NAME", help="only this source's")
    events.add_argument("--order", metavar="ORDER", help="only this order's, by id or number")
    _listing(events)
    deliveries = _command(
        commands, "deliveries", "ask:deliveries", "List messages: waiting, sent and dead.", _DELIVERIES
    )
    deliveries.add_argument("action", nargs="?", choices=("retry",), help="send dead letters again")
    deliveries.add_argument("ids", nargs="*", type=int, metavar="ID", help="which (default: all dead letters)")
    deliveries.add_argument(
        "--state", choices=("waiting", "sending", "sent", "dead", "dropped"), action="append", help="only these"
    )
    _listing(deliveries)
    history_options.add_commands(partial(_command, commands), _at_least_one)
    accept = _command(commands, "accept", "ask:accept", "Believe a source that has lost many orders at once.", _ACCEPT)
    accept.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    follow = _command(commands, "follow", "follow:follow", "Follow orders by id, where a system lists none.", _FOLLOW)
    follow.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    follow.add_argument("ids", nargs="*", metavar="ID", help="which orders (default: list what is followed)")
    follow.add_argument("--json", action="store_true", help="list as a JSON document a line")
    unfollow = _command(commands, "unfollow", "follow:unfollow", "Follow orders no more, and forget them.", _UNFOLLOW)
    unfollow.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    unfollow.add_argument("ids", nargs="+", metavar="ID", help="which orders")
    silence = _command(commands, "silence", "", "Mute alerts for a while.", silence_options.MORE, configured=False)
    actions = silence.add_subparsers(title="actions", metavar="ACTION", required=True)
    silence_options.add_actions(partial(_command, actions))
    care_options.add_commands(partial(_command, commands))
    _command(commands, "report", "report:report", "Print what an issue needs to hold, as Markdown.", _REPORT)


def _count(text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise argparse.ArgumentTypeError(f"expected a whole number, not {text!r}")
    return int(text)


def _name(text: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(f"expected lower-case letters, digits and _, a letter first, not {text!r}")
    return text


def _at_least_one(text: str) -> int:
    number = _count(text)
    if not number:
        raise argparse.ArgumentTypeError("expected 1 or more")
    return number


def _listing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="every row, a JSON document a line")
    command.add_argument("--limit", type=_at_least_one, default=50, metavar="N", help="rows in a table (default: 50)")


_RUN = """\
SIGTERM and SIGINT end it cleanly; SIGHUP reads the configuration again, and a bad one leaves the old in force.
Orders that are there already are the baseline: nothing old is announced."""
_POLL = """\
For cron. Each source is polled whether it is due or not. Exit code 1 if a source or a delivery failed;
what was not delivered stays in the outbox for the next time. With --dry-run the only poll is a baseline: it shows
that the source can be read, and messages only about the source itself."""
_DEMO = """\
Nothing to set up, nothing left behind: a simulated billing system whose orders are placed, paid and flagged, and the
daemon that watches it over HTTP, sends its alerts to a webhook of the demo's own, and shows its page."""
_SIMULATE = """\
For trying a configuration, and for tests of your own. Change an order while it runs:
  curl -X POST http://127.0.0.1:8099/_simulator/orders/1 -d '{"status": "fraud"}'
GET /_simulator says what else there is."""
_INIT = """\
On a terminal it asks for what no flag says: the billing system and its token, where alerts go, the time zone. Then it
offers to check all of that, and to send a test message. Secrets are typed unseen, and kept in files beside the
configuration (mode 0600) or in the environment. Elsewhere it asks nothing: what no flag says stays a placeholder,
with a comment on what to fill in. It never overwrites a file that is there, unless --force says so.
  order-monitor init --url https://billing.example.com --token-file shop_token --channel-url '${SLACK_URL}' --yes"""
_PREVIEW = """\
The message is about an order that is made up, in the words that the route and the channel have.
  order-monitor preview fraud --channel finance_mail --html /tmp/fraud.html"""
_PROBE = """\
For a system that has no type of its own: fetches one page, guesses which field is what and how the list is paged,
shows the orders as they would be read (on the standard error), and prints a source of type rest to go on from.
  order-monitor probe 'https://shop.example.com/api/orders?per_page=100' --secret-file shop_token > shop.yaml"""
_CHECK = """\
Every fault at once, as file:line:column: path: what is wrong, what is expected. Exit code 2 if there is one.
  order-monitor check --connect
shows what each source answers (orders by status, one of them as read, how soon changes are noticed, requests a day),
which statuses no route reaches, and whether each channel's host answers. Nothing is sent. Exit code 1 if one fails."""
_TEST = """\
One message to each of its URLs, through the same way as every alert. Exit code 1 if one was not taken.
  order-monitor test ops_slack"""
_LOCK = """\
Asks twice on a terminal, unseen, or reads one line; prints the hash of the password, which `web.password` wants.
  order-monitor password > config/web_password"""
_ORDERS = """\
As the last polls saw them. Works beside the running daemon, like all that lists.
  order-monitor orders --status fraud
  order-monitor orders --json | grep ORD-0088"""
_EVENTS = """\
Kinds: appeared, status_changed, changed, invoice_changed, service_changed, vanished, reappeared; source_down,
source_up, source_doubtful; drill.
  order-monitor events --source shop --order ORD-0088"""
_SCHEMA = """\
order-monitor schema > monitor.schema.json, then at the top of the configuration, for editors that know YAML schemas:
  # yaml-language-server: $schema=monitor.schema.json"""
_DELIVERIES = """\
A dead letter is a message that another attempt could not help, or that was tried for a whole day.
  order-monitor deliveries --state dead
  order-monitor deliveries retry 17 18"""
_ACCEPT = """\
When a complete list lacks many known orders, that is reported and nothing is announced as vanished, since lists are
more often broken than emptied. If they are truly gone, this says so: the next look announces them."""
_FOLLOW = """\
Besides those that the configuration names under `orders`. Takes effect at the next poll, beside a running daemon too.
What such an order is like then is its baseline: only later changes are announced.
  order-monitor follow hosting 32019 32044
  order-monitor follow hosting"""
_UNFOLLOW = """\
Only what `follow` added: an id that the configuration names is removed there. The order's events stay.
  order-monitor unfollow hosting 32019"""
_REPORT = """\
Versions, the configuration without secrets, hosts and labels, the health of the sources, counts, recent errors:
nothing of any order. Works without a state, and with a configuration that is refused.
  order-monitor report > report.md"""
