"""`silence`: what is typed, what it says, and what it refuses; beside whatever runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from typed import Keyboard

from monitor.alerting.silences import Matcher, Silence
from monitor.app import open_app
from monitor.checks import CHECKS
from monitor.cli import main
from monitor.cli.common import ask_state
from monitor.cli.watch import PrintingSender
from monitor.clock import SystemClock
from monitor.config import load
from monitor.store.schema import ensure_schema

CONFIG = """\
time_zone: Europe/Stockholm
sources:
  shop: {type: opterius, url: "https://billing.example.com", token: a-made-up-token, labels: {client: Acme}}
  hosting: {type: hostup, url: "https://hosting.example.com", api_key: made-up, orders: [1]}
channels: {ops_slack: {url: "json://127.0.0.1/"}, mail: {url: "json://127.0.0.2/"}}
routes: [{name: fraud, when: {to: fraud}, channels: [ops_slack], urgent: true}]
"""
WHY = ("--reason", "migration")


class Held(SystemClock):
    """Noon of a winter's day in Stockholm."""

    def now(self) -> datetime:
        return datetime(2026, 12, 1, 11, 0, tzinfo=UTC)


CLOCK = Held()
NOON = CLOCK.now()


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typed.main", lambda line: main(line, CLOCK))


@pytest.fixture
def typed(keyboard: Keyboard) -> Keyboard:
    """A keyboard beside an empty state."""
    keyboard.file.write_text(CONFIG)
    ensure_schema(keyboard.file.with_name("order-monitor.db"))
    return keyboard


def silences(keyboard: Keyboard) -> list[Silence]:
    return ask_state(load(keyboard.file, {}, CHECKS), lambda tx: tx.silences())


def test_what_is_added_is_said_with_its_number_and_end_and_kept(typed: Keyboard) -> None:
    said = typed.type(
        "silence", "add", "--source", "shop", "--for", "2h", "--reason", "  the\nmigration ", "--by", "Ada"
    )
    assert (said.code, said.out) == (0, "silence 1, until 2026-12-01 14:00:00 CET: source shop\n")
    assert silences(typed) == [
        Silence(1, Matcher(source=("shop",)), NOON, NOON + timedelta(hours=2), "the migration", "Ada")
    ]


def test_every_part_of_a_matcher_can_be_typed(typed: Keyboard) -> None:
    line = "--source shop --source host* --order ORD-1 --from pending --to fraud --to active --event status_changed"
    line += " --route fraud --route health --channel ops* --label client=acme --label client=a*"
    assert typed.type("silence", "add", *line.split(), "--for", "1h", *WHY).code == 0
    [made] = silences(typed)
    assert made.matcher == Matcher(
        source=("shop", "host*"), labels={"client": ("acme", "a*")}, order=("ORD-1",), from_=("pending",),
        to=("fraud", "active"), event=("status_changed",), route=("fraud", "health"), channel=("ops*",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("until", "utc"),
    [
        ("2026-12-01 13:30", "2026-12-01T12:30+00:00"),
        ("2026-12-02", "2026-12-01T23:00+00:00"),
        ("2026-12-01T13:30+00:00", "2026-12-01T13:30+00:00"),
    ],
)
def test_an_end_is_by_the_configurations_time_zone_unless_it_names_its_own(
    typed: Keyboard, until: str, utc: str
) -> None:
    assert typed.type("silence", "add", "--all", "--until", until, *WHY).code == 0
    assert [made.until for made in silences(typed)] == [datetime.fromisoformat(utc)]


REFUSED = [
    # what would mute nothing
    ("--source shpo", "--source shpo: there is no such source, did you mean shop?"),
    ("--source xyz", "--source xyz: there is no such source: there are shop, hosting"),
    ("--route frued", "--route frued: there is no such route, did you mean fraud?"),
    ("--route default", "--route default: there is no such route, did you mean health?"),
    ("--channel ops_slak", "--channel ops_slak: there is no such channel, did you mean ops_slack?"),
    ("--event source_don", "--event source_don: there is no such event, did you mean source_down?"),
    ("--label cleint=Acme", "--label cleint: no source has such a label, did you mean client?"),
    ("--label client=Acne", "--label client=Acne: no source is labelled so, did you mean Acme?"),
    ("--label client", "--label client: expected KEY=VALUE"),
    ("", "silence: of what? Say --source, --order, --route, --channel …, or --all"),
    ("--all --source shop", "--all: is everything, not only source shop: leave one of them out"),
    # an end that is none
    ("--all --for 2", "--for 2: expected a duration such as 90s, 5m, 1h or 2d"),
    ("--all --for 0s", "--for 0s: is over already: it is 2026-12-01 12:00:00 CET"),
    ("--all --for 31d", "--for 31d: is longer than 30d: say --yes, too, if you mean it"),
    ("--all --for 9999999d --yes", "--for 9999999d: is too far ahead"),
    ("--all --until tomorrow", "--until tomorrow: expected a time such as '2026-12-01 08:00'"),
    ("--all --until 2026-12-01T12:00", "--until 2026-12-01T12:00: is over already: it is 2026-12-01 12:00:00 CET"),
    ("--all --until 0001-01-01", "--until 0001-01-01: is too far ahead"),
]


@pytest.mark.parametrize(("line", "why"), REFUSED)
def test_what_cannot_be_meant_is_refused_and_not_kept(typed: Keyboard, line: str, why: str) -> None:
    until = () if "--for" in line or "--until" in line else ("--for", "1h")
    said = typed.type("silence", "add", *line.split(), *until, *WHY)
    assert (said.code, said.out, said.err) == (2, "", f"{why}\n")
    assert silences(typed) == []


def test_a_label_where_no_source_has_any_is_refused(typed: Keyboard) -> None:
    typed.file.write_text(CONFIG.replace(", labels: {client: Acme}", ""))
    said = typed.type("silence", "add", "--label", "client=Acme", "--for", "1h", *WHY)
    assert (said.code, said.err) == (2, "--label client: no source has such a label\n")


def test_all_that_matches_nothing_is_named_at_once(typed: Keyboard) -> None:
    said = typed.type("silence", "add", "--source", "shpo", "--route", "frued", "--for", "1h", *WHY)
    assert [line.split(":")[0] for line in said.err.splitlines()] == ["--source shpo", "--route frued"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["--for", "1h"], "the following arguments are required: --reason"),
        (["--reason", "x"], "one of the arguments --for --until is required"),
        (["--reason", "x", "--for", "1h", "--until", "2027-01-01"], "not allowed with argument --for"),
    ],
)
def test_an_end_and_a_reason_must_be_given(typed: Keyboard, line: list[str], why: str) -> None:
    said = typed.type("silence", "add", "--all", *line)
    assert said.code == 2
    assert why in said.err


