from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hearts import Ward


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    """A state, a clock, and an address that counts who asks for it."""
    async with Ward.opened(tmp_path) as made:
        yield made
