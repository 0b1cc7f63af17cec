"""States that are moved from a file to PostgreSQL, and what stands in either."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from typed import Keyboard, Typed

LISTS = (("orders",), ("events",), ("deliveries",), ("silence", "list"), ("explain", "shop", "1"))


def ask(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(sql).fetchall()


def ask_postgres(url: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


async def move(keyboard: Keyboard, file: Path, target: str, *more: str) -> Typed:
    return await asyncio.to_thread(keyboard.type, "migrate-state", str(file), target, *more, config=False)


def go_on_with(keyboard: Keyboard, target: str) -> None:
    keyboard.file.write_text(f'state: "{target}"\n{keyboard.file.read_text()}')


async def listed(keyboard: Keyboard) -> list[str]:
    return [(await keyboard.beside(*command, "--json")).out for command in LISTS]
