"""What the parts of the house are made of, out of the settings in force. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

from monitor.alerting.render import Renderer
from monitor.alerting.routes import DEFAULT_ROUTE, Router
from monitor.alerting.words import Words
from monitor.config.settings import Settings, SourceSettings
from monitor.model import Destination, Meanings
from monitor.redact import Redactor, url_keys
from monitor.sources.base import Source
from monitor.sources.registry import ADAPTERS
from monitor.web.settings import WebSettings
from monitor.web.signatures import Verifier, header_for
from monitor.web.site import Shown, Site


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


def words_of(settings: Settings) -> Words:
    """The spelling of this configuration."""
    return Words(settings.time_zone, settings.locale, _meanings(settings))


def site_of(settings: Settings, web: WebSettings, router: Router, secrets: frozenset[str]) -> Site:
    """What the server shows of this configuration. ``secrets``: those of earlier ones, too."""
    hosts = {name: origin.partition("://")[2] for name, origin in _origins(settings).items()}
    return Site(
        settings=web,
        sources={name: _shown(name, source, hosts[name]) for name, source in settings.sources.items()},
        channels=tuple(settings.channels),
        routes=tuple(route.name for route in settings.routes) or (DEFAULT_ROUTE,),
        homes=tuple(urls_of(settings)),
        words=words_of(settings),
        router=router,
        redactor=Redactor(secrets),
    )


def _shown(name: str, source: SourceSettings, host: str) -> Shown:
    return Shown(
        name=name,
        type=source.type,
        host=host,
        every=source.every,
        down_after=source.down_after,
        labels=source.labels,
        meanings=source.meanings,
        order_url=source.order_url,
        hook=_verifier(source),
    )


def _verifier(source: SourceSettings) -> Verifier | None:
    hook = source.hook
    return Verifier(hook.secret.get_secret_value(), hook.header or header_for(source.type)) if hook else None


def limits_of(settings: Settings) -> list[tuple[str, int | None]]:
    """The url of every source, and how often its host may be asked."""
    return [(source.url, source.max_requests_per_minute) for source in settings.sources.values()]


def intervals_of(settings: Settings) -> dict[str, timedelta]:
    """How often each source is polled."""
    return {name: source.every for name, source in settings.sources.items()}


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
