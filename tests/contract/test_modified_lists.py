"""Systems that are asked for what was modified, in lists of several pages: what is gone, and what goes back."""

from __future__ import annotations

from datetime import timedelta

import contract_pretix
import contract_woocommerce
import pytest
import yaml
from contract_base import CREDENTIAL, Contract
from contract_stage import CUSTOMER, Told, Trial
from multidict import CIMultiDict, MultiDict
from stage_clock import START

from monitor.model import Details, EventKind
from monitor.simulator.dialect import Call
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import answer
from monitor.simulator.world import World
from monitor.sources.base import Answer, DetailSource
from monitor.sources.registry import ADAPTERS

LISTS = (contract_pretix.ORGANIZER_WIDE, contract_pretix.OLD, contract_woocommerce.WOOCOMMERCE)
DAY = timedelta(days=1)


@pytest.fixture(params=LISTS, ids=lambda contract: contract.name)
def contract(request: pytest.FixtureRequest) -> Contract:
    chosen: Contract = request.param
    return chosen


async def test_a_change_costs_one_request_wherever_the_order_stands(trial: Trial) -> None:
    first, second = list(trial.contract.statuses)[:2]
    await trial.start(trial.contract.over_two_pages)
    await trial.poll(2)
    trial.world.set_status(trial.contract.page_size + 3, second)
    result = await trial.poll()
    changed = trial.id(trial.contract.page_size + 3)
    assert await trial.told() == [Told(EventKind.STATUS_CHANGED, changed, first, second)]
    assert result.requests == 1
    assert result.refusal == ""


async def test_an_order_that_goes_back_is_believed_on_a_second_look(trial: Trial) -> None:
    first, second = list(trial.contract.statuses)[:2]
    await trial.start(trial.contract.over_two_pages)
    await trial.poll(2)
    order = trial.contract.over_two_pages - 2
    for status in (second, first):
        trial.world.set_status(order, status)
        await trial.poll()
    assert [event[2:] for event in await trial.told()] == [(first, second), (second, first)]
    assert (await trial.poll()).snapshot.error is None


async def test_an_order_that_is_gone_from_a_long_list_is_announced_by_the_next_sweep(trial: Trial) -> None:
    await trial.start(trial.contract.over_two_pages)
    await trial.poll(2)
    gone = trial.id(trial.contract.page_size + 3)
    trial.world.delete(trial.contract.page_size + 3)
    await trial.poll(2)
    assert await trial.told() == []
    await trial.poll(after=DAY)
    await trial.poll()
    assert [event[:2] for event in await trial.told()] == [(EventKind.VANISHED, gone)]


async def test_new_orders_are_seen_at_the_next_poll(trial: Trial) -> None:
    await trial.start(trial.contract.over_two_pages)
    await trial.poll(2)
    trial.place(3)
    await trial.poll()
    newest = [trial.id(trial.contract.over_two_pages + number) for number in (1, 2, 3)]
    assert sorted(event[:2] for event in await trial.told()) == [(EventKind.APPEARED, id_) for id_ in sorted(newest)]


def test_the_details_of_an_order_name_who_pays_how(contract: Contract) -> None:
    world = World(now=lambda: START)
    order = world.place(payment="Stripe", customer=CUSTOMER)
    details = _details(contract, world)
    assert details.order.id == contract.order_id(order)
    assert details.payment == "Stripe"
    assert details.customer is not None
    assert (details.customer.name, details.customer.company) == (CUSTOMER.name, CUSTOMER.company)
    assert details.customer.address == CUSTOMER.address


def _details(contract: Contract, world: World) -> Details:
    """Of the only order, as the adapter reads what the system answers to its request."""
    text = contract.source.replace("{credential}", CREDENTIAL).replace("{url}", "https://example.com")
    entry = ADAPTERS[(written := yaml.safe_load(text))["type"]]
    adapter = entry.make(entry.settings.model_validate(written))
    assert isinstance(adapter, DetailSource)
    request = adapter.order_request(contract.order_id(world.order(1)))
    call = Call(f"/{request.path.lstrip('/')}", MultiDict(request.params), CIMultiDict(request.headers), START)
    reply = answer(DIALECTS[contract.dialect](CREDENTIAL, "newest"), call, world)
    assert reply.status == 200
    return adapter.decode_details(Answer("https://example.com", 200, {}, reply.body, 0.0, 1.0))
