"""Thousands of small billing systems in one process: each path is one, all show the same twenty orders.

``GET /control/reset`` counts from now on; ``GET /control/seen`` says how many requests came, and to how many systems.
It ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_client import World
from bench_http import Said, Talk
from bench_orders import Orders

_ORDERS = 20


class Shops:
    """What was asked of them."""

    def __init__(self) -> None:
        orders = Orders(_ORDERS)
        rows = orders.rows(orders.page(None, 1, _ORDERS))
        self._page = Said(
            b'{"data":[%b],"meta":{"current_page":1,"last_page":1,"per_page":100,"total":%d}}' % (rows, _ORDERS)
        )
        self._requests = 0
        self._asked: set[str] = set()

    def handle(self, _: str, target: str, __: bytes) -> Said:
        path = target.partition("?")[0]
        if path == "/control/reset":
            self._requests = 0
            self._asked.clear()
        elif path == "/control/seen":
            return Said(json.dumps({"requests": self._requests, "shops": len(self._asked)}).encode())
        else:
            self._requests += 1
            self._asked.add(path)
        return self._page


@contextmanager
def shops_process() -> Iterator[World]:
    """Them, while the block lasts; asked and steered as the world is."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield World(int(process.stdout.readline()))
        process.communicate("")


async def _serve() -> None:
    handle = Shops().handle
    server = await asyncio.get_running_loop().create_server(lambda: Talk(handle), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(_serve())
