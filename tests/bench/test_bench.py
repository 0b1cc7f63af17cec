"""The harness itself: verdicts, statistics, table, JSON, exit code; and the world that it measures against."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import bench_run as bench
import pytest
from bench_client import World, until, world_process
from bench_floor import Floor
from bench_goals import GOALS, Goal, Measured, Verdict
from bench_orders import Orders
from bench_report import Result, document, exit_code, results, table
from bench_scenes import SCENES
from bench_served import constant, listening, loaded
from bench_shops import shops_process
from bench_stats import Pairs, percentile, spent

REQUESTS = Goal("requests", "quiet poll", "≤ 10 requests", 10, 15)
FASTER = Goal("faster", "one-shot", "≥ 3 × faster", 3, 2, higher_is_better=True)
LOST = Goal("lost", "alerts lost", "0", 0, 0)


def measured(goal: Goal, value: float) -> Result:
    return Result(goal, Measured(goal.key, value, f"{value:g} things", value / 10))


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (REQUESTS, 10, Verdict.HOLDS),
        (REQUESTS, 10.1, Verdict.MISSES),
        (REQUESTS, 15, Verdict.MISSES),
        (REQUESTS, 15.1, Verdict.BEYOND),
        (REQUESTS, math.nan, Verdict.BEYOND),
        (FASTER, 3, Verdict.HOLDS),
        (FASTER, 2.9, Verdict.MISSES),
        (FASTER, 1.9, Verdict.BEYOND),
        (FASTER, math.nan, Verdict.BEYOND),
        (LOST, 0, Verdict.HOLDS),
        (LOST, 1, Verdict.BEYOND),
    ],
)
def test_a_figure_holds_misses_or_is_beyond(goal: Goal, value: float, verdict: Verdict) -> None:
    assert goal.judge(value) is verdict


def test_only_a_row_that_is_beyond_makes_the_run_fail() -> None:
    assert exit_code([measured(REQUESTS, 10), measured(FASTER, 2.5)]) == 0
    assert exit_code([measured(REQUESTS, 10), measured(LOST, 1)]) == 1


def test_a_row_that_was_not_measured_makes_the_run_fail() -> None:
    (row,) = results([REQUESTS], {}, {"requests": "was not done in time"})
    assert row.verdict is Verdict.BEYOND
    assert exit_code([row]) == 1
    assert "not measured" in table([row])


def test_the_table_has_a_line_for_each_row_in_the_order_of_the_goals() -> None:
    text = table([measured(REQUESTS, 12.34), measured(FASTER, 3)])
    heading, rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    assert heading == ["what", "figure", "ratio", "goal", "holds"]
    assert set("".join(rule)) == {"-"}
    assert rows == [
        ["quiet poll", "12.34 things", "1.23 ×", "≤ 10 requests", "misses"],
        ["one-shot", "3 things", "0.30 ×", "≥ 3 × faster", "holds"],
    ]
    assert len({len(line) for line in text.splitlines()}) == 1


def test_the_document_holds_what_the_table_shows_and_the_limits() -> None:
    written: dict[str, Any] = json.loads(json.dumps(document([measured(REQUESTS, 12), Result(LOST, None, "why")], 61)))
    found, missing = written["rows"]
    assert written["seconds"] == 61
    assert (found["what"], found["value"], found["ratio"], found["verdict"]) == ("quiet poll", 12, 1.2, "misses")
    assert (found["limit"], found["never_beyond"]) == (10, 15)
    assert (missing["value"], missing["problem"], missing["verdict"]) == (None, "why", "beyond")


def test_every_goal_is_measured_by_one_scene_and_the_full_sweep_is_the_first() -> None:
    rows = [key for scene in SCENES for key in scene.rows]
    assert sorted(rows) == sorted(goal.key for goal in GOALS)
    assert GOALS[0].what == "full sweep"
    assert SCENES[0].rows[0] == GOALS[0].key


def test_rows_are_chosen_by_name_or_by_any_part_of_their_names() -> None:
    assert [scene.name for scene in bench.asked_for("full sweep")] == ["reading"]
    assert [scene.name for scene in bench.asked_for("SWEEP of 1,000,000")] == ["million"]
    assert [scene.name for scene in SCENES if scene not in bench.asked_for("")] == ["hundred_thousand"]
    assert [scene.name for scene in bench.asked_for("100,000 sources over")] == ["hundred_thousand"]


def test_a_name_that_no_row_has_is_bad_usage(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    assert bench.main(["--rows", "nonsense", "--file", str(file)]) == 2
    assert not file.exists()


def test_a_run_prints_its_table_writes_its_file_and_fails_by_its_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(name: str, port: int, folder: str) -> list[Measured]:
        return [Measured("help", 0.4, "400 ms CPU", 4.0), Measured("help_imports", heavy, "", heavy)]

    monkeypatch.setattr(bench, "_played", play)
    for heavy, code in ((0, 0), (1, 1)):
        assert bench.main(["--rows", "help", "--file", str(tmp_path / "bench.json")]) == code
        assert "| 4.00 × | ≤ 300 ms CPU | misses" in capsys.readouterr().out
        rows = json.loads((tmp_path / "bench.json").read_bytes())["rows"]
        assert [row["verdict"] for row in rows] == ["misses", "beyond" if heavy else "holds"]


def test_a_scene_that_fails_leaves_the_others_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(name: str, port: int, folder: str) -> list[Measured]:
        if name == "usage":
            raise bench.Failed("was not done in time")
        return [Measured(key, 0, "", 0) for scene in SCENES if scene.name == name for key in scene.rows]

    monkeypatch.setattr(bench, "_played", play)
    assert bench.main(["--file", str(tmp_path / "bench.json")]) == 1
    rows = json.loads((tmp_path / "bench.json").read_bytes())["rows"]
    unmeasured = [row["what"] for row in rows if row["value"] is None]
    assert unmeasured == ["--help", "--help, heavy libraries imported"]
    assert "usage: was not done in time" in capsys.readouterr().err


def test_a_scene_that_is_not_done_in_time_is_ended_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    (tmp_path / "bench_scenes.py").write_text(
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"pathlib.Path({str(started)!r}).write_text(str(child.pid))\n"
        "child.wait()\n"
    )
    monkeypatch.setattr(bench, "HERE", tmp_path)
    monkeypatch.setattr(bench, "_LONGEST_S", time.monotonic() - bench._STARTED + 2)
    with pytest.raises(bench.Failed, match="in time"):
        bench._played("endless", 1, str(tmp_path))
    assert until(lambda: _has_ended(int(started.read_text())), 10)


def _has_ended(pid: int) -> bool:
    """Whether it runs no more; nobody may have taken note of its end yet."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize(
    ("values", "share", "expected"), [(range(1, 101), 0.95, 95), ([7], 0.95, 7), ([3, 1, 2], 0.5, 2), ([1, 2], 1, 2)]
)
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(
    values: Sequence[float], share: float, expected: float
) -> None:
    assert percentile(list(values), share) == expected


