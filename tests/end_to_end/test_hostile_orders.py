"""Orders whose data is an attack arrive as harmless text in Slack, in mail and at a webhook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from acceptance import Scenario
from receivers import SLACK_ADDRESS, Received, SlackServer, take_away_pauses, texts_of
from stage import Stage, set_stage

_CONFIG = """
sources: {shop: {type: opterius, url: "{shop}", token: simulator-token}}
channels: {ops: {url: "{ops}"}, mail: {url: "{mail}"}, slack: {url: "{slack}"}}
routes: [{name: all, when: {event: [appeared, status_changed]}, channels: [ops, mail, slack]}]
"""
_NUMBERS = [
    "<!channel>",
    "<@U012AB3CD>",
    "<https://evil.example.com|Click>",
    "<script>alert(1)</script>",
    "88\r\nBcc: victim@example.com",
    "88\nX-Injected: yes\n\n<h1>body</h1>",
    "{{ 7 * 7 }}{% raw %}",
    "@channel @here @everyone",
    "\u202e8800-DRO\u2066",
    "88\x00\x1b[31m",
    "*bold* _it_ `code` &lt;!channel&gt;",
]


@asynccontextmanager
async def _watched(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as servers:
        stage = await set_stage(Scenario("hostile orders", _CONFIG, []), folder, "documented", servers)
        slack = stage.receivers["slack"]
        assert isinstance(slack, SlackServer)
        patch.setattr(SLACK_ADDRESS, slack.services)
        stage.configure(_CONFIG)
        await stage.start()
        servers.push_async_callback(stage.stop)
        yield stage


class Attacked(NamedTuple):
    """What came of the attacks: messages by receiver, tables by command."""

    received: dict[str, list[Received]]
    tables: dict[str, str]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """Every attack as number, status and product; made once, for it is sixty messages."""

    async def attack() -> Attacked:
        with pytest.MonkeyPatch.context() as patch:
            take_away_pauses(patch)
            async with _watched(tmp_path_factory.mktemp("hostile"), patch) as stage:
                await _attack(stage)
                received = {name: receiver.received for name, receiver in stage.receivers.items()}
                return Attacked(received, {name: await stage.command(name) for name in _TABLES})

    return asyncio.run(attack())


_TABLES = ("orders", "events", "deliveries")


async def _attack(stage: Stage) -> None:
    for id_, text in enumerate(_NUMBERS, 1):
        await _place(stage, id_, text)
    await stage.step({"poll": None})
    for id_, text in enumerate(_NUMBERS, 1):
        await stage.step({"set": {"order": id_, "status": f"s{text}"}})
    await stage.step({"place": {"id": 900, "number": f"n{_NUMBERS[0]}", "items": [{"product": _NUMBERS[4]}]}})
    await stage.step({"poll": None})
    assert all(len(receiver.received) == len(_NUMBERS) + 1 for receiver in _used(stage))


async def _place(stage: Stage, id_: int, text: str) -> None:
    await stage.step({"place": {"id": id_, "number": text, "items": [{"product": text, "price": 100}]}})


def _used(stage: Stage) -> list[Any]:
    return [stage.receivers[name] for name in ("ops", "mail", "slack")]


def test_slack_gets_no_mention_no_link_and_no_markup(attacked: Attacked) -> None:
    for message in attacked.received["slack"]:
        texts = [message.raw["text"], *texts_of(message.raw["blocks"]), *texts_of(message.raw["attachments"])]
        assert len(texts) >= 4
        for text in texts:
            assert "<" not in text
            assert ">" not in text.replace("-&gt;", "")
            assert not {"\x00", "\x1b", "\u202e", "\u2066"} & set(text)
            assert not {"@channel", "@here", "@everyone"} & set(text.split())
            assert "&lt;!" not in text


def test_mails_have_our_headers_only_and_plain_text(attacked: Attacked) -> None:
    for received in attacked.received["mail"]:
        mail = received.raw
        assert isinstance(mail, EmailMessage)
        assert {name.lower() for name in mail} <= _HEADERS
        assert mail["To"] == "finance@example.com"
        assert len(mail["Subject"].splitlines()) == 1
        for part in mail.walk():
            if part.get_content_type() == "text/html":
                assert "<script" not in part.get_content()
                assert "<h1" not in part.get_content()
            else:
                assert part.get_content_type() in ("text/plain", "multipart/alternative")


_HEADERS = {
    "content-type",
    "mime-version",
    "content-transfer-encoding",
    "x-application",
    "subject",
    "from",
    "to",
    "message-id",
    "date",
    "references",
    "in-reply-to",
    "list-id",
    "auto-submitted",
    "x-auto-response-suppress",
}


def test_a_webhook_gets_exact_data_on_lines_of_their_own(attacked: Attacked) -> None:
    """A machine reads it: nothing is escaped, but no data can pass for another line of the message."""
    for message in attacked.received["ops"]:
        text = f"{message.raw['title']}\n{message.raw['message']}"
        assert "\r" not in text
        assert not any(line.startswith(("Bcc:", "X-Injected", "<h1")) for line in text.splitlines())
        assert "49" not in text
    titles = [message.title for message in attacked.received["ops"]]
    assert any("<!channel>" in title for title in titles)
    assert any("88 Bcc: victim@example.com" in title for title in titles)
    assert any("{{ 7 * 7 }}{% raw %}" in title for title in titles)


def test_terminal_tables_show_no_control_characters(attacked: Attacked) -> None:
    for command, output in attacked.tables.items():
        assert not {"\x00", "\x1b", "\r"} & set(output), command


async def test_a_product_of_newlines_and_a_giant_name_stay_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"product": "\n" * 50 + "x" * 5000, "price": 1}, {"product": "\u2028split\u2029", "price": 1}]
    async with _watched(tmp_path, monkeypatch) as stage:
        await _place(stage, 1, "a")
        await stage.step({"poll": None})
        await stage.step({"set": {"order": 1, "status": "active", "items": items}})
        await stage.step({"poll": None})
        for receiver in _used(stage):
            (message,) = receiver.received
            lines = message.body.splitlines()
            assert len(lines) <= 6
            assert max(map(len, lines)) < 200
