"""What `simulate` says stands in a configuration that reads it, does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitor.checks import CHECKS
from monitor.cli.connect import look
from monitor.cli.findings import SourceFound
from monitor.cli.simulated import source_of
from monitor.clock import SystemClock
from monitor.config import load
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

EXAMPLES = Path(__file__).parents[2] / "config"
TOKEN = "made-up-token-4711"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_source_that_is_named_reads_the_simulator(dialect: str, tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"
    async with Simulator(World.seeded(1, orders=3), dialect, token=TOKEN) as simulator:
        said = source_of(dialect, simulator.url, TOKEN)
        if said.startswith("{"):
            file.write_text(f"sources:\n  shop: {said}\nchannels: {{ops: {{url: 'json://localhost'}}}}\n")
        else:
            (name,) = re.findall(r"config/(\w+\.yaml)", said)
            text = (EXAMPLES / name).read_text()
            file.write_text(re.sub(r"    url: https://\S+", f"    url: {simulator.url}", text, count=1))
        names = re.findall(r"\$\{(\w+)\}", file.read_text())
        environ = dict.fromkeys(names, TOKEN) | {"OPS_URL": "json://localhost"}
        settings = load(file, environ, CHECKS)
        shop, *_ = await look(settings, SystemClock())
    assert isinstance(shop, SourceFound)
    assert (shop.problem, shop.warnings) == (None, [])
    assert shop.order is not None
