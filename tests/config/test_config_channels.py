"""Channels: a URL, several, or mail; and how they word their messages."""

from __future__ import annotations

import pytest
from config_folder import Folder

from monitor.checks import CHECKS

SOURCE = "sources: {shop: {type: opterius, url: 'https://billing.example.com', token: made-up}}\n"


def test_mail_needs_no_url_encoding_and_makes_a_url_for_each_recipient(folder: Folder) -> None:
    login = "user: me@example.com, password: 'a@b:c/d#e'"
    text = f"{{host: mail.example.com, {login}, from: m@example.com, to: [a@x.com, b@x.com]}}"
    urls = [
        url.get_secret_value()
        for url in folder.load(f"{SOURCE}channels: {{ops: {{mail: {text}}}}}").channels["ops"].urls
    ]
    assert [url.split("to=")[1] for url in urls] == ["a%40x.com", "b%40x.com"]
    assert urls[0].startswith("mailtos://me%40example.com:a%40b%3Ac%2Fd%23e@mail.example.com:587/")


def test_the_mails_password_may_stand_in_a_file_and_is_a_secret(folder: Folder) -> None:
    folder.write("of-the-mail\n", "password")
    mail = "{host: mail.example.com, user: me, password_file: password, from: m@example.com, to: a@example.com}"
    settings = folder.load(f"{SOURCE}channels: {{ops: {{mail: {mail}}}}}")
    assert "of-the-mail" in settings.secrets()
    assert "of-the-mail" not in str(settings.redacted())


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("{}", "monitor.yaml:2:12: channels.ops: leads nowhere, expected url (or url_file) or mail"),
        ("{story: true}", "monitor.yaml:2:12: channels.ops: leads nowhere, expected url (or url_file) or mail"),
        (
            "{url: 'json://x.example.com', mail: {host: h, from: a@x.com, to: b@x.com}}",
            "monitor.yaml:2:47: channels.ops.mail: stands beside url: keep one",
        ),
        (
            "{mail: {host: h, from: nobody, to: b@x.com}}",
            "monitor.yaml:2:24: channels.ops.mail: from: expected one address, such as finance@example.com or "
            "Finance <finance@example.com>",
        ),
        (
            "{mail: {host: h, from: a@x.com, to: b@x.com, tls: tsl}}",
            "monitor.yaml:2:67: channels.ops.mail.tls: expected one of starttls, ssl, none; did you mean ssl?",
        ),
    ],
)
def test_a_channel_that_leads_nowhere_is_told(folder: Folder, channel: str, words: str) -> None:
    assert words in folder.problems(f"{SOURCE}channels: {{ops: {channel}}}")


def test_a_channels_templates_and_zone_are_checked(folder: Folder) -> None:
    channel = "{url: 'json://x.example.com', time_zone: Europe/Stokholm, title: '{{ ordr }}'}"
    assert any(
        "did you mean Europe/Stockholm" in text for text in folder.problems(f"{SOURCE}channels: {{ops: {channel}}}")
    )
    channel = channel.replace("Stokholm", "Stockholm")
    problems = folder.problems(f"{SOURCE}channels: {{ops: {channel}}}", checks=CHECKS)
    assert len(problems) == 1
    assert "channels.ops.title" in problems[0]
    assert "did you mean order?" in problems[0]


@pytest.mark.parametrize("address", ["billing.example.com/{id}", "https://billing.example.com/{order}"])
def test_an_order_url_that_cannot_be_one_is_refused(folder: Folder, address: str) -> None:
    source = SOURCE.replace("token: made-up", f"token: made-up, order_url: '{address}'")
    assert (
        "sources.shop.order_url: expected a web address"
        in folder.problems(source + "channels: {ops: {url: 'json://x'}}")[0]
    )
