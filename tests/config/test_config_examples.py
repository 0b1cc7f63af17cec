"""What is written down is executed: the examples load, full.yaml names every setting, the schema agrees with both."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_folder import Folder

from monitor.checks import CHECKS
from monitor.config import load
from monitor.config.document import parse
from monitor.config.faults import Faults
from monitor.config.nodes import Origin, plain
from monitor.config.schema import json_schema
from monitor.config.settings import ConfigFile
from monitor.config.shape import Shape, child, fields, sections, shape_of
from monitor.config.sources import SOURCES, own_keys

EXAMPLES = Path(__file__).parents[2] / "config"
FULL = (EXAMPLES / "full.yaml").read_text(encoding="utf-8")
ENVIRON = {
    "SHOP_TOKEN": "made-up-token",
    "OPS_URL": "json://alerts.example.com/ops",
    "SLACK_URL": "https://hooks.slack.com/services/T00000000/B00000000/madeupmadeupmadeupmadeup",
    "MAIL_PASSWORD": "made-up",
}
for file in EXAMPLES.glob("*.yaml"):
    for name in re.findall(r"\$\{(\w+)\}", file.read_text(encoding="utf-8")):
        ENVIRON.setdefault(name, "made-up")
OTHERS = ("compose.yaml", "compose-postgres.yaml", "prometheus-rules.yaml")
LOADED = sorted(file.name for file in EXAMPLES.glob("*.yaml") if file.name not in OTHERS)


@pytest.mark.parametrize("name", LOADED)
def test_the_examples_load_with_every_check(name: str) -> None:
    settings = load(EXAMPLES / name, ENVIRON, CHECKS)
    kinds = {source.type for source in settings.sources.values()}
    assert kinds == {"minimal.yaml": {"opterius"}, "full.yaml": set(SOURCES)}.get(name, kinds)


def test_there_is_an_example_of_every_type() -> None:
    kinds = {kind for name in LOADED for kind in re.findall(r"    type: (\w+)", (EXAMPLES / name).read_text())}
    assert kinds == set(SOURCES)


@pytest.mark.parametrize("kind", SOURCES)
def test_the_full_example_names_every_key_of_each_type_below_it(kind: str) -> None:
    """That other types have a key of the same name proves nothing."""
    (entry,) = (block for block in re.split(r"\n(?=  \w+:\n)", FULL) if f"    type: {kind}\n" in block)
    assert set(own_keys(SOURCES[kind])) <= set(re.findall(r"(?:^|[\s#{-])([a-z_]+):", entry))


def test_the_minimal_example_stays_minimal() -> None:
    assert len((EXAMPLES / "minimal.yaml").read_text().splitlines()) <= 12


def test_the_users_file_is_not_ours() -> None:
    assert not (EXAMPLES / "monitor.yaml").exists()


def _keys(shape: Shape) -> set[str]:
    """Every key that any mapping of these models may hold."""
    found: set[str] = set()
    for model in sections(shape):
        found |= {f"{name}_file" for name in model.secret_fields()}
        for key, field in fields(model).items():
            found |= {key} | _keys(_inner(shape_of(field.annotation)))
    return found


def _inner(shape: Shape) -> Shape:
    """The models in a mapping by name, or in a list."""
    return shape + child(shape, "any") + child(shape, 0) if not sections(shape) else shape


def test_the_full_example_names_every_setting_and_explains_it() -> None:
    lines = (EXAMPLES / "full.yaml").read_text().splitlines()
    named = {key for line in lines for key in re.findall(r"(?:^|[\s#{-])([a-z_]+):", line)}
    keys = _keys((ConfigFile,))
    assert {"state", "token_file", "url_file", "client_key_file", "min_total", "not", "level"} <= keys
    assert keys - named == set()
    assert [line for line in lines if re.match(r"[a-z_]+:", line) and not _explained(lines, line)] == []


def _explained(lines: list[str], line: str) -> bool:
    return lines[lines.index(line) - 1].startswith("#")


def test_the_defaults_that_the_full_example_states_are_the_models() -> None:
    text = (EXAMPLES / "full.yaml").read_text()
    values = {key: value for value, key in re.findall(r"Default: (\S+)\.\n +#? ?([a-z_]+):", text)}
    assert values["every"] == "60s"
    assert values["timeout"] == "10s"
    assert values["down_after"] == "3"
    assert values["level"] == "info"
    assert values["format"] == "auto"
    assert values["stop"] == "false"


def _as_json(text: str) -> Any:
    tree = parse(text, Origin("x", Path(), 1), ENVIRON, Faults())
    assert tree is not None
    return plain(tree)


def _fits(value: Any, schema: Any, root: Any) -> bool:
    """As much of JSON schema as ours uses."""
    return all(
        (
            "$ref" not in schema or _fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root),
            "oneOf" not in schema or sum(_fits(value, choice, root) for choice in schema["oneOf"]) == 1,
            "not" not in schema or not _fits(value, schema["not"], root),
            "anyOf" not in schema or any(_fits(value, choice, root) for choice in schema["anyOf"]),
            "const" not in schema or value == schema["const"],
            "enum" not in schema or value in schema["enum"],
            "type" not in schema or _is(value, schema["type"]),
            _fits_inside(value, schema, root),
        )
    )


def _fits_inside(value: Any, schema: Any, root: Any) -> bool:
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None and len(value) >= schema.get("minLength", 0)
    if isinstance(value, list):
        items = all(_fits(item, schema.get("items", {}), root) for item in value)
        return items and len(value) >= schema.get("minItems", 0)
    if isinstance(value, dict):
        return set(schema.get("required", ())) <= value.keys() and all(
            _fits_key(key, child, schema, root) for key, child in value.items()
        )
    return value is None or isinstance(value, bool) or bool(value >= schema.get("minimum", value))


def _fits_key(key: str, value: Any, schema: Any, root: Any) -> bool:
    for pattern, inner in schema.get("patternProperties", {}).items():
        if re.search(pattern, key):
            return _fits(value, inner, root)
    inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
    return inner if isinstance(inner, bool) else _fits(value, inner, root)


def _is(value: Any, kind: str) -> bool:
    kinds: dict[str, Any] = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
    if kind in kinds:
        return isinstance(value, kinds[kind])
    return isinstance(value, int | float) and not isinstance(value, bool) and (kind == "number" or value == int(value))


@pytest.mark.parametrize("name", LOADED)
def test_the_schema_accepts_the_examples(name: str) -> None:
    schema = json_schema()
    assert _fits(_as_json((EXAMPLES / name).read_text()), schema, schema)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("x-any: 5", True),
        ("sorces: {}", False),
        ("sources: {shop: {tokn: x}}", False),
        ("sources: {shop: {token_file: x, proxy_file: y, every: 5m, down_after: 2}}", True),
        ("sources: {shop: {every: often}}", False),
        ("sources: {shop: {every: 5}}", False),
        ("sources: {shop: {every: '$${EVERY}', down_after: '$${N:-3}', type: '$${TYPE}'}}", True),
        ("sources: {shop: {down_after: 0}}", False),
        ("sources: {shop: {headers_file: x}}", False),
        ("sources: {Shop: {}}", False),
        ("channels: {ops: {url: x}, more: {url: [x, y]}, file: {url_file: x}}", True),
        ("channels: {ops: {url: 5}}", False),
        (
            "routes: [{when: {to: fraud, event: changed, not: {from: [a, b]}, min_total: {USD: 5}, labels: {a: b}}}]",
            True,
        ),
        ("routes: [{when: {event: vanish}}]", False),
        ("routes: [{stop: maybe}]", False),
        ("routes: [{stop: '$${STOP}'}]", True),
        ("log: {level: WARNING}", True),
        ("log: {level: loud}", False),
        ("include: a.yaml", True),
        ("defaults: {source: {every: 5m}, route: {}}", True),
        ("defaults: {sources: {}}", False),
    ],
)
def test_the_schema_tells_right_from_wrong(text: str, fits: bool) -> None:
    schema = json_schema()
    assert _fits(_as_json(text), schema, schema) is fits


def test_the_schema_requires_no_key_but_the_type_that_chooses_the_others() -> None:
    """Defaults, an included file or the environment may hold it."""
    schema = json_schema()
    for model in SOURCES.values():  # by its type a source is told from those of other types
        assert schema["$defs"][model.__name__].pop("required") == ["type"]
    assert str(schema).count("'required'") == 1, "which says that none of these is meant"


def test_the_schema_spells_defaults_as_the_file_does() -> None:
    source = json_schema()["$defs"]["OpteriusSource"]["properties"]
    assert (source["every"]["default"], source["timeout"]["default"]) == ("1m", "10s")
    assert "PT" not in str(json_schema())


def test_what_is_shown_redacted_is_a_configuration_again(folder: Folder, good: str) -> None:
    shown = folder.load(good).redacted()
    again = yaml.safe_dump(shown).replace("- '***'", "- json://alerts.example.com/")
    assert folder.load(again).redacted() == shown


def test_loading_imports_nothing_heavy(folder: Folder, good: str) -> None:
    file = folder.write(good)
    program = (
        "import sys, pathlib; from monitor.config import load; load(pathlib.Path(sys.argv[1]), {}); "
        "heavy = 'aiohttp apprise sqlalchemy apscheduler jinja2 structlog logging.config pydantic_settings'.split(); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
