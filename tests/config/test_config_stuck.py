"""Rules about stuck orders, in a file: what is wrong with them, and where."""

from __future__ import annotations

import pytest
from config_folder import Folder

FILE = """\
sources: {shop: {type: opterius, url: 'https://billing.example.com', token: made-up}}
channels: {ops: {url: 'json://x.example.com'}, boss: {url: 'json://y.example.com'}}
routes:
  - name: stuck
    when: {event: stuck, status: pending, after: 24h}
    channels: [ops]
    remind_every: 12h
    escalate: {after: 72h, channels: [boss]}
"""


def test_a_rule_is_read_as_it_is_written(folder: Folder) -> None:
    [route] = folder.load(FILE).redacted()["routes"]
    assert route["when"] | {"event": ["stuck"], "status": ["pending"], "after": "1d"} == route["when"]
    assert (route["remind_every"], route["escalate"]) == ("12h", {"after": "3d", "channels": ["boss"]})


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[boss]", "[bos]", "8:39: routes[0].escalate.channels[0]: unknown channel, did you mean boss?"),
        ("after: 72h", "after: 24h", "4:5: routes[0]: escalate.after is not longer than when.after: *"),
        (", after: 24h", "", "5:19: routes[0].when.event: event stuck needs after, such as after: 24h"),
        ("remind_every: 12h", "remind_every: often", "7:19: routes[0].remind_every: *"),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_at_its_place(folder: Folder, old: str, new: str, problem: str) -> None:
    said = [text.partition("monitor.yaml:")[2] for text in folder.problems(FILE.replace(old, new))]
    assert [text[: len(problem.rstrip("*"))] for text in said] == [problem.rstrip("*")]