def test_a_slow_round_slows_both_sides_and_leaves_the_ratio() -> None:
    assert Pairs(ours=[3, 30, 3.3], floor=[2, 20, 2]).ratio == 1.5


async def test_what_is_spent_is_cpu_not_waiting() -> None:
    async def work() -> str:
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        return "done"

    result, cost = await spent(work)
    assert result == "done"
    assert 0.05 <= cost.cpu <= cost.wall + 0.05


def test_the_orders_are_the_same_each_time_and_have_the_shares_that_were_measured() -> None:
    orders, again = Orders(10_000), Orders(10_000)
    assert {name: len(orders.ids(name)) for name in ("active", "pending", "fraud", "cancelled")} == {
        "active": 9700, "pending": 50, "fraud": 100, "cancelled": 150,
    }  # fmt: skip
    assert orders.change(5) == again.change(5)
    page = orders.page(None, 1, 100)
    assert list(page) == list(range(10_000, 9_900, -1))
    assert 240 <= len(orders.rows(page)) / 100 <= 280


def test_a_changed_order_is_shown_with_its_new_status_and_in_its_new_list() -> None:
    orders = Orders(1000)
    before = {order: orders.rows([order]) for order in orders.ids("active")}
    ((order, was, now),) = orders.move("active", "fraud", 1)
    assert (was, now, orders.status(order)) == ("active", "fraud", "fraud")
    assert orders.rows([order]) == before[order].replace(b'"active"', b'"fraud"')
    assert order in orders.page("fraud", 1, 100)
    assert order not in orders.ids("active")


async def test_the_world_serves_counts_and_shows_what_was_changed() -> None:
    with world_process() as port:
        world = World(port)
        world.begin(1000)
        floor = Floor(world.url, 10)
        assert await floor.read() == 1000
        moved = world.move("active", "cancelled", 3)
        assert await floor.read() == 3
        assert world.shown().keys() == moved
        world.control("set", insert_each=1)
        meanwhile = await floor.read()
        seen = world.control("seen")
        world.control("set", insert_each=0)
        assert meanwhile + await floor.read() == 10
        await floor.aclose()
    assert seen["requests"] == 30
    assert seen["last_total"] == 1009
    assert seen["totals"]["pending"] == 5 + 10


async def test_the_floor_of_the_page_serves_bytes_and_tells_every_stream() -> None:
    async with aiohttp.ClientSession() as http:
        with constant() as floor:
            cost = await loaded(http, floor, "/?1234", 3)
            assert (cost.size, len(cost.walls)) == (1234, 3)
            assert cost.cpu > 0
            assert floor.resident > 1_000_000
            async with listening(floor, "/stream", b"data: ", 5) as streams:
                before = time.monotonic()
                async with http.get(f"{floor.url}/tell?10"):
                    assert await streams.all_have(1) >= before


async def test_of_thousands_of_systems_it_is_known_how_many_were_asked() -> None:
    with shops_process() as shops:
        async with aiohttp.ClientSession() as session:
            for name in ("s1", "s2", "s1"):
                async with session.get(f"{shops.url}/{name}/api/v1/orders?page=1&per_page=100") as response:
                    page = await response.json()
        assert shops.control("seen") == {"requests": 3, "shops": 2}
        shops.control("reset")
        assert shops.control("seen") == {"requests": 0, "shops": 0}
    assert (len(page["data"]), page["meta"]["total"]) == (20, 20)
