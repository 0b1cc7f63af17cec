"""FOSSBilling counts an order for each entry of its metadata, and shows it as often; since 0.8.5 once on a page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import contract_fossbilling
import msgspec
import pytest
from contract_base import Contract
from contract_stage import Trial

from monitor.diff import Coverage
from monitor.model import EventKind
from monitor.simulator.dialect import Asked, Listing
from monitor.simulator.fossbilling import Fossbilling
from monitor.simulator.registry import DIALECTS
from monitor.simulator.truth import TrueOrder
from monitor.simulator.world import World


class Before085(Fossbilling):
    """Each seventh order has two entries of metadata."""

    def ids(self, world: World, asked: Asked) -> Sequence[int]:
        return [id_ for id_ in super().ids(world, asked) for _ in (1, 2)[: 1 if id_ % 7 else 2]]

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        return {**super()._row(order), "meta": [] if order.id % 7 else {"domain": "example.com", "years": "1"}}


class Since085(Before085):
    def listing(self, world: World, asked: Asked) -> Listing:
        shown = super().listing(world, asked)
        return msgspec.structs.replace(shown, rows=list({order.id: order for order in shown.rows}.values()))


@pytest.fixture(params=[Before085, Since085])
def contract(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Contract:
    monkeypatch.setitem(DIALECTS, "fossbilling", request.param)
    return contract_fossbilling.FOSSBILLING


@pytest.mark.parametrize("orders", [30, 250])
async def test_all_orders_are_seen_whatever_the_totals_count(trial: Trial, orders: int) -> None:
    await trial.start(orders)
    await trial.poll()
    assert (await trial.poll()).snapshot.coverage is Coverage.COMPLETE
    assert len(await trial.known()) == orders
    trial.world.delete(5)
    trial.world.set_status(6, "active")
    trial.place()
    await trial.poll(2, after=timedelta(days=1))
    kinds = {event.kind for event in await trial.told()}
    assert kinds == {EventKind.VANISHED, EventKind.STATUS_CHANGED, EventKind.APPEARED}
