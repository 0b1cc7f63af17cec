"""The way to Apprise, imported on first use: it costs a fifth of a second of CPU, and twice as much with all plugins.

What holds for every URL: Redirects are not followed, because Apprise would send tokens and bodies on to wherever they
lead (``?redirect=yes`` in a URL allows it). How a message is written follows from the service, whatever a URL's
``format`` says: with another one Apprise would give order data a meaning. What is too long for a service is sent in
parts rather than refused. Retries are our delivery loop's: ``retry`` and ``wait`` are ignored. Custom plugins stay out:
Apprise never awaits an ``async def`` under ``@notify`` and reports success.
"""

from __future__ import annotations

import difflib
import functools
import logging
import math
import re
import threading
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.errors import ChannelError
from monitor.model import Message, Outcome
from monitor.notifier.address import Address, address_of
from monitor.notifier.answers import from_error, verdict
from monitor.notifier.contents import content
from monitor.notifier.recording import LogListener, listen_to_responses, note, recording
from monitor.redact import Redactor, secrets_of

if TYPE_CHECKING:
    from apprise import NotifyBase

_SCHEME = re.compile(r"\s*([a-z0-9]+)://", re.IGNORECASE)
_TEST_CLIENT = re.compile(r"^(https://)(?:canary|ptb)\.(?=discord\.com/)", re.IGNORECASE)
_WEB = frozenset({"http", "https"})
_ANSWER_SECONDS = "20"
"""How long an endpoint may be silent. Apprise's 4 s would call a slow endpoint failed that has taken the message."""
_NOISY = ("urllib3", "requests", "requests_oauthlib", "oauthlib", "charset_normalizer", "MARKDOWN", "paho", "slixmpp")
_loading = threading.RLock()


def warm_up() -> None:
    """Loads Apprise. Blocks: call it in a thread, before the first message."""
    _apprise()


def silence_libraries() -> None:
    """Keeps the loggers of Apprise, requests and what they use out of our logs, at every level.

    At DEBUG they print webhook URLs, tokens and bodies. So theirs do not propagate, whatever level or handler the root
    logger gets, and speak at no level; Apprise's is heard by a filter that lets nothing through. Done at first use;
    harmless to repeat.
    """
    apprise = logging.getLogger("apprise")
    apprise.propagate = False
    apprise.setLevel(logging.DEBUG)  # some plugins mention an error at DEBUG only, and the listener wants it
    if not any(isinstance(listener, LogListener) for listener in apprise.filters):
        apprise.addFilter(LogListener())
    for name in _NOISY:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.CRITICAL + 1)


def check_url(url: str) -> None:
    """ChannelError if Apprise cannot use the URL, saying what is wrong with it without quoting it. Contacts nobody."""
    _create(url)


def kind(url: str) -> str:
    """The Apprise scheme, for display: ``slack`` for a pasted webhook of Slack's too. "?" if it is no URL."""
    found = _SCHEME.match(url)
    scheme = found[1].lower() if found else "?"
    results = _parse(url) if scheme in _WEB else None
    return str(results["schema"]) if results else scheme


def recipients(url: str) -> int:
    """How many recipients the URL names; ChannelError if it cannot be used."""
    plugin = _create(url)
    named = getattr(plugin, "targets", ())
    copies = sum(len(getattr(plugin, name, ())) for name in ("cc", "bcc"))
    return max(_requests(plugin), len(named) if isinstance(named, list | set | tuple) else 0) + copies


class Endpoint:
    """One URL, opened. Sends in the caller's thread, one message at a time: its pace is kept per object, unlocked."""

    def __init__(self, url: str) -> None:
        """ChannelError if Apprise cannot use the URL."""
        self._plugin = _create(url)
        self._scheme = kind(url)
        self._redactor = Redactor(secrets_of(url))

    @property
    def address(self) -> Address | None:
        """The host that messages go to; None where that is not known."""
        return address_of(self._scheme, self._plugin)

    @property
    def pace(self) -> float:
        """Seconds that the service wants between two requests."""
        return max(0.0, float(self._plugin.request_rate_per_sec))

    def pauses(self, message: Message) -> float:
        """Seconds that the plugin itself will wait between the requests that this message takes, at most."""
        title, body, _ = content(message, self._scheme)
        size = len(title) + len(body)
        parts = math.ceil(size / self._plugin.body_maxlen) if self._plugin.body_maxlen > 0 else 1
        return self.pace * (max(1, parts) * _requests(self._plugin) - 1)

    def send(self, message: Message) -> Outcome:
        """Sends and waits for the end of it, however long; raises nothing."""
        with recording() as evidence:
            outcome = verdict(evidence, accepted=self._accepted(message))
        return msgspec.structs.replace(outcome, reason=self._redactor.clean(outcome.reason))

    def _accepted(self, message: Message) -> bool:
        # Not Apprise.notify(): it hands the plugin to a pool of a few threads that all URLs share.
        try:
            return self._notify(message)
        except Exception as error:  # noqa: BLE001  # 180 plugins may raise anything; it becomes an Outcome
            note(from_error(error))
            return False

    def _notify(self, message: Message) -> bool:
        apprise = _apprise()
        title, body, form = content(message, self._scheme)
        if type(self._plugin) in _plugins().values():
            self._plugin.message = message  # type: ignore[attr-defined]  # ours have it
        return bool(
            self._plugin.notify(
                title=title,
                body=body,
                notify_type=apprise.NotifyType(message.severity.value),
                body_format=apprise.NotifyFormat(form),
            )
        )


