"""WooCommerce's lists leave out the trash: an order in it is gone, and may come back."""

from __future__ import annotations

from datetime import timedelta

import contract_woocommerce
import pytest
from contract_base import Contract
from contract_stage import Trial

from monitor.model import EventKind


@pytest.fixture
def contract() -> Contract:
    return contract_woocommerce.WOOCOMMERCE


@pytest.mark.parametrize("orders", [8, 205])
async def test_an_order_in_the_trash_is_gone_until_it_is_restored(trial: Trial, orders: int) -> None:
    await trial.start(orders)
    await trial.poll(2)
    trial.world.set_status(5, "trash")
    await trial.poll(after=timedelta(days=1))
    await trial.poll(2)
    trial.world.set_status(5, "pending")
    await trial.poll()
    assert [event.kind for event in await trial.told()] == [EventKind.VANISHED, EventKind.REAPPEARED]
