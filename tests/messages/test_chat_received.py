"""Messages as Slack receives them, by incoming webhook and by bot token; and as other services do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests
from message_examples import HOSTILE, bare, hostile_message, many, message
from notifier_endpoints import Webhook, webhook
from test_slack_blocks import assert_within_limits

from monitor.alerting.formats import plain, slack, teams
from monitor.model import Destination, Outcome
from monitor.notifier import Notifier, warm_up
from monitor.notifier.library import Endpoint

OPS = Destination("ops")
HOOK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
BOT = "slack://xoxb-1234-1234-abcdefghijkl/"
PLUGIN = "apprise.plugins.slack.NotifySlack"
TEAMS = "workflows://host:443/643ec78d7a514ec0b1bb2e5f9f6e2bd9/AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544"


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Webhook]:
    """A server that stands in for Slack's webhooks and its API."""
    warm_up()
    async with webhook() as hook:
        monkeypatch.setattr(f"{PLUGIN}.request_rate_per_sec", 0)
        monkeypatch.setattr(f"{PLUGIN}.webhook_url", f"http://{hook.address}/services")
        monkeypatch.setattr(f"{PLUGIN}.api_url", f"http://{hook.address}/api/{{}}")
        yield hook


async def send(url: str, made: Any) -> Outcome:
    return await Notifier({OPS: url}).send(OPS, made)


async def test_a_webhook_receives_blocks_and_a_preview(server: Webhook) -> None:
    assert (await send(HOOK, message())).delivered
    assert server.paths == ["/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    assert server.received == [slack.payload(message())]


async def test_a_bot_posts_the_same_to_each_of_its_channels(server: Webhook) -> None:
    server.text = '{"ok": true, "channel": "C1"}'
    assert (await send(f"{BOT}#orders/#fraud", message())).delivered
    assert server.paths == ["/api/chat.postMessage"] * 2
    assert {posted.pop("channel") for posted in server.received} == {"#orders", "#fraud"}
    assert server.received == [slack.payload(message())] * 2


async def test_a_bot_whose_token_is_refused_has_not_delivered(server: Webhook) -> None:
    """Slack says so in the body of a 200."""
    server.text = '{"ok": false, "error": "invalid_auth"}'
    assert not (await send(BOT, message())).delivered


async def test_the_name_and_the_thread_of_the_url_are_kept(server: Webhook) -> None:
    server.text = '{"ok": true, "channel": "C1"}'
    assert (await send("slack://Billing@xoxb-1234-1234-abcdefghijkl/#orders:1503435956.000247", message())).delivered
    (posted,) = server.received
    assert (posted["username"], posted["thread_ts"]) == ("Billing", "1503435956.000247")


async def test_each_message_is_sent_in_its_turn_and_whole(server: Webhook) -> None:
    notifier = Notifier({OPS: HOOK})
    made = [message(), many(60), bare(), *map(hostile_message, HOSTILE)]
    for one in made:
        assert (await notifier.send(OPS, one)).delivered
    assert [posted["text"] for posted in server.received] == [slack.payload(one)["text"] for one in made]
    for posted in server.received:
        assert_within_limits(posted)


async def test_a_workflow_of_slack_receives_text(server: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes variables, not blocks."""
    monkeypatch.setattr(f"{PLUGIN}.workflow_url", f"http://{server.address}/workflows")
    url = "https://hooks.slack.com/workflows/T05ABCDEF/Ft07ABCDEF/123456789/abcdefABCDEF"
    assert (await send(url, message())).delivered
    (posted,) = server.received
    assert posted.keys() == {"text"}
    assert posted["text"].startswith("🚨 Fraud: ORD-0088 · $49.00 · shop: pending → fraud")


async def test_blocks_of_the_owners_own_stay_his(server: Webhook, tmp_path: Any) -> None:
    template = tmp_path / "blocks.json"
    template.write_text('{"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "own {{app_title}}"}}]}')
    assert (
        await send(f"slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ?template={template}", message())
    ).delivered
    assert "own 🚨 Fraud: ORD-0088" in json.dumps(server.received[0], ensure_ascii=False)


async def test_a_machine_receives_plain_text_the_customer_included(server: Webhook) -> None:
    assert (await send(f"json://{server.address}/alerts", message())).delivered
    (posted,) = server.received
    assert posted["title"] == "🚨 Fraud: ORD-0088 · $49.00 · shop"
    assert posted["message"] == plain.body(message())
    assert "\nCustomer: John Doe, Doe & Sons\n" in posted["message"]


# Services whose address is fixed: what the plugin hands to the network


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The JSON that plugins post, which is answered with 200."""
    bodies: list[Any] = []

    def answer(adapter: object, request: requests.PreparedRequest, **options: object) -> requests.Response:
        bodies.append(json.loads(request.body or "{}"))
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, str(request.url)
        response._content = b'{"ok": true}'
        return response

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", answer)
    return bodies


def test_teams_receives_one_card_however_long(posted: list[Any]) -> None:
    """Apprise alone would cut at 1,000 characters."""
    assert Endpoint(TEAMS).send(many(50)).delivered
    assert posted == [teams.payload(many(50))]


def test_discord_may_mention_nobody_and_gets_all_of_it_in_parts(posted: list[Any]) -> None:
    endpoint = Endpoint(DISCORD)
    assert endpoint.send(many(50)).delivered
    assert len(posted) > 1
    assert all(len(body["content"]) <= 2_000 for body in posted)
    assert all(body["allowed_mentions"] == {"parse": []} for body in posted)
    together = "\n".join(body["content"] for body in posted)
    assert all(f"[ORD-{number:04}](<https://billing" in together for number in range(50))
    assert "7K3F" in posted[-1]["content"]


def test_discord_may_mention_whom_the_url_names(posted: list[Any]) -> None:
    assert Endpoint(f"{DISCORD}?ping=@everyone").send(message()).delivered
    assert posted[0]["allowed_mentions"]["parse"] == ["everyone"]


@pytest.mark.parametrize("text", HOSTILE)
def test_telegram_gets_html_that_it_accepts_in_each_part(posted: list[Any], text: str) -> None:
    endpoint = Endpoint(TELEGRAM)
    endpoint._plugin.request_rate_per_sec = 0
    for made in (hostile_message(text), many(50, text)):
        assert endpoint.send(made).delivered
    for body in posted:
        assert body["parse_mode"] == "HTML"
        assert len(body["text"]) <= 4_096
        for tag in ("b", "i", "a"):
            assert body["text"].count(f"<{tag}>") + body["text"].count(f"<{tag} ") == body["text"].count(f"</{tag}>")
    assert "ref 7K3F" in posted[-1]["text"]


def test_telegram_gets_lines_and_a_link(posted: list[Any]) -> None:
    Endpoint(TELEGRAM).send(message())
    lines = posted[0]["text"].splitlines()
    assert lines[0] == (
        '<b>🚨 Fraud: <a href="https://billing.example.com/admin/orders/88?tab=log&amp;x=1">ORD-0088</a>'
        " · $49.00 · shop</b>"
    )
    assert lines[1] == "pending → fraud, after 2 h 13 min"
    assert lines[-1] == "<i>Seen 14:22 CEST (changed after 14:21) · ref 7K3F</i>"
