"""Microsoft Teams: an Adaptive Card, a text block for each line, so that no line break can be read as markup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from monitor.alerting.formats.escape import no_markup, one_line
from monitor.alerting.formats.markdown import TEAMS, headline, row, text_lines
from monitor.alerting.formats.plain import more_rows
from monitor.model import Message, Severity

MOST_IN_ALL = 20_000
"""Teams takes 28 KB a message, its envelope included."""
_CUT_SHORT = "… there is more, but Teams takes no longer message"
_COLOURS = {
    Severity.INFO: "Accent",
    Severity.SUCCESS: "Good",
    Severity.WARNING: "Warning",
    Severity.FAILURE: "Attention",
}


def payload(message: Message) -> dict[str, Any]:
    """What is posted to a workflow's webhook."""
    title = _block(headline(message, TEAMS), weight="Bolder", size="Medium", color=_COLOURS[message.severity])
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *_within_limits(_below(message)), *_small(message)],
        "msteams": {"width": "Full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "summary": no_markup(one_line(message.title)), "attachments": [attachment]}


def _below(message: Message) -> Iterator[dict[str, Any]]:
    yield from _paragraph(text_lines(message, TEAMS))
    if message.story:
        yield _facts([(moment.when, moment.what) for moment in message.story])
    if message.table:
        yield from _paragraph(row(one, TEAMS) for one in message.table.rows)
        yield from _paragraph(more_rows(message.table))


def _facts(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    facts = [{"title": TEAMS.literal(name), "value": TEAMS.literal(value)} for name, value in pairs]
    return {"type": "FactSet", "facts": facts, "spacing": "Medium"}


def _paragraph(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(filter(None, lines)):
        yield _block(line, spacing="None" if number else "Medium")


def _small(message: Message) -> list[dict[str, Any]]:
    lines = map(TEAMS.literal, message.small)
    return [_block(line, spacing="Small", size="Small", isSubtle=True) for line in lines]


def _within_limits(blocks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    size = 0
    for block in blocks:
        size += len(json.dumps(block))
        if size > MOST_IN_ALL:
            yield _block(_CUT_SHORT)
            return
        yield block


def _block(text: str, **look: Any) -> dict[str, Any]:
    return {"type": "TextBlock", "text": text, "wrap": True, **look}
