"""A message as a mail: plain text and HTML beside each other, and the headers by which programs sort and thread."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid
from typing import NamedTuple

from monitor.alerting.formats import html, plain
from monitor.alerting.formats.escape import one_line, printable
from monitor.model import Message

Address = tuple[str, str]
"""A name, which may be empty, and an address."""

_NO_HOST = re.compile(r"[^a-z0-9.-]")


class Envelope(NamedTuple):
    """Who a mail is from and for, as the channel's URL says; ``headers`` are its owner's own."""

    sender: Address
    to: Address
    cc: Sequence[Address] = ()
    reply_to: Sequence[Address] = ()
    headers: Mapping[str, str] = {}


def compose(message: Message, envelope: Envelope) -> EmailMessage:
    """The mail, ready to be sent: ``as_bytes()``."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = one_line(message.subject or message.title)
    mail["From"] = formataddr(envelope.sender)
    mail["To"] = formataddr(envelope.to)
    if envelope.cc:
        mail["Cc"] = ", ".join(map(formataddr, envelope.cc))
    if envelope.reply_to:
        mail["Reply-To"] = ", ".join(map(formataddr, envelope.reply_to))
    mail["Date"] = format_datetime(datetime.now(UTC))
    for name, value in headers(message, envelope.sender[1]).items():
        mail[name] = value
    for name, value in envelope.headers.items():
        if name not in mail and not name.casefold().startswith(("content-", "mime-")):
            mail[name] = value
    # Quoted-printable: an old server may not take eight bits, and people can read it in a log.
    mail.set_content(text_part(message), cte="quoted-printable")
    mail.add_alternative(html.write(message), subtype="html", cte="quoted-printable")
    return mail


def headers(message: Message, sender: str) -> dict[str, str]:
    """What tells programs that nobody wrote this, which route it is of, and which order it is about.

    Every mail about an order answers the same one, which was never sent: that is what makes a thread of them. The
    second copy of a message has the first one's id, by which many mail systems know it.
    """
    host = _NO_HOST.sub("-", sender.rpartition("@")[2].casefold()) or "localhost"
    listed = f"{message.route}.order-monitor.{host}" if message.route else f"order-monitor.{host}"
    root = f"<{message.thread}@order-monitor.{host}>"
    thread = {"References": root, "In-Reply-To": root} if message.thread else {}
    return thread | {
        "Message-ID": f"<{message.id}@order-monitor.{host}>" if message.id else make_msgid(domain=host),
        "List-Id": f'"Order Monitor: {message.route or "test"}" <{listed}>',
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Application": "Order Monitor",
    }


def text_part(message: Message) -> str:
    """The plain text, with the footer below a signature's mark."""
    text = printable(plain.write(message))
    return f"{text}\n\n-- \n{message.footer}\n" if message.footer else f"{text}\n"
