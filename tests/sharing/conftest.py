from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fleet import Fleet


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """Daemons in this process that share one PostgreSQL database."""
    async with Fleet.opened() as made:
        yield made
