"""What tests of pages are made of: all of them, in states that are made up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

from monitor.store.base import Store, Transaction
from monitor.store.listings import (
    DeliveryPage,
    EventPage,
    OrderPage,
)

P = TypeVar("P", OrderPage, EventPage, DeliveryPage)
SOURCES = ("shop", "hosting", "zoo")

# A store for all examples: each is a transaction that is undone.
often = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class _Enough(Exception):
    pass


def undone(store: Store, work: Callable[[Transaction], None]) -> None:
    """Do the work, of which nothing stays."""

    def run(tx: Transaction) -> None:
        work(tx)
        raise _Enough

    with suppress(_Enough):
        asyncio.run(store.transact(run))


def walked(page: Callable[[Any], P], most: int = 1000) -> list[P]:
    """All pages, by their ``next``."""
    pages = [page(None)]
    while (after := pages[-1].next) is not None:
        assert len(pages) < most, "there is no end"
        pages.append(page(after))
    return pages
