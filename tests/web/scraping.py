"""What a scrape says, and a daemon of which there is something to say."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from web_stage import WebStage, served

from monitor.alerting.silences import Matcher
from monitor.config.settings import Settings
from monitor.web.hints import Hint

ROOT = Path(__file__).parents[2]
RULES = ROOT / "config" / "prometheus-rules.yaml"
DASHBOARD = ROOT / "config" / "grafana-dashboard.json"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: on Debian, apt install prometheus"
)


class Scrape:
    """One answer of /metrics."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families: Mapping[str, Metric] = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]

    def value(self, name: str, **labels: str) -> float | None:
        """The sample of this name with just these labels, None if there is none."""
        full = f"order_monitor_{name}"
        return next((one.value for one in self.samples if (one.name, one.labels) == (full, labels)), None)

    def labels(self, label: str) -> set[str]:
        """All values of a label."""
        return {one.labels[label] for one in self.samples if label in one.labels}


async def scrape(stage: WebStage) -> Scrape:
    """What is there now."""
    async with stage.http.get(f"{stage.url}/metrics", headers={"Accept": "text/plain"}) as answer:
        assert answer.status == 200
        return Scrape(await answer.text())


async def scrape_with(stage: WebStage, name: str, **labels: str) -> Scrape:
    """The first scrape that has this sample: what is counted of the state may be a moment old."""
    async with asyncio.timeout(20):
        while (found := await scrape(stage)).value(name, **labels) is None:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
    return found


async def first_polls(stage: WebStage) -> None:
    """Wait until the daemon has polled by itself: from then on polls are only those that a test asks for."""
    await stage.until(lambda: counted(stage, "polls_total", source="shop", result="ok") > 0)


def counted(stage: WebStage, name: str, **labels: str) -> float:
    """A counter as it is now."""
    return stage.server.context.metrics.registry.get_sample_value(f"order_monitor_{name}", labels) or 0.0


def sent(stage: WebStage, route: str = "status") -> float:
    """How many messages of this route have arrived."""
    return counted(stage, "deliveries_total", channel="ops", route=route, result="sent")


def grown(before: Scrape, after: Scrape, name: str, **labels: str) -> float:
    """By how much a sample has."""
    return (after.value(name, **labels) or 0.0) - (before.value(name, **labels) or 0.0)


def with_source(settings: Settings, name: str = "shop", **update: Any) -> Settings:
    """These settings with a source changed."""
    changed = settings.sources[name].model_copy(update=update)
    return settings.model_copy(update={"sources": {**settings.sources, name: changed}})


@asynccontextmanager
async def lively(folder: Path) -> AsyncIterator[WebStage]:
    """A daemon of which every metric has something to say."""
    async with served(folder) as stage:
        await first_polls(stage)
        await stage.app.reload(with_source(stage.app.settings, max_requests_per_minute=6000))
        await stage.until(lambda: counted(stage, "polls_total", source="shop", result="ok") > 1)
        stage.app.reload_refused()
        stage.server.context.metrics.hinted("shop", Hint.TAKEN)
        for number, (status, result) in enumerate(((200, "sent"), (410, "dead"), (500, "retried")), 1):
            stage.receiver.status = status
            await change(stage, number)
            await stage.until(partial(_came_to, stage, result))
        now = stage.server.context.clock.now()
        matcher, until = Matcher(event=("vanished",)), now + timedelta(hours=1)
        await stage.app.store.transact(lambda tx: tx.add_silence(matcher, now, until, "maintenance"))
        await scrape(stage)
        yield stage


async def change(stage: WebStage, order: int, status: str = "fraud") -> None:
    """An order changes, and the daemon looks; it sends by itself."""
    stage.world.set_status(order, status)
    await stage.app.poll_all()


def _came_to(stage: WebStage, result: str) -> bool:
    return counted(stage, "deliveries_total", channel="ops", route="status", result=result) > 0
