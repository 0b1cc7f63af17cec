"""What the parts of the house are made of, out of the settings in force. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from monitor.alerting.render import Renderer
from monitor.alerting.routes import Router
from monitor.config.settings import Settings, SourceSettings
from monitor.model import Destination, Meanings
from monitor.redact import url_keys
from monitor.sources.base import Source
from monitor.sources.registry import ADAPTERS


def router_of(settings: Settings) -> Router:
    """The routes of this configuration."""
    channels, labels, meanings = url_keys(_spelled_out(settings)), _labels(settings), _meanings(settings)
    return Router(
        settings.routes,
        channels,
        labels,
        settings.health_channels,
        meanings,
        time_zone=settings.time_zone,
        origins=_origins(settings),
        lives={name: source.usual_life for name, source in settings.sources.items()},
        drill=settings.drill.channels if settings.drill else (),
    )


def renderer_of(settings: Settings) -> Renderer:
    """The words of this configuration."""
    urls = {name: source.order_url for name, source in settings.sources.items() if source.order_url}
    labels, meanings = _labels(settings), _meanings(settings)
    hosts = {name: origin.partition("://")[2] for name, origin in _origins(settings).items()}
    return Renderer(
        settings.routes,
        settings.time_zone,
        settings.locale,
        labels,
        settings.channels,
        urls,
        meanings=meanings,
        hosts=hosts,
    )


def limits_of(settings: Settings) -> list[tuple[str, int | None]]:
    """The url of every source, and how often its host may be asked."""
    return [(source.url, source.max_requests_per_minute) for source in settings.sources.values()]


def fallbacks_of(settings: Settings) -> dict[str, str]:
    """By channel, the one that gets what could not be sent there."""
    return {name: channel.fallback for name, channel in settings.channels.items() if channel.fallback}


def urls_of(settings: Settings) -> dict[Destination, str]:
    """Every URL of every channel."""
    channels = _spelled_out(settings)
    keys = url_keys(channels)
    return {
        Destination(name, number, keys[name][number - 1]): url
        for name, urls in channels.items()
        for number, url in enumerate(urls, 1)
    }


def _spelled_out(settings: Settings) -> dict[str, list[str]]:
    return {name: [url.get_secret_value() for url in channel.urls] for name, channel in settings.channels.items()}


def adapters_of(sources: Mapping[str, SourceSettings]) -> dict[str, Source]:
    """The adapter of each source."""
    return {name: ADAPTERS[source.type].make(source) for name, source in sources.items()}


def _origins(settings: Settings) -> dict[str, str]:
    """By source, scheme, host and port of its address: what is the same for two of them is one machine to us."""
    parts = {name: urlsplit(source.url) for name, source in settings.sources.items()}
    return {name: f"{url.scheme}://{url.netloc}" for name, url in parts.items()}


def _labels(settings: Settings) -> dict[str, dict[str, str]]:
    return {name: source.labels for name, source in settings.sources.items()}


def _meanings(settings: Settings) -> dict[str, Meanings]:
    return {name: source.meanings for name, source in settings.sources.items()}
