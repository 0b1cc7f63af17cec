"""What a reload has changed, in words: never a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Settings, load
from monitor.config.changes import MOST, changes
from monitor.errors import ConfigError

SHOP = {"type": "opterius", "url": "https://a.example.com", "token": "old-secret-token"}
FRAUD = {"name": "fraud", "when": {"to": "fraud"}, "channels": ["ops"]}
PAID = {"name": "paid", "when": {"to": "active", "min_total": {"USD": 50}}, "channels": ["ops"]}
BASE: dict[str, Any] = {
    "sources": {"shop": SHOP},
    "channels": {
        "ops": {"url": "json://user:old-password@alerts.example.com/ops"},
        "mail": {"url": "json://b.example.com"},
    },
    "routes": [FRAUD, PAID],
    "web": {},
}


def configured(folder: Path, document: dict[str, Any]) -> Settings:
    file = folder / "monitor.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return load(file, {})


def changed(folder: Path, **top: Any) -> list[str]:
    """What is different with these keys at the top."""
    return changes(configured(folder, BASE), configured(folder, BASE | top))


def with_shop(**fields: Any) -> dict[str, Any]:
    return {"shop": SHOP | fields}


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert changed(tmp_path) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"every": "30s"}, ["every 1m → 30s"]),
        ({"token": "new-secret-token"}, ["token changed"]),
        ({"max_requests_per_minute": 60}, ["max_requests_per_minute none → 60"]),
        ({"labels": {"client": "acme"}}, ["labels.client none → acme"]),
        ({"headers": {"X-Tenant": "header-secret"}}, ["headers.X-Tenant added"]),
        ({"proxy": "http://user:proxy-secret@proxy.example.com"}, ["proxy added"]),
        ({"heartbeat": {"url": "https://hc.example.com/ping/secret-part"}}, ["heartbeat added"]),
        ({"hook": {"secret": "hook-secret-1"}}, ["hook added"]),
        ({"statuses": {"on-hold": "pending"}}, ["statuses.on-hold none → pending"]),
        ({"url": "https://b.example.com"}, ["url https://a.example.com → https://b.example.com"]),
        ({"order_url": "https://a.example.com/" + "x" * 80 + "/{id}"}, ["order_url added"]),
    ],
)
def test_a_source(tmp_path: Path, fields: dict[str, Any], said: list[str]) -> None:
    found = changed(tmp_path, sources=with_shop(**fields))
    assert found == [f"source shop: {one}" for one in said]
    assert "secret" not in str(found)


def test_a_value_that_goes(tmp_path: Path) -> None:
    full = configured(
        tmp_path, BASE | {"sources": with_shop(labels={"client": "acme"}, hook={"secret": "hook-secret"})}
    )
    assert changes(full, configured(tmp_path, BASE)) == [
        "source shop: labels.client removed",
        "source shop: hook removed",
    ]


def test_a_secret_in_a_section_that_stays(tmp_path: Path) -> None:
    first = configured(tmp_path, BASE | {"sources": with_shop(hook={"secret": "hook-secret-1"})})
    second = configured(tmp_path, BASE | {"sources": with_shop(hook={"secret": "hook-secret-2", "header": "X-Sign"})})
    assert changes(first, second) == ["source shop: hook.secret changed", "source shop: hook.header none → X-Sign"]


def test_sources_and_channels_that_come_and_go(tmp_path: Path) -> None:
    other = {"type": "opterius", "url": "https://b.example.com", "token": "other-token"}
    found = changed(
        tmp_path, sources={"blog": other}, channels={**BASE["channels"], "new": {"url": "json://c.example.com"}}
    )
    assert found == ["source shop: removed", "source blog: added", "channel new: added"]


def test_a_channels_url_is_never_shown(tmp_path: Path) -> None:
    new = {
        "ops": {"url": "json://user:new-password@elsewhere.example.com/ops"},
        "mail": {"url": "json://b.example.com"},
    }
    assert changed(tmp_path, channels=new) == ["channel ops: url changed"]


def test_a_source_of_another_type(tmp_path: Path) -> None:
    """Its keys are others, too."""
    other = {"type": "hostup", "url": "https://a.example.com", "api_key": "another-key", "orders": [1, 2]}
    found = changed(tmp_path, sources={"shop": other})
    assert "source shop: type opterius → hostup" in found
    assert "source shop: token removed" in found
    assert "source shop: api_key added" in found
    assert "another-key" not in str(found)


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ([FRAUD | {"channels": ["ops", "mail"]}, PAID], ["route fraud: channel mail added"]),
        ([FRAUD | {"channels": ["mail"]}, PAID],
         ["route fraud: channel mail added", "route fraud: channel ops removed"]),
        ([FRAUD], ["route paid: removed"]),
        ([PAID, FRAUD], ["routes: another order: paid, fraud"]),
        ([FRAUD, {**PAID, "name": "other"}], ["route paid: removed", "route other: added"]),
        ([FRAUD | {"urgent": True}, PAID], ["route fraud: urgent false → true"]),
        ([FRAUD, PAID | {"group": {"by": ["source"]}}], ["route paid: group added"]),
        ([FRAUD, PAID | {"storm": {"over": 5}}], ["route paid: storm.over 100 → 5"]),
        ([FRAUD | {"when": {"to": ["fraud", "failed"]}}, PAID], ["route fraud: when.to failed added"]),
        ([FRAUD, PAID | {"when": {"to": "active", "min_total": {"USD": 60, "EUR": 5}}}],
         ["route paid: when.min_total.USD 50 → 60", "route paid: when.min_total.EUR none → 5"]),
        ([FRAUD | {"title": "Fraud\n" * 20}, PAID], ["route fraud: title added"]),
        ([FRAUD | {"for": "10m"}, PAID], ["route fraud: for none → 10m"]),
    ],
)  # fmt: skip
def test_a_route(tmp_path: Path, routes: list[Any], said: list[str]) -> None:
    assert changed(tmp_path, routes=routes) == said


def test_what_stands_at_the_top(tmp_path: Path) -> None:
    found = changed(
        tmp_path,
        time_zone="Europe/Stockholm",
        keep="30d",
        log={"level": "debug"},
        health={"channels": ["ops"]},
        web={"token": "a-token-of-enough-letters"},
    )
    assert found == [
        "time_zone: UTC → Europe/Stockholm",
        "health: channels none → [ops]",
        "keep: 400d → 30d",
        "web: token added",
        "log: level info → debug",
    ]


def test_a_secret_that_stands_in_something_harmless_is_struck_out(tmp_path: Path) -> None:
    first = with_shop(labels={"client": "old-secret-token"})
    assert "old-secret-token" not in str(changed(tmp_path, sources=first))


def test_what_is_much_is_cut(tmp_path: Path) -> None:
    many = {f"s{number}": SHOP | {"url": f"https://s{number}.example.com"} for number in range(200)}
    found = changed(tmp_path, sources={**BASE["sources"], **many})
    assert len(found) == MOST
    assert found[-1] == f"… and {200 - MOST + 1} more"


def test_hundreds_of_followed_orders_are_counted(tmp_path: Path) -> None:
    cloud = {"type": "hostup", "url": "https://c.example.com", "api_key": "a-key-of-theirs"}
    first = configured(tmp_path, BASE | {"sources": {"cloud": cloud | {"orders": [1, 2]}}})
    second = configured(tmp_path, BASE | {"sources": {"cloud": cloud | {"orders": [2, *range(10, 310)]}}})
    assert changes(first, second) == ["source cloud: orders: 300 added", "source cloud: order 1 removed"]


# How long history must be kept


@pytest.mark.parametrize(
    ("route", "keep", "what"),
    [
        ({"when": {"event": "spike", "status": "fraud", "share": "10%", "within": "3d"}}, "2d", "when.within"),
        ({"storm": {"within": "3d"}}, "2d", "storm.within"),
        ({"group": {"every": "3d"}}, "2d", "group.every"),
        ({"for": "3d"}, "2d", "for"),
        ({"for": "3d"}, "3d", ""),
        ({}, "1d", ""),
    ],
)
def test_history_is_kept_as_long_as_any_route_looks_back(
    tmp_path: Path, route: dict[str, Any], keep: str, what: str
) -> None:
    document = BASE | {"keep": keep, "routes": [{"name": "one", "channels": ["ops"], **route}]}
    if not what:
        configured(tmp_path, document)
        return
    with pytest.raises(ConfigError) as raised:
        configured(tmp_path, document)
    (problem,) = raised.value.problems
    assert f"route one looks back 3d ({what}): keep as long at least" in str(problem)


@pytest.mark.parametrize("keep", ["12h", "0s", "-1d", "for ever"])
def test_history_is_kept_for_a_day_at_least(tmp_path: Path, keep: str) -> None:
    with pytest.raises(ConfigError, match="keep"):
        configured(tmp_path, BASE | {"keep": keep})


def test_history_is_kept_for_more_than_a_year_by_default() -> None:
    assert Settings().keep.days == 400
