"""Messages in the markup of Discord, Telegram, Matrix and Teams: ours has a form, an order's data has none."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_examples import HOSTILE, bare, hostile_message, many, message

from monitor.alerting.formats import markdown, plain, teams
from monitor.alerting.formats.escape import BREAK
from monitor.alerting.settings import ChannelStyle

ADDRESS = "https://billing.example.com/admin/orders/88?tab=log&x=1"
_SPECIAL = re.compile(r"\\([\\`*_{}\[\]()#+.!|~<>-])")


def unescaped(text: str) -> str:
    """Markdown without its escapes, as a person reads it."""
    return _SPECIAL.sub(r"\1", text).replace(BREAK, "")


class Tags(HTMLParser):
    """Tags, balanced or not, and the text between them."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "br":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_discord_gets_bold_a_link_without_a_preview_and_small_print() -> None:
    assert markdown.discord(message(style=ChannelStyle())) == (
        f"**🚨 Fraud: [ORD-0088](<{ADDRESS}>) · $49.00 · shop**\n"
        "pending → fraud, after 2 h 13 min\n"
        "Starter Hosting Plan ×1\n"
        "Customer: J··· D··, D·· & S···\n"
        "Address: · M··· S··· S···\n"
        "Notes: not shown here\n"
        "-# Seen 14:22 CEST (changed after 14:21) · ref 7K3F"
    )


def test_telegram_and_matrix_get_the_tags_that_they_know() -> None:
    assert markdown.matrix(message(style=ChannelStyle(privacy="none"))) == (
        '<b>🚨 Fraud: <a href="https://billing.example.com/admin/orders/88?tab=log&amp;x=1">ORD-0088</a>'
        " · $49.00 · shop</b><br/>pending → fraud, after 2 h 13 min<br/>Starter Hosting Plan ×1<br/>"
        "<i>Seen 14:22 CEST (changed after 14:21) · ref 7K3F</i>"
    )
    assert markdown.telegram(message()) == markdown.matrix(message())


def test_the_story_and_a_table_have_their_places() -> None:
    told = markdown.discord(message()).splitlines()
    assert told[told.index("**So far:**") + 3] == "14:22 CEST pending → fraud, after 2 h 13 min"
    table = markdown.discord(many(60)).splitlines()
    assert table[1].startswith("[ORD-0000](<https://billing.example.com/admin/orders/0?tab=log&x=1>) · pending → fraud")
    assert table[-2] == "… and 10 more"


def test_an_order_that_the_title_does_not_name_is_linked_below() -> None:
    lines = markdown.discord(message(style=ChannelStyle(title="Look at this", privacy="none"))).splitlines()
    assert lines[0] == "**Look at this**"
    assert f"[ORD-0088](<{ADDRESS}>)" in lines


def test_a_message_that_nothing_was_rendered_for_is_written_too() -> None:
    assert markdown.discord(bare()) == "**Test: mail**\nThis channel works."
    assert teams.payload(bare())["attachments"][0]["content"]["body"][1]["text"] == "This channel works."


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_orders_write_no_markdown(text: str) -> None:
    for written in (markdown.discord(hostile_message(text)), markdown.discord(many(5, text))):
        assert_no_markdown(written)


def assert_no_markdown(written: str) -> None:
    ours = written.replace("**", "").replace("\n-# ", "\n")
    ours = re.sub(r"(?<!\\)\[((?:\\.|[^\\\[\]])*)\]\(<https://billing[^>\s]*>\)", r"\1", ours)
    rest = re.sub(r"https?://[^\s<>\[\]()*~`|\\]+", "", ours)
    assert not re.findall(r"(?<!\\)(?:\\\\)*[*_~`|\[\]]", rest)
    assert not re.findall(r"^[ \t]*(?:[#>]|[-+] |\d+[.)] )", rest, re.MULTILINE)
    assert not [call for call in ("@everyone", "@here", "@room", "<@", "<!", "<h", "](http") if call in rest]


