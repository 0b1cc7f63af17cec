"""`init`, `check`, `schema` and `test`."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typed import Hook, Keyboard

ROOT = Path(__file__).parents[2]


def test_what_init_writes_passes_check(keyboard: Keyboard) -> None:
    keyboard.file = keyboard.file.parent / "new" / "folder" / "monitor.yaml"
    typed = keyboard.type("init")
    assert typed.code == 0
    assert f"order-monitor check -c {keyboard.file}" in typed.out
    typed = keyboard.type("check")
    assert (typed.code, typed.err) == (0, "")
    assert (
        "right. 1 source (shop), 1 channel (ops), no routes (every status_changed goes to every channel)" in typed.out
    )


def test_init_overwrites_only_when_told_to(keyboard: Keyboard) -> None:
    keyboard.file.write_text("mine")
    typed = keyboard.type("init")
    assert typed.code == 2
    assert typed.err == f"{keyboard.file}: is there already: --force overwrites it, -c names another\n"
    assert keyboard.file.read_text() == "mine"
    assert keyboard.type("init", "--force").code == 0
    assert "sources:" in keyboard.file.read_text()


def test_init_says_when_it_cannot_write(keyboard: Keyboard) -> None:
    blocker = keyboard.file.parent / "file"
    blocker.write_text("")
    keyboard.file = blocker / "monitor.yaml"
    typed = keyboard.type("init")
    assert typed.code == 2
    assert "cannot be written" in typed.err


_GOOD = """\
sources: {shop: {type: opterius, url: https://billing.example.com, token: made-up}}
channels: {ops: {url: json://alerts.example.com/}}
"""


def test_check_says_what_the_configuration_means(keyboard: Keyboard) -> None:
    keyboard.file.write_text(_GOOD + "routes: [{name: fraud, when: {to: fraud}, channels: [ops]}]\n")
    typed = keyboard.type("check")
    folder = keyboard.file.parent
    assert typed == (
        0,
        f"{keyboard.file}: right. 1 source (shop), 1 channel (ops), 1 route; state {folder}/order-monitor.db; "
        "times in UTC\n",
        "",
    )
    assert list(folder.iterdir()) == [keyboard.file], "it creates nothing"


def test_check_show_prints_it_as_it_is_understood_without_secrets(keyboard: Keyboard) -> None:
    keyboard.file.write_text(_GOOD)
    typed = keyboard.type("check", "--show")
    shown = yaml.safe_load(typed.out.rpartition(f"{keyboard.file}: right")[0])
    assert shown["sources"]["shop"]["token"] == "***"
    assert shown["sources"]["shop"]["every"] == "1m"
    assert "made-up" not in typed.out


def test_check_warns_where_one_url_names_several_recipients(keyboard: Keyboard) -> None:
    url = "mailto://mail.example.com?from=a@example.com&to=b@example.com,c@example.com"
    keyboard.file.write_text(_GOOD.replace("json://alerts.example.com/", f"'{url}'"))
    typed = keyboard.type("check")
    assert typed.code == 0
    assert typed.out.startswith("warning: channels.ops: one URL names 2 recipients")


_BAD = """\
sources:
  shop:
    type: opterius
    url: billing.example.com
    tokn: made-up
    every: soon
channels:
  ops: {url: slak://a/b/c}
routes:
  - {name: paid, when: {too: active}, channels: [opps]}
  - {name: worded, channels: [ops], title: "{{ order.numbr }}"}
"""


def test_check_prints_every_fault_with_its_place(keyboard: Keyboard) -> None:
    keyboard.file.write_text(_BAD)
    typed = keyboard.type("check")
    assert (typed.code, typed.out) == (2, "")
    faults = [line.removeprefix(f"{keyboard.file}:") for line in typed.err.splitlines()]
    begins = [
        "3:5: sources.shop.token: required",
        "4:10: sources.shop.url: expected an address",
        "5:5: sources.shop.tokn: unknown key, did you mean token?",
        "6:12: sources.shop.every: expected a duration",
        "8:14: channels.ops.url: Apprise has no service slak://: did you mean slack://?",
        "10:25: routes[0].when.too: unknown key, did you mean to?",
        "10:50: routes[0].channels[0]: unknown channel, did you mean ops?",
        "11:44: routes[1].title: line 1: unknown variable 'order.numbr'",
    ]
    for begin in begins:
        assert any(fault.startswith(begin) for fault in faults), f"{begin} in:\n{typed.err}"
    assert len(faults) == len(begins), typed.err


@pytest.mark.parametrize("text", ["", "[]", "sources: [", "\tsources:", "sources: {shop: }"])
def test_check_refuses_what_is_no_configuration(text: str, keyboard: Keyboard) -> None:
    keyboard.file.write_text(text)
    typed = keyboard.type("check")
    assert typed.code == 2
    assert typed.err.startswith(f"{keyboard.file}:")
    assert "Traceback" not in typed.err


@pytest.mark.parametrize(
    "command", ["run", "poll", "check", "test ops", "orders", "events", "deliveries", "accept shop"]
)
def test_each_command_says_that_there_is_no_such_file(command: str, keyboard: Keyboard) -> None:
    typed = keyboard.type(*command.split())
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith(f"{keyboard.file}")


def _schema(keyboard: Keyboard) -> dict[str, Any]:
    typed = keyboard.type("schema", config=False)
    assert typed.code == 0
    schema: dict[str, Any] = json.loads(typed.out)
    return schema


def test_schema_is_a_json_schema_that_explains_every_key(keyboard: Keyboard) -> None:
    schema = _schema(keyboard)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    for shape in [schema, *schema["$defs"].values()]:
        for key, described in shape.get("properties", {}).items():
            if not key.endswith("_file"):
                assert "description" in described, f"{shape.get('title')}.{key}"


@pytest.mark.parametrize("name", ["config/minimal.yaml", "config/full.yaml", "monitor/cli/starter.yaml"])
def test_the_schema_knows_every_key_of_the_example_files(name: str, keyboard: Keyboard) -> None:
    schema = _schema(keyboard)
    data = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    unknown = list(_unknown(data, schema, schema["$defs"], ""))
    assert unknown == []


def test_the_schema_knows_no_other_key(keyboard: Keyboard) -> None:
    """Else the test above would prove nothing."""
    schema = _schema(keyboard)
    wrong = {"sources": {"shop": {"tokn": "x"}}, "routes": [{"when": {"not": {"too": 1}}}], "chanels": {}}
    assert sorted(_unknown(wrong, schema, schema["$defs"], "")) == [
        ".chanels", ".routes[].when.not.too", ".sources.shop.tokn",
    ]  # fmt: skip


def _unknown(value: Any, shape: dict[str, Any], definitions: dict[str, Any], path: str) -> list[str]:
    """The keys in ``value`` that no alternative of the shape has."""
    if "$ref" in shape:
        return _unknown(value, definitions[shape["$ref"].rpartition("/")[2]], definitions, path)
    if choices := shape.get("anyOf") or shape.get("oneOf"):
        return min((_unknown(value, one, definitions, path) for one in choices), key=len)
    if isinstance(value, list):
        items = shape.get("items")
        return (
            [path]
            if items is None
            else [key for one in value for key in _unknown(one, items, definitions, f"{path}[]")]
        )
    if not isinstance(value, dict):
        return [] if shape.get("type") not in ("object", "array") else [path]
    if shape.get("type") != "object":
        return [path]
    found = []
    for key, child in value.items():
        below = _below(shape, key)
        found += [f"{path}.{key}"] if below is None else _unknown(child, below, definitions, f"{path}.{key}")
    return found


def _below(shape: dict[str, Any], key: str) -> dict[str, Any] | None:
    named = shape.get("properties", {}).get(key)
    others = shape.get("additionalProperties") or next(iter(shape.get("patternProperties", {}).values()), None)
    below = named if named is not None else others
    return below if isinstance(below, dict) else None


async def test_a_test_message_arrives_at_each_url(keyboard: Keyboard, hook: Hook) -> None:
    urls = json.dumps([hook.url, f"{hook.url}?:b=2"])
    keyboard.file.write_text(_GOOD.replace("json://alerts.example.com/", urls))
    typed = await keyboard.beside("test", "ops")
    assert typed == (0, "ops: sent; has it arrived?\nops#2: sent; has it arrived?\n", "")
    assert hook.titles == ["Test: ops", "Test: ops#2"]
    assert "no order has changed" in hook.posted[0]["message"]


async def test_a_test_message_that_fails_says_why(keyboard: Keyboard, hook: Hook) -> None:
    keyboard.file.write_text(_GOOD.replace("json://alerts.example.com/", hook.url))
    hook.status = 404
    assert await keyboard.beside("test", "ops") == (1, "ops: failed: 404 Not Found\n", "")


def test_testing_an_unknown_channel_names_those_there_are(keyboard: Keyboard) -> None:
    keyboard.file.write_text(_GOOD)
    typed = keyboard.type("test", "opps")
    assert (typed.code, typed.err) == (2, f"{keyboard.file}: channels.opps: no such channel: there are ops\n")
