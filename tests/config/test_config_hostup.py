"""The hostup example, and what is said at which place when a followed source is set up wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_folder import Folder

from monitor.checks import CHECKS
from monitor.config import load
from monitor.sources.settings import Follows

EXAMPLE = Path(__file__).parents[2] / "config" / "hostup.yaml"
ENVIRON = {"HOSTUP_API_KEY": "made-up-key", "OPS_URL": "json://alerts.example.com/ops"}
WRITTEN = """\
sources:
  hosting: {type: hostup, url: https://cloud.example.com, %s}
channels:
  ops: {url: json://alerts.example.com/}
"""


def test_the_example_loads_with_every_check() -> None:
    settings = load(EXAMPLE, ENVIRON, CHECKS)
    hosting = settings.sources["hosting"]
    assert isinstance(hosting, Follows)
    assert (hosting.type, hosting.orders) == ("hostup", ["32019", "32044"])
    assert hosting.model_dump()["time_zone"] == "Europe/Stockholm"
    kinds = [route.when.event for route in settings.routes]
    assert ["invoice_changed"] in kinds
    assert ["service_changed"] in kinds


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("orders: [7]", "2:12: sources.hosting: has no credential: expected api_key (or token, sent as Bearer)"),
        ("api_key: x1, token: x2", "2:68: sources.hosting.api_key: api_key stands beside token: keep one"),
        (
            "api_key: x1, orders: [7, ORD-8]",
            "2:84: sources.hosting.orders[1]: expected an order's id, a whole number such as 32019",
        ),
        ("api_key: x1, orders: [7, 8, 7]", "2:80: sources.hosting.orders: names 7 twice: keep one"),
        (
            "api_key: x1, time_zone: Stockholm",
            "2:83: sources.hosting.time_zone: unknown time zone, did you mean Europe/Stockholm?",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(folder: Folder, written: str, problem: str) -> None:
    assert folder.problems(WRITTEN % written) == [f"monitor.yaml:{problem}"]


def test_a_credential_that_is_not_set_is_one_error(folder: Folder) -> None:
    """Not that there is none besides: it is named, and only its variable lacks."""
    (problem,) = folder.problems(WRITTEN % 'api_key: "${NOT_SET_ANYWHERE}"')
    assert "sources.hosting.api_key: the environment variable NOT_SET_ANYWHERE is not set" in problem
