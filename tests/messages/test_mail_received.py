"""Mails as a real mail server receives them: headers for programs, threads, and a text beside the HTML."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from message_examples import HOSTILE, SEEN, bare, event, hostile_message, many, message, order
from notifier_endpoints import Mailbox, mail_server, parse_mail, part

from monitor.alerting.formats import html, plain
from monitor.alerting.settings import ChannelStyle
from monitor.model import Destination, Message
from monitor.notifier import Notifier, build_mail_url, warm_up

MAIL = Destination("mail")


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    monkeypatch.setattr("apprise.plugins.email.base.NotifyEmail.request_rate_per_sec", 0)


def url_of(mailbox: Mailbox, **more: Any) -> str:
    """The URL of a channel at this server."""
    host, _, port = mailbox.address.rpartition(":")
    given: dict[str, Any] = {"sender": "Monitor <monitor@example.com>", "to": "finance@example.com", "tls": "none"}
    return build_mail_url(host, port=int(port), **(given | more))


async def received(*messages: Message, query: str = "") -> list[EmailMessage]:
    """The messages as they arrive, sent one after the other through one channel."""
    async with mail_server() as mailbox:
        notifier = Notifier({MAIL: url_of(mailbox) + query})
        for one in messages:
            outcome = await notifier.send(MAIL, one)
            assert outcome.delivered, outcome.reason
    return [parse_mail(content) for _, content in mailbox.mails]


async def test_a_mail_is_text_and_html_of_the_same() -> None:
    told = message()
    (mail,) = await received(told)
    assert mail.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in mail.iter_parts()] == ["text/plain", "text/html"]
    assert part(mail, "plain") == f"{plain.write(told)}\n\n-- \n{told.footer}\n"
    assert part(mail, "html").rstrip() == html.write(told).rstrip()


async def test_the_headers_say_who_what_and_that_nobody_wrote_it() -> None:
    (mail,) = await received(message())
    assert mail["Subject"] == "Fraud: ORD-0088, $49.00 (shop)"
    assert (mail["From"], mail["To"]) == ("Monitor <monitor@example.com>", "finance@example.com")
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail["List-Id"] == '"Order Monitor: fraud" <fraud.order-monitor.example.com>'
    assert parsedate_to_datetime(mail["Date"]) - datetime.now(UTC) < timedelta(minutes=1)
    assert len(mail.get_all("Message-ID", [])) == 1


async def test_the_mails_about_one_order_are_one_thread() -> None:
    """A program threads what refers to the same mail; Gmail wants the same subject besides."""
    stable = ChannelStyle(subject="stable")
    later = event(order=order("active"), before=order(), revision=4, at=SEEN + timedelta(hours=1))
    mails = await received(message(style=stable), message(later, stable), message(event(order=order(id="89")), stable))
    roots = [mail["References"] for mail in mails]
    assert [mail["In-Reply-To"] for mail in mails] == roots
    assert roots[0] == roots[1] != roots[2]
    assert all(re.fullmatch(r"<[0-9a-f]{32}@order-monitor\.example\.com>", root) for root in roots)
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert not {mail["Message-ID"] for mail in mails} & set(roots)
    assert mails[0]["Subject"] == mails[1]["Subject"] == "ORD-0088 (shop)"


async def test_a_second_copy_has_the_first_ones_id() -> None:
    """Many mail systems show it once; and only a death between sending and settling can cause one."""
    first, second = await received(message(), message(now=SEEN + timedelta(hours=1)))
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_message_about_no_order_is_in_no_thread() -> None:
    mail, table = await received(bare(), many(3))
    assert (mail["References"], mail["In-Reply-To"], table["References"]) == (None, None, None)
    assert mail["Subject"] == "Test: mail"
    assert mail["List-Id"] == '"Order Monitor: test" <order-monitor.example.com>'
    assert part(mail, "plain") == "Test: mail\nThis channel works.\n"
    assert table["Subject"] == "3 orders: 2 Active, 1 Fraud (shop)"


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_orders_add_no_header_and_no_part(text: str) -> None:
    mail, table, usual = await received(hostile_message(text), many(3, text), message())
    for hostile in (mail, table):
        assert set(hostile.keys()) <= set(usual.keys())
        assert [one.get_content_type() for one in hostile.iter_parts()] == ["text/plain", "text/html"]
        assert "\n" not in hostile["Subject"]
        assert "\r" not in hostile["Subject"]
        assert (hostile["To"], hostile["Bcc"]) == ("finance@example.com", None)
        assert "<script" not in part(hostile, "html")
        assert "ref 7K3F" in part(hostile, "plain")


async def test_no_line_of_a_mail_is_longer_than_mail_allows() -> None:
    async with mail_server() as mailbox:
        notifier = Notifier({MAIL: url_of(mailbox)})
        for text in ("x" * 10_000, "🦊" * 10_000, "<&>" * 3_000):
            assert (await notifier.send(MAIL, hostile_message(text))).delivered
    for _, content in mailbox.mails:
        assert max(map(len, content.splitlines())) <= 998
        assert content.isascii()


async def test_news_that_no_route_words_is_a_thread_of_its_source() -> None:
    told = msgspec.structs.replace(message(), title="🔴 Source down: shop", subject="", route="health")
    (mail,) = await received(told)
    assert mail["Subject"] == "🔴 Source down: shop"
    assert mail["List-Id"] == '"Order Monitor: health" <health.order-monitor.example.com>'


async def test_copies_names_and_headers_of_the_url_are_kept() -> None:
    query = (
        "&cc=Jane%20Doe%20%3Cjane@example.com%3E&bcc=joe@example.com&reply=desk@example.com&+X-Team=ops&+List-Id=ours"
    )
    async with mail_server() as mailbox:
        notifier = Notifier({MAIL: url_of(mailbox, to="Büro <finance@example.com>") + query})
        assert (await notifier.send(MAIL, message())).delivered
    ((recipients, content),) = mailbox.mails
    mail = parse_mail(content)
    assert sorted(recipients) == ["finance@example.com", "jane@example.com", "joe@example.com"]
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == (
        "Büro <finance@example.com>",
        "Jane Doe <jane@example.com>",
        None,
    )
    assert (mail["Reply-To"], mail["X-Team"]) == ("desk@example.com", "ops")
    ours = '"Order Monitor: fraud" <fraud.order-monitor.example.com>'
    assert mail.get_all("List-Id") == [ours], "there may be one only"


async def test_what_cannot_be_encrypted_is_not_sent_in_the_clear() -> None:
    async with mail_server() as mailbox:
        outcome = await Notifier({MAIL: url_of(mailbox) + "&pgp=encrypt"}).send(MAIL, message())
    assert not outcome.delivered
    assert mailbox.mails == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("user@example.com", "p:@/?#%&+ ='\"\\,;<>"),
        ("DOMAIN\\user", "%41%zz&to=x@example.com"),
        ("monitor", "-"),
    ],
)
async def test_any_user_and_password_reach_the_server_as_they_are(user: str, password: str) -> None:
    seen: list[LoginPassword] = []

    def accept(server: object, session: object, envelope: object, mechanism: str, data: LoginPassword) -> AuthResult:
        seen.append(data)
        return AuthResult(success=True)

    async with mail_server(authenticator=accept, auth_require_tls=False) as mailbox:
        url = url_of(mailbox, user=user, password=password)
        outcome = await Notifier({MAIL: url}).send(MAIL, message())
    assert outcome.delivered, outcome.reason
    assert [(one.login.decode(), one.password.decode()) for one in seen] == [(user, password)]
