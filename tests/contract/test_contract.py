"""What every source is held to, through the true monitor: HTTP, poller, state and messages. See contract_base.py."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from urllib.parse import quote, quote_plus

import msgspec
from contract_base import CREDENTIAL, Contract
from contract_faults import NEARLY_A_LIST, NONSENSE, Instead, NoOrdersBetween, Overheard
from contract_stage import CUSTOMER, Told, Trial

from monitor.diff import Coverage
from monitor.errors import OurFault, Refused, SourceError
from monitor.model import EventKind
from monitor.polling.bound import bound_in_words
from monitor.polling.poller import PollResult
from monitor.simulator.faults import ExpiredToken, Failure, NoSuccess, Truncated

DAY = timedelta(days=1)


async def test_a_baseline_announces_nothing(trial: Trial) -> None:
    await trial.start(3)
    result = await trial.poll(2)
    assert result.snapshot.error is None
    assert set(await trial.known()) == {trial.id(order) for order in (1, 2, 3)}
    assert await trial.told() == []
    assert trial.inbox.messages == []


async def test_each_transition_is_announced_once(trial: Trial) -> None:
    """From → to as the source writes them; and a route for what the new status means to us finds it."""
    statuses = list(trial.contract.statuses)
    moves = list(pairwise([*statuses, statuses[0]]))
    await trial.start(len(moves))
    for order, (before, _) in enumerate(moves, 1):
        trial.world.set_status(order, before)
    await trial.poll(2)
    for order, (_, after) in enumerate(moves, 1):
        trial.world.set_status(order, after)
    await trial.poll(3)
    assert sorted(await trial.told()) == sorted(
        _moved(trial, order, before, after) for order, (before, after) in enumerate(moves, 1)
    )
    assert len(trial.inbox.messages) == len(moves)
    for before, after in moves:
        assert _telling(trial, before, after) == [trial.route_to(after)]


async def test_an_unknown_status_is_announced(trial: Trial) -> None:
    first = next(iter(trial.contract.statuses))
    await trial.start(3)
    await trial.poll()
    trial.world.set_status(2, "brand-new")
    await trial.poll(2)
    assert await trial.told() == [_moved(trial, 2, first, "brand-new")]
    assert _telling(trial, first, "brand-new") == ["rest"]
    assert len(trial.inbox.messages) == 1


async def test_a_new_order_is_announced_where_there_is_a_list(trial: Trial) -> None:
    first = next(iter(trial.contract.statuses))
    await trial.start(3)
    await trial.poll()
    trial.place()
    await trial.poll(2)
    assert await trial.told() == [Told(EventKind.APPEARED, trial.id(4), "", first)] * trial.contract.lists


async def test_invoices_and_services_are_watched_where_they_are_shown(trial: Trial) -> None:
    await trial.start(3)
    await trial.poll()
    trial.world.change(1, invoice_status="Paid")
    (service,) = trial.world.order(2).services
    trial.world.change(2, services=[msgspec.structs.replace(service, status="Active")])
    await trial.poll(2)
    invoice = [(EventKind.INVOICE_CHANGED, trial.id(1))] * trial.contract.shows_invoices
    assert [event[:2] for event in await trial.told()] == [
        *invoice,
        *[(EventKind.SERVICE_CHANGED, trial.id(2))] * trial.contract.shows_services,
    ]


async def test_an_order_that_is_gone_is_announced_where_that_can_be_proven(trial: Trial) -> None:
    await trial.start(8)
    await trial.poll()
    gone = trial.id(5)
    trial.world.delete(5)
    await trial.poll(2, after=DAY)
    await trial.poll(2)
    vanished = [(EventKind.VANISHED, gone)] * trial.contract.proves_deletions
    assert [event[:2] for event in await trial.told()] == vanished


async def test_all_pages_are_read_to_the_end(trial: Trial) -> None:
    count = trial.contract.over_two_pages
    await trial.start(count)
    result = await trial.poll()
    assert result.snapshot.reason == ""
    assert result.snapshot.coverage is Coverage.COMPLETE
    assert set(await trial.known()) == {trial.id(order) for order in range(1, count + 1)}
    assert trial.simulator.request_count >= trial.contract.requests_to_the_end


async def test_what_the_system_says_of_an_error_is_told(trial: Trial) -> None:
    await trial.start()
    await trial.poll()
    trial.simulator.faults.set(Failure(code=400, says="The moon is in the wrong house."))
    assert "The moon is in the wrong house." in _error(await trial.poll())
    trial.simulator.faults.clear()
    if trial.contract.fails_with_200:
        trial.simulator.faults.set(NoSuccess(says="The stars are misaligned."))
        assert "The stars are misaligned." in _error(await trial.poll())
        trial.simulator.faults.clear()
    assert (await trial.poll()).snapshot.error is None
    assert await trial.told() == []


async def test_a_refused_credential_is_told_as_one(trial: Trial) -> None:
    await trial.start()
    trial.simulator.faults.set(ExpiredToken())
    result = await trial.poll()
    assert isinstance(result.snapshot.error, Refused)
    assert trial.contract.says_unauthenticated in _error(result)
    assert await trial.known() == {}


async def test_a_system_that_is_asked_too_often_is_waited_for(trial: Trial) -> None:
    await trial.start()
    trial.simulator.faults.set(Failure(code=429, retry_after="7", times=1))
    result = await trial.poll()
    assert result.snapshot.error is None
    assert 7 <= result.seconds < 15
    assert len(await trial.known()) == 3


async def test_nonsense_contributes_nothing(trial: Trial) -> None:
    """As if it had never been: no event of an order, no bug of ours, and afterwards all is as it was."""
    await trial.start(8)
    await trial.poll()
    before = await trial.known()
    for fault in (*(Instead(reply=reply) for reply in (*NONSENSE, *NEARLY_A_LIST)), Truncated()):
        trial.simulator.faults.set(fault)
        result = await trial.poll()
        error = result.snapshot.error
        nearly = isinstance(fault, Instead) and fault.reply in NEARLY_A_LIST
        unsure = result.committed.doubt is not None or result.snapshot.coverage is Coverage.PARTIAL
        assert isinstance(error, SourceError) or (nearly and unsure), fault
        assert not isinstance(error, OurFault), (fault, error)
        trial.simulator.faults.clear()
    assert await trial.told() == []
    assert (await trial.poll()).snapshot.error is None
    assert await trial.told() == []
    assert {order_id: known.order for order_id, known in before.items()} == {
        order_id: known.order for order_id, known in (await trial.known()).items()
    }


async def test_orders_beside_nonsense_stand(trial: Trial) -> None:
    first, second = list(trial.contract.statuses)[:2]
    await trial.start(3)
    await trial.poll()
    trial.world.set_status(2, second)
    at = trial.contract.list_at
    trial.simulator.faults.set(
        Instead(reply=NONSENSE[-1], order=trial.world.order(1).id) if at is None else NoOrdersBetween(at=at)
    )
    result = await trial.poll(2)
    assert not isinstance(result.snapshot.error, OurFault)
    assert await trial.told() == [_moved(trial, 2, first, second)]


async def test_a_quiet_poll_reads_little(trial: Trial) -> None:
    await trial.start(trial.contract.orders, seeded=True)
    await trial.poll(2)
    result = await trial.poll()
    assert result.snapshot.error is None
    assert bound_in_words(result.bound, 0) == trial.contract.notices
    assert result.refusal == trial.contract.refusal
    assert result.requests <= trial.contract.quiet_requests
    assert await trial.told() == []


async def test_nothing_secret_is_kept_logged_or_sent(trial: Trial) -> None:
    """Also where an error repeats the credential, as some do."""
    sent = await _go_through_everything(trial)
    for canary in trial.contract.canaries:
        assert canary.encode() in sent, f"{canary} is never shown: that it is not kept proves nothing"
    assert trial.inbox.messages
    assert "poll_failed" in trial.logs.getvalue()
    told = await _all_that_is_told(trial)
    kept = trial.state().decode(errors="replace") + trial.logs.getvalue()
    secrets = [*_secrets(trial.contract), *trial.contract.canaries]
    assert [secret for secret in secrets if secret in told] == []
    assert [secret for secret in secrets if secret in kept] == []
    assert [private for private in msgspec.structs.astuple(CUSTOMER) if private in kept] == []


async def _go_through_everything(trial: Trial) -> bytes:
    """Changes, and errors that say too much; what the system has sent in good answers."""
    sent: list[bytes] = []
    await trial.start(3)
    trial.simulator.faults.set(Overheard(bodies=sent))
    await trial.poll()
    trial.world.set_status(1, list(trial.contract.statuses)[1])
    trial.world.change(2, invoice_status="Paid", total=5)
    await trial.poll(2)
    for fault in (ExpiredToken(), Failure(code=400, says=f"{CREDENTIAL} is not known"), NoSuccess(says=CREDENTIAL)):
        trial.simulator.faults.clear()
        trial.simulator.faults.set(fault)
        await trial.poll()
    trial.simulator.faults.clear()
    await trial.poll()
    return b"".join(sent)


async def _all_that_is_told(trial: Trial) -> str:
    """Messages and events."""
    stored = await trial.app.store.read(lambda tx: tx.events("shop"))
    return msgspec.json.encode([trial.inbox.messages, [entry.event for entry in stored]]).decode()


def _moved(trial: Trial, order: int, before: str, after: str) -> Told:
    return Told(EventKind.STATUS_CHANGED, trial.id(order), before, after)


def _telling(trial: Trial, before: str, after: str) -> list[str]:
    """The routes of the messages that tell of this change."""
    change = f"{_shown(trial, before)} → {_shown(trial, after)}"
    return [message.route for message in trial.inbox.messages if change in f"{message.title}\n{message.body}"]


def _shown(trial: Trial, status: str) -> str:
    """A status as messages write it: beside one that is only a letter stands its meaning."""
    meaning = trial.contract.statuses.get(status)
    return f"{status} ({meaning})" if meaning and len(status) == 1 else status


def _error(result: PollResult) -> str:
    assert isinstance(result.snapshot.error, SourceError)
    assert not isinstance(result.snapshot.error, OurFault)
    return str(result.snapshot.error)


def _secrets(contract: Contract) -> Iterator[str]:
    """The credentials in the forms in which they travel."""
    for secret in contract.credentials:
        yield from {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        for before in ("", "a", "ab"):  # wherever in a longer text it stands: without the ends that neighbours change
            yield base64.b64encode((before + secret).encode()).decode().rstrip("=")[2 + len(before) : -2]
