"""What people write instead: a cron script that reads every page, compares with a table, and sends through Apprise.

``bench_cron.py URL DATABASE CHANNEL``. One request after the other, on one connection. Used as a process of its own.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator

import apprise
import requests


def main(url: str, database: str, channel: str) -> None:
    """One look at the list."""
    state = sqlite3.connect(database)
    state.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, status TEXT NOT NULL)")
    known = dict(state.execute("SELECT id, status FROM orders"))
    changed = {row["id"]: row for row in _rows(url) if known.get(row["id"]) != row["status"]}
    state.executemany("REPLACE INTO orders VALUES (?, ?)", [(row["id"], row["status"]) for row in changed.values()])
    state.commit()
    notifier = apprise.Apprise()
    notifier.add(channel)
    for order_id, row in changed.items():
        if order_id in known:
            notifier.notify(title=row["order_number"], body=f"{known[order_id]} → {row['status']}")


def _rows(url: str) -> Iterator[dict[str, str]]:
    session = requests.Session()
    page, last = 1, 1
    while page <= last:
        parameters = {"page": page, "per_page": 100}
        response = session.get(f"{url}/api/v1/orders", params=parameters, timeout=30)
        response.raise_for_status()
        answer = response.json()
        yield from answer["data"]
        page, last = page + 1, answer["meta"]["last_page"]


if __name__ == "__main__":
    main(*sys.argv[1:4])
