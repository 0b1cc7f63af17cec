"""`preview`: a message before anybody gets it."""

from pathlib import Path

import pytest
from typed import Keyboard

_FILE = """\
sources: {shop: {type: opterius, url: https://billing.example.com, token: made-up}}
channels:
  ops: {url: json://alerts.example.com/}
  mail:
    mail: {host: mail.example.com, from: a@example.com, to: b@example.com}
    story: true
    title: "Mind: {{ order.number }}"
routes: [{name: fraud, when: {to: fraud}, channels: [ops, mail]}]
"""


@pytest.fixture(autouse=True)
def written(keyboard: Keyboard) -> None:
    keyboard.file.write_text(_FILE)


def test_a_routes_message_is_shown_as_its_first_channel_words_it(keyboard: Keyboard) -> None:
    typed = keyboard.type("preview", "fraud")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.startswith("To ops, by route fraud, ")
    assert "\n🚨 Fraud: ORD-0088 · " in typed.out
    assert "So far:" not in typed.out
    assert "Subject:" not in typed.out
    assert "Customer:" not in typed.out


def test_another_channel_can_be_named_and_its_mail_be_written(keyboard: Keyboard, tmp_path: Path) -> None:
    html = tmp_path / "mail.html"
    typed = keyboard.type("preview", "fraud", "--channel", "mail", "--html", str(html))
    assert "\nSubject: Mind: ORD-0088\n" in typed.out
    assert "\nMind: ORD-0088\n" in typed.out
    assert "because route fraud leads there" in typed.out
    assert "So far:" in typed.out
    assert "Mind: " in html.read_text(encoding="utf-8")


def test_the_monitors_own_news_can_be_seen_too(keyboard: Keyboard) -> None:
    assert "🔴 Source down: shop" in keyboard.type("preview", "health").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["frod"], "routes.frod: no such route: there are fraud, health"),
        (["fraud", "--channel", "nobody"], "channels.nobody: no such channel: there are ops, mail"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(keyboard: Keyboard, arguments: list[str], words: str) -> None:
    typed = keyboard.type("preview", *arguments)
    assert typed.code == 2
    assert words in typed.err


def test_a_file_that_cannot_be_written_is_named(keyboard: Keyboard, tmp_path: Path) -> None:
    typed = keyboard.type("preview", "fraud", "--html", str(tmp_path / "away" / "mail.html"))
    assert typed.code == 1
    assert "cannot be written: No such file or directory" in typed.err
