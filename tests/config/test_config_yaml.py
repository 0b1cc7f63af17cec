"""How text becomes values: YAML 1.2 scalars, anchors, and texts that are no configuration."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_folder import Folder, secret

from monitor.config import compose as composing
from monitor.config.document import core_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:00", "22:00"), ("NO", "NO"), ("on", "on"), ("yes", "yes"), ("0032", "0032"), ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"), ("0o17", 15), ("0x1F", 31), ("0b1", "0b1"), ("-7", -7), ("+7", 7), ("0", 0), ("1.5", 1.5),
        (".5", 0.5), ("1e3", 1000.0), ("-.inf", float("-inf")), (".INF", float("inf")), ("00.5", "00.5"),
        ("true", True), ("False", False), ("tRUE", "tRUE"), ("null", None), ("~", None), ("", None), ("none", "none"),
        ("9" * 101, "9" * 101),
    ],
)  # fmt: skip
def test_unquoted_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert core_scalar(text) == value
    assert type(core_scalar(text)) is type(value)


def test_not_a_number_is_a_float() -> None:
    assert str(core_scalar(".NaN")) == "nan"


def test_labels_keep_the_text_that_yaml_1_1_would_change(folder: Folder, good: str) -> None:
    labels = "    labels: {open: 22:00, country: NO, shop: 0032, day: 2026-11-21, n: '7', s: !!str 8}\n"
    settings = folder.load(good.replace("channels:", labels + "channels:"))
    expected = {"open": "22:00", "country": "NO", "shop": "0032", "day": "2026-11-21", "n": "7", "s": "8"}
    assert settings.sources["shop"].labels == expected


def test_an_unquoted_number_where_text_is_expected_is_told_to_be_quoted(folder: Folder, good: str) -> None:
    assert folder.problems(good.replace("made-up-token", "12345678")) == [
        "monitor.yaml:5:12: sources.shop.token: expected text: put the value in quotes"
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty"),
        ("# nothing\n", "1:1: the file is empty"),
        ("- a\n", "1:1: expected keys such as sources"),
        ("\njust text\n", "2:1: expected keys such as sources"),
        ("a:\n\tb: 1\n", "2:1: not valid YAML: a tab: indent with spaces"),
        ("a: 1\n\tb: 2\n", "2:1: not valid YAML: a tab: indent with spaces"),
        ("a: >\n\tx\n", "2:1: not valid YAML: a tab: indent with spaces"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document starts here"),
        ("a: b: c\n", "not valid YAML: a key stands where none can"),
        ("a: 'open\n", "not valid YAML: this quote is never closed"),
        ("a: @x\n", "1:4: not valid YAML: a value cannot start with this character"),
        ("a: {b: c\n", "not valid YAML: expected , or } here"),
        ("a: [b\n", "not valid YAML: expected , or ] here"),
        ('a: "\\q"\n', "not valid YAML: a backslash"),
        ("a: *nobody\n", "1:4: an unquoted * starts an alias"),
        ("a: &x [*x]\n", "1:8: an unquoted * starts an alias"),
        ("a: \x07\n", "1:4: a control character"),
        ("a: !!python/object/apply:os.system [id]\n", "1:4: a: tags (!) are not supported"),
        ("a: !secret x\n", "1:4: a: tags (!) are not supported"),
        ("a: !!int x\n", "1:4: a: the value is not what its tag !!int says"),
        ("? [a, b]\n: c\n", "1:3: a key must be plain text"),
        ("? \n: c\n", "1:2: a colon without a key"),
        ("a: " + "[" * 60 + "]" * 60, "1:54: nested more than 50 deep"),
        ("a: " + "[" * 200_000, "1:54: nested more than 50 deep"),
        ("a: 1\nb: {<<: 5}\n", "2:9: b.<<: << expects a mapping"),
    ],
)
def test_what_is_no_configuration_is_refused_in_plain_words(folder: Folder, text: str, problem: str) -> None:
    assert problem in "\n".join(folder.problems(text))


@pytest.mark.parametrize("value", ["{token: ${X}}", "{token: ${X:-y}, url: z}", "[${X}]"])
def test_an_unquoted_reference_in_braces_gets_its_own_hint(folder: Folder, value: str) -> None:
    (problem,) = folder.problems(f"a: 1\nb: {value}\n", {"X": "y"})
    assert problem.startswith("monitor.yaml:2:")
    assert problem.endswith('needs quotes: "${NAME}"')


def test_the_pure_python_parser_gives_the_same_positions_and_words(
    folder: Folder, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyYAML may be installed without libyaml."""
    texts = [good.replace("type:", "typ:"), "a: {b: ${X}}", "a:\n\tb: 1", "a: 'x", "a: b: c", "a: 1\n---\nb: 2", ""]
    fast = [folder.problems(text) for text in texts]
    monkeypatch.setattr(composing, "_LOADER", yaml.SafeLoader)
    slow = [folder.problems(text) for text in texts]
    assert [[line.partition(":")[2] for line in lines] for lines in slow] == [
        [line.partition(":")[2] for line in lines] for lines in fast
    ]


