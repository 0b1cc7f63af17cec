"""Which of Apprise's plugins serves a URL, found without loading all 180 of them: they cost a third of a second.

Imports Apprise: to be imported by ``library`` only, on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from apprise import NotifyBase
from apprise.manager_plugins import NotificationManager

_MODULES = {
    "discord": ("discord",),
    "email": ("mailto", "mailtos"),
    "custom_json": ("json", "jsons"),
    "gotify": ("gotify", "gotifys"),
    "matrix": ("matrix", "matrixs"),
    "ntfy": ("ntfy", "ntfys"),
    "pushover": ("pover",),
    "slack": ("slack",),
    "telegram": ("tgram",),
    "workflows": ("workflow", "workflows"),
}
"""Where the plugins of the usual schemes stand; all others are found by loading all."""
_BY_SCHEME = {scheme: module for module, schemes in _MODULES.items() for scheme in schemes}
_BY_HOST = {
    "https://hooks.slack.com/": "slack",
    "https://discord.com/": "discord",
    "https://discordapp.com/": "discord",
}
"""Web addresses that their services give out, and people paste."""


def service(scheme: str) -> type[NotifyBase] | None:
    """The plugin of this scheme; None if there is none."""
    usual = _usual(scheme)
    if usual:
        return usual
    return next((plugin for plugin in manager().plugins() if scheme in _schemes(plugin)), None)  # type: ignore[no-untyped-call]  # Apprise's own


def parse(url: str) -> dict[str, Any] | None:
    """What the URL says, as its plugin takes it; None if it cannot be read."""
    plain = url.replace("/#", "/%23")  # as Apprise itself reads it
    usual = _usual(plain.partition("://")[0].strip().lower())
    results: dict[str, Any] | None
    if usual:
        results = usual.parse_url(plain)
        return results or None
    pasted = next((_usual(scheme) for start, scheme in _BY_HOST.items() if plain.lower().startswith(start)), None)
    results = pasted.parse_native_url(plain) if pasted else None
    if results:
        return results
    manager()
    from apprise import plugins  # noqa: PLC0415  # with the manager's plugins loaded, here where no other thread can

    results = plugins.url_to_dict(url)  # type: ignore[no-untyped-call]  # Apprise's own
    return results


def manager() -> NotificationManager:
    """Apprise's registry, a singleton, with all of its plugins."""
    registry = NotificationManager()  # type: ignore[no-untyped-call]  # Apprise's own
    registry.schemas()  # type: ignore[no-untyped-call]  # as above
    return registry


def _usual(scheme: str) -> type[NotifyBase] | None:
    module = _BY_SCHEME.get(scheme)
    if module is None:
        return None
    try:
        found = vars(import_module(f"apprise.plugins.{module}")).values()
    except ImportError:  # another version of Apprise has it elsewhere
        return None
    classes = [c for c in found if isinstance(c, type) and issubclass(c, NotifyBase)]
    return next((plugin for plugin in classes if scheme in _schemes(plugin)), None)


def _schemes(plugin: type[NotifyBase]) -> set[str]:
    # Asked of the class, as Apprise itself does.
    schemes: set[str] = plugin.schemas(plugin)  # type: ignore[arg-type, no-untyped-call]  # see above
    return schemes
