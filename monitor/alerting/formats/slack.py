"""Slack: Block Kit, beside a top-level ``text`` that notifications show. The same for webhooks and bots.

The title stands in ``blocks``, the rest in an attachment, which is what has a colour. The limits are those that Slack
publishes, and one that it does not: it refuses a message whose blocks have more than some 13,000 characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

import msgspec

from monitor.alerting.formats.escape import (
    BREAK,
    link_below,
    no_markup,
    one_line,
    outside_addresses,
    split_at_label,
)
from monitor.alerting.formats.plain import STORY, more_rows
from monitor.model import Message, Row, Severity, Table

Block = dict[str, Any]

MOST_BLOCKS = 50
MOST_TEXT = 3_000
MOST_FIELDS = 10
MOST_FIELD_TEXT = 2_000
MOST_IN_ALL = 11_000
_MOST_IN_TABLE = 9_000

_COLOURS = {
    Severity.INFO: "#36c5f0",
    Severity.SUCCESS: "#2eb67d",
    Severity.WARNING: "#ecb22e",
    Severity.FAILURE: "#e01e5a",
}
_PIECE = 480
"""So many characters are never more than MOST_TEXT, whatever has to be escaped."""
_FORMATTING = re.compile(
    r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])"  # bold, italic, struck out, code: only at the edge of a word
    r"|^(?=>)",  # a quote
    re.MULTILINE,
)
_CUT_SHORT = "… there is more, but Slack takes no longer message"


def payload(message: Message) -> dict[str, Any]:
    """What is posted, but for the channel: ``text``, ``blocks`` and ``attachments``."""
    title = one_line(message.title)
    small = [_context("\n".join(message.small))] if message.small else []
    below = _within_limits(_below(message), MOST_BLOCKS - 2 - len(small)) + small
    colour = {"color": _COLOURS[message.severity], "fallback": literal(title), "blocks": below}
    return {
        "text": literal(title),
        "blocks": [_section(_headline(title, message))],
        "attachments": [colour] if below else [],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def literal(text: str) -> str:
    """The text as Slack's mrkdwn: it reads the same and does nothing."""
    return escape(outside_addresses(no_markup(text), _part), quote=False)


def _part(text: str) -> str:
    # Slack knows no backslash: what people do not see parts a mark from the word that it would change.
    return _FORMATTING.sub(lambda found: found[0] + BREAK, text)


def _headline(title: str, message: Message) -> str:
    before, label, after = split_at_label(title, message)
    linked = _link(label, message.link) if message.link and label else literal(label)
    markup = f"*{literal(before)}{linked}{literal(after)}*"
    return markup if len(markup) <= MOST_TEXT else f"*{literal(title)}*"


def _link(label: str, address: str) -> str:
    quoted = escape(address, quote=False).replace("|", "%7C").replace("&lt;", "%3C").replace("&gt;", "%3E")
    return f"<{quoted}|{literal(label)}>"


def _below(message: Message) -> Iterator[Block]:
    text = message.body if message.text is None else message.text
    yield from _sections(text.splitlines())
    if address := link_below(one_line(message.title), message):
        yield _section(_link(message.label, address))
    yield from _sections(message.customer)
    if message.story:
        yield from _sections([STORY, *map(str, message.story)])
    if message.table:
        yield from _table(message.table)


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    """The lines in as few sections as take them."""
    section = ""
    for piece in (piece for line in lines for piece in _pieces(line)):
        if len(section) + len(piece) >= MOST_TEXT:
            yield _section(section)
            section = ""
        section += f"\n{piece}" if section else piece
    if section.strip():
        yield _section(section)


def _pieces(line: str) -> list[str]:
    escaped = literal(line)
    if len(escaped) < MOST_TEXT:
        return [escaped]
    return [literal(line[start : start + _PIECE]) for start in range(0, len(line), _PIECE)]


def _table(table: Table) -> Iterator[Block]:
    """Two columns, which is what Slack's fields have room for, and as many rows as a message has."""
    heading = [f"*{literal(text)}*" for text in _columns(table.heading)]
    rows = list(_fitting(map(_fields, table.rows)))
    fields = [_mrkdwn(text) for row in [heading, *rows] for text in row]
    for start in range(0, len(fields), MOST_FIELDS):
        yield {"type": "section", "fields": fields[start : start + MOST_FIELDS]}
    rest = msgspec.structs.replace(table, more=table.more + len(table.rows) - len(rows))
    yield from map(_context, more_rows(rest))


def _fitting(rows: Iterable[list[str]]) -> Iterator[list[str]]:
    size = 0
    for row in rows:
        size += sum(len(json.dumps(_mrkdwn(text), ensure_ascii=False)) for text in row)
        if size > _MOST_IN_TABLE:
            return
        yield row


def _fields(row: Row) -> list[str]:
    label = row.cells[0]
    left, right = (literal(text) for text in _columns(row.cells))
    linked = _link(label, row.link) + left.removeprefix(literal(label)) if row.link else left
    return [linked if len(linked) <= MOST_FIELD_TEXT else left, right]


def _columns(cells: Sequence[str]) -> tuple[str, str]:
    return " · ".join(filter(None, cells[:2])), " · ".join(filter(None, cells[2:])) or "–"


def _within_limits(blocks: Iterable[Block], most: int) -> list[Block]:
    """As many of the blocks as Slack takes; one more says so if there were others."""
    kept: list[Block] = []
    size = 0
    for block in blocks:
        size += len(json.dumps(block, ensure_ascii=False))
        if size > MOST_IN_ALL or len(kept) >= most:
            return [*kept, _context(_CUT_SHORT)]
        kept.append(block)
    return kept


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(_pieces(text)[0])]}


def _mrkdwn(text: str) -> dict[str, Any]:
    # Verbatim: Slack makes no links and mentions of what only looks like them.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
