"""Each line of a poll or a delivery, whoever writes it, says which one it is of."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from argparse import Namespace
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
import structlog.contextvars
from daemons import TOKEN, configure, daemon, serving, stop, world_of

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.cli import watch
from monitor.clock import SystemClock
from monitor.config import Settings, load
from monitor.delivery.verdicts import Verdict
from monitor.logs import configure_logs
from monitor.model import Delivery, Destination, Message, Outcome
from monitor.notifier.service import _in_thread
from monitor.observers import Observer
from monitor.polling.commit import Committed
from monitor.polling.poller import PollResult
from monitor.redact import Redactor
from monitor.simulator.faults import ExpiredToken
from monitor.simulator.server import Simulator
from monitor.simulator.truth import TrueItem

_POLL_ID = re.compile(r"[0-9a-f]{8}")
OF_POLLS = {"poll", "poll_baseline", "poll_failed", "source_watched", "source_read_whole", "where_failed"}
OF_DELIVERIES = {"delivery_sent", "delivery_retried", "delivery_dead", "template_failed"}


@pytest.fixture(autouse=True)
def _logs_as_before(logs_put_back: None) -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class Wordy:
    """A sender that logs while it sends, as libraries do, in its task and in a thread; it takes or refuses all."""

    def __init__(self) -> None:
        self.outcome = Outcome(delivered=True)

    async def send(self, destination: Destination, message: Message) -> Outcome:
        logging.getLogger("a.library").warning("asked for %s", message.ref)
        await asyncio.sleep(0.01)
        await _in_thread(lambda: logging.getLogger("a.library").warning("sent %s", message.ref))
        return self.outcome

    async def idle(self, destination: Destination) -> None:
        return


_TWO = """
sources:
  shop: {{type: opterius, url: "{shop}", token: {token}, every: 1h}}
  blog: {{type: opterius, url: "{blog}", token: {token}, every: 1h}}
channels:
  ops: {{url: "json://127.0.0.1:9/ops"}}
  mail: {{url: "json://127.0.0.1:9/mail"}}
routes:
  - {{name: all, when: {{event: [appeared, status_changed], where: "abs(order.number) > `0`"}}, channels: [ops, mail],
     body: "{{{{ 1 / (order.item_count - 1) }}}}"}}
