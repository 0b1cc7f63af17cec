"""`orders`, `events`, `deliveries` and `accept`: tables for people, JSON for machines, beside whatever runs."""

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest
from typed import Hook, Keyboard

from monitor.simulator.world import World


@pytest.mark.parametrize("command", ["orders", "events", "deliveries", "accept shop"])
async def test_without_a_state_each_says_what_makes_one(command: str, keyboard: Keyboard, shop: World) -> None:
    typed = await keyboard.beside(*command.split())
    assert typed.code == 1
    assert "there is no state yet; `order-monitor run` or `poll` makes it" in typed.err


async def test_orders_is_a_table_of_whole_values(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("orders", "--limit", "2")
    head, first, second, cut = typed.out.splitlines()
    assert head.split() == ["source", "order", "status", "total", "since", "first", "seen"]
    assert first.split()[:4] == ["shop", "ORD-0001", "fraud", "$1.00"]
    assert second.split()[:4] == ["shop", "ORD-0002", "active", "$9.99"]
    assert first.endswith(" UTC")
    assert cut == "… the first 2; --limit N shows more, --json all"


async def test_orders_by_status_and_source(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("orders", "--status", "Fraud", "--json")
    assert [row["order"]["number"] for row in typed.json] == ["ORD-0001"]
    assert (await keyboard.beside("orders", "--source", "nosuch")).out == "no orders are known\n"


async def test_orders_json_is_every_row_a_document_a_line(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("orders", "--json")
    assert typed.err == ""
    assert len(typed.json) == 61
    (row,) = [row for row in typed.json if row["order"]["id"] == "2"]
    assert row["source"] == "shop"
    assert row["order"]["total"] == {"amount": "9.99", "currency": "USD"}
    assert datetime.fromisoformat(row["first_seen"]).utcoffset() is not None


async def test_events_json_uses_the_kinds_of_the_design(keyboard: Keyboard, watched: World) -> None:
    rows = (await keyboard.beside("events", "--json")).json
    assert {row["kind"] for row in rows} == {"status_changed", "changed", "appeared"}
    (moved,) = [row for row in rows if row["kind"] == "status_changed"]
    assert (moved["before"]["status"], moved["order"]["status"]) == ("active", "fraud")
    (planned,) = moved["routing"]["planned"]
    url = planned["destination"].pop("url")
    assert (len(url), planned) == (16, {"route": "all", "destination": {"channel": "ops", "number": 1}})
    assert len({row["id"] for row in rows}) == 3


async def test_events_is_a_table_of_what_happened(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("events")
    assert any(
        "ORD-0001" in line and "status_changed" in line and "active → fraud" in line for line in _lines(typed.out)
    )
    one = await keyboard.beside("events", "--source", "shop", "--order", "ORD-0001")
    assert len(_lines(one.out)) == 2
    assert (await keyboard.beside("events", "--source", "shop", "--order", "1")).out == one.out


async def test_events_and_deliveries_show_the_newest_and_say_so(keyboard: Keyboard, watched: World) -> None:
    ids = [row["id"] for row in (await keyboard.beside("events", "--json")).json]
    typed = await keyboard.beside("events", "--limit", "1")
    assert typed.out.endswith("… the newest 1; --limit N shows more, --json all\n")
    assert ids == sorted(ids)
    typed = await keyboard.beside("deliveries", "--limit", "1")
    assert _lines(typed.out)[1].split()[0] == "3"


async def test_deliveries_say_where_each_message_stands(keyboard: Keyboard, watched: World, hook: Hook) -> None:
    hook.status = 404
    watched.set_status(3, "fraud")
    assert (await keyboard.beside("poll")).code == 1
    hook.status = 503
    watched.set_status(4, "fraud")
    assert (await keyboard.beside("poll")).code == 1
    rows = (await keyboard.beside("deliveries", "--json")).json
    assert [row["state"] for row in rows] == ["sent", "sent", "sent", "dead", "waiting"]
    assert rows[3]["last_error"] == "404 Not Found"
    typed = await keyboard.beside("deliveries", "--state", "dead", "--state", "waiting")
    assert [line.split()[0] for line in _lines(typed.out)[1:]] == ["4", "5"]
    assert "503 Service Unavailable" in typed.out
    retried = await keyboard.beside("deliveries", "retry", "4")
    assert retried.out == "1 dead letter will be sent again, by the running daemon or the next poll\n"
    assert (await keyboard.beside("deliveries", "retry", "4")).code == 1


async def test_accept_says_whether_there_is_anything_to_accept(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("accept", "shop")
    assert (typed.code, typed.out) == (1, "shop: nothing is in doubt that could be accepted\n")
    for number in range(1, 21):
        watched.delete(number)
    typed = await keyboard.beside("poll")
    assert "in doubt: the list lacks 20 of 61 known orders" in typed.out
    typed = await keyboard.beside("accept", "shop")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out == "shop: the next complete look may lack 20 orders; it will announce them as vanished\n"
    assert "20 vanished" in (await keyboard.beside("poll")).out


async def test_accepting_an_unknown_source_names_those_there_are(keyboard: Keyboard, watched: World) -> None:
    typed = await keyboard.beside("accept", "shpo")
    assert (typed.code, typed.err) == (2, f"{keyboard.file}: sources.shpo: no such source: there are shop\n")


@pytest.mark.parametrize("command", ["orders", "events --json", "--help"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_a_reader_that_leaves_gets_no_traceback(
    command: str, unbuffered: str, keyboard: Keyboard, watched: World
) -> None:
    """As `| head -1` leaves: where Python buffers its output, it notices only at the end."""
    read, write = os.pipe()
    os.close(read)
    config = [] if command == "--help" else ["-c", str(keyboard.file)]
    done = subprocess.run(  # noqa: ASYNC221  # it asks no server
        [sys.executable, "-m", "monitor", *command.split(), *config],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    os.close(write)
    assert done.stderr == ""


async def test_json_of_hostile_orders_stays_a_document_a_line(keyboard: Keyboard, shop: World) -> None:
    shop.place(id=1, number='a\n{"b": 1}\u2028c\rd')
    await keyboard.beside("poll")
    typed = await keyboard.beside("orders", "--json")
    assert len(typed.out.rstrip("\n").split("\n")) == 1
    assert json.loads(typed.out)["order"]["number"] == 'a\n{"b": 1}\u2028c\rd'


def _lines(out: str) -> list[str]:
    return out.splitlines()
