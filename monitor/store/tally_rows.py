"""How much a state holds, counted by the database."""

from __future__ import annotations

from collections import Counter

from monitor.model import DeliveryState
from monitor.store.base import Tallies
from monitor.store.outbox_row import of_state
from monitor.store.paging import Paging, Streams


class TallyRows(Paging):
    """The part of a transaction that counts."""

    def tallies(self) -> Tallies:
        # One count for each piece of an index: a third of the time that grouping takes.
        events: Counter[str] = Counter()
        for _, kind, count in self._counted(Streams("events", "kind")):
            events[kind] += count
        return Tallies(
            orders={
                (source, status, gone): count
                for gone in (False, True)
                for source, status, count in self._counted(Streams("orders", "status", f"vanished = {int(gone)}"))
            },
            events=dict(events),
            deliveries={state.value: count for state in DeliveryState if (count := self._in_state(state))},
        )

    def _counted(self, of: Streams) -> list[tuple[str, str, int]]:
        count = f"""
        (SELECT COUNT(*) FROM {of.table} WHERE {of.among} AND source = found.source AND {of.column} = found.value)
        """  # noqa: S608  # constants
        return [(source, value, count) for source, value, count in self.streams(of, None, count)]

    def _in_state(self, state: DeliveryState) -> int:
        return int(self._db.rows(f"SELECT COUNT(*) FROM deliveries WHERE {of_state(state)}")[0][0])  # noqa: S608  # constants
