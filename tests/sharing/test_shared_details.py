"""What a source says of an order is in its message, whichever daemon sends that."""

from __future__ import annotations

from typing import Any

import pytest
from fleet import TOKEN, Fleet

from monitor.config.settings import Settings
from monitor.simulator.server import Simulator

WITHOUT = "Without details"


def enriched(fleet: Fleet, hosting: Simulator) -> Settings:
    sources: dict[str, Any] = {
        "shop": {"type": "opterius", "url": fleet.shop.url, "token": TOKEN, "detail": "hosting"},
        "hosting": {"type": "hostup", "url": hosting.url, "api_key": TOKEN},
    }
    channels = {"ops": {"url": "json://alerts.example.com"}}
    settings: Settings = Settings.model_validate({"state": fleet.url, "sources": sources, "channels": channels})
    return settings


@pytest.mark.parametrize("answers", [True, False])
async def test_details_that_another_daemon_fetched_are_fetched_again(fleet: Fleet, answers: bool) -> None:
    async with Simulator(fleet.shop.world, "hostup", token=TOKEN) as hosting:
        daemons = await fleet.several(2, enriched(fleet, hosting))
        polls = next(one for one in daemons if "shop" in one.held)
        sends = next(one for one in daemons if one is not polls)
        await polls.poll("shop")
        fleet.change(1)
        await polls.poll("shop")
        await polls.app.enrichment.done()
        if not answers:
            await hosting.stop()
        await sends.app.deliveries.drain()
        [copy] = fleet.sent
        assert (WITHOUT in copy.body) is not answers, copy.body
