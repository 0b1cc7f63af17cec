"""Which statuses no route reaches: a change to one of them would alert nobody."""

from __future__ import annotations

from typing import Any

import pytest

from monitor.cli.connect import unreached
from monitor.config import Settings


def routed(*routes: dict[str, Any], statuses: dict[str, str] | None = None) -> Settings:
    shop: dict[str, Any] = {
        "type": "opterius",
        "url": "https://billing.example.com",
        "token": "made-up",
        "labels": {"client": "acme"},
    }
    shop["statuses"] = statuses or {}
    channels = {"ops": {"url": "json://localhost"}}
    return Settings.model_validate({"sources": {"shop": shop}, "channels": channels, "routes": list(routes)})


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, []),
        ({"to": "fraud"}, ["active", "On-Hold"]),
        ({"to": ["fraud", "on-hold"]}, ["active"]),
        ({"from": "pending"}, []),
        ({"from": "active"}, ["active"]),
        ({"event": "appeared"}, ["active", "fraud", "On-Hold"]),
        ({"source": "other*"}, ["active", "fraud", "On-Hold"]),
        ({"labels": {"client": "other"}}, ["active", "fraud", "On-Hold"]),
        ({"product": "Trial", "currency": "EUR", "min_total": {"USD": 5}}, []),
        ({"not": {"to": "fraud"}}, ["fraud"]),
        ({"not": {"to": "fraud", "product": "Trial"}}, []),
    ],
)
def test_statuses_that_no_route_reaches_are_found(when: dict[str, Any], expected: list[str]) -> None:
    settings = routed({"name": "only", "when": when, "channels": ["ops"]})
    assert unreached(settings, "shop", ["active", "fraud", "On-Hold"]) == expected


def test_without_routes_every_status_reaches_somebody() -> None:
    assert unreached(routed(), "shop", ["active", "strange"]) == []


def test_a_status_is_reached_by_what_it_means() -> None:
    settings = routed({"name": "only", "when": {"to": "fraud"}, "channels": ["ops"]}, statuses={"On-Hold": "fraud"})
    assert unreached(settings, "shop", ["active", "fraud", "On-Hold"]) == ["active"]
