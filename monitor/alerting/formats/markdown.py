"""The markup of Discord, Telegram, Matrix and Teams: each its own dialect of the same few things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import NamedTuple

from monitor.alerting.formats.escape import (
    escape_markdown,
    link_below,
    no_markup,
    one_line,
    split_at_label,
)
from monitor.alerting.formats.plain import STORY, first_cell, more_rows
from monitor.model import Message, Row


class Dialect(NamedTuple):
    """How a service spells text that does nothing, bold and small text, a link, and the end of a line."""

    literal: Callable[[str], str]
    bold: Callable[[str], str]
    small: Callable[[str], str]
    link: Callable[[str, str], str]
    line_end: str = "\n"


def _escaped_markdown(text: str) -> str:
    return escape_markdown(no_markup(text))


def _escaped_html(text: str) -> str:
    # Matrix gets plain text beside it, in which Apprise undoes the escapes.
    return escape(no_markup(text))


def _stars(markup: str) -> str:
    return f"**{markup}**"


def _html_bold(markup: str) -> str:
    return f"<b>{markup}</b>"


def _html_italic(markup: str) -> str:
    return f"<i>{markup}</i>"


def _html_link(label: str, address: str) -> str:
    return f'<a href="{escape(address)}">{label}</a>'


def markdown_link(label: str, address: str) -> str:
    """A link of CommonMark's."""
    return f"[{label}]({address.replace('(', '%28').replace(')', '%29')})"


DISCORD = Dialect(
    _escaped_markdown,
    _stars,
    "-# {}".format,
    # Between <> Discord shows no preview of the page.
    lambda label, address: f"[{label}](<{address.replace('<', '%3C').replace('>', '%3E')}>)",
)
TELEGRAM = MATRIX = Dialect(_escaped_html, _html_bold, _html_italic, _html_link, "<br/>")
TEAMS = Dialect(_escaped_markdown, _stars, str, markdown_link)


def discord(message: Message) -> str:
    """Discord's Markdown, title and all."""
    return write(message, DISCORD)


def telegram(message: Message) -> str:
    """HTML with the few tags that Telegram knows."""
    return write(message, TELEGRAM)


def matrix(message: Message) -> str:
    """HTML as Matrix clients show it."""
    return write(message, MATRIX)


def write(message: Message, dialect: Dialect) -> str:
    """The whole message in this dialect."""
    return dialect.line_end.join(_lines(message, dialect))


def headline(message: Message, dialect: Dialect) -> str:
    """The title, its label a link where there is one to follow."""
    before, label, after = split_at_label(one_line(message.title), message)
    linked = dialect.link(dialect.literal(label), message.link) if message.link and label else ""
    return f"{dialect.literal(before)}{linked}{dialect.literal(after)}"


def text_lines(message: Message, dialect: Dialect) -> Iterator[str]:
    """What stands below the title, before what has a form of its own."""
    text = message.body if message.text is None else message.text
    yield from map(dialect.literal, text.splitlines())
    if address := link_below(one_line(message.title), message):
        yield dialect.link(dialect.literal(message.label), address)
    yield from map(dialect.literal, message.customer)


def row(table_row: Row, dialect: Dialect) -> str:
    """A row of a table as one line."""
    label, rest = first_cell(table_row)
    literal = dialect.literal(label)
    linked = dialect.link(literal, table_row.link) if table_row.link else literal
    return f"{linked} · {dialect.literal(rest)}"


def _lines(message: Message, dialect: Dialect) -> Iterator[str]:
    yield dialect.bold(headline(message, dialect))
    yield from text_lines(message, dialect)
    if message.story:
        yield dialect.bold(STORY)
        yield from (dialect.literal(str(moment)) for moment in message.story)
    if message.table:
        yield from (row(one, dialect) for one in message.table.rows)
        yield from more_rows(message.table)
    yield from (dialect.small(dialect.literal(line)) for line in message.small)