def test_what_html_reads_is_escaped() -> None:
    assert markdown.TELEGRAM.literal("<b> 1 < 2 & \"'") == "&lt;\u200bb&gt; 1 &lt; 2 &amp; &quot;&#x27;"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_orders_write_no_html(text: str) -> None:
    for made in (hostile_message(text), many(5, text)):
        tags = Tags(markdown.telegram(made))
        assert {tag for tag, _ in tags.tags} <= {"b", "i", "a", "br"}
        assert not tags.open
        for tag, attributes in tags.tags:
            assert attributes.keys() == ({"href"} if tag == "a" else set())
            assert (attributes.get("href") or "https://billing.example.com/").startswith("https://billing.example.com/")
        assert not [call for call in ("@everyone", "@here", "@room", "@jane", "<@", "<!", "](") if call in tags.text]


def texts(value: Any) -> list[str]:
    """Every text of a card that Teams reads Markdown in."""
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    if not isinstance(value, dict):
        return []
    own = [value[key] for key in ("text", "title", "value") if isinstance(value.get(key), str)]
    return own + [text for part in value.values() for text in texts(part)]


def test_teams_gets_a_card_with_a_block_for_each_line() -> None:
    payload = teams.payload(message(style=ChannelStyle(privacy="none", story=True)))
    (attachment,) = payload["attachments"]
    assert payload["summary"] == "🚨 Fraud: ORD-0088 · $49.00 · shop"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    title, *below = attachment["content"]["body"]
    assert title["text"] == f"🚨 Fraud: [ORD-0088]({ADDRESS}) · $49.00 · shop"
    assert (title["weight"], title["color"], title["wrap"]) == ("Bolder", "Attention", True)
    assert [block.get("text", block["type"]) for block in below] == [
        "pending → fraud, after 2 h 13 min",
        "Starter Hosting Plan ×1",
        "FactSet",
        "Seen 14:22 CEST (changed after 14:21) · ref 7K3F",
    ]
    assert below[2]["facts"][2] == {"title": "14:22 CEST", "value": "pending → fraud, after 2 h 13 min"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_orders_stay_text_in_a_card_that_teams_takes(text: str) -> None:
    for made in (hostile_message(text), many(60, text)):
        payload = teams.payload(made)
        assert len(json.dumps(payload)) <= 27_000
        assert "entities" not in payload["attachments"][0]["content"]["msteams"]
        for written in texts(payload):
            assert "\n" not in written
            assert_no_markdown(re.sub(r"\]\((https://billing[^)\s]*)\)", r"](<\1>)", written))
        assert texts(payload)[-1].endswith("ref 7K3F")


def test_a_card_that_would_be_too_long_says_so() -> None:
    assert "… there is more, but Teams takes no longer message" in texts(teams.payload(many(60, "🦊" * 60)))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_reads_the_same(text: str) -> None:
    literal = markdown.DISCORD.literal(text)
    addresses = re.findall(r"https?://", text)
    assert addresses or unescaped(literal) == unescaped(text.replace("\\", "\\\\")).replace(BREAK, "")
    assert Tags(markdown.TELEGRAM.literal(text)).tags == []


def test_plain_text_is_the_stored_body_with_the_customer_in_its_place() -> None:
    assert plain.write(message(style=ChannelStyle())) == (
        "🚨 Fraud: ORD-0088 · $49.00 · shop\npending → fraud, after 2 h 13 min\nStarter Hosting Plan ×1\n"
        "https://billing.example.com/admin/orders/88?tab=log&x=1\n"
        "Customer: J··· D··, D·· & S···\nAddress: · M··· S··· S···\nNotes: not shown here\n"
        "Seen 14:22 CEST (changed after 14:21) · ref 7K3F"
    )
    own = message(style=ChannelStyle(title="{{ ref }}", body="Look", privacy="full"))
    assert plain.body(own).startswith("Look\nCustomer: John Doe")
