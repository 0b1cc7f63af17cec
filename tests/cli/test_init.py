"""`init`: the dialogue on a terminal, the flags, and what is written."""

from __future__ import annotations

import stat
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from pseudo_terminal import Terminal
from typed import Hook, Keyboard, Typed

from monitor.config import load
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

STARTER = (files("monitor.cli") / "starter.yaml").read_text(encoding="utf-8")
TOKEN = "made-up-token-4711"  # not a secret of anything
ADDRESS, TOKEN_ASKED, KEEP = "Its address, such as", "Its API token (not shown): ", "Choose [1]: "
CHANNEL_ASKED, ZONE = "The webhook's address, or the URL (not shown): ", "Time zone [Europe/Stockholm]: "
CHECK, SEND = "Check it now", "Send a test message"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def written(folder: Path) -> dict[str, str]:
    """Every file below, by name."""
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


async def test_the_dialogue_leads_to_a_configuration_that_works(tmp_path: Path, hook: Hook) -> None:
    async with (
        Simulator(World.seeded(1, 250), token=TOKEN) as shop,
        Terminal("init", folder=tmp_path) as terminal,
    ):
        await terminal.answer(ADDRESS, "ftp://billing.example.com")
        await terminal.shows("expected an address such as https://billing.example.com")
        await terminal.answer(ADDRESS, f"{shop.url}/api/v1/orders")
        await terminal.answer("What messages call it [shop]: ", "")
        await terminal.answer(TOKEN_ASKED, "two words")
        await terminal.answer(TOKEN_ASKED, TOKEN)
        await terminal.answer(KEEP, "4")
        await terminal.shows("a number from 1 to 3 is expected")
        await terminal.answer(KEEP, "")
        await terminal.answer("2  mail\n  Choose [1]: ", "")
        await terminal.answer(CHANNEL_ASKED, "slak://a/b/c")
        await terminal.shows("Apprise has no service slak://: did you mean slack://?")
        await terminal.answer(CHANNEL_ASKED, f"{hook.url}?+X-Key=made-up-webhook-key")
        await terminal.shows("That is json.")
        await terminal.answer(ZONE, "Europe/Stokholm")
        await terminal.shows("unknown time zone")
        await terminal.answer(ZONE, "")
        await terminal.shows("config/monitor.yaml is written; beside it shop_token and ops_url, readable by you alone.")
        await terminal.answer(CHECK, "")
        await terminal.shows("250 orders: ")
        await terminal.shows("answers, without encryption; nothing was sent")
        assert hook.posted == []
        await terminal.answer(SEND, "y")
        await terminal.shows("ops: sent; has it arrived?")
        await terminal.shows("Next: order-monitor run\n")
        assert await terminal.ends() == 0
    assert hook.titles == ["Test: ops"]
    config = tmp_path / "config"
    assert sorted(written(tmp_path)) == ["config/monitor.yaml", "config/ops_url", "config/shop_token"]
    assert (mode(config / "shop_token"), mode(config / "ops_url")) == (0o600, 0o600)
    text = (config / "monitor.yaml").read_text()
    for secret in (TOKEN, "made-up-webhook-key", "two words"):
        assert secret not in terminal.raw
        assert secret not in text
    loaded = load(config / "monitor.yaml", {})
    assert (loaded.sources["shop"].url, loaded.time_zone) == (shop.url, "Europe/Stockholm")
    assert TOKEN in loaded.secrets()
    assert "# how soon a change is noticed" in text, "it has the starter file's comments"


async def test_secrets_kept_in_the_environment_stand_in_no_file(tmp_path: Path, hook: Hook) -> None:
    async with (
        Simulator(World.seeded(1, 5), token=TOKEN) as shop,
        Terminal("init", "-c", "monitor.yaml", folder=tmp_path) as terminal,
    ):
        await terminal.answer(ADDRESS, shop.url)
        await terminal.answer("What messages call it", "Shop 1")
        await terminal.shows("a name has lower-case letters, digits and _, a letter first")
        await terminal.answer("What messages call it", "my_shop")
        await terminal.answer(TOKEN_ASKED, TOKEN)
        await terminal.answer(KEEP, "2")
        await terminal.answer(KEEP, "1")
        await terminal.answer(CHANNEL_ASKED, hook.url)
        await terminal.answer(ZONE, "UTC")
        await terminal.answer(CHECK, "y")
        await terminal.shows("token       accepted")
        await terminal.answer(SEND, "n")
        await terminal.shows(
            "Next: set MY_SHOP_TOKEN and OPS_URL in the environment, then: order-monitor run -c monitor.yaml\n"
        )
        assert await terminal.ends() == 0
    (text,) = written(tmp_path).values()
    assert TOKEN not in text + terminal.raw
    assert hook.posted == []
    read = yaml.safe_load(text)
    assert read["sources"]["my_shop"]["token"] == "${MY_SHOP_TOKEN}"
    assert read["channels"]["ops"]["url"] == "${OPS_URL}"


