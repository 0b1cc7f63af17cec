"""What can be wrong with a configuration besides its form: URLs that no plugin understands, templates that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from monitor.alerting.render import check_channel_templates, check_templates
from monitor.alerting.voices import Worded
from monitor.config import Settings
from monitor.errors import ChannelError
from monitor.sources.base import DetailSource
from monitor.sources.registry import ADAPTERS

Path = tuple[str | int, ...]
Check = Callable[[Settings], Iterable[tuple[Path, str]]]


def check_channels(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Each URL that Apprise cannot use, and why."""
    from monitor.notifier import check_url  # noqa: PLC0415  # Apprise takes half a second to load

    for name, channel in settings.channels.items():
        for url in channel.urls:
            try:
                check_url(url.get_secret_value())
            except ChannelError as error:
                yield ("channels", name, "url" if channel.mail is None else "mail"), str(error)


def check_routes(settings: Settings) -> Iterable[tuple[Path, str]]:
    """Each template that does not compile or render."""
    # To try them the default ones are compiled, too: 50 ms that a start without templates need not pay for.
    return check_templates(settings.routes) if _has_own(settings.routes) else ()


def check_styles(settings: Settings) -> Iterable[tuple[Path, str]]:
    """The same of the channels' templates."""
    own = _has_own(settings.channels.values())
    return check_channel_templates(settings.channels, settings.routes) if own else ()


def _has_own(owners: Iterable[Worded]) -> bool:
    return any(owner.title is not None or owner.body is not None for owner in owners)


def check_details(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Each source that is named for its details and cannot show a single order."""
    for name, source in settings.sources.items():
        named = settings.sources.get(source.detail or "") if source.detail != name else None
        if named and not isinstance(ADAPTERS[named.type].make(named), DetailSource):
            yield (
                ("sources", name, "detail"),
                f"{source.detail} is of type {named.type}, which shows no single orders, expected a source that does",
            )


def several_recipients(settings: Settings) -> Iterator[str]:
    """A warning for each URL that names several recipients: it fails or succeeds as a whole."""
    from monitor.notifier import recipients  # noqa: PLC0415  # Apprise takes half a second to load

    for name, channel in settings.channels.items():
        for number, url in enumerate(channel.urls, 1):
            count = recipients(url.get_secret_value())
            if count > 1:
                which = f"channels.{name}" + (f", URL {number}" if len(channel.urls) > 1 else "")
                yield (
                    f"{which}: one URL names {count} recipients, and is sent again to all of them if one fails: "
                    "give each a URL of its own (url may be a list)"
                )


CHECKS: Sequence[Check] = (check_channels, check_routes, check_styles, check_details)
