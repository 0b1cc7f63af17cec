from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from daemons import TOKEN, Inbox, serving, world_of

from monitor.simulator.server import Simulator


@pytest.fixture
async def shop() -> AsyncIterator[Simulator]:
    async with Simulator(world_of(30), token=TOKEN) as simulator:
        yield simulator


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with serving() as made:
        yield made
