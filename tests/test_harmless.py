"""Order data in messages mentions nobody, hides no link, starts no header: what each plugin would really send."""

import json
from typing import Any

import msgspec
import pytest
import requests
from apprise.plugins.slack import NotifySlack
from notifier_endpoints import MESSAGE, mail_server, parse_mail, part, webhook

from monitor.model import Destination, Message, Severity
from monitor.notifier import Notifier
from monitor.notifier.harmless import harmless
from monitor.notifier.library import Endpoint

HOSTILE = (
    "<!channel> <!here> <@U123> <@&77> @everyone @here a@everyone @all **bold** _it_ `code` ~~x~~ ||y||\n"
    "<script>alert(1)</script> <b>bold</b> <a href='http://evil.example'>pay</a>\n"
    "# head\n> quote\n[link](http://evil.example) <http://evil.example|words>\x07"
)
MESSAGE_OF_EVIL = Message(
    title="<!here> @all <b>t</b> **code**\r\nBcc: x@example.com\u2028X: y",
    body=HOSTILE,
    severity=Severity.FAILURE,
    ref="k3v9",
)
PLAIN = "Jane <3 shoes, 1 < 2, jane@example.com paid 5 > 4 on https://billing.example.com/orders/ORD_1"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The JSON that plugins hand to the network, which answers 200 to all of it."""
    bodies: list[Any] = []

    def answer(adapter: object, request: requests.PreparedRequest, **options: object) -> requests.Response:
        bodies.append(json.loads(request.body or "{}"))
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response._content = (
            b"ok"
            if "slack.com" in response.url
            else b'{"ok": true, "access_token": "t", "home_server": "h", "user_id": "u", "event_id": "e"}'
        )
        return response

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", answer)
    return bodies


def _texts(value: Any) -> str:
    """Every text in a JSON document, one below the other."""
    match value:
        case dict():
            return "\n".join(_texts(part) for part in value.values())
        case list():
            return "\n".join(_texts(part) for part in value)
    return str(value)


@pytest.mark.parametrize(
    "url",
    [
        SLACK,
        f"{SLACK}?blocks=yes",
        f"{SLACK}?format=markdown",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?format=markdown",
        "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?footer=yes",
        "tgram://123456789:abcdefg_hijklmnop/12315544",
        "tgram://123456789:abcdefg_hijklmnop/12315544?format=markdown",
        "workflows://host:443/643ec78d7a514ec0b1bb2e5f9f6e2bd9/AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "workflows://host:443/643ec78d7a514ec0b1bb2e5f9f6e2bd9/AAAAAAAAAAAAAAAAAAAAAAAAAAAA?format=text",
        "matrix://user:password@localhost/!room:localhost",
        "matrix://user:password@localhost/!room:localhost?format=html",
        "matrix://user:token@localhost/?mode=slack",
        "mmost://host/token",
        "gchat://workspace/key/token",
    ],
)
def test_no_chat_service_is_sent_a_mention_a_hidden_link_or_a_tag(sent: list[Any], url: str) -> None:
    endpoint = Endpoint(url)
    endpoint._plugin.request_rate_per_sec = 0
    assert endpoint.send(MESSAGE_OF_EVIL).delivered
    text = "\n".join(_texts(body) for body in sent)
    assert "code" in text
    for trigger in ("<!", "<@", "@everyone", "@here", "@all", "](", "<script", "<b>bold", "<a ", "<http"):
        assert trigger not in text


def test_discord_is_sent_markdown_that_shows_as_plain_text(sent: list[Any]) -> None:
    Endpoint("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js").send(MESSAGE_OF_EVIL)
    content = sent[0]["content"]
    for shown in (r"\*\*bold\*\*", r"\_it\_", r"\`code\`", r"\~\~x\~\~", r"\|\|y\|\|", "\n\\# head", "\n\\> quote"):
        assert shown in content


def test_a_telegram_title_is_not_markup(sent: list[Any]) -> None:
    Endpoint("tgram://123456789:abcdefg_hijklmnop/12315544").send(MESSAGE_OF_EVIL)
    assert sent[0]["text"].count("<") == 2, "Apprise's own <b> around the title"


@pytest.mark.parametrize("scheme", ["slack", "discord", "json", "tgram", "unknown"])
def test_ordinary_text_stays_as_it_is(scheme: str) -> None:
    assert harmless(PLAIN, scheme) == PLAIN


async def test_slack_receives_escaped_text(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Destination("ops")
    async with webhook() as hook:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"http://{hook.address}/services")
        assert (await Notifier({channel: SLACK}).send(channel, MESSAGE_OF_EVIL)).delivered
    text = _texts(hook.received[0])
    assert "&lt;\u200b!channel&gt;" in text
    assert "<" not in text
    assert "\n" not in hook.received[0]["text"]


async def test_a_machine_receives_the_exact_text_and_a_title_of_one_line() -> None:
    channel = Destination("hook")
    async with webhook() as hook:
        await Notifier({channel: f"json://{hook.address}"}).send(channel, MESSAGE_OF_EVIL)
    assert hook.received[0]["message"] == HOSTILE.replace("\x07", "")
    assert hook.received[0]["title"].endswith("Bcc: x@example.com X: y")
    assert hook.received[0]["title"].isprintable()


@pytest.mark.parametrize("format_", ["", "&format=text", "&format=html", "&format=markdown"])
async def test_a_mail_has_no_foreign_header_and_no_foreign_markup(format_: str) -> None:
    channel = Destination("mail")
    async with mail_server() as mailbox:
        url = f"mailto://{mailbox.address}?from=a@example.com&to=b@example.com{format_}"
        assert (await Notifier({channel: url}).send(channel, MESSAGE_OF_EVIL)).delivered
    recipients, content = mailbox.mails[0]
    mail = parse_mail(content)
    assert recipients == ["b@example.com"]
    assert (mail["Bcc"], mail["X"]) == (None, None)
    assert HOSTILE.replace("\x07", "") in part(mail, "plain")
    assert "<script" not in part(mail, "html")
    assert "&lt;script&gt;alert(1)" in part(mail, "html")


def test_a_message_without_a_body_is_its_title(sent: list[Any]) -> None:
    Endpoint("json://host").send(msgspec.structs.replace(MESSAGE, body=""))
    assert sent[0]["message"] == MESSAGE.title


def test_what_is_too_long_for_a_service_is_sent_in_parts(sent: list[Any]) -> None:
    """Discord refuses more than 2,000 characters: the whole message would be lost."""
    lines = "\n".join(f"ORD-{number:04}: pending → active" for number in range(150))
    Endpoint("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js").send(msgspec.structs.replace(MESSAGE, body=lines))
    assert len(sent) > 1
    assert all(len(body["content"]) <= 2000 for body in sent)
    assert "ORD-0149" in sent[-1]["content"]
