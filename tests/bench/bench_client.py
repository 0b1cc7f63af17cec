"""The world process as a measurement sees it: started, steered, asked, ended."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

HERE = Path(__file__).parent


@contextmanager
def world_process() -> Iterator[int]:
    """The world (see ``bench_world``) while the block lasts; its port."""
    command = [sys.executable, str(HERE / "bench_world.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate("")


class World:
    """The way to the world. Its calls block: make them outside what is measured."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.alerts_url = f"{self.url}/alerts"
        self.channel_url = f"json://127.0.0.1:{port}/alerts"
        self.port = port

    def control(self, what: str, **how: object) -> Any:
        """Steer the world, or ask what it has seen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", f"/control/{what}?{urlencode(how)}")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def begin(self, count: int) -> None:
        """So many orders as they are at first, the same each time; nothing seen yet."""
        self.control("begin", count=count)

    def move(self, before: str, after: str, count: int) -> set[int]:
        """Give random orders of one status another one; their ids."""
        return {moved[0] for moved in self.control("move", before=before, after=after, count=count)}

    def arrivals(self) -> dict[int, float]:
        """When the endpoint first accepted an alert about each order, in monotonic seconds."""
        accepted = [post for post in self.control("alerts") if post["status"] == 200]
        return {order: post["at"] for post in reversed(accepted) for order in post["orders"]}

    def shown(self) -> dict[int, float]:
        """When each changed order was first shown, in monotonic seconds."""
        return {int(order): at for order, at in self.control("seen")["shown"].items()}


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, asked again and again; whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
