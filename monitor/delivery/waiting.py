"""Waiting for several things at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from typing import Any, TypeVar

T = TypeVar("T")


async def first_of(*works: Awaitable[T]) -> T:
    """What the first of them to end returns or raises; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()


async def unfinished(tasks: Collection[asyncio.Task[T]], seconds: float) -> list[asyncio.Task[T]]:
    """Those of them that have not ended after so long."""
    if not tasks:
        return []
    _, late = await asyncio.wait(tasks, timeout=seconds)
    return list(late)


async def ended(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel them, and wait until each has ended, whatever it came to."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