@pytest.mark.parametrize(("reason", "why"), [(" ", "is empty"), ("x" * 201, "is longer than 200 characters")])
def test_a_reason_says_something_and_not_too_much(typed: Keyboard, reason: str, why: str) -> None:
    said = typed.type("silence", "add", "--all", "--for", "1h", "--reason", reason)
    assert (said.code, said.err.partition(":")[0]) == (2, "--reason")
    assert why in said.err


def test_a_secret_in_a_reason_is_not_kept(typed: Keyboard) -> None:
    assert typed.type("silence", "add", "--all", "--for", "1h", "--reason", "new token a-made-up-token").code == 0
    [made] = silences(typed)
    assert "made-up" not in made.reason


def test_a_long_one_needs_a_yes(typed: Keyboard) -> None:
    assert typed.type("silence", "add", "--all", "--for", "30d", *WHY).code == 0
    assert typed.type("silence", "add", "--all", "--for", "31d", "--yes", *WHY).code == 0


def test_the_list_shows_the_active_ones_and_the_ended_when_asked(typed: Keyboard) -> None:
    assert typed.type("silence", "list").out == "nothing is silenced\n"
    assert typed.type("silence", "list", "--ended").out == "there never was a silence\n"
    typed.type("silence", "add", "--source", "shop", "--for", "2h", *WHY)
    typed.type("silence", "add", "--all", "--for", "1d", "--reason", "a quiet day", "--by", "Ada")
    said = typed.type("silence", "end", "1")
    assert (said.code, said.out) == (0, "silence 1 has ended; it was to last until 2026-12-01 14:00:00 CET\n")
    head, row = typed.type("silence", "list").out.splitlines()
    assert head.split() == ["id", "set", "until", "what", "reason", "by"]
    assert row.split("  ")[0] == "2"
    for part in ("2026-12-01 12:00:00 CET", "2026-12-02 12:00:00 CET", "active", "everything", "a quiet day", "Ada"):
        assert part in row
    ended = typed.type("silence", "list", "--ended").out.splitlines()[1]
    for part in ("1 ", "2026-12-01 12:00:00 CET", "ended", "source shop", "migration"):
        assert part in ended


def test_the_list_is_a_json_document_a_line(typed: Keyboard) -> None:
    typed.type("silence", "add", "--source", "shop", "--from", "pending", "--for", "2h", *WHY)
    typed.type("silence", "end", "1")
    assert typed.type("silence", "list", "--json").json == []
    assert typed.type("silence", "list", "--ended", "--json").json == [
        {
            "id": 1, "matcher": {"source": ["shop"], "from": ["pending"]}, "created_at": "2026-12-01T11:00:00Z",
            "until": "2026-12-01T11:00:00Z", "reason": "migration", "by": "", "active": False,
        }
    ]  # fmt: skip


def test_ending_what_is_none_fails_and_ends_the_others(typed: Keyboard) -> None:
    for _ in range(2):
        typed.type("silence", "add", "--all", "--for", "1h", *WHY)
    said = typed.type("silence", "end", "2", "9", "2")
    assert (said.code, said.out.splitlines()) == (
        1,
        ["silence 2 has ended; it was to last until 2026-12-01 13:00:00 CET", "silence 9 is none that is active"],
    )
    assert [row["id"] for row in typed.type("silence", "list", "--json").json] == [1]


async def test_it_works_beside_a_running_daemon(typed: Keyboard) -> None:
    """Which holds the right to poll and send."""
    async with open_app(load(typed.file, {}, CHECKS), SystemClock(), PrintingSender()):
        assert (await typed.beside("silence", "add", "--all", "--for", "1h", *WHY)).code == 0
        assert (await typed.beside("silence", "end", "1")).code == 0


@pytest.mark.parametrize("line", ["add --all --for 1h --reason x", "list", "end 1"])
def test_without_a_state_it_says_what_makes_one(keyboard: Keyboard, line: str) -> None:
    keyboard.file.write_text(CONFIG)
    said = keyboard.type("silence", *line.split())
    assert said.code == 1
    assert "there is no state yet; `order-monitor run` or `poll` makes it" in said.err


@pytest.mark.parametrize("action", ["add", "list", "end"])
def test_each_action_says_what_it_does(keyboard: Keyboard, action: str) -> None:
    said = keyboard.type("silence", action, "--help", config=False)
    assert said.code == 0
    assert "order-monitor silence " + action in said.out.split("\n\n", 1)[1]
