"""What a person would say happened, told from the rows that were served: written without a look at the product."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

News = tuple[str, str, str, str]
"""Kind, order, status before, status after; of the source: the kind alone."""

DOWN_AFTER = 3


class Remembered:
    """One order, as it was shown last."""

    def __init__(self, row: dict[str, Any]) -> None:
        self.row = row
        self.missed = 0
        self.gone = False

    def differs(self, row: dict[str, Any]) -> bool:
        return bool(row["total"] != self.row["total"] or row["items"] != self.row["items"])


class NaiveModel:
    """Follows a shop by what each poll was served and how that poll ended: ``whole``, ``partial`` or ``failed``."""

    def __init__(self) -> None:
        self.orders: dict[str, Remembered] = {}
        self.baseline = False
        self.looked_empty = False
        self.failures = 0
        self.down = False
        self.doubtful_looks = 0
        self.doubt_told = False
        self.lacking: list[str] = []
        self.agreeing: list[datetime] = []
        self.accepted: int | None = None

    def poll(self, served: list[dict[str, Any]], ended: str, at: datetime) -> Counter[News]:
        rows = {str(row["id"]): row for row in served}
        here = [name for name, order in self.orders.items() if not order.gone]
        news: Counter[News] = Counter()
        for name, row in rows.items():
            news.update(self._sighting(name, row))
        if ended == "failed":
            return news + self._failure()
        missing = sorted(name for name in here if name not in rows)
        in_doubt = self._is_in_doubt(ended, len(here), missing, at)
        believed = not in_doubt and self._too_many(len(here), len(missing))
        if not in_doubt:
            news.update(self._absences(missing, believed=believed))
        return news + self._success(in_doubt=in_doubt)

    def accept(self) -> bool:
        """The owner says that what is lacking now is gone."""
        if not self.doubtful_looks or not self.lacking:
            return False
        self.accepted = len(self.lacking)
        return True

    def _sighting(self, name: str, row: dict[str, Any]) -> list[News]:
        order = self.orders.get(name)
        after = row["status"]
        if order is None:
            self.orders[name] = Remembered(row)
            return [("appeared", name, "", after)] if self.baseline else []
        before = order.row["status"]
        news = []
        if order.gone:
            news.append(("reappeared", name, before, after))
        if before.lower() != after.lower():
            news.append(("status_changed", name, before, after))
        if order.differs(row):
            news.append(("changed", name, before, after))
        order.row, order.missed, order.gone = row, 0, False
        return news

    def _absences(self, missing: list[str], *, believed: bool) -> list[News]:
        news = []
        for name in missing:
            order = self.orders[name]
            order.missed += 1
            if believed or order.missed == 2:
                order.gone = True
                news.append(("vanished", name, order.row["status"], order.row["status"]))
        return news

    def _too_many(self, here: int, missing: int) -> bool:
        return (missing > 5 and missing * 10 > here) or (missing > 0 and missing == here)

    def _is_in_doubt(self, ended: str, here: int, missing: list[str], at: datetime) -> bool:
        if ended == "partial":
            return True
        if not self._too_many(here, len(missing)):
            return False
        if missing != self.lacking:
            self.agreeing = []
        self.lacking = missing
        self.agreeing.append(at)
        if self.accepted is not None and not self._too_many(here, len(missing) - self.accepted):
            return False
        return len(self.agreeing) < 3 or self.agreeing[-1] - self.agreeing[0] < timedelta(hours=1)

    def _failure(self) -> Counter[News]:
        self.failures += 1
        self.looked_empty = False
        if self.failures < DOWN_AFTER or self.down:
            return Counter()
        self.down = True
        return Counter([("source_down", "", "", "")])

    def _success(self, *, in_doubt: bool) -> Counter[News]:
        news: Counter[News] = Counter()
        if self.down or (self.doubt_told and not in_doubt):
            news["source_up", "", "", ""] += 1
        self.failures, self.down = 0, False
        if not in_doubt:
            # Empty is what a system shows that is just starting.
            self.baseline = self.baseline or bool(self.orders) or self.looked_empty
            self.looked_empty = True
            self.doubtful_looks, self.doubt_told, self.lacking, self.agreeing, self.accepted = 0, False, [], [], None
            return news
        self.doubtful_looks += 1
        if self.doubtful_looks >= DOWN_AFTER and not self.doubt_told:
            self.doubt_told = True
            news["source_doubtful", "", "", ""] += 1
        return news
