"""Real local endpoints for the notifier's tests: a webhook and a mail server, both answering as they are told."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP
from connections import clean_up, close

from monitor.model import Message, Severity

MESSAGE = Message(title="ORD-0088: pending → fraud", body="22.00 USD\nRef k3v9", severity=Severity.WARNING, ref="k3v9")


class Webhook:
    """Keeps the JSON that is posted to it, whatever the path, and answers with ``status``, ``headers`` and ``text``."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.status = 200
        self.headers: Mapping[str, str] = {}
        self.text = "ok"
        self.received: list[Any] = []
        self.paths: list[str] = []
        self.arrived = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append(await request.json())
        self.paths.append(request.path)
        self.arrived.set()
        await self.open.wait()
        return web.Response(status=self.status, headers=self.headers, text=self.text)


@asynccontextmanager
async def webhook() -> AsyncIterator[Webhook]:
    """A webhook at ``address``; clear ``open`` to make it hang."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    hook = Webhook(0)
    app.router.add_route("*", "/{path:.*}", hook.handle)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.address = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield hook
    finally:
        hook.open.set()
        await clean_up(runner)


class Mailbox:
    """An SMTP handler that keeps what it accepts; ``refusals`` maps a command to the reply that refuses it."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str]] = []
        self.refusals: dict[str, str] = {}
        self.address = ""

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802  # aiosmtpd's name
        refusal = self.refusals.get(address) or self.refusals.get("RCPT")
        if refusal:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        if refusal := self.refusals.get("DATA"):
            return refusal
        self.mails.append((list(envelope.rcpt_tos), envelope.content.decode()))
        return "250 OK"


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[Mailbox]:
    """A mail server at ``address``."""
    mailbox = Mailbox()
    make = functools.partial(SMTP, mailbox, hostname="mail.example.com", **options)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    mailbox.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mailbox
    finally:
        await close(server)


def parse_mail(content: str) -> EmailMessage:
    """A mail as a mail program reads it."""
    mail = message_from_string(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not [defect for part in mail.walk() for defect in part.defects]
    return mail


def part(mail: EmailMessage, subtype: str) -> str:
    """The text of one of the mail's parts: plain or html."""
    body = mail.get_body((subtype,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
