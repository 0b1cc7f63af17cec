"""`check`, `test` and `schema`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Collection
from datetime import UTC, datetime

from monitor.cli.common import read_settings
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.model import Message, Severity


def check(options: argparse.Namespace) -> int:
    """Read the configuration as `run` would, and say what it means."""
    from monitor.checks import several_recipients

    if options.json and not options.connect:
        raise ConfigError([Problem("check --json", "", "goes with --connect")])
    settings = read_settings(options)
    for warning in several_recipients(settings):
        print(f"warning: {warning}", file=sys.stderr if options.json else sys.stdout)
    if options.show and not options.json:
        import yaml

        print(yaml.safe_dump(settings.redacted(), allow_unicode=True, sort_keys=False), end="")
    if not options.json:
        print(_summary(options, settings))
    if options.connect:
        from monitor.cli.connect import connect

        return connect(options, settings)
    return 0


def test(options: argparse.Namespace) -> int:
    """Send a test message to each URL of a channel."""
    settings = read_settings(options)
    if options.channel not in settings.channels:
        known = ", ".join(settings.channels)
        raise ConfigError(
            [Problem(options.config, f"channels.{options.channel}", f"no such channel: there are {known}")]
        )
    return asyncio.run(_test(settings, options.channel))


async def _test(settings: Settings, channel: str) -> int:
    from monitor.notifier import Notifier
    from monitor.parts import urls_of

    urls = {to: url for to, url in urls_of(settings).items() if to.channel == channel}
    notifier = Notifier(urls)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    failed = False
    for to in urls:
        text = f"This channel works. Sent {now} by `order-monitor test {channel}`; no order has changed."
        outcome = await notifier.send(to, Message(f"Test: {to}", text, Severity.INFO, "TEST"))
        print(f"{to}: " + ("sent; has it arrived?" if outcome.delivered else f"failed: {outcome.reason}"))
        failed |= not outcome.delivered
    await notifier.aclose(0)
    return int(failed)


def schema(_: argparse.Namespace) -> int:
    """Print the JSON schema."""
    from monitor.config.schema import json_schema

    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def _summary(options: argparse.Namespace, settings: Settings) -> str:
    routes = len(settings.routes) or "no"
    meaning = "" if settings.routes else " (every status_changed goes to every channel)"
    return (
        f"{options.config}: right. {_count(settings.sources, 'source')}, {_count(settings.channels, 'channel')}, "
        f"{routes} route{'' if routes == 1 else 's'}{meaning}; "
        f"state {settings.state_place}; times in {settings.time_zone}"
    )


def _count(names: Collection[str], word: str) -> str:
    return f"{len(names)} {word}{'' if len(names) == 1 else 's'} ({', '.join(names)})"
