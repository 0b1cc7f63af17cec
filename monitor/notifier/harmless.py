"""Plain text for the services that have no format of their own here: order data reads the same and does nothing."""

from __future__ import annotations

from monitor.alerting.formats.escape import escape_markdown, no_markup, one_line, printable

__all__ = ["harmless", "one_line"]

_DATA_SCHEMES = frozenset({"form", "forms", "json", "jsons", "mailto", "mailtos", "xml", "xmls"})
"""Machines read these, or they have no markup: their text stays exact."""

_MARKDOWN_SCHEMES = frozenset({"fluxer", "fluxers", "guilded", "mmost", "mmosts"})
"""Services that read Markdown in what Apprise sends them as plain text, and honour backslashes."""


def harmless(text: str, scheme: str) -> str:
    """The text as this scheme may carry it."""
    if scheme in _DATA_SCHEMES:
        return printable(text)
    plain = no_markup(text)
    return escape_markdown(plain) if scheme in _MARKDOWN_SCHEMES else plain
