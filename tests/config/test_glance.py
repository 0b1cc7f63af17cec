"""A glance sees what a thorough reading sees, or nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from test_documents import ROOT

from monitor.config import load
from monitor.config.glance import Glance, glance
from monitor.errors import ConfigError
from monitor.fields import parse_duration

EXAMPLES = [path for path in sorted(ROOT.glob("config/*.yaml")) if "\nsources:" in path.read_text(encoding="utf-8")]
SHOP = "{type: opterius, url: 'https://billing.example.com', token: made-up-token%s}"


def written(folder: Path, text: str) -> Path:
    path = folder / "monitor.yaml"
    path.write_text(f"{text}\nchannels: {{ops: {{url: 'json://alerts.example.com'}}}}\n", encoding="utf-8")
    return path


def thorough(path: Path, environ: dict[str, str]) -> Glance:
    settings = load(path, environ)
    return Glance(settings.state_url, {name: source.every for name, source in settings.sources.items()})


@pytest.mark.parametrize(
    ("text", "is_plain"),
    [
        (f"sources: {{shop: {SHOP % ''}}}", True),
        (f"sources: {{shop: {SHOP % ', every: 5m'}}}", True),
        (f"state: sqlite:///other.db\nsources: {{shop: {SHOP % ''}}}", True),
        (f"state: sqlite:////var/lib/order-monitor/order-monitor.db\nsources: {{shop: {SHOP % ''}}}", True),
        (f"state: sqlite:///${{NAME:-named}}.db\nsources: {{shop: {SHOP % ''}}}", True),
        (f"defaults: {{source: {{every: 2h}}}}\nsources: {{shop: {SHOP % ''}, more: {SHOP % ', every: 3s'}}}", True),
        (f"sources: {{shop: {SHOP % ', every: 1h30m'}}}", False),
        (f"state: postgresql://monitor@db/monitor?sslrootcert=ca.pem\nsources: {{shop: {SHOP % ''}}}", True),
        (f"state: postgresql://m:a%40b@db/monitor\nsources: {{shop: {SHOP % ''}}}", True),
        (f"state: postgresql://db/m\nstate_password: made/up\nsources: {{shop: {SHOP % ''}}}", True),
        (f"state: postgresql://db/m\nstate_password_file: monitor.yaml\nsources: {{shop: {SHOP % ''}}}", True),
    ],
)
def test_a_glance_agrees_with_a_thorough_reading(tmp_path: Path, text: str, is_plain: bool) -> None:
    path = written(tmp_path, text)
    seen = glance(path, {})
    assert (seen is not None) == is_plain
    assert seen in (None, thorough(path, {}))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_it_agrees_on_every_example(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sources = yaml.safe_load(text)["sources"]
    if "state_password_file" in text:  # which it reads
        (tmp_path / "postgres_password").write_text("made-up\n", encoding="utf-8")
        path = tmp_path / "monitor.yaml"
        path.write_text(text.replace("/run/secrets", str(tmp_path)), encoding="utf-8")
    seen = glance(path, Everything())
    assert seen is not None
    assert seen.every == {name: parse_duration(source.get("every", "60s")) for name, source in sources.items()}


class Everything(dict[str, str]):
    """An environment in which every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "https://example.com/made-up"

    def get(self, name: str, default: object = None) -> str:
        return self[name]


def test_includes_are_followed(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(f"sources: {{more: {SHOP % ', every: 7m'}}}")
    path = written(tmp_path, f"include: more.yaml\nsources: {{shop: {SHOP % ''}}}")
    seen = glance(path, {})
    assert seen == thorough(path, {})
    assert seen.every["more"] == timedelta(minutes=7)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        ("sources: [", {}),
        ("sources: {shop: {token: '${UNSET}'}}", {}),
        ("state_password: made-up\nsources: {}", {}),
        ("state: sqlite:///x.db\nstate_password: made-up\nsources: {}", {}),
        ("state: postgresql://x/y\nstate_password_file: none\nsources: {}", {}),
        ("state: postgresql://x:z@x/y\nstate_password: made-up\nsources: {}", {}),
        ("sources: {Shop: {}}", {}),
        ("state: sqlite:///a.db", {}),
        ("sources: {shop: {every: soon}}", {}),
        ("sources: {shop: {}}", {"MONITOR_SOURCES__SHOP__EVERY": "5m"}),
        ("", {}),
    ],
)
def test_what_is_not_plain_is_left_to_a_thorough_reading(tmp_path: Path, text: str, environ: dict[str, str]) -> None:
    assert glance(written(tmp_path, text), environ) is None


def test_no_file_is_left_to_a_thorough_reading_too(tmp_path: Path) -> None:
    assert glance(tmp_path / "none.yaml", {}) is None
    with pytest.raises(ConfigError):
        load(tmp_path / "none.yaml", {})


def test_a_health_check_imports_neither_settings_nor_what_talks_to_anybody(tmp_path: Path) -> None:
    """It runs every half minute, in every container: a tenth of a second of CPU, not a whole one."""
    path = written(tmp_path, f"sources: {{shop: {SHOP % ''}}}")
    script = (
        "import sys; from monitor.cli import main; main(['health', '-c', sys.argv[1]])\n"
        "print(*sorted({'pydantic', 'aiohttp', 'asyncio', 'apprise', 'sqlalchemy', 'jinja2'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
