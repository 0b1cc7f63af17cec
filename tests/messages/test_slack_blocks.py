"""What Slack is sent, held against the limits that it publishes for Block Kit, whatever the order."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from message_examples import HOSTILE, bare, event, hostile_message, many, message

from monitor.alerting.formats import slack
from monitor.alerting.settings import ChannelStyle
from monitor.model import Message, Row, Severity, Table

BREAK = "\u200b"


def assert_within_limits(payload: dict[str, Any]) -> None:
    """docs.slack.dev/reference/block-kit, and what chat.postMessage is known to refuse."""
    below = [block for attachment in payload["attachments"] for block in attachment["blocks"]]
    blocks = payload["blocks"] + below
    assert 1 <= len(blocks) <= 50
    assert all(attachment["blocks"] for attachment in payload["attachments"])
    for block in blocks:
        assert_block(block)
    assert 1 <= len(payload["text"]) <= 4_000
    assert len(json.dumps(below, ensure_ascii=False)) <= 12_900
    assert json.dumps(payload).encode()


def assert_block(block: dict[str, Any]) -> None:
    match block:
        case {"type": "section", "text": text, **rest}:
            assert not rest
            assert_text(text, 3_000)
        case {"type": "section", "fields": fields, **rest}:
            assert not rest
            assert 1 <= len(fields) <= 10
            for field in fields:
                assert_text(field, 2_000)
        case {"type": "context", "elements": elements, **rest}:
            assert not rest
            assert 1 <= len(elements) <= 10
            for element in elements:
                assert_text(element, 3_000)
        case _:
            pytest.fail(f"no block that we make: {block}")


def assert_text(text: dict[str, Any], most: int) -> None:
    assert text.keys() == {"type", "text", "verbatim"}
    assert (text["type"], text["verbatim"]) == ("mrkdwn", True)
    assert 1 <= len(text["text"]) <= most
    assert text["text"].strip()


def texts(payload: dict[str, Any]) -> list[str]:
    """Every text of the payload's blocks, in order."""
    found: list[str] = []
    for block in [*payload["blocks"], *(block for part in payload["attachments"] for block in part["blocks"])]:
        for text in [*block.get("fields", []), *block.get("elements", []), *filter(None, [block.get("text")])]:
            found.append(text["text"])
    return found


def links(text: str) -> list[str]:
    """All that Slack reads as a link or a mention."""
    return re.findall(r"<[^>]*>", text)


def read(text: str) -> str:
    """The text as a person reads it."""
    return html.unescape(text).replace(BREAK, "")


def test_a_message_is_its_first_line_with_the_rest_in_the_colour_of_its_severity() -> None:
    payload = slack.payload(message(style=ChannelStyle()))
    assert payload["text"] == "🚨 Fraud: ORD-0088 · $49.00 · shop"
    link = "<https://billing.example.com/admin/orders/88?tab=log&amp;x=1|ORD-0088>"
    assert texts(payload) == [
        f"*🚨 Fraud: {link} · $49.00 · shop*",
        "pending → fraud, after 2 h 13 min\nStarter Hosting Plan ×1",
        "Customer: J··· D··, D·· &amp; S···\nAddress: · M··· S··· S···\nNotes: not shown here",
        "Seen 14:22 CEST (changed after 14:21) · ref 7K3F",
    ]
    (attachment,) = payload["attachments"]
    assert attachment["color"] == "#e01e5a"
    assert (payload["unfurl_links"], payload["unfurl_media"]) == (False, False)
    assert_within_limits(payload)


def test_each_severity_has_a_colour_of_its_own() -> None:
    colours = [
        slack.payload(msgspec.structs.replace(message(), severity=severity))["attachments"][0]["color"]
        for severity in Severity
    ]
    assert len(set(colours)) == len(Severity)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_the_story_is_a_part_of_its_own() -> None:
    assert (
        "So far:\nJun 30, 2025, 14:22 CEST appeared, pending\n12:09 CEST active → pending\n"
        "14:22 CEST pending → fraud, after 2 h 13 min"
    ) in texts(slack.payload(message()))


def test_a_message_that_nothing_was_rendered_for_is_sent_too() -> None:
    payload = slack.payload(bare())
    assert (payload["text"], texts(payload)) == ("Test: mail", ["*Test: mail*", "This channel works."])
    assert slack.payload(msgspec.structs.replace(bare(), body=""))["attachments"] == []


def test_an_order_that_the_title_does_not_name_is_linked_below() -> None:
    payload = slack.payload(message(style=ChannelStyle(title="Look at this")))
    assert texts(payload)[0] == "*Look at this*"
    assert "<https://billing.example.com/admin/orders/88?tab=log&amp;x=1|ORD-0088>" in texts(payload)


