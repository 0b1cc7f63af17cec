"""Where the state is: a PostgreSQL address as libpq reads it, its password in one place, and shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from config_folder import Folder
from psycopg.conninfo import conninfo_to_dict

from monitor.config.changes import changes
from monitor.redact import Redactor

PASSWORD = "made-up@/?:#&% ünlikely"
QUOTED = "made-up%40%2F%3F%3A%23%26%25%20%C3%BCnlikely"


@pytest.mark.parametrize(
    "state",
    [
        "postgresql://monitor@db.example.com/monitor",
        "postgres://monitor@db.example.com:5433/monitor?sslmode=verify-full&connect_timeout=3",
        "postgresql://monitor:made-up@[::1]:5432/monitor",
        "postgresql://monitor@/monitor?host=/run/postgresql",
        "postgresql://one:5432,two:5433/monitor?target_session_attrs=read-write",
        "postgresql:///?service=monitor",
        f"postgresql://monitor:{QUOTED}@db.example.com/monitor",
    ],
)
def test_an_address_that_postgresql_understands_is_taken_as_it_is(folder: Folder, good: str, state: str) -> None:
    assert folder.load(good + f"state: '{state}'\n").state_url == state


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("postgresql://monitor@db.example.com", "names no database: expected postgresql://user@host:port/database"),
        ("postgresql://monitor:hunter22@db.example.com/", "names no database"),
        ("postgresql://me:hunter22@db/monitor?sslmod=require", "does not know, did you mean sslmode?"),
        ("postgresql://me:hunter22@db/monitor?hunter22=1", "has a parameter that PostgreSQL does not know"),
        ("postgresql://me:hunter22%zz@db/monitor", "cannot be read: percent-encode what is special"),
        ("postgresql://me:hunter22/more@db/monitor", "has a host or port that cannot be right"),
        ("postgresql://me:hunter22@more@db/monitor", "percent-encode what is special in a password (@ is %40"),
        ("postgresql://me:hunter22@db:0/monitor", "has a host or port that cannot be right"),
        ("postgresql://me:hunter22@[::1/monitor", "cannot be read"),
        ("postgresql+psycopg://me:hunter22@db/monitor", "expected sqlite:///file.db"),
    ],
)
def test_what_is_wrong_with_an_address_is_said_at_its_place_without_its_password(
    folder: Folder, good: str, state: str, said: str
) -> None:
    (problem,) = folder.problems(good + f"state: '{state}'\n")
    assert problem.startswith("monitor.yaml:9:8: state: ")
    assert said in problem
    assert "hunter22" not in problem
    assert "more" not in problem


@pytest.mark.parametrize(
    "state", ["postgresql://monitor@db/monitor", "postgresql://db/monitor?sslmode=require", "postgresql://u@/?dbname=d"]
)
def test_a_password_beside_the_address_reaches_libpq_whatever_is_in_it(folder: Folder, good: str, state: str) -> None:
    folder.write(f"{PASSWORD}\n", "db_password")
    beside = folder.load(good + f"state: {state}\nstate_password: '{PASSWORD}'\n")
    in_file = folder.load(good + f"state: {state}\nstate_password_file: db_password\n")
    assert beside.state_url == in_file.state_url
    assert conninfo_to_dict(beside.state_url) == {**conninfo_to_dict(state), "password": PASSWORD}


def test_the_environment_may_name_it_too(folder: Folder, good: str) -> None:
    folder.write("made-up\n", "db_password")
    environ = {"MONITOR__STATE": "postgresql://db/monitor", "MONITOR__STATE_PASSWORD_FILE": "db_password"}
    folder.write(good)
    assert folder.reload(environ) == []
    assert folder.load(good, environ).state_url == "postgresql://db/monitor?password=made-up"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("state_password: made-up", "monitor.yaml:9:1: state_password: goes with a state at postgresql://"),
        ("state: sqlite:///x.db\nstate_password: made-up", "monitor.yaml:10:1: state_password: goes with"),
        (
            "state: postgresql://u:made-up@db/m\nstate_password: x",
            "state_password: stands beside the password in state",
        ),
        (
            "state: postgresql://db/m?password=x\nstate_password: x",
            "state_password: stands beside the password in state",
        ),
        ("state: postgresql://db/m\nstate_password_file: none", "monitor.yaml:10:22: state_password_file: there is no"),
        ("state: postgresql://db/m\nstate_password: ''", "state_password: is empty"),
    ],
)
def test_a_password_stands_in_one_place_and_belongs_to_a_database(
    folder: Folder, good: str, text: str, said: str
) -> None:
    (problem,) = folder.problems(good + f"{text}\n")
    assert said in problem


@pytest.mark.parametrize(
    "text",
    [
        f"state: postgresql://monitor:{QUOTED}@db.example.com:5432/orders?sslmode=require\n",
        f"state: postgresql://monitor@db.example.com:5432/orders?password={QUOTED}&sslmode=require\n",
        "state: postgresql://monitor@db.example.com:5432/orders?sslmode=require\n" + f"state_password: '{PASSWORD}'\n",
    ],
)
def test_the_password_is_shown_nowhere_and_the_rest_is_plain(folder: Folder, good: str, text: str) -> None:
    settings = folder.load(good + text)
    place = "postgresql://monitor@db.example.com:5432/orders?sslmode=require"
    assert settings.state_place == place
    shown = yaml.safe_dump(settings.redacted(), allow_unicode=True)
    assert "made-up" not in shown.replace("made-up-token", "")
    assert settings.redacted()["state"] == place
    clean = Redactor(settings.secrets()).clean
    assert clean(f"cannot reach {settings.state_place}") == f"cannot reach {place}", "a user and a host are no secrets"
    for leak in (PASSWORD, QUOTED, settings.state_url):
        assert "made-up" not in clean(leak)
    assert "made-up" not in repr(settings)


def test_paths_in_an_address_start_at_the_file_they_stand_in(folder: Folder, good: str) -> None:
    folder.write(
        "state: postgresql://db/m?sslrootcert=tls/my%20ca.pem&sslcert=/etc/c.pem&sslmode=require\n", "a/db.yaml"
    )
    read = conninfo_to_dict(folder.load(good + "include: a/db.yaml\n").state_url)
    assert read["sslrootcert"] == str(folder.path / "a" / "tls" / "my ca.pem")
    assert (read["sslcert"], read["sslmode"]) == ("/etc/c.pem", "require")
    assert folder.load(good + "state: postgresql://db/m?sslrootcert=system\n").state_url.endswith("=system")


def test_a_file_is_shown_as_its_path(folder: Folder, good: str) -> None:
    assert Path(folder.load(good).state_place) == folder.path / "order-monitor.db"


def test_neither_the_state_nor_its_password_is_said_to_have_changed(folder: Folder, good: str) -> None:
    """They cannot change while a daemon runs: a reload is refused as a whole."""
    before = folder.load(good + "state: postgresql://db/m\nstate_password: made-up\n")
    after = folder.load(good + "state: postgresql://db/n\nstate_password: other\n")
    assert changes(before, after) == []