def test_bad_utf_8_is_refused_at_its_byte(folder: Folder) -> None:
    folder.main.write_bytes(b"a: 1\nb: \xe5\xff\n")
    assert folder.reload() == ["monitor.yaml:2:4: not UTF-8: save the file as UTF-8"]


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(folder: Folder, good: str) -> None:
    assert folder.problems("\ufeff" + good.replace("\n", "\r\n")) == []


def test_columns_count_characters_and_not_bytes(folder: Folder, good: str) -> None:
    problems = folder.problems(good + 'log: {level: info, "ü": 1}\n')
    assert problems == ["monitor.yaml:9:20: log.(odd key): unknown key"]


def test_duplicate_keys_name_both_places(folder: Folder, good: str) -> None:
    assert folder.problems(good + "channels:\n  b: {url: json://b.example.com}\n") == [
        "monitor.yaml:9:1: channels: duplicate key, the first stands at monitor.yaml:6:1"
    ]
    assert "monitor.yaml:5:5: sources.shop.url: duplicate key, the first stands at monitor.yaml:4:5" in folder.problems(
        good.replace("    token:", "    url: x\n    token:")
    )


def test_anchors_merges_and_x_keys_work(folder: Folder, good: str) -> None:
    anchors = """\
x-common: &common {every: 5m, timeout: 3s, token_file: nowhere}
x-odd: !odd [anything, {goes: "${UNSET}"}]
"""
    text = good.replace("type: opterius", "type: opterius\n    <<: *common\n    timeout: 4s")
    shop = folder.load(anchors + text).sources["shop"]
    assert (shop.every.total_seconds(), shop.timeout.total_seconds()) == (300, 4)
    assert secret(shop, "token") == "made-up-token"


def test_several_merges_let_the_first_win(folder: Folder, good: str) -> None:
    text = f"x-a: &a {{every: 5m}}\nx-b: &b {{every: 9m, down_after: 7}}\n{good}"
    shop = folder.load(text.replace("type: opterius", "type: opterius\n    <<: [*a, *b]")).sources["shop"]
    assert (shop.every.total_seconds(), shop.down_after) == (300, 7)


def test_x_keys_are_ignored_at_the_top_only(folder: Folder, good: str) -> None:
    assert folder.problems(good.replace("    type:", "    x-note: 1\n    type:")) == [
        "monitor.yaml:3:5: sources.shop.x-note: unknown key"
    ]


def test_a_billion_laughs_are_refused_soon(folder: Folder) -> None:
    lines = ["x0: &x0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 10)]
    started = time.process_time()
    (problem,) = folder.problems("\n".join(lines))
    assert "more than 100000 values" in problem
    assert time.process_time() - started < 10


def test_missing_files_directories_and_unreadable_files_are_told_apart(folder: Folder, tmp_path: Path) -> None:
    assert folder.reload() == [
        "monitor.yaml:1:1: there is no such file: `order-monitor init` writes one, -c names another"
    ]
    folder.main.mkdir()
    assert folder.reload() == ["monitor.yaml:1:1: this is a directory: a file is expected"]
    folder.main.rmdir()
    folder.main.symlink_to(folder.main)
    assert "cannot be read" in folder.reload()[0]


def test_a_file_that_may_not_be_read_says_so(folder: Folder, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything: the system's refusal is put in by hand."""

    def refuse(self: Path, *args: Any, **more: Any) -> None:
        raise PermissionError(13, "Permission denied")

    folder.write(good)
    monkeypatch.setattr(Path, "open", refuse)
    assert folder.reload() == ["monitor.yaml:1:1: the file may not be read: check its owner and mode"]


def test_an_enormous_file_is_refused(folder: Folder, good: str) -> None:
    assert folder.problems(good + "#" * (4 * 1024 * 1024)) == ["monitor.yaml:1:1: the file is larger than 4096 KiB"]