def _create(url: str) -> NotifyBase:
    results = _read(url)
    results.pop("format", None)
    results.setdefault("overflow", "split")
    results.setdefault("rto", _ANSWER_SECONDS)
    return _instantiate(results, Redactor(secrets_of(url)))


def _instantiate(results: dict[str, Any], redactor: Redactor) -> NotifyBase:
    scheme = results["schema"]
    service = _plugins().get(scheme) or _service(scheme)
    if service is None:
        raise ChannelError(f"{scheme}:// cannot be used on this system")
    try:
        plugin: NotifyBase = service(**results, tag=set(), asset=_asset())
    except Exception as error:  # noqa: BLE001  # whatever a plugin's constructor raises, the URL cannot be used
        said = redactor.clean(" ".join(str(error).split())) or type(error).__name__
        raise ChannelError(f"{scheme}:// cannot be used: {said}") from None
    return plugin


def _read(url: str) -> dict[str, Any]:
    found = _SCHEME.match(url)
    if not found:
        raise ChannelError("is no URL: expected one such as slack://…, mailtos://… or https://hooks.slack.com/…")
    scheme = found[1].lower()
    if scheme not in _WEB:
        _check_scheme(scheme)
    results = _parse(url)
    if results is None:
        raise ChannelError(_unreadable(scheme))
    _check_enabled(results["schema"])
    return results


def _parse(url: str) -> dict[str, Any] | None:
    # Discord's test clients give out webhooks of their own hosts, which Apprise does not know for Discord's.
    known = _TEST_CLIENT.sub(r"\1", url.strip())
    with _loading:
        results: dict[str, Any] | None = _services().parse(known)
    return results


def _check_scheme(scheme: str) -> None:
    if _service(scheme):
        return
    known = _services().manager().schemas()
    near = difflib.get_close_matches(scheme, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}://?" if near else "see https://appriseit.com/services/ for those it has"
    raise ChannelError(f"Apprise has no service {scheme}://: {hint}")


def _check_enabled(scheme: str) -> None:
    plugin = _service(scheme)
    if plugin is None or plugin.enabled:
        return
    packages = plugin.requirements.get("packages_required") or []
    names = [packages] if isinstance(packages, str) else packages
    needs = f"install {', '.join(names)}" if names else "this system cannot do it"
    raise ChannelError(f"{scheme}:// is not available: {needs}")


def _unreadable(scheme: str) -> str:
    if scheme in _WEB:
        plain = "jsons" if scheme == "https" else "json"
        return f"is a web address of no service that Apprise knows: for a webhook that takes JSON write {plain}://…"
    shapes = [template.replace("{schema}", scheme) for template in getattr(_service(scheme), "templates", ())[:3]]
    return f"{scheme}:// cannot be read: expected {' or '.join(shapes)}"


def _requests(plugin: NotifyBase) -> int:
    """Requests for one message: Apprise's length counts its own retries, which we do not use."""
    return max(1, len(plugin) // (plugin.retry + 1))


def _plugins() -> Mapping[str, Any]:
    """Our own plugins by scheme."""
    _apprise()
    from monitor.notifier.plugins import PLUGINS  # noqa: PLC0415  # it imports Apprise

    return PLUGINS


def _service(scheme: str) -> type[NotifyBase] | None:
    """Apprise's plugin for this scheme; None if it has none."""
    with _loading:
        service: type[NotifyBase] | None = _services().service(scheme)
    return service


def _services() -> ModuleType:
    _apprise()
    from monitor.notifier import services  # noqa: PLC0415  # it imports Apprise

    return services


@functools.cache
def _asset() -> Any:
    return _apprise().AppriseAsset(
        app_id="Order Monitor",
        app_desc="Order Monitor",
        http_redirects=False,
        interpret_emojis=False,
        pem_autogen=False,
        pgp_autogen=False,
    )


def _apprise() -> ModuleType:
    with _loading:
        return _loaded()


@functools.cache
def _loaded() -> ModuleType:
    silence_libraries()
    # What a library has yet to modernise is no news for our users: Apprise imports a module that Python 3.13 drops.
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"apprise\.")
    import apprise  # noqa: PLC0415  # on first use: see the top of this file
    import requests  # noqa: PLC0415  # comes with Apprise

    listen_to_responses(requests.Session)
    return apprise
