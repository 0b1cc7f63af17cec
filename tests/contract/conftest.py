"""A trial of each source, one after the other."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from contract_base import Contract
from contract_stage import Trial
from contracts import CONTRACTS


@pytest.fixture(params=CONTRACTS, ids=lambda contract: contract.name)
def contract(request: pytest.FixtureRequest) -> Contract:
    return request.param


@pytest.fixture
async def trial(contract: Contract, tmp_path: Path, logs_put_back: None) -> AsyncIterator[Trial]:
    """Not started: each test says with how many orders."""
    made = Trial(contract, tmp_path)
    yield made
    await made.aclose()
