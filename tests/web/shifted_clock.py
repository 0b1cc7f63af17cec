"""The machine's clock, ahead by as much as a test wants."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.clock import SystemClock


class ShiftedClock(SystemClock):
    """Runs as fast as any; ``pass_`` puts it forward."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead.total_seconds()

    def pass_(self, span: timedelta) -> None:
        """So long has passed."""
        self._ahead += span