"""


@asynccontextmanager
async def two_shops(folder: Path, sender: Wordy) -> AsyncIterator[tuple[App, Simulator, Simulator, io.StringIO]]:
    """An app on two shops; what it logs."""
    out = io.StringIO()
    async with Simulator(world_of(3), token=TOKEN) as shop, Simulator(world_of(3), token=TOKEN) as blog:
        (folder / "monitor.yaml").write_text(_TWO.format(shop=shop.url, blog=blog.url, token=TOKEN))
        settings = load(folder / "monitor.yaml", {}, CHECKS)
        configure_logs("debug", "json", redactor=Redactor(settings.secrets()), stream=out)
        async with open_app(settings, SystemClock(), sender) as app:
            await app.poll_all()
            yield app, shop, blog, out


async def test_each_line_of_a_daemons_poll_and_delivery_has_its_ids(tmp_path: Path) -> None:
    async with serving() as inbox, Simulator(world_of(3), token=TOKEN) as shop:
        more = "routes:\n  - {name: all, channels: [ops, gone], when: {event: [appeared, status_changed]}}\n"
        channels = {"ops": inbox.url(), "gone": "json://127.0.0.1:1/gone"}
        async with daemon(configure(tmp_path, shop.url, channels, more)) as process:
            await process.until("poll_baseline")
            shop.world.place()
            shop.world.set_status(1, "fraud")
            await process.until("delivery_sent", 2)
            await process.until("delivery_retried")
            await stop(process)
    concerned = [line for line in process.log if line["event"] in OF_POLLS]
    assert {"poll", "poll_baseline", "source_watched"} <= {line["event"] for line in concerned}
    assert all(line["source"] == "shop" and _POLL_ID.fullmatch(line["poll"]) for line in concerned)
    polls = [line["poll"] for line in concerned if line["event"] in ("poll", "poll_baseline")]
    assert len(set(polls)) == len(polls)
    others = {line["event"] for line in process.log if "poll" in line} - OF_POLLS
    assert not others, "what is no poll's has no poll"
    assert all("delivery" not in line for line in concerned)
    deliveries = [line for line in process.log if line["event"] in OF_DELIVERIES]
    assert all(line["source"] == "shop" and line["delivery"] and line["ref"] for line in deliveries)


async def test_each_line_of_a_poll_and_each_of_a_delivery_has_its_ids(tmp_path: Path) -> None:
    sender = Wordy()
    async with two_shops(tmp_path, sender) as (app, shop, blog, out):
        shop.world.place(items=[TrueItem("VPS 2 GB", price=100)])
        shop.world.set_status(1, "fraud")
        blog.world.place(items=[TrueItem("VPS 2 GB", price=100)])
        await app.poll_all()
        await app.deliveries.drain()
        sender.outcome = Outcome(delivered=False, reason="no", permanent=True)
        shop.world.set_status(2, "fraud")
        await app.poll_all()
        await app.deliveries.drain()
        sender.outcome = Outcome(delivered=False, reason="later")
        shop.world.set_status(3, "fraud")
        await app.poll_all()
        await app.deliveries.drain()
    logged = lines_of(out.getvalue())
    deliveries = [line for line in logged if line["event"] in OF_DELIVERIES or line.get("library") == "a.library"]
    assert {line["event"] for line in deliveries} >= OF_DELIVERIES
    for line in deliveries:
        assert line["source"] in ("shop", "blog")
        assert isinstance(line["delivery"], int)
        assert "poll" not in line
    for line in (line for line in deliveries if "library" in line):
        assert line["event"].endswith(line["ref"]), "its own, in its task and in its thread"
    by_ref = {(line["ref"], line["delivery"]) for line in deliveries}
    assert len({ref for ref, _ in by_ref}) == len(by_ref)
    polls = [line for line in logged if line["event"] in OF_POLLS]
    assert all(_POLL_ID.fullmatch(line["poll"]) and line["source"] in ("shop", "blog") for line in polls)


async def test_polls_at_one_time_do_not_mix(tmp_path: Path) -> None:
    async with two_shops(tmp_path, Wordy()) as (app, _, _, out):
        for _ in range(5):
            await app.poll_all()
    found: dict[str, set[str]] = {}
    for line in lines_of(out.getvalue()):
        if "poll" in line:
            found.setdefault(line["poll"], set()).add(line["source"])
    assert len(found) == 12
    assert all(len(sources) == 1 for sources in found.values())


async def test_a_poll_that_fails_says_which_one_it_was(tmp_path: Path) -> None:
    async with two_shops(tmp_path, Wordy()) as (app, shop, _, out):
        shop.faults.set(ExpiredToken())
        await app.poll_all()
    (failed,) = [line for line in lines_of(out.getvalue()) if line["event"] == "poll_failed"]
    assert failed["source"] == "shop"
    assert _POLL_ID.fullmatch(failed["poll"])


async def test_nothing_of_a_poll_or_a_delivery_is_left_when_it_has_ended(tmp_path: Path) -> None:
    async with two_shops(tmp_path, Wordy()) as (app, shop, _, out):
        shop.world.place()
        await app._poll("shop")
        await app.deliveries.drain()
        structlog.get_logger().info("afterwards")
        await app.keep_house()
        assert structlog.contextvars.get_contextvars() == {}
    (line,) = [line for line in lines_of(out.getvalue()) if line["event"] == "afterwards"]
    assert line.keys() == {"event", "level", "timestamp"}


class Faulty(Observer):
    """Raises at all that it is told; counts how often."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    def _raise(self, what: str) -> None:
        self.told[what] += 1
        raise ValueError(what)

    def page_read(self, source: str, read: int, of: int | None) -> None:
        self._raise("page")

    def committed(self, source: str, committed: Committed) -> None:
        self._raise("look")

    def polled(self, result: PollResult) -> None:
        self._raise("poll")

    def attempted(self, delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
        self._raise("attempt")


async def test_a_fault_of_who_only_looks_on_costs_neither_poll_nor_message(tmp_path: Path) -> None:
    async with two_shops(tmp_path, Wordy()) as (app, shop, _, out):
        faulty = Faulty()
        app.observers.insert(0, faulty)
        shop.world.set_status(1, "fraud")
        results = await app.poll_all()
        assert await app.deliveries.drain()
    assert [result and result.snapshot.error for result in results.values()] == [None, None]
    assert min(faulty.told[what] for what in ("page", "look", "poll", "attempt")) >= 2
    failed = [line for line in lines_of(out.getvalue()) if line["event"] == "observer_failed"]
    assert len(failed) == faulty.told.total()
    assert all("ValueError" in line["exception"] for line in failed)


async def test_nothing_that_a_reload_logs_holds_a_secret_of_the_new_configuration(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_shops(tmp_path, Wordy()) as (app, _, _, _):
        file = tmp_path / "monitor.yaml"
        file.write_text(file.read_text().replace(TOKEN, "another-token-of-the-tests"))
        reload = app.reload

        async def reload_and_log(settings: Settings) -> None:
            await reload(settings)
            structlog.get_logger("monitor").warning("amid", said="another-token-of-the-tests")

        monkeypatch.setattr(app, "reload", reload_and_log)
        await watch._reload(Namespace(config=str(file), dry_run=False), app)
    logged = capfd.readouterr().err
    assert "amid" in logged
    assert "reloaded" in logged
    assert "another-token" not in logged
