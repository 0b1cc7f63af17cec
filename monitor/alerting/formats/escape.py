"""Order data as plain text: in no service may it mention people, hide a link or end a header."""

from __future__ import annotations

import re
from collections.abc import Callable

from monitor.model import Message

BREAK = "\u200b"
"""A zero-width space: people do not see it, and no service reads markup across it."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MARKUP = re.compile(
    r"<(?=[^\s\d=])"  # <!channel>, <@U1>, <b>, </a>, <https://…|words>; Apprise lets some HTML through to Telegram
    r"|(?<!\w)@(?=[\w&!*])"  # @everyone, @user, <@&role>, @**all**; not the @ of an address
    r"|@(?=everyone|here\b|room\b)"  # Discord and Matrix look for these inside words too
    r"|(?<=\])(?=\()"  # [words](https://…)
)
_ADDRESS = re.compile(r"(https?://[^\s<>\[\]()*~`|\\]+)")
_MARKDOWN = re.compile(
    r"([\\*_~`|\[\]])"
    r"|^([ \t]*\d*)(?=#|>|-|\+[ \t]|(?<=\d)[.)][ \t])",  # headings, quotes and lists, at the beginning of a line
    re.MULTILINE,
)


def one_line(text: str) -> str:
    """A title: no line break or control character stays that could start a header or a second line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def printable(text: str) -> str:
    """The text without control characters, its line breaks as ``\\n``."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def no_markup(text: str) -> str:
    """The text, which reads the same, calls nobody, hides no link and has no tags."""
    return _MARKUP.sub(lambda found: found[0] + BREAK, printable(text))


def outside_addresses(text: str, change: Callable[[str], str]) -> str:
    """The text with all changed but the web addresses in it, which a change would break."""
    parts = _ADDRESS.split(text)
    parts[::2] = [change(part) for part in parts[::2]]
    return "".join(parts)


def escape_markdown(text: str) -> str:
    """Backslashes before all that Markdown reads."""
    return outside_addresses(text, lambda part: _MARKDOWN.sub(_escaped, part))


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else f"{found[2]}\\"


def split_at_label(title: str, message: Message) -> tuple[str, str, str]:
    """The title before what is to be a link, that, and what follows; all of it before, where nothing is."""
    if not message.link or not message.label:
        return title, "", ""
    label = re.escape(message.label)
    # A part of its own, if it is one: a service's name before it may hold the same characters.
    found = re.search(rf"(?<=[:·] ){label}(?= ·|$)", title) or re.search(label, title)
    return (title[: found.start()], found[0], title[found.end() :]) if found else (title, "", "")


def link_below(title: str, message: Message) -> str | None:
    """The link, where a title in somebody's own words does not name the order that it leads to."""
    return message.link if message.label not in title else None
