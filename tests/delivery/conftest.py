from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from outbox import Outbox

from monitor.store.schema import ensure_schema
from monitor.store.sqlite import SqliteStore


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state that is migrated once for all of these tests."""
    path = tmp_path_factory.mktemp("state") / "empty.db"
    ensure_schema(path)
    return path


@pytest.fixture
async def outbox(tmp_path: Path, empty_state: Path) -> AsyncIterator[Outbox]:
    """An outbox whose loop has not been started yet."""
    state = tmp_path / "state.db"
    shutil.copy(empty_state, state)
    made = Outbox(SqliteStore.open(state))
    yield made
    await made.close()
