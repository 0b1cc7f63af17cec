"""`check --connect` foretells of every source what its strategy will be and cost: the contract says what it is."""

from __future__ import annotations

import msgspec
import pytest
import yaml
from contract_base import CREDENTIAL, Contract
from contracts import CONTRACTS

from monitor.cli.connect import look
from monitor.cli.connect_view import as_json, show
from monitor.cli.findings import SourceFound
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.simulator.server import Simulator
from monitor.simulator.world import World


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
async def test_check_connect_foretells_the_bound_and_the_requests(
    contract: Contract, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World.seeded(1, contract.orders)
    async with Simulator(world, contract.dialect, token=CREDENTIAL) as shop:
        settings = _settings(contract, shop.url, [contract.order_id(world.order(id_)) for id_ in world.ids()])
        (found,) = await look(settings, SystemClock())
    assert isinstance(found, SourceFound)
    show(settings, [found])
    shown = capsys.readouterr().out.replace("\u00a0", " ")
    assert found.problem is None
    assert f"noticed     {contract.notices}" in shown
    assert found.requests == contract.quiet_requests
    (row,) = as_json(settings, [found])
    assert row["requests_a_day"] >= row["polls_a_day"] * contract.quiet_requests


def _settings(contract: Contract, url: str, ids: list[str]) -> Settings:
    source = contract.source
    for name, value in (("url", url), ("credential", CREDENTIAL), ("orders", msgspec.json.encode(ids).decode())):
        source = source.replace(f"{{{name}}}", value)
    return Settings.model_validate({"sources": {contract.name: yaml.safe_load(source)}})
