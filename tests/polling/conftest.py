"""What the tests of polling share: a state, a shop, and the one watched with the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from polling_shop import Shop, SmallPages
from polling_stage import (
    Watch,
    new_state,
)

from monitor.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore.open(new_state(tmp_path))
    yield made
    await made.aclose()


@pytest.fixture
def shop() -> Shop:
    """Twelve pending orders, newest first, six a page."""
    made = Shop()
    made.place(12)
    made.faults.set(SmallPages(most=6))
    return made


@pytest.fixture
async def watch(shop: Shop, store: SqliteStore) -> Watch:
    """The shop, watched, with its baseline."""
    made = Watch(shop, store)
    assert await made.poll() == []
    return made
