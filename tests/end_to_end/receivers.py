"""Where messages arrive in these tests: a JSON webhook, Slack's incoming webhook and a mail server, all of them real.

Each keeps what it accepted, says no as it is told (``answer``), and can go ``away`` and come ``back`` at its address.
"""

from __future__ import annotations

import asyncio
import html
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from connections import clean_up, close

from monitor.notifier import warm_up

SLACK_URL = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
SLACK_ADDRESS = "apprise.plugins.slack.NotifySlack.webhook_url"
"""What to point at a local server, so that a pasted webhook leads there."""


def take_away_pauses(patch: pytest.MonkeyPatch) -> None:
    """Apprise waits 1.2 s between two messages to Slack, and 5.5 s between two mails."""
    warm_up()
    patch.setattr("apprise.plugins.slack.NotifySlack.request_rate_per_sec", 0)
    patch.setattr("apprise.plugins.email.base.NotifyEmail.request_rate_per_sec", 0)


_ADDED = str.maketrans({"\u00a0": " ", "\u200b": None})


def texts_of(value: Any) -> Iterator[str]:
    """The texts of a Slack message's blocks, wherever they stand in it."""
    if isinstance(value, list):
        for part in value:
            yield from texts_of(part)
    elif isinstance(value, dict):
        text = value.get("text")
        yield from [text] if isinstance(text, str) else texts_of(list(value.values()))


class Received(NamedTuple):
    """One message as a person would read it, and ``raw``, as it came."""

    title: str
    body: str
    raw: Any

    @property
    def ref(self) -> str:
        """The reference that stands in it; empty if there is none."""
        return next(reversed(re.findall(r"\bref ([0-9A-Z]{4,})$", self.body, re.MULTILINE)), "")


class Receiver(ABC):
    """An endpoint for messages. ``received`` holds what was accepted.

    While ``gate`` is cleared, a webhook keeps its answers back.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.port = 0
        self.arrived = asyncio.Condition()
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    @abstractmethod
    def url(self) -> str:
        """The channel's URL."""

    @abstractmethod
    async def back(self) -> None:
        """Listen, at the port that it had."""

    @abstractmethod
    async def away(self) -> None:
        """Listen no more: connections are refused."""

    def answer(self, status: int, headers: Mapping[str, str] | None = None) -> None:
        """Answer so from now on; nothing is accepted unless the status says so."""
        self.status, self.headers = status, headers or {}

    async def wait_for(self, count: int, seconds: float = 30) -> None:
        """Until so many messages have been accepted."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.received) >= count)

    async def _took(self, message: Received) -> None:
        async with self.arrived:
            if self.status < 300:
                self.received.append(message)
            self.arrived.notify_all()


class JsonWebhook(Receiver):
    """Takes Apprise's JSON, as somebody's own system would."""

    def __init__(self, path: str = "/alerts") -> None:
        super().__init__()
        self.path = path
        self.requests: list[Mapping[str, str]] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}{self.path}"

    async def back(self) -> None:
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def away(self) -> None:
        runner, self._runner = self._runner, None
        if runner:
            await clean_up(runner)

    async def _handle(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.headers))
        await self._took(self._read(await request.json()))
        await self.gate.wait()
        return web.Response(status=self.status, headers=self.headers, text="ok")

    def _read(self, posted: dict[str, Any]) -> Received:
        return Received(posted["title"].translate(_ADDED), posted["message"].translate(_ADDED), posted)


class SlackServer(JsonWebhook):
    """Speaks Slack's incoming webhook; ``NotifySlack.webhook_url`` must point at ``services``."""

    @property
    def url(self) -> str:
        return SLACK_URL

    @property
    def services(self) -> str:
        """The address that stands in for hooks.slack.com."""
        return f"http://127.0.0.1:{self.port}/services"

    def _read(self, posted: dict[str, Any]) -> Received:
        body = "\n".join(texts_of(posted["attachments"]))
        title, body = (html.unescape(text).translate(_ADDED) for text in (posted["text"], body))
        return Received(title, body, posted)


class MailServer(Receiver):
    """A mail server; a ``status`` of 400 and above is its reply to DATA."""

    def __init__(self) -> None:
        super().__init__()
        self.logins: list[tuple[str, str]] = []
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=monitor@example.com&to=finance@example.com"

    async def back(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._speak, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def away(self) -> None:
        server, self._server = self._server, None
        if server:
            await close(server)

    def _speak(self) -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it thinks that passwords need TLS
            return SMTP(self, hostname="mail.example.com", authenticator=self._log_in, auth_require_tls=False)

    def _log_in(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        """Repeats the login when it refuses it, as some servers do."""
        login = data.login.decode(), data.password.decode()
        self.logins.append(login)
        refusal = f"535 {' '.join(login)} is not known"
        return AuthResult(success=self.status < 500, handled=False, message=refusal)

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        text = mail.get_body(("plain",))
        body = text.get_content().replace("\r\n", "\n") if text else ""
        # The first line stands in the text too, the subject is another spelling of it; below "-- " is the footer.
        title, _, below = body.partition("\n-- \n")[0].strip().translate(_ADDED).partition("\n")
        await self._took(Received(title, below, mail))
        return "250 OK" if self.status < 400 else f"{self.status} not now"
