"""Apprise's plugins for Slack, Teams, Discord and mail, which here send more than a title and a body.

Each holds the ``message`` that is being sent: an Endpoint has a plugin to itself, and sends one message at a time.
Imports Apprise: to be imported by ``library`` only, on first use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.email.base import NotifyEmail, PGPMode
from apprise.plugins.email.smtp import AppriseSMTPController
from apprise.plugins.slack import NotifySlack
from apprise.plugins.workflows import NotifyWorkflows

from monitor.alerting.formats import slack, teams
from monitor.model import Message
from monitor.notifier.mails import Address, Envelope, compose, headers

_LONGEST = 200_000
_KEPT_FOR_SLACK = ("channel", "username", "thread_ts")


class Slack(NotifySlack):  # type: ignore[no-untyped-call]  # Apprise's hook for subclasses has no types
    """Block Kit beside the text of notifications, by webhook and by bot token."""

    message: Message | None = None

    def _send(self, url: str, payload: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self.message is not None and "attachments" in payload and not self.template:
            kept = {key: payload[key] for key in _KEPT_FOR_SLACK if key in payload}
            payload = slack.payload(self.message) | kept
        return super()._send(url, payload, *args, **kwargs)  # type: ignore[no-untyped-call]  # Apprise's own


class Teams(NotifyWorkflows):  # type: ignore[no-untyped-call]  # Apprise's hook for subclasses has no types
    """An Adaptive Card of our own, whole: it needs no parts."""

    message: Message | None = None
    body_maxlen = _LONGEST

    def gen_payload(self, *args: Any, **kwargs: Any) -> Any:
        if self.message is None or self.template:
            return super().gen_payload(*args, **kwargs)  # type: ignore[no-untyped-call]  # Apprise's own
        return teams.payload(self.message)


class Discord(NotifyDiscord):  # type: ignore[no-untyped-call]  # Apprise's hook for subclasses has no types
    """Markdown that may mention only whom the URL's own ``ping=`` names."""

    message: Message | None = None

    def _send(self, payload: dict[str, Any], *args: Any, **kwargs: Any) -> bool:
        allowed = payload.pop("allow_mentions", {"parse": []})
        return bool(super()._send(payload | {"allowed_mentions": allowed}, *args, **kwargs))


class Mail(NotifyEmail):  # type: ignore[no-untyped-call]  # Apprise's hook for subclasses has no types
    """Plain text and HTML beside each other, with headers for programs."""

    message: Message | None = None

    def send(self, *args: Any, **kwargs: Any) -> bool:
        """Sends to each recipient; raises what smtplib and sockets raise.

        What is to be signed or encrypted stays plain text: Apprise knows how.
        """
        if self.message is None or not self.targets or self.pgp_mode != PGPMode.NONE:
            return bool(super().send(*args, **kwargs))  # type: ignore[no-untyped-call]  # Apprise's own
        self.throttle()  # type: ignore[no-untyped-call]  # Apprise's own
        return _send_mail(self, self.message)

    def _protocol_headers(self, body: str) -> dict[str, str]:
        """What Apprise adds to what it signs or encrypts; a Message-ID it makes itself."""
        ours = headers(self.message, str(self.from_addr[1])) if self.message else {}
        return {name: value for name, value in ours.items() if name != "Message-ID"}


def _send_mail(plugin: Any, message: Message) -> bool:
    with AppriseSMTPController(
        host=plugin.smtp_host,
        port=plugin.port,
        secure_mode=plugin.secure_mode,
        user=plugin.user,
        password=plugin.password,
        verify_certificate=plugin.verify_certificate,
        socket_connect_timeout=plugin.socket_connect_timeout,
    ) as connection:
        # A list: one that is refused must not keep the others from theirs.
        return False not in [_post(connection, plugin, message, to) for to in plugin.targets]


def _post(connection: Any, plugin: Any, message: Message, to: tuple[Any, str]) -> bool:
    copies, hidden = plugin.cc - plugin.bcc - {to[1]}, plugin.bcc - {to[1]}
    envelope = Envelope(
        sender=_named(plugin.from_addr),
        to=_named(to),
        cc=[_named((plugin.names.get(copy), copy)) for copy in sorted(copies)],
        reply_to=[_named((plugin.names.get(reply), reply)) for reply in sorted(plugin.reply_to)],
        headers=plugin.headers,
    )
    mail = compose(message, envelope).as_bytes()
    return bool(connection.sendmail(plugin.from_addr[1], [to[1], *copies, *hidden], mail))


def _named(address: Any) -> Address:
    """Apprise says False where there is no name."""
    name, spec = address
    return str(name or ""), str(spec)


PLUGINS: Mapping[str, type[Slack | Teams | Discord | Mail]] = {
    "discord": Discord,
    "mailto": Mail,
    "mailtos": Mail,
    "slack": Slack,
    "workflow": Teams,
    "workflows": Teams,
}
"""By scheme."""
