"""Plain text: what is stored, what a terminal shows, and what every service takes."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.model import Message, Moment, Row, Table

STORY = "So far:"


def body(message: Message) -> str:
    """What stands below the title: the stored body, and the customer's lines where the channel may have them."""
    if not message.customer:
        return message.body
    small = "\n".join(message.small)
    kept = message.body.removesuffix(small).rstrip("\n") if small else message.body
    return "\n".join(filter(None, (kept, *message.customer, small)))


def write(message: Message) -> str:
    """Title and body."""
    return f"{message.title}\n{body(message)}".strip()


def below(
    text: str,
    *,
    story: Iterable[Moment] = (),
    table: Table | None = None,
    link: str | None = None,
    small: Iterable[str] = (),
) -> str:
    """A message's body of its parts."""
    told = [str(moment) for moment in story]
    lines = (text, *([STORY, *told] if told else ()), *table_lines(table), link or "", *small)
    return "\n".join(filter(None, lines))


def table_lines(table: Table | None) -> list[str]:
    """A line for each row; the headings go without saying."""
    return [] if table is None else [*map(str, table.rows), *more_rows(table)]


def more_rows(table: Table) -> list[str]:
    """That there are more, if there are."""
    return [f"… and {table.more} more"] if table.more else []


def first_cell(row: Row) -> tuple[str, str]:
    """A row as the order's label, and the rest of its line."""
    label, *rest = row.cells
    return label, " · ".join(filter(None, rest))
