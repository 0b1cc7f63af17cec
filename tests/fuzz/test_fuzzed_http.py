"""Nonsense over real HTTP, to the real reader and the poller behind it: at most an error of ours, in bounded time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from fuzz_corpus import NO_ORDERS, page_of
from fuzz_http import BODY, RAW, http
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import HeldClock, RawHandler, Serve
from polling_stage import router, state
from pydantic import SecretStr

from monitor.errors import OurFault
from monitor.model import OrderEvent
from monitor.polling.poller import Poller
from monitor.polling.settings import PollSettings
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.opterius import Opterius
from monitor.sources.settings import HttpSettings
from monitor.store.base import Store

ORDERS = 12
HONEST = http(
    b"Connection: close",
    body=page_of(
        [b'{"id":%d,"status":"pending"}' % number for number in range(1, ORDERS + 1)],
        b'{"current_page":1,"last_page":1,"per_page":100,"total":%d}' % ORDERS,
    ),
)
LONGEST_POLL = 5.0


class Wire:
    """A server of twelve orders behind real HTTP, polled; what it sends instead of them is set in ``poll``."""

    def __init__(self, store: Store) -> None:
        self.clock = HeldClock()
        self.store = store
        self._sends: bytes | RawHandler = HONEST
        self._poller: Poller

    async def begin(self, serve: Serve) -> None:
        url = await serve.raw(self._answer)

        def reading() -> Reader:
            # Each its own client: what one answer says of the host must not keep the next one from being read.
            return Reader(self._client, url, HttpSettings(timeout=timedelta(seconds=0.5)), error_text, self.clock)

        self._poller = Poller(
            name="shop",
            source=Opterius(url, SecretStr("made-up")),
            settings=PollSettings(),
            reading=reading,
            store=self.store,
            router=router(),
            clock=self.clock,
            owner="fuzz",
        )
        await self.poll(HONEST)

    async def poll(self, sends: bytes | RawHandler) -> str:
        """One poll of a server that sends this. What was wrong with it, in our words."""
        self._sends = sends
        self.clock.passed += 60
        self._client = HttpClient(largest=1024 * 1024)
        began = time.monotonic()
        try:
            result = await self._poller.poll()
        finally:
            await self._client.aclose()
        assert time.monotonic() - began < LONGEST_POLL
        assert result is not None
        error = result.snapshot.error
        if isinstance(error, OurFault):
            raise error
        return str(error) if error else ""

    async def is_unharmed(self) -> None:
        """All twelve are known as they were, nothing was told of any, and an honest answer makes all well."""
        assert await self.poll(HONEST) == ""
        orders = await self.store.read(lambda tx: [known for _, known in tx.orders("shop")])
        assert [(k.order.status, k.missing, k.vanished_at) for k in orders] == [("pending", 0, None)] * ORDERS
        events = await self.store.read(lambda tx: tx.events("shop"))
        assert not [one.event for one in events if isinstance(one.event, OrderEvent)]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not isinstance(self._sends, bytes):
            await self._sends(reader, writer)
            return
        writer.write(self._sends)
        await writer.drain()


@asynccontextmanager
async def wire() -> AsyncIterator[Wire]:
    serve = Serve()
    async with state() as store:
        made = Wire(store)
        try:
            await made.begin(serve)
            yield made
        finally:
            await serve.close()


@pytest.mark.parametrize("part", range(4))
async def test_whatever_comes_over_the_wire_tells_nothing_false(part: int) -> None:
    async with wire() as one:
        for name in list(RAW)[part::4]:
            try:
                await one.poll(RAW[name])
                await one.is_unharmed()
            except Exception as error:
                error.add_note(f"the answer: {name}")
                raise


async def test_each_body_of_the_corpus_is_stood_in_any_wrapping() -> None:
    async with wire() as one:
        for number, (name, body) in enumerate(NO_ORDERS.items()):
            status = (b"200 OK", b"202 Accepted", b"403 Forbidden", b"422 No", b"500 No")[number % 5]
            said = await one.poll(http(b"Connection: close", status=status, body=body))
            assert said.isprintable(), name
            assert len(said) < 500
        await one.is_unharmed()


DRIPS = {
    "the head": (b"", b"HTTP/1.1 200 OK\r\n"[:1]),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-Drip: y\r\n"),
    "the body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
}


@pytest.mark.parametrize("name", DRIPS)
async def test_a_dripping_server_costs_a_poll_and_no_more(name: str) -> None:
    """A byte now and then, for ever. A request takes its timeout, and the poll its patience."""
    start, drip = DRIPS[name]
    async with wire() as one:

        async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            one.clock.passed += 8
            writer.write(start)
            while not writer.is_closing():
                writer.write(drip)
                await asyncio.sleep(0.02)

        assert await one.poll(dripping)
        await one.is_unharmed()


async def test_an_endless_answer_ends_by_its_size() -> None:
    async with wire() as one:

        async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
                await writer.drain()

        assert "larger than 1,048,576 bytes" in await one.poll(endless)
        await one.is_unharmed()


@pytest.mark.parametrize("way", ["at once", "in small chunks", "endless"])
def test_a_bomb_of_a_gibibyte_takes_no_more_than_three_answers(way: str) -> None:
    """In a process of its own, by what the operating system says of its memory."""
    script = Path(__file__).with_name("fuzz_bomb.py")
    ran = subprocess.run([sys.executable, script, way], capture_output=True, text=True, timeout=60, check=True)
    grown, largest = map(int, ran.stdout.split())
    assert grown < 3 * largest, ran.stdout


@st.composite
def mutated_answers(draw: st.DrawFn) -> bytes:
    """An answer of the corpus, some places of which were cut out, doubled, or have something odd instead."""
    sent = draw(st.sampled_from([answer for answer in RAW.values() if len(answer) < 2000]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(sent)))
        stop = draw(st.integers(start, min(start + 8, len(sent))))
        odd = st.sampled_from([b"", sent[start:stop] * 2, b"\r\n", b"\0", b"\xff", b":", b"-1", b"9" * 30, BODY])
        sent = sent[:start] + draw(odd | st.binary(max_size=4)) + sent[stop:]
    return sent


AT_LENGTH = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
SENDINGS = st.lists(mutated_answers() | st.binary(max_size=300), min_size=1, max_size=8)


async def stand(sendings: list[bytes]) -> None:
    async with wire() as one:
        for sent in sendings:
            await one.poll(sent)
        await one.is_unharmed()


@given(SENDINGS)
@settings(AT_LENGTH, max_examples=15, derandomize=True)
def test_mutated_answers_tell_nothing_false(sendings: list[bytes]) -> None:
    asyncio.run(stand(sendings))


@pytest.mark.torture
@given(SENDINGS)
@settings(AT_LENGTH, max_examples=int(os.environ.get("ROUNDS", "1000")))
def test_mutated_answers_at_length(sendings: list[bytes]) -> None:
    asyncio.run(stand(sendings))
