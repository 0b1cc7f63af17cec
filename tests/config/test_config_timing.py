"""When messages go: which keys of a route go together, and what is said of a time that is none."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from config_folder import GOOD, Folder

from monitor.alerting.hours import DAYS

HEAD = "routes:\n- name: paid\n  channels: [ops]\n"
NIGHT = "quiet: {from: '22:00', to: '07:00'}"


def faults(folder: Folder, *keys: str) -> list[str]:
    """What is wrong with a route that has these keys, without places."""
    lines = folder.problems(GOOD + HEAD + "".join(f"  {key}\n" for key in keys))
    return [line.partition(": routes[0]")[2] for line in lines if ": routes[0]" in line]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["urgent: true", "group: {}"], ".group: group would hold up an urgent route: remove one of them"),
        (["urgent: true", NIGHT], ".quiet: quiet would hold up an urgent route: remove one of them"),
        (["urgent: true", "for: 2m"], ".for: for would hold up an urgent route: remove one of them"),
        (
            ["urgent: true", "digest: {daily: '08:00'}"],
            ".digest: digest would hold up an urgent route: remove one of them",
        ),
        (["group: {}", "for: 2m"], ".group: group and for cannot both say when it is told: keep one"),
        (
            ["group: {}", "digest: {daily: '08:00'}"],
            ".group: group and digest cannot both say when it is told: keep one",
        ),
        (["digest: {daily: '08:00'}", "for: 2m"], ".digest: digest and for cannot both say when it is told: keep one"),
        (["quiet: {from: '22:00', to: '22:00'}"], ".quiet.to: to is the same as from: quiet hours would never end"),
        (["quiet: {from: '24:00', to: '07:00'}"], '.quiet.from: expected a time of day such as "08:00"'),
        (["quiet: {from: 7, to: '07:60'}"], '.quiet.from: expected a time of day such as "08:00"'),
        (["digest: {}"], ".digest: expected either daily or weekly"),
        (["digest: {daily: '08:00', weekly: mon 08:00}"], ".digest: expected either daily or weekly"),
        (["digest: {daily: 8}"], '.digest.daily: expected a time of day such as "08:00"'),
        (["digest: {weekly: '08:00'}"], '.digest.weekly: expected a day and a time such as "mon 08:00"'),
        (["digest: {weekly: funday 08:00}"], '.digest.weekly: expected a day and a time such as "mon 08:00"'),
        (["digest: {weekly: mon 25:00}"], '.digest.weekly: expected a time of day such as "08:00"'),
        (["group: {by: [product]}"], ".group.by[0]: expected source, status, event, currency, order or labels.NAME"),
        (["group: {by: [labels.]}"], ".group.by[0]: expected source, status, event, currency, order or labels.NAME"),
        (["group: {wait: 0s}"], ".group.wait: must be at least 1s"),
        (["storm: {over: 0}"], ".storm.over: must be at least 1"),
        (["for: 10ms"], ".for: must be at least 1s"),
    ],
)
def test_a_mistake_is_said_at_its_place(folder: Folder, keys: list[str], said: str) -> None:
    assert said in faults(folder, *keys)


def test_a_day_that_is_none_is_said(folder: Folder) -> None:
    (said,) = faults(folder, "quiet: {from: '22:00', to: '07:00', days: [mon, funday]}")
    assert said.startswith(".quiet.days[1]: expected one of mon, tue")


@pytest.mark.parametrize("way", ["group: {}", "for: 2m", "digest: {weekly: MON 8:00}"])
def test_quiet_hours_go_with_each_way_to_wait(folder: Folder, way: str) -> None:
    assert folder.load(GOOD + HEAD + f"  {way}\n  {NIGHT}\n").routes[0].quiet


def test_what_is_not_said_has_its_default(folder: Folder) -> None:
    (route,) = folder.load(GOOD + HEAD + "  group: {}\n  quiet: {from: 22:00, to: 7:05}\n").routes
    assert route.group
    assert route.quiet
    assert (route.group.by, route.group.wait) == (["source"], timedelta(seconds=30))
    assert route.group.every == timedelta(minutes=5)
    assert (route.quiet.from_, route.quiet.to, route.quiet.days) == (time(22), time(7, 5), list(DAYS))
    assert (route.storm.over, route.storm.within, route.urgent) == (100, timedelta(minutes=5), False)