def test_several_orders_are_a_table_of_two_columns() -> None:
    payload = slack.payload(many(12))
    fields = [field["text"] for block in payload["attachments"][0]["blocks"] for field in block.get("fields", [])]
    assert fields[:4] == [
        "*Order · Change*",
        "*Total · Source*",
        "<https://billing.example.com/admin/orders/0?tab=log&amp;x=1|ORD-0000> · pending → fraud, after 2 h 13 min",
        "$49.00 · shop",
    ]
    assert len(fields) == 2 * (1 + 12)
    assert_within_limits(payload)


def test_a_long_table_says_what_it_leaves_out() -> None:
    payload = slack.payload(many(500))
    shown = sum(text.startswith("<https://") for text in texts(payload))
    assert shown > 30
    assert f"… and {500 - shown} more" in texts(payload)
    assert texts(payload)[-1].endswith("ref 7K3F")
    assert_within_limits(payload)


def test_a_table_of_one_column_fills_the_second() -> None:
    table = Table(("Order",), (Row(("ORD-1",)),))
    assert texts(slack.payload(msgspec.structs.replace(bare(), table=table)))[-4:] == ["*Order*", "*–*", "ORD-1", "–"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_orders_stay_within_the_limits_and_mean_nothing(text: str) -> None:
    payload = slack.payload(hostile_message(text))
    assert_within_limits(payload)
    assert_meaningless(payload)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_of_hostile_orders_stays_within_the_limits_and_means_nothing(text: str) -> None:
    payload = slack.payload(many(60, text))
    assert_within_limits(payload)
    assert_meaningless(payload)


def assert_meaningless(payload: dict[str, Any]) -> None:
    for text in [payload["text"], *texts(payload)]:
        for found in links(text):
            assert found.startswith("<https://billing.example.com/admin/orders/"), found
        assert "@everyone" not in text
        assert text.count("<") == len(links(text)) == text.count(">")
    assert texts(payload)[-1].endswith("ref 7K3F"), "by which a person finds it again"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ORD_0088_1", "ORD_0088_1"),
        ("*bold* _it_ ~no~ `code`", f"*{BREAK}bold*{BREAK} _{BREAK}it_{BREAK} ~{BREAK}no~{BREAK} `{BREAK}code`{BREAK}"),
        ("> quote", f"{BREAK}&gt; quote"),
        ("5 > 4 & 3 < 4", "5 &gt; 4 &amp; 3 &lt; 4"),
        ("https://b.example.com/_a_?x=1&y", "https://b.example.com/_a_?x=1&amp;y"),
        ("&amp;", "&amp;amp;"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert slack.literal(text) == shown
    assert read(shown) == text


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_reads_the_same_and_has_no_markup(text: str) -> None:
    shown = slack.literal(text)
    assert read(shown) == html.unescape(text.replace(BREAK, "")) or read(shown) == text.replace(BREAK, "")
    assert not {"<", ">"} & set(shown)


lines = st.lists(st.text("<&>*_ x\n🦊", max_size=4_000), max_size=8).map("\n".join)


@given(lines, lines, lines)
def test_any_message_stays_within_the_limits(title: str, text: str, small: str) -> None:
    """Own templates can write long lines of anything."""
    given_ = Message(title.strip() or "t", text, Severity.INFO, "7K3F", small=(small,) if small.strip() else ())
    cut = msgspec.structs.replace(given_, title=given_.title[:250], body=given_.body[:8_000])
    payload = slack.payload(cut)
    assert_within_limits(payload)


def test_a_link_that_is_too_long_for_its_place_is_left_out() -> None:
    long = msgspec.structs.replace(message(event()), link="https://b.example.com/" + "&" * 1_900)
    assert texts(slack.payload(long))[0] == "*🚨 Fraud: ORD-0088 · $49.00 · shop*"
    row = Row(("ORD-1", "paid"), "https://b.example.com/" + "x" * 1_975)
    table = msgspec.structs.replace(bare(), table=Table(("Order", "Change"), (row,)))
    assert "ORD-1 · paid" in texts(slack.payload(table))


def test_a_message_that_slack_would_refuse_as_a_whole_is_cut_and_says_so() -> None:
    long = msgspec.structs.replace(bare(), body="\n".join(["&" * 530] * 15), small=("ref 7K3F",))
    payload = slack.payload(long)
    assert_within_limits(payload)
    assert texts(payload)[-2:] == ["… there is more, but Slack takes no longer message", "ref 7K3F"]


def test_what_slack_reads_in_a_link_is_quoted() -> None:
    odd = msgspec.structs.replace(message(), link="https://b.example.com/a|b>c<d")
    assert "<https://b.example.com/a%7Cb%3Ec%3Cd|ORD-0088>" in texts(slack.payload(odd))[0]
