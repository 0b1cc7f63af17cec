"""What is written down is executed: configurations in documents load, commands in them exist."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from monitor.checks import CHECKS
from monitor.cli.parser import make_parser
from monitor.config import load
from monitor.config.settings import ConfigFile
from monitor.errors import ConfigError

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")
_FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SHELLS = ("sh", "bash", "shell", "console")
_OURS = re.compile(r"(?:\S*/)?(?:order-monitor|python3? -m monitor)(?: |$)")
_KEYS = frozenset(ConfigFile.model_fields)


def read(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks in these languages."""
    return [content for language, content in _FENCE.findall(text) if language in languages]


def configurations(text: str) -> list[str]:
    """The YAML blocks that are of our configuration, by the keys at their top."""
    return [block for block in blocks(text, "yaml", "yml") if _keys(block) & _KEYS and "services" not in _keys(block)]


def _keys(block: str) -> set[str]:
    data = yaml.safe_load(re.sub(r"\$\{\w+(:-[^}]*)?\}", "x", block))
    return set(data) if isinstance(data, dict) else set()


def load_block(block: str, folder: Path) -> None:
    """Load a block, completed where it is a part of a configuration, with made-up secrets; ConfigError."""
    (folder / "secret").write_text("json://alerts.example.com/made-up\n", encoding="utf-8")
    (folder / "password").write_text(f"$argon2id$v=19$m=65536,t=3,p=1${'a' * 22}${'b' * 43}\n", encoding="utf-8")
    block = re.sub(r"\bpassword_file: *[^\s,}#]+", f"password_file: {folder}/password", block)
    value = r"(?:\$\{[^}]*\}|[^\s,}#])+"
    block = re.sub(rf"(\b(?!ca_|client_key_|password_)\w+_file): *{value}", rf"\1: {folder}/secret", block)
    missing = {"sources", "channels"} - _keys(block)
    parts = {
        "sources": "sources: {made_up: {type: opterius, url: 'https://billing.example.com', token: made-up}}\n",
        "channels": "channels: {" + ", ".join(f"{name}: {{url: 'json://x'}}" for name in _channels(block)) + "}\n",
    }
    file = folder / "monitor.yaml"
    file.write_text(block + "\n" + "".join(parts[key] for key in sorted(missing)), encoding="utf-8")
    names = re.findall(r"\$\{(\w+)", block)
    load(file, {name: "json://alerts.example.com" if "URL" in name else "made-up" for name in names}, CHECKS)


def _channels(block: str) -> set[str]:
    """The channels that a block names without defining them."""
    data = yaml.safe_load(re.sub(r"\$\{\w+(:-[^}]*)?\}", "x", block))
    owners = [*data.get("routes", []), data.get("health") or {}]
    return {name for owner in owners for name in owner.get("channels", [])} or {"made_up"}


def commands(text: str) -> Iterator[str]:
    """Each command that a document tells people to type, in blocks and in running text."""
    for block in blocks(text, *_SHELLS, ""):
        for line in block.replace("\\\n", " ").splitlines():
            yield from re.split(r"\s(?:\||&&|;|>>?|2>)\s", line.strip().removeprefix("$ ") + " ")
    for inline in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", _FENCE.sub("", text)):
        if _OURS.match(inline) or inline.startswith("make "):
            yield inline


def fault(command: str) -> str | None:
    """Why this command cannot be typed; None if it can, or is none of ours."""
    command = re.sub(r"^(?:\w+=\S* +)+", "", command.strip())
    if command.startswith("make "):
        targets = re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE)
        asked = [word for word in shlex.split(command, comments=True)[1:] if "=" not in word]
        return next((f"make has no target {target}" for target in asked if target not in targets), None)
    ours = _OURS.match(f"{command} ")
    return _usage_fault(shlex.split(command[ours.end() - 1 :], comments=True)) if ours else None


def _usage_fault(arguments: list[str]) -> str | None:
    said = io.StringIO()
    arguments = ["1" if "…" in word or word in ("ID", "N") else word for word in arguments]
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            make_parser().parse_args(arguments or ["--help"])
        except SystemExit as ended:
            return said.getvalue() if ended.code else None
    return None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_configuration_in_a_document_loads(name: str, tmp_path: Path) -> None:
    for block in configurations(read(name)):
        try:
            load_block(block, tmp_path)
        except ConfigError as error:
            pytest.fail(f"{name}:\n{block}\n{error}")


def test_the_readme_shows_a_configuration_and_the_two_commands() -> None:
    text = read("README.md")
    if text.strip():
        assert configurations(text)
        typed = [command.strip() for command in commands(text)]
        assert {"make demo", "make test"} <= {command.partition("#")[0].strip() for command in typed}
        assert len(text.splitlines()) < 150


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_can_be_typed(name: str) -> None:
    faults = [f"{command}: {why}" for command in commands(read(name)) if (why := fault(command))]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ["config/minimal.yaml", "config/full.yaml", "monitor/cli/starter.yaml"])
def test_every_command_in_the_example_files_can_be_typed(name: str) -> None:
    typed = re.findall(r"`(order-monitor [^`]*)`", read(name))
    assert [why for command in typed if (why := fault(command))] == []


def test_every_command_in_help_can_be_typed() -> None:
    shown = io.StringIO()
    for arguments in (["--help"], *([name, "--help"] for name in _command_names())):
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            make_parser().parse_args(arguments)
    typed = re.findall(r"^  (order-monitor .*?)(?:  .*| > .*| \| .*)?$", shown.getvalue(), re.MULTILINE)
    assert len(typed) > 8
    assert [(command, why) for command in typed if (why := fault(command))] == []


def _command_names() -> list[str]:
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        make_parser().parse_args(["--help"])
    return re.findall(r"^    ([a-z]+)(?: |$)", shown.getvalue(), re.MULTILINE)


_SAMPLE = """
Type `order-monitor chek` or `make demo`.
```yaml
sources: {shop: {type: opterius, url: https://billing.example.com, token_file: /run/secrets/shop, tokn: x}}
channels: {ops: {url: "${OPS_URL}"}}
```
```yaml
routes: [{name: fraud, when: {to: fraud}, channels: [ops, mail]}]
```
```yaml
services: {monitor: {image: order-monitor}}
```
```sh
$ SHOP_TOKEN=x order-monitor run -c monitor.yaml   # watch
git clone https://example.com/x && cd x && make nonsense
order-monitor orders --jsn | head
.venv/bin/order-monitor deliveries retry 17
docker run order-monitor
python -m monitor demo --for 30s
```
"""


def test_a_document_that_is_wrong_is_found(tmp_path: Path) -> None:
    """Else the tests above would prove nothing."""
    wrong, right = configurations(_SAMPLE)
    load_block(right, tmp_path)
    with pytest.raises(ConfigError, match="tokn: unknown key"):
        load_block(wrong, tmp_path)
    load_block(wrong.replace(", tokn: x", ""), tmp_path)
    faulty = [command.strip() for command in commands(_SAMPLE) if fault(command)]
    assert faulty == ["make nonsense", "order-monitor orders --jsn", "order-monitor chek"]