async def test_who_insists_gets_secrets_in_the_configuration_which_then_is_private(tmp_path: Path) -> None:
    url = "json://user:p\"a$s's%7B@127.0.0.1:9/#x"
    async with Terminal("init", folder=tmp_path) as terminal:
        await terminal.answer(ADDRESS, "billing.example.com")
        await terminal.answer("What messages call it", "")
        await terminal.answer(TOKEN_ASKED, 'to$$ken"${X}')
        await terminal.answer(KEEP, "3")
        await terminal.answer(KEEP, "")
        await terminal.answer(CHANNEL_ASKED, url)
        await terminal.answer(ZONE, "")
        await terminal.answer(CHECK, "n")
        await terminal.answer(SEND, "n")
        assert await terminal.ends() == 0
    file = tmp_path / "config" / "monitor.yaml"
    assert list(written(tmp_path)) == ["config/monitor.yaml"]
    assert mode(file) == 0o600
    loaded = load(file, {})
    assert loaded.sources["shop"].url == "https://billing.example.com"
    assert 'to$$ken"${X}' in loaded.secrets()
    assert loaded.channels["ops"].urls[0].get_secret_value() == url


async def test_flags_spare_their_questions_and_mail_is_asked_for_piece_by_piece(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    flags = ("--url", "https://billing.example.com", "--token-file", "token", "--time-zone", "UTC")
    async with Terminal("init", "-c", "monitor.yaml", *flags, folder=tmp_path) as terminal:
        await terminal.answer(KEEP, "2")
        await terminal.answer("Mail server", "no host")
        await terminal.answer("Mail server", "mail.example.com")
        await terminal.answer(KEEP, "2")
        await terminal.answer("Port [465]: ", "70000")
        await terminal.answer("Port [465]: ", "")
        await terminal.answer("User", "monitor@example.com")
        await terminal.answer("Password (not shown): ", "made-up password")
        await terminal.answer(KEEP, "1")
        await terminal.answer("From [monitor@example.com]: ", "")
        await terminal.answer("To (several: with commas): ", "ops")
        await terminal.answer("To (several: with commas): ", "ops@example.com, night@example.com")
        await terminal.answer(CHECK, "n")
        await terminal.answer(SEND, "n")
        assert await terminal.ends() == 0
    assert ADDRESS not in terminal.screen
    assert "Time zone" not in terminal.screen
    assert "made-up password" not in terminal.raw
    read = yaml.safe_load((tmp_path / "monitor.yaml").read_text())
    assert read["sources"]["shop"]["token_file"] == "token"
    assert read["channels"]["ops"]["mail"] == {
        "host": "mail.example.com",
        "port": 465,
        "tls": "ssl",
        "user": "monitor@example.com",
        "password_file": "ops_password",
        "from": "monitor@example.com",
        "to": ["ops@example.com", "night@example.com"],
    }
    assert (tmp_path / "ops_password").read_text() == "made-up password\n"
    assert mode(tmp_path / "ops_password") == 0o600


async def ctrl_c(terminal: Terminal) -> None:
    await terminal.interrupt()


async def ctrl_d(terminal: Terminal) -> None:
    terminal.type("\x04")


@pytest.mark.parametrize(("leave", "code"), [(ctrl_c, 130), (ctrl_d, 1)])
async def test_leaving_midway_leaves_nothing(
    leave: Callable[[Terminal], Awaitable[None]], code: int, tmp_path: Path
) -> None:
    async with Terminal("init", folder=tmp_path) as terminal:
        await terminal.answer(ADDRESS, "https://billing.example.com")
        await terminal.answer("What messages call it", "")
        await terminal.answer(TOKEN_ASKED, TOKEN)
        await terminal.answer(KEEP, "1")
        await terminal.answer(KEEP, "1")
        await terminal.shows(CHANNEL_ASKED)
        await leave(terminal)
        await terminal.shows("Nothing was written.")
        assert await terminal.ends() == code
    assert written(tmp_path) == {}
    assert "Traceback" not in terminal.screen


async def test_a_check_that_fails_says_what_to_do_next(tmp_path: Path, hook: Hook) -> None:
    (tmp_path / "token").write_text("wrong")
    async with Simulator(World(), token=TOKEN) as shop:
        flags = ("--url", shop.url, "--token-file", "token", "--channel-url", hook.url, "--time-zone", "UTC")
        async with Terminal("init", "-c", "monitor.yaml", *flags, folder=tmp_path) as terminal:
            await terminal.answer(CHECK, "yes")
            await terminal.shows("401 from")
            await terminal.shows(
                "Not all is well. Edit monitor.yaml, then: order-monitor check --connect -c monitor.yaml"
            )
            await terminal.answer(SEND, "n")
            assert await terminal.ends() == 0


def typed_init(keyboard: Keyboard, *flags: str) -> tuple[Typed, dict[str, Any]]:
    typed = keyboard.type("init", *flags)
    assert typed.code == 0, typed.err
    read: dict[str, Any] = yaml.safe_load(keyboard.file.read_text())
    return typed, read


def test_elsewhere_nothing_is_asked_and_the_starter_file_is_written(keyboard: Keyboard) -> None:
    typed_init(keyboard)
    assert keyboard.file.read_text() == STARTER
    assert written(keyboard.file.parent).keys() == {"monitor.yaml"}


def test_flags_alone_make_a_whole_configuration(keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    folder = keyboard.file.parent
    (folder / "token").write_text(TOKEN)
    url = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
    flags = ("--url", "https://billing.example.com/api/v1/orders?page=1", "--token-file", str(folder / "token"))
    typed, read = typed_init(keyboard, *flags, "--channel-url", url, "--yes")
    assert read["sources"] == {
        "shop": {"type": "opterius", "url": "https://billing.example.com", "token_file": "token"}
    }
    assert read["channels"] == {"ops": {"url_file": "ops_url"}}
    assert read["time_zone"] == "Asia/Tokyo"
    assert "XXXX" not in keyboard.file.read_text() + typed.out + typed.err
    assert ((folder / "ops_url").read_text(), mode(folder / "ops_url")) == (f"{url}\n", 0o600)
    assert typed.out == f"{keyboard.file} is written; beside it ops_url, readable by you alone.\n"
    assert keyboard.type("check").code == 0


def test_what_no_flag_says_stays_a_placeholder(keyboard: Keyboard) -> None:
    typed, read = typed_init(keyboard, "--channel-url", "${SLACK_URL}")
    assert read["channels"] == {"ops": {"url": "${SLACK_URL}"}}
    assert read["sources"]["shop"]["token"] == "${SHOP_TOKEN:-fill-me-in}"
    assert "time_zone" not in read
    assert "fill in what its comments name" in typed.out


def test_a_token_file_elsewhere_is_named_by_its_whole_path(keyboard: Keyboard, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("secrets") / "shop token"
    _, read = typed_init(keyboard, "--token-file", str(elsewhere))
    assert read["sources"]["shop"]["token_file"] == str(elsewhere)


def test_a_secret_file_that_is_there_is_overwritten_only_when_told_to(keyboard: Keyboard) -> None:
    there = keyboard.file.parent / "ops_url"
    there.write_text("mine")
    _, read = typed_init(keyboard, "--channel-url", "json://alerts.example.com/")
    assert read["channels"]["ops"]["url_file"] == "ops_url_2"
    assert there.read_text() == "mine"
    _, read = typed_init(keyboard, "--channel-url", "json://alerts.example.com/", "--force")
    assert read["channels"]["ops"]["url_file"] == "ops_url"
    assert there.read_text() == "json://alerts.example.com/\n"
    assert mode(there) == 0o600


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--url", "ftp://secret-canary.example.com", "--url: expected an address"),
        ("--channel-url", "slak://secret-canary/b/c", "--channel-url: Apprise has no service slak://"),
        ("--time-zone", "Mars/Base", "--time-zone: unknown time zone"),
    ],
)
def test_a_bad_flag_is_refused_and_nothing_is_written(flag: str, value: str, said: str, keyboard: Keyboard) -> None:
    typed = keyboard.type("init", flag, value)
    assert typed.code == 2
    assert said in typed.err
    assert "secret-canary" not in typed.err
    assert list(keyboard.file.parent.iterdir()) == []


async def test_a_folder_that_cannot_be_written_to_is_told_before_any_question(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    async with Terminal("init", folder=tmp_path) as terminal:
        assert await terminal.ends() == 2
    assert "config/monitor.yaml: cannot be written: config is no folder that you may write to" in terminal.screen
    assert ADDRESS not in terminal.screen


def test_what_cannot_be_written_whole_is_not_written(keyboard: Keyboard) -> None:
    (keyboard.file.parent / "ops_url").mkdir()
    typed = keyboard.type("init", "--force", "--channel-url", "json://alerts.example.com/")
    assert typed.code == 2
    assert "cannot be written: Is a directory" in typed.err
    assert written(keyboard.file.parent) == {}
