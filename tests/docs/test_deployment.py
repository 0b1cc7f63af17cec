"""What is deployed with: the unit, the image and compose fit the code and each other."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from argon2 import PasswordHasher
from psycopg.conninfo import conninfo_to_dict
from test_documents import ROOT

from monitor.app import STOP_DEADLINE_S
from monitor.checks import CHECKS
from monitor.cli.parser import make_parser
from monitor.config import Settings, load

UNIT = (ROOT / "config" / "order-monitor.service").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
POSTGRESQL = (ROOT / "docs" / "postgresql.md").read_text(encoding="utf-8")


def setting(name: str) -> str:
    [value] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(value)


# systemd


def test_the_unit_waits_longer_for_a_clean_end_than_that_takes() -> None:
    assert float(setting("TimeoutStopSec").removesuffix("s")) > STOP_DEADLINE_S + 5


def test_the_unit_types_a_command_that_exists_and_starts_no_wrong_configuration_again() -> None:
    command, *arguments = setting("ExecStart").split()
    assert command.endswith("/bin/order-monitor")
    assert make_parser().parse_args(arguments).call == "watch:run"
    assert setting("RestartPreventExitStatus") == "2"
    assert setting("Type") == "notify"


def _systemd(*arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze on the unit; it need not run here for that."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed here")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "order-monitor.service"
    unit.write_text(UNIT.replace("/opt/order-monitor/bin/order-monitor", sys.executable), encoding="utf-8")
    done = _systemd("verify", "--recursive-errors=no", str(unit))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_as_locked_up_as_the_document_says(tmp_path: Path) -> None:
    [claimed] = re.findall(r"gives it ([\d.]+) of 10", DEPLOY)
    done = _systemd("security", "--offline=true", str(ROOT / "config" / "order-monitor.service"))
    [found] = re.findall(r"Overall exposure level for order-monitor.service: ([\d.]+)", done.stdout)
    assert float(found) <= float(claimed) + 0.3, "other versions of systemd count a little differently"


_NO_NEW_CODE = """
import ctypes, mmap
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ctypes.CDLL(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    raise SystemExit("unknown to this kernel")
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    raise SystemExit("not in force")
from argon2 import PasswordHasher
hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
assert hasher.verify(hasher.hash("made up"), "made up")
import apprise, babel, css_inline, jinja2, msgspec, xxhash
assert apprise.Apprise().add("json://alerts.example.com")
import monitor.app
print("works")
"""


def test_no_library_makes_code_while_it_runs(tmp_path: Path) -> None:
    """MemoryDenyWriteExecute, as the kernel has it since 6.3; systemd gets the same by a filter."""
    assert setting("MemoryDenyWriteExecute") == "yes"
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("this kernel cannot refuse new code: Linux 6.3 can")
    done = subprocess.run([sys.executable, "-c", _NO_NEW_CODE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("works\n", "")


def test_credentials_are_found_where_systemd_puts_them(tmp_path: Path) -> None:
    """And else beside the configuration, for commands that are typed."""
    config = re.findall(r"```yaml\n(.*?)```", DEPLOY, re.DOTALL)[0]
    credentials, etc = tmp_path / "credentials", tmp_path / "etc"
    for folder, text in ((credentials, "from-systemd"), (etc / "secrets", "from-beside-the-file")):
        folder.mkdir(parents=True)
        (folder / "shop_token").write_text(text)
        (folder / "slack_url").write_text("json://alerts.example.com")
    file = etc / "monitor.yaml"
    file.write_text(config, encoding="utf-8")
    for environ, expected in (
        ({"CREDENTIALS_DIRECTORY": str(credentials)}, "from-systemd"),
        ({}, "from-beside-the-file"),
    ):
        settings = load(file, environ, CHECKS)
        token: Any = settings.sources["shop"]
        assert token.token.get_secret_value() == expected
    assert str(settings.state_file) == f"/var/lib/{setting('StateDirectory')}/order-monitor.db"
    assert "LoadCredential=shop_token:/etc/order-monitor/secrets/shop_token" in UNIT


# Docker


def test_the_image_asks_for_its_health_by_a_command_that_exists() -> None:
    [command] = re.findall(r'HEALTHCHECK .* CMD \["order-monitor", "(\w+)"\]', DOCKERFILE)
    assert make_parser().parse_args([command]).call == "health:health"
    assert COMPOSE["services"]["order-monitor"]["healthcheck"]["test"] == ["CMD", "order-monitor", "health"]


EXAMPLES = {"compose.yaml": ["order-monitor"], "compose-postgres.yaml": ["daemon-1", "daemon-2", "daemon-3"]}
"""Which services each configuration is for, the first of which publishes its page."""
each_example = pytest.mark.parametrize("example", EXAMPLES)


@each_example
def test_compose_mounts_each_secret_that_its_configuration_names_and_no_other(example: str) -> None:
    text = (ROOT / "config" / example).read_text(encoding="utf-8")
    named = set(re.findall(r"^[^#\n]*_file: /run/secrets/(\w+)", text, re.MULTILINE))
    for service in EXAMPLES[example]:
        assert named == set(COMPOSE["services"][service]["secrets"])
    for name in named:
        assert COMPOSE["secrets"][name] == {"file": f"./config/secrets/{name}"}
        assert f"config/secrets/{name}" in DEPLOY + POSTGRESQL


def test_no_secret_is_left_over() -> None:
    mounted = {secret for service in COMPOSE["services"].values() for secret in service.get("secrets", [])}
    assert mounted == set(COMPOSE["secrets"])


@each_example
def test_the_configuration_for_compose_loads_and_serves_where_compose_publishes(example: str, tmp_path: Path) -> None:
    settings = _loaded(example, tmp_path)
    assert settings.web is not None
    assert settings.web.listen == "0.0.0.0:8080"
    first, *others = [COMPOSE["services"][name] for name in EXAMPLES[example]]
    assert first["ports"] == ["127.0.0.1:8080:8080"]
    assert not any("ports" in other for other in others)
    assert "EXPOSE 8080\n" in DOCKERFILE


def _loaded(example: str, folder: Path) -> Settings:
    text = (ROOT / "config" / example).read_text(encoding="utf-8")
    secrets = {
        "postgres_password": "made-up-password",
        "shop_token": "made-up-token",
        "slack_url": "json://alerts.example.com",
        "web_password": PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("made up"),
        "web_token": "0123456789abcdef0123456789abcdef",
    }
    for name, secret in secrets.items():
        (folder / name).write_text(f"{secret}\n")
    file = folder / "monitor.yaml"
    file.write_text(text.replace("/run/secrets", str(folder)), encoding="utf-8")
    return load(file, {}, CHECKS)


def test_a_state_in_a_file_is_in_a_volume(tmp_path: Path) -> None:
    settings = _loaded("compose.yaml", tmp_path)
    assert f"state:{settings.state_file.parent}" in COMPOSE["services"]["order-monitor"]["volumes"]
    assert f"VOLUME {settings.state_file.parent}\n" in DOCKERFILE


def test_three_daemons_share_the_database_that_compose_makes(tmp_path: Path) -> None:
    database = COMPOSE["services"]["postgres"]
    address = conninfo_to_dict(_loaded("compose-postgres.yaml", tmp_path).state_url)
    made = database["environment"]
    assert (address["host"], address["user"], address["dbname"]) == (
        "postgres",
        made["POSTGRES_USER"],
        made["POSTGRES_DB"],
    )
    assert address["password"] == "made-up-password"
    assert made["POSTGRES_PASSWORD_FILE"] == "/run/secrets/postgres_password"
    assert "ports" not in database, "the daemons alone reach it"
    assert database["volumes"] == ["postgres:/var/lib/postgresql/data"]
    for name in EXAMPLES["compose-postgres.yaml"]:
        daemon = COMPOSE["services"][name]
        assert daemon["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        assert daemon["profiles"] == database["profiles"] == ["postgres"]


def test_nothing_is_published_beyond_this_machine() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


def test_the_demo_needs_nothing() -> None:
    demo = COMPOSE["services"]["demo"]
    assert not {"secrets", "volumes", "env_file", "depends_on"} & demo.keys()
    assert demo["profiles"] == ["demo"]
    assert make_parser().parse_args(demo["command"]).call == "demo:demo"


def test_compose_takes_the_file() -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("docker-compose is not installed here")
    for profile in ("", "demo", "postgres"):
        command = ["docker-compose", "-f", str(ROOT / "docker-compose.yml"), "--profile", profile, "config", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_entry_of_the_image_starts_the_command(tmp_path: Path) -> None:
    """What the Dockerfile writes with printf is the script that pip would have made."""
    [written] = re.findall(r"RUN printf '(.*?)' \\", DOCKERFILE)
    script = tmp_path / "order-monitor"
    content = written.replace("\\n", "\n").replace("/opt/order-monitor/bin/python", sys.executable)
    script.write_text(content, encoding="utf-8")
    script.chmod(0o755)
    environ = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.startswith("order-monitor ")


def test_whoever_the_image_runs_as_is_who_the_secrets_are_given_to() -> None:
    [user] = re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)
    assert f"chown {user} config/secrets" in DEPLOY
    assert f"--uid {user} " in DOCKERFILE
