"""docs/privacy.md lists every stored field: each column of the schema, each field of the structs kept as JSON."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from monitor.alerting.routes import Planned, Routing, Silenced, Superseded
from monitor.alerting.silences import Matcher
from monitor.alerting.timing import Hold
from monitor.housekeeping import KEEP_BODIES
from monitor.model import (
    Destination,
    Doubt,
    Item,
    Known,
    Money,
    Order,
    OrderEvent,
    Outcome,
    Routine,
    RuleState,
    Service,
    SourceEvent,
    SourceState,
    Stuck,
    Untold,
)
from monitor.store.schema import ensure_schema
from monitor.store.silence_rows import Muting

TEXT = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
STRUCTS: dict[str, tuple[type[msgspec.Struct], ...]] = {
    "sources": (SourceState, Doubt, Routine, RuleState, Untold),
    "orders": (Known, Order, Money, Item, Service),
    "stuck": (),
    "stuck_rules": (),
    "followed": (),
    "events": (OrderEvent, Stuck, SourceEvent, Routing, Planned, Hold, Superseded, Silenced, Destination),
    "deliveries": (),
    "silences": (Muting, Matcher),
    "delivery_events": (),
    "route_events": (),
    "schedules": (),
    "leases": (),
    "ended_sessions": (),
    "attempts": (Outcome,),
    "alembic_version": (),
}
"""What the JSON columns of each table hold."""


def _columns(folder: Path) -> dict[str, set[str]]:
    """The tables that the migrations make, with their columns."""
    path = folder / "state.db"
    ensure_schema(path)
    database = sqlite3.connect(path)
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    tables = {name: {row[1] for row in database.execute(f"PRAGMA table_info({name})")} for name in names}
    database.close()
    return {name: columns for name, columns in tables.items() if not name.startswith("sqlite_")}


def _sections() -> Iterator[tuple[set[str], set[str]]]:
    """The tables that a heading names, and every word in code below it."""
    kept = TEXT.partition("## What is kept")[2].partition("\n## ")[0]
    for section in kept.split("\n### ")[1:]:
        heading, _, body = section.partition("\n")
        yield set(re.findall(r"`(\w+)`", heading)), set(re.findall(r"`(\w+)`", body))


def _listed(table: str) -> set[str]:
    return next((words for tables, words in _sections() if table in tables), set())


def test_each_stored_table_and_column_is_listed(tmp_path: Path) -> None:
    columns = _columns(tmp_path)
    assert columns.keys() == STRUCTS.keys(), "a table is missing in STRUCTS of this test"
    missing = {name: found - _listed(name) for name, found in columns.items() if found - _listed(name)}
    assert not missing, f"docs/privacy.md does not say what these columns hold: {missing}"


@pytest.mark.parametrize("table", STRUCTS)
def test_each_field_that_is_kept_as_json_is_listed(table: str) -> None:
    fields = {field.encode_name for struct in STRUCTS[table] for field in msgspec.structs.fields(struct)}
    assert fields - _listed(table) - _listed("orders") == set()


def test_each_struct_inside_a_kept_struct_is_looked_at() -> None:
    """A new one in a field would else be kept unseen."""
    for structs in STRUCTS.values():
        inside = {
            name
            for struct in structs
            for field in msgspec.structs.fields(struct)
            for name in re.findall(r"monitor\.[\w.]+\.(\w+)", str(field.type))
        }
        known = {struct.__name__ for kept in STRUCTS.values() for struct in kept} | {"EventKind", "Why"}
        assert inside <= known


def test_nothing_is_listed_that_is_not_kept(tmp_path: Path) -> None:
    columns = _columns(tmp_path)
    for tables, words in _sections():
        structs = [struct for table in tables for struct in STRUCTS.get(table, ())]
        fields = {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}
        kept = fields.union(*(columns[table] for table in tables if table in columns))
        assert not tables or words - kept - {"type", "accept", "doc"} == set()


def test_texts_are_kept_as_long_as_it_says() -> None:
    assert KEEP_BODIES.days == 7
    assert "| text of messages (`title`, `body`) | 7 days after" in TEXT
