"""`preview`: what a route's message will look like, before anybody gets it."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from monitor.alerting.formats import html, plain
from monitor.alerting.routes import DEFAULT_ROUTE, HEALTH_ROUTE
from monitor.cli.common import read_settings
from monitor.config import Settings
from monitor.errors import ConfigError, MonitorError, Problem
from monitor.model import Message
from monitor.parts import renderer_of


def preview(options: argparse.Namespace) -> int:
    """Print a route's message about something made up, and write the HTML of its mail."""
    settings = read_settings(options)
    channel = _channel(options, settings)
    message = renderer_of(settings).render_sample(options.route, channel)
    print(f"To {channel}, by route {options.route}, about an order that is made up:\n")
    if settings.channels[channel].mail:
        print(f"Subject: {message.subject}")
    print(f"{plain.write(message)}\n\n{message.footer}")
    if options.html:
        _write(Path(options.html), message)
        print(f"\n{options.html} is written: the mail, for a browser")
    return 0


def _channel(options: argparse.Namespace, settings: Settings) -> str:
    """The channel asked for, else the first that the route leads to."""
    routes = {route.name: list(route.channels) for route in settings.routes}
    routes[HEALTH_ROUTE] = list(settings.health_channels)
    if not settings.routes:
        routes[DEFAULT_ROUTE] = list(settings.channels)
    if options.route not in routes:
        raise ConfigError([Problem(options.config, f"routes.{options.route}", _there_are("route", routes))])
    channel = options.channel or routes[options.route][0]
    if channel not in settings.channels:
        raise ConfigError([Problem(options.config, f"channels.{channel}", _there_are("channel", settings.channels))])
    return str(channel)


def _there_are(what: str, names: Iterable[str]) -> str:
    return f"no such {what}: there are {', '.join(names)}"


def _write(path: Path, message: Message) -> None:
    try:
        path.write_text(html.write(message), encoding="utf-8")
    except OSError as error:
        raise MonitorError(f"{path} cannot be written: {error.strerror}") from None
