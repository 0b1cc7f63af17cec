from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from loopback import HeldClock, MakeReader, Serve

from monitor.clock import Clock
from monitor.sources.conditional import Memory
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings


@pytest.fixture(autouse=True)
def _no_proxy_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    servers = Serve()
    yield servers
    await servers.close()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.aclose()


@pytest.fixture
def make_reader(client: HttpClient, clock: HeldClock) -> MakeReader:
    def make(url: str, *, clock: Clock = clock, memory: Memory | None = None, **settings: Any) -> Reader:
        return Reader(client, url, HttpSettings(**settings), error_text, clock, memory)

    return make
