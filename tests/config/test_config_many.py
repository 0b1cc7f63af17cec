"""Many accounts: forty sources of one kind with forty tokens, by defaults and included files."""

from __future__ import annotations

import pytest
from config_folder import Folder, secret

MAIN = """\
include: [clients.d/*.yaml]
defaults:
  source:
    type: opterius
    url: https://billing.example.com
    every: 5m
    max_requests_per_minute: 60
    labels: {team: hosting}
channels:
  ops: {url: json://alerts.example.com/}
"""
COUNT = 40


def clients(folder: Folder) -> list[str]:
    """A file for each client: its name, its token in a file beside, its label."""
    names = [f"client_{number:02}" for number in range(COUNT)]
    for name in names:
        folder.write(f"token-of-{name}\n", f"clients.d/{name}.token")
        entry = f"sources:\n  {name}:\n    token_file: {name}.token\n    labels: {{client: {name}}}\n"
        folder.write(entry, f"clients.d/{name}.yaml")
    return names


def test_forty_sources_of_one_kind_are_forty_names_and_tokens(folder: Folder) -> None:
    names = clients(folder)
    settings = folder.load(MAIN)
    assert list(settings.sources) == names
    for name, source in settings.sources.items():
        assert (source.type, source.url, source.every.total_seconds()) == (
            "opterius",
            "https://billing.example.com",
            300,
        )
        assert secret(source, "token") == f"token-of-{name}"
        assert source.labels == {"team": "hosting", "client": name}
    assert {f"token-of-{name}" for name in names} <= settings.secrets()


def test_one_file_may_hold_all_of_them_on_a_line_each(folder: Folder) -> None:
    lines = "".join(
        f"  c{number}: {{token: ${{TOKEN_{number}}}}}\n".replace("{token: $", "{token: '$").replace("}}\n", "}'}\n")
        for number in range(COUNT)
    )
    settings = folder.load(
        MAIN.replace("include: [clients.d/*.yaml]\n", "") + "sources:\n" + lines,
        {f"TOKEN_{number}": f"made-up-{number}" for number in range(COUNT)},
    )
    assert [secret(source, "token") for source in settings.sources.values()] == [f"made-up-{n}" for n in range(COUNT)]


def test_what_is_wrong_with_one_of_forty_is_said_at_its_place_and_of_it_alone(folder: Folder) -> None:
    clients(folder)
    folder.write("sources:\n  client_07:\n    tokn_file: x\n    labels: {client: acme}\n", "clients.d/client_07.yaml")
    folder.write("sources:\n  client_09:\n    token_file: gone.token\n    every: often\n", "clients.d/client_09.yaml")
    assert folder.problems(MAIN) == [
        "clients.d/client_07.yaml:3:5: sources.client_07.token: required, but missing",
        "clients.d/client_07.yaml:3:5: sources.client_07.tokn_file: unknown key, did you mean token_file?",
        "clients.d/client_09.yaml:3:17: sources.client_09.token_file: there is no such file",
        "clients.d/client_09.yaml:4:12: sources.client_09.every: expected a duration such as 90s, 5m, 1h or 2d",
    ]


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("type: opteriu", "monitor.yaml:4:11: defaults.source.type: expected one of "),
        ("type: opterius\n    tokn: x", "monitor.yaml:5:5: defaults.source.tokn: unknown key, did you mean token?"),
        ("type: opterius\n    token: [x]", "monitor.yaml:5:12: defaults.source.token: expected text"),
        ("type: opterius\n    orders: [x]", "monitor.yaml:5:14: defaults.source.orders[0]: expected an order's id"),
        ("type: opterius\n    statuses: {x: y}", "monitor.yaml:5:19: defaults.source.statuses.x: expected one of "),
    ],
)
def test_what_is_wrong_in_the_defaults_of_forty_is_said_once_and_there(
    folder: Folder, wrong: str, problem: str
) -> None:
    clients(folder)
    (only,) = folder.problems(MAIN.replace("type: opterius", wrong))
    assert only.startswith(problem)


def test_a_default_applies_to_the_sources_whose_type_has_the_key(folder: Folder) -> None:
    """A time zone, which one type has and the other has not; a type of its own wins over that of the defaults."""
    names = clients(folder)
    folder.write("sources:\n  hosting: {type: hostup, api_key: made-up-key}\n", "clients.d/hosting.yaml")
    settings = folder.load(MAIN.replace("    every: 5m\n", "    every: 5m\n    time_zone: Europe/Stockholm\n"))
    hosting = settings.sources["hosting"]
    assert (hosting.type, hosting.model_dump()["time_zone"], hosting.labels) == (
        "hostup",
        "Europe/Stockholm",
        {"team": "hosting"},
    )
    assert settings.sources[names[0]].type == "opterius"


def test_a_default_that_the_type_of_a_source_cannot_read_is_an_error_at_its_place(folder: Folder) -> None:
    clients(folder)
    folder.write("sources:\n  hosting: {type: hostup, api_key: made-up-key}\n", "clients.d/hosting.yaml")
    (problem,) = folder.problems(MAIN.replace("    every: 5m\n", "    every: 5m\n    time_zone: Europe/Stokholm\n"))
    assert problem == "monitor.yaml:7:16: defaults.source.time_zone: unknown time zone, did you mean Europe/Stockholm?"


def test_the_environment_may_hold_each_token_and_the_type_for_all(folder: Folder) -> None:
    names = clients(folder)
    environ = {f"MONITOR_SOURCES__{name.upper()}__TOKEN": f"other-{name}" for name in names}
    environ["MONITOR_DEFAULTS__SOURCE__TYPE"] = "opterius"
    settings = folder.load(MAIN.replace("    type: opterius\n", ""), environ)
    assert [secret(source, "token") for source in settings.sources.values()] == [f"other-{name}" for name in names]
