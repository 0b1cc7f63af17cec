"""What each service is given to send: its own markup where we know it, and plain text everywhere else.

Slack, Teams and mail get more than Apprise takes: ``plugins`` puts it beside, or in place of, what stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from monitor.alerting.formats import markdown, plain
from monitor.model import Message
from monitor.notifier.harmless import harmless, one_line


class Content(NamedTuple):
    """Title and body as Apprise takes them; ``form`` is its name for how the body is written."""

    title: str
    body: str
    form: Literal["text", "html"] = "text"


def content(message: Message, scheme: str) -> Content:
    """What a service of this scheme is given."""
    write = _OWN.get(scheme)
    return write(message) if write else _plain(message, scheme)


def _plain(message: Message, scheme: str) -> Content:
    title = harmless(one_line(message.title), scheme)
    return Content(title, harmless(plain.body(message), scheme) or title)


def _mail(message: Message) -> Content:
    return Content(one_line(message.subject or message.title), harmless(plain.write(message), "mailto"))


def _discord(message: Message) -> Content:
    return Content("", markdown.discord(message))


def _telegram(message: Message) -> Content:
    return Content("", markdown.telegram(message), "html")


def _matrix(message: Message) -> Content:
    return Content("", markdown.matrix(message), "html")


_OWN: Mapping[str, Callable[[Message], Content]] = {
    "discord": _discord,
    "mailto": _mail,
    "mailtos": _mail,
    "matrix": _matrix,
    "matrixs": _matrix,
    "tgram": _telegram,
}
"""By Apprise's scheme; a new one is a function and a line here."""
