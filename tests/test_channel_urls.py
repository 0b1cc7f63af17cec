"""What is said of a channel's URL before anything is sent to it."""

import subprocess
import sys

import pytest

from monitor.errors import ChannelError
from monitor.notifier import check_url, kind, recipients, warm_up

SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
DISCORD = "https://discord.com/api/webhooks/417429632418316298/JHMHI8qBe7bk2ZwO5U711o3dV_js"


def test_importing_the_notifier_does_not_import_apprise() -> None:
    """`--help` and most commands send nothing: 0.5 s of CPU and 35 MB."""
    code = "import sys, monitor.notifier; sys.exit(bool({'apprise', 'requests'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        (SLACK, "slack"),
        (DISCORD, "discord"),
        (DISCORD.replace("discord.com", "canary.discord.com"), "discord"),
        (DISCORD.replace("discord.com", "ptb.discord.com"), "discord"),
        ("jsons://example.com/hook", "jsons"),
        (" MAILTO://127.0.0.1?from=a@example.com&to=b@example.com", "mailto"),
    ],
)
def test_usable_urls_pass_and_have_a_kind(url: str, scheme: str) -> None:
    warm_up()
    check_url(url)
    assert kind(url) == scheme


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("canary", "is no URL"),
        ("slak://canary/canary/canary", "did you mean slack://?"),
        ("qzqzqz://canary", "see https://appriseit.com"),
        ("https://canary.example.com/canary", "write jsons://"),
        ("http://canary.example.com/canary", "write json://"),
        ("mailto://canary", "mailto:// cannot be used"),
        ("json://", "json:// cannot be read: expected json://{host}"),
        ("json://canary.example.com/?method=canary", "json:// cannot be used: The method specified (***)"),
        ("mqtt://canary/canary", "mqtt:// is not available: install paho-mqtt"),
        ("windows://", "windows:// is not available: this system cannot do it"),
        ("custom://canary", "no service custom://"),
    ],
)
def test_unusable_urls_are_explained_without_being_quoted(url: str, words: str) -> None:
    with pytest.raises(ChannelError) as caught:
        check_url(url)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "its traceback would quote the URL"


def test_the_kind_of_what_is_no_channel() -> None:
    assert kind("canary") == "?"
    assert kind("https://example.com") == "https"


@pytest.mark.parametrize(
    ("url", "count"),
    [
        (SLACK, 1),
        ("json://example.com/?retry=3", 1),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#one/#two", 2),
        ("tgram://123456789:abcdefg_hijklmnop/111/222/333", 3),
        ("mailto://127.0.0.1?from=a@example.com&to=b@example.com,c@example.com&cc=d@example.com", 3),
    ],
)
def test_recipients_of_one_url_are_counted(url: str, count: int) -> None:
    assert recipients(url) == count
