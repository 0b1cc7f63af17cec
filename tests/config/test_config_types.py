"""Sources of many types: the type chooses the keys; what all have in common; meanings; details of another source."""

from __future__ import annotations

import pytest
from config_folder import EXPECTED_TYPE, Folder, secret

from monitor.checks import check_details
from monitor.config.schema import json_schema
from monitor.config.sources import SOURCES, SourceSettings
from monitor.model import Meaning, meaning_of

TYPES = """\
sources:
  shop: {type: opterius, url: https://billing.example.com, token: made-up-token}
  hosting: {type: hostup, url: https://cloud.example.com, api_key: made-up-key, orders: [32019, "32044"]}
channels:
  ops: {url: json://alerts.example.com/}
"""


def test_each_type_of_the_registry_has_its_own_keys_and_the_common_ones(folder: Folder) -> None:
    settings = folder.load(TYPES)
    assert {name: (source.type, source.url) for name, source in settings.sources.items()} == {
        "shop": ("opterius", "https://billing.example.com"),
        "hosting": ("hostup", "https://cloud.example.com"),
    }
    assert secret(settings.sources["hosting"], "api_key") == "made-up-key"
    assert all(set(SourceSettings.model_fields) <= set(model.model_fields) for model in SOURCES.values())


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("opteris", f"2:16: sources.shop.type: {EXPECTED_TYPE}; did you mean opterius?"),
        ("Hostup", f"2:16: sources.shop.type: {EXPECTED_TYPE}; did you mean hostup?"),
        ("nonsense", f"2:16: sources.shop.type: {EXPECTED_TYPE}"),
        ("5", f"2:16: sources.shop.type: {EXPECTED_TYPE}"),
        ("[opterius]", f"2:16: sources.shop.type: {EXPECTED_TYPE}"),
        ("{a: b}", f"2:16: sources.shop.type: {EXPECTED_TYPE}"),
        ("", f"2:16: sources.shop.type: {EXPECTED_TYPE}"),
    ],
)
def test_an_unknown_type_is_one_error_that_lists_the_known_ones(folder: Folder, written: str, problem: str) -> None:
    """Keys that some type has are not held against it: only the type tells."""
    assert folder.problems(TYPES.replace("type: opterius", f"type: {written}")) == [f"monitor.yaml:{problem}"]


def test_without_a_type_every_other_key_is_still_looked_at(folder: Folder) -> None:
    text = TYPES.replace("type: opterius,", "api_kye: x, every: often, api_key: [x],")
    assert folder.problems(text) == [
        f"monitor.yaml:2:9: sources.shop.type: required, but missing, {EXPECTED_TYPE}",
        "monitor.yaml:2:10: sources.shop.api_kye: unknown key, did you mean api_key?",
        "monitor.yaml:2:29: sources.shop.every: expected a duration such as 90s, 5m, 1h or 2d",
    ]


def test_a_key_of_another_type_is_unknown_and_only_this_types_keys_are_suggested(folder: Folder) -> None:
    text = TYPES.replace("token: made-up-token", "token: made-up-token, orders: [1], api_key_file: gone, tokne: x")
    assert folder.problems(text) == [
        "monitor.yaml:2:82: sources.shop.orders: unknown key in a source of this type, known in one of type hostup",
        "monitor.yaml:2:95: sources.shop.api_key_file: unknown key in a source of this type, known in one of type "
        "hostup or hostbill or fossbilling",
        "monitor.yaml:2:115: sources.shop.tokne: unknown key, did you mean token?",
    ]


def test_a_key_that_is_called_as_a_type_keeps_its_place(folder: Folder) -> None:
    """pydantic puts the chosen type's name into the place of an error."""
    text = TYPES.replace("token: made-up-token", "opterius: {url: 5}, token: [x]")
    assert folder.problems(text) == [
        "monitor.yaml:2:60: sources.shop.opterius: unknown key",
        "monitor.yaml:2:87: sources.shop.token: expected text",
    ]


def test_lists_of_a_type_are_read_from_the_environment_and_text_stays_text(folder: Folder) -> None:
    environ = {"MONITOR_SOURCES__HOSTING__ORDERS": "[7, 8]", "MONITOR_SOURCES__HOSTING__API_KEY": "[1]"}
    hosting = folder.load(TYPES, environ).sources["hosting"]
    assert hosting.model_dump()["orders"] == ["7", "8"]
    assert secret(hosting, "api_key") == "[1]"


def test_each_types_own_secrets_may_stand_in_files(folder: Folder) -> None:
    folder.write("from-a-file\n", "key")
    settings = folder.load(TYPES.replace("api_key: made-up-key", "api_key_file: key"))
    assert secret(settings.sources["hosting"], "api_key") == "from-a-file"
    assert "from-a-file" in settings.secrets()
    assert settings.redacted()["sources"]["hosting"]["api_key"] == "***"


def test_own_statuses_mean_what_the_file_says_and_else_what_is_known_of_the_type(folder: Folder) -> None:
    statuses = "statuses: {On-Hold: Pending, DRAFT: fraud, under review: canceled}"
    hosting = folder.load(TYPES.replace("orders:", f"{statuses}, orders:")).sources["hosting"]
    assert {status: meaning_of(status, hosting.meanings) for status in ("on hold", "Draft", "Under_Review")} == {
        "on hold": Meaning.PENDING,
        "Draft": Meaning.FRAUD,
        "Under_Review": Meaning.CANCELLED,
    }
    assert meaning_of("Terminated", hosting.meanings) is Meaning.CANCELLED, "as is known of the type"
    assert meaning_of("Active", hosting.meanings) is Meaning.ACTIVE


def test_a_status_stands_once_however_it_is_spelled(folder: Folder) -> None:
    text = TYPES.replace("token:", "statuses: {on-hold: pending, On Hold: fraud}, token:")
    assert folder.problems(text) == [
        "monitor.yaml:2:70: sources.shop.statuses: holds one status in two spellings: keep one"
    ]


def test_details_come_from_another_source_that_shows_single_orders(folder: Folder) -> None:
    text = TYPES.replace("token:", "detail: hosting, token:")
    assert folder.load(text, checks=[check_details]).sources["shop"].detail == "hosting"


@pytest.mark.parametrize(
    ("detail", "problem"),
    [
        ("hostin", "unknown source, did you mean hosting?"),
        ("elsewhere", "unknown source, expected the name of one under sources"),
        ("shop", "this is the source itself, expected the name of another under sources"),
        ("5", "expected text: put the value in quotes"),
    ],
)
def test_details_from_nowhere_are_an_error_at_their_place(folder: Folder, detail: str, problem: str) -> None:
    text = TYPES.replace("token:", f"detail: {detail}, token:")
    assert folder.problems(text, checks=[check_details]) == [f"monitor.yaml:2:68: sources.shop.detail: {problem}"]


def test_details_from_a_type_that_shows_no_single_orders_are_an_error(folder: Folder) -> None:
    text = TYPES.replace("orders:", "detail: shop, orders:")
    (problem,) = folder.problems(text, checks=[check_details])
    assert problem.startswith("monitor.yaml:3:")
    assert "sources.hosting.detail: shop is of type opterius, which shows no single orders" in problem


def test_the_schema_has_one_alternative_for_each_type_with_descriptions() -> None:
    definitions = json_schema()["$defs"]
    for name, model in SOURCES.items():
        properties = definitions[model.__name__]["properties"]
        assert properties["type"]["const"] == name
        assert all("description" in value for value in properties.values()), name
