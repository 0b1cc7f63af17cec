"""Order data as plain text: in no service may it mention people, hide a link or end a header."""

from __future__ import annotations

import re

_BREAK = "\u200b"
"""A zero-width space: people do not see it, and no service reads markup across it."""

_DATA_SCHEMES = frozenset({"form", "forms", "json", "jsons", "mailto", "mailtos", "xml", "xmls"})
"""Machines read these, or Apprise escapes them whole: their text stays exact."""

_MARKDOWN_SCHEMES = frozenset({"discord", "fluxer", "fluxers", "guilded", "mmost", "mmosts"})
"""Services that read Markdown in what Apprise sends them as plain text, and honour backslashes."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TRIGGERS = re.compile(
    r"<(?=[^\s\d=])"  # <!channel>, <@U1>, <b>, </a>, <https://…|words>; Apprise lets some HTML through to Telegram
    r"|(?<!\w)@(?=[\w&!*])"  # @everyone, @user, <@&role>, @**all**; not the @ of an address
    r"|@(?=everyone|here\b)"  # Discord looks for these inside words too
    r"|(?<=\])(?=\()"  # [words](https://…)
)
_ADDRESS = re.compile(r"(https?://[^\s<>\[\]()*~`|\\]+)")
_MARKDOWN = re.compile(r"([\\*_~`|\[\]])|^([ \t]*)(?=#|>|-#)", re.MULTILINE)


def one_line(text: str) -> str:
    """A title: no line break or control character stays that could start a header or a second line."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def harmless(text: str, scheme: str) -> str:
    """The text as this scheme may carry it: it reads the same and does nothing."""
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if scheme in _DATA_SCHEMES:
        return text
    text = _TRIGGERS.sub(lambda found: found[0] + _BREAK, text)
    return _escape_markdown(text) if scheme in _MARKDOWN_SCHEMES else text


def _escape_markdown(text: str) -> str:
    """Backslashes before all that Markdown reads, except inside an address, which they would break."""
    parts = _ADDRESS.split(text)
    parts[::2] = [_MARKDOWN.sub(_escaped, part) for part in parts[::2]]
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[1]}" if found[1] else f"{found[2]}\\"
