"""A daemon that has seen something of everything, for whoever asks its API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

from api_asking import TOKEN, Api, Description
from web_stage import WebStage, served

from monitor.alerting.silences import Matcher
from monitor.model import DeliveryState, EventKind, SourceEvent
from monitor.store.base import Transaction
from monitor.web.api.openapi import document

SECRET = "made-up-secret-in-an-address"
ROUTES = [
    {"name": "fraud", "when": {"to": "fraud"}, "channels": ["ops"], "stop": True},
    {"name": "second", "when": {"to": "fraud"}, "channels": ["ops"]},
    {"name": "grouped", "when": {"event": "appeared"}, "channels": ["ops"], "group": {"wait": "1h", "every": "1h"}},
    {"name": "stuck", "when": {"event": "stuck", "status": "pending", "after": "1h"}, "channels": ["ops"]},
]
MORE: dict[str, Any] = {"routes": ROUTES, "time_zone": "Europe/Stockholm"}
"""The end of a configuration: what else stands beside the shop and the channel of the stage."""


class Asking(NamedTuple):
    """``moved`` is an order whose change was told, ``dead`` one whose message could not be sent; ``grouped`` wait."""

    stage: WebStage
    api: Api
    moved: int
    dead: int
    grouped: tuple[int, ...]


def api_of(stage: WebStage, token: str | None = TOKEN) -> Api:
    return Api(stage.url, Description(document()), token)


@asynccontextmanager
async def asking(folder: Path, **web_: Any) -> AsyncIterator[Asking]:
    """Orders, of which one moved, one vanished and two are new; messages that were sent, are dead, or wait."""
    async with served(folder, more=MORE, token=TOKEN, **web_) as stage:
        moved, dead, gone = stage.world.ids("active")[:3]
        stage.world.set_status(moved, "fraud")
        await settled(stage, 1)
        stage.receiver.status = 404
        stage.world.set_status(dead, "fraud")
        await settled(stage, 2)
        stage.receiver.status = 200
        placed = tuple(stage.world.place().id for _ in range(2))
        stage.world.delete(gone)
        for _ in range(2):  # an order is gone once two looks have shown it
            await stage.app.poll_all()
        await stage.server.context.store.transact(_besides)
        yield Asking(stage, api_of(stage), moved, dead, placed)


async def settled(stage: WebStage, count: int) -> None:
    """Look at the source until so many messages about moved orders are settled: the daemon may be just polling it."""
    states = [DeliveryState.SENT, DeliveryState.DEAD]

    async def done() -> int:
        rows = await stage.server.context.reader.read(lambda tx: tx.deliveries(states))
        return sum(row.route == "fraud" for row in rows)

    while await done() < count:
        await stage.app.poll_all()
        await stage.server.context.clock.sleep(0.02)


def _besides(tx: Transaction) -> None:
    """What a source has told of itself, and a silence that has ended."""
    now = tx.events()[-1].event.at
    tx.add_event(SourceEvent("shop", EventKind.SOURCE_DOWN, now, "no connection"), "{}")
    tx.add_silence(Matcher(order=("ORD-1",)), now - timedelta(hours=2), now - timedelta(hours=1), "over", "Ada")
