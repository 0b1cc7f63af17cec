"""What is made of the metrics fits them: the document, the alert rules, the dashboard. Prometheus's own tools agree."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from scraping import DASHBOARD, ROOT, RULES, Scrape, lively, needs_promtool, scrape
from test_documents import fault

DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
TESTS_OF_RULES = Path(__file__).parent / "prometheus_rules_test.yaml"
_ROW = re.compile(r"^\| `(order_monitor_\w+)` \| (\w+) \| ([\w, ]*?) ?\|", re.MULTILINE)
_SELECTOR = re.compile(r"\b(order_monitor_\w+)\b(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")


@pytest.fixture
async def seen(tmp_path: Path) -> Scrape:
    async with lively(tmp_path) as stage:
        return await scrape(stage)


def _labels(found: Scrape) -> dict[str, set[str]]:
    """By name, as it stands in a query, the labels that a sample of it has."""
    return {sample.name: {*sample.labels, "instance", "job"} for sample in found.samples}


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return panels


def _queries() -> Iterator[str]:
    """Each query of the rules and of the dashboard."""
    for alert in _alerts():
        yield alert["expr"]
    for panel in _panels():
        for target in panel.get("targets", ()):
            yield target["expr"]
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield annotation["expr"]


def _promtool(*words: str, given: str = "") -> str:
    """What it complains of; empty if all is well."""
    ended = subprocess.run(["promtool", *words], input=given, capture_output=True, text=True, timeout=60, check=False)
    return "" if ended.returncode == 0 else ended.stdout + ended.stderr


def test_every_metric_is_documented_as_it_is(seen: Scrape) -> None:
    ours = {name: family for name, family in seen.families.items() if name.startswith("order_monitor_")}
    is_ = {name + ("_total" if one.type == "counter" else ""): one.type for name, one in ours.items()}
    written = {name: kind for name, kind, _ in _ROW.findall(DOCUMENT)}
    assert written == is_


def test_every_label_is_documented(seen: Scrape) -> None:
    samples = [one for one in seen.samples if one.name.startswith("order_monitor_")]
    are: dict[str, set[str]] = {}
    for one in samples:
        name = re.sub(r"_(?:bucket|sum|count)$", "", one.name)
        are.setdefault(name, set()).update(set(one.labels) - {"le"})
    written = {name: {word for word in labels.split(", ") if word} for name, _, labels in _ROW.findall(DOCUMENT)}
    assert are == written


def test_every_metric_and_label_in_a_query_exists(seen: Scrape) -> None:
    have = _labels(seen)
    for query in _queries():
        for name, selected in _SELECTOR.findall(query):
            assert name in have, f"{name} in {query}"
            asked = {part.split("=")[0].strip("!~ ") for part in selected.split(", ") if part}
            assert asked <= have[name], f"{name} in {query}"
    assert {name for query in _queries() for name, _ in _SELECTOR.findall(query)}


def test_every_label_that_is_grouped_by_exists(seen: Scrape) -> None:
    have = set().union(*_labels(seen).values())
    grouped = {word.strip() for query in _queries() for words in _GROUPED.findall(query) for word in words.split(",")}
    assert grouped <= have


def test_the_dashboard_shows_every_metric_that_is_ours(seen: Scrape) -> None:
    """But for those that say what the daemon is, not how it is."""
    text = DASHBOARD.read_text(encoding="utf-8")
    names = {name for name, _, _ in _ROW.findall(DOCUMENT)}
    missing = {name for name in names if name not in text}
    assert missing == {
        "order_monitor_source_last_poll_timestamp_seconds",
        "order_monitor_orders_vanished",
        "order_monitor_config_last_reload_successful",
        "order_monitor_config_reloads_total",
    }


def test_the_panels_of_the_dashboard_stand_side_by_side() -> None:
    panels = _panels()
    places = [panel["gridPos"] for panel in panels]
    taken = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)
    assert [panel["title"] for panel in panels if panel["type"] == "row"] == [
        "Overview",
        "Sources",
        "Deliveries",
        "Costs",
    ]


def test_the_dashboard_takes_any_data_source_and_loads_nothing() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    used = {json.dumps(target["datasource"]) for panel in board["panels"] for target in panel.get("targets", ())}
    assert used == {'{"type": "prometheus", "uid": "${datasource}"}'}
    assert {one["name"] for one in board["templating"]["list"]} == {"datasource", "instance", "source"}
    assert "://" not in DASHBOARD.read_text(encoding="utf-8")


def test_every_alert_says_what_to_do_in_words_that_hold() -> None:
    log = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    keys = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for alert in _alerts():
        text = alert["annotations"]["description"].replace("{{ $labels.source }}", "shop")
        assert alert["annotations"]["summary"]
        assert alert["labels"]["severity"] in ("critical", "warning")
        for quoted in re.findall(r"`([^`]+)`", text):
            assert not fault(quoted), quoted
            assert " " in quoted or f"`{quoted}`" in log + keys, f"{quoted} is no event of the log, and no key"


def test_every_alert_is_tested() -> None:
    tested = set(re.findall(r'exp_samples: .*alertname="(\w+)"', TESTS_OF_RULES.read_text(encoding="utf-8")))
    assert tested == {alert["alert"] for alert in _alerts()}


@needs_promtool
def test_promtool_finds_no_fault_with_the_metrics(seen: Scrape) -> None:
    assert _promtool("check", "metrics", given=seen.text) == ""


@needs_promtool
def test_promtool_accepts_the_rules() -> None:
    assert _promtool("check", "rules", str(RULES)) == ""


@needs_promtool
def test_the_rules_alert_when_they_should() -> None:
    assert _promtool("test", "rules", str(TESTS_OF_RULES)) == ""


@needs_promtool
def test_every_query_of_the_dashboard_is_one(tmp_path: Path) -> None:
    variables = {"$__rate_interval": "5m", "$__interval": "1m", "$instance": ".*", "$source": ".*"}
    queries = list(_queries())
    for variable, value in variables.items():
        queries = [query.replace(variable, value) for query in queries]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
    assert _promtool("check", "rules", str(file)) == ""
