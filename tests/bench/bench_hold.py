"""``bench_hold.py PORT STATE``: a daemon that has swept, told and watched; prints what it holds in memory, as JSON."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from bench_client import World
from bench_ours import SWEEP, WATCH, changes_told, monitor, quiet_logs


async def hold(world: World, state: Path) -> dict[str, int]:
    """Bytes resident in its memory: ``rss`` at its end, ``peak`` at most."""
    async with monitor(world, state, sends=True) as ours:
        world.control("change", count=1)
        result = await ours.poll(SWEEP)
        if changes_told(result) != 1 or not await ours.app.deliveries.drain():
            raise RuntimeError("the change was not told")
        await ours.poll(WATCH)
        return {"rss": resident("VmRSS"), "peak": resident("VmHWM")}


def reset_peak() -> int:
    """Let ``VmHWM`` count from here; bytes that are resident now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident("VmRSS")


def resident(row: str) -> int:
    """Bytes of this process's memory that are resident: ``VmRSS`` now, ``VmHWM`` at most."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(rf"^{row}:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024


if __name__ == "__main__":
    quiet_logs()
    sys.stdout.write(json.dumps(asyncio.run(hold(World(int(sys.argv[1])), Path(sys.argv[2])))))
