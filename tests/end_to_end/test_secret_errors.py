"""A fault of the configuration that stands beside a secret, or in one, is told without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from canaries import OTHER_TOKEN, assert_silent

from monitor.cli import main

_BAD = {
    "a secret that is a list": "token: [CANARY]",
    "a secret that is a mapping": "token: {CANARY: CANARY}",
    "a misspelt key": "tokn: CANARY",
    "a secret that no header holds": 'token: "CANARY CANARY"',
    "a quote that is not closed": 'token: "CANARY',
    "a colon in the value": "token: CANARY: CANARY",
    "a tag": "token: !CANARY CANARY",
    "an alias": "token: *CANARY",
    "a reference that is not closed": "token: ${CANARY",
    "a reference with a bad name": "token: ${CANARY CANARY}",
    "a duplicate": "token: CANARY\n    token: CANARY",
    "a user in the address": "token: x\n    url: https://CANARY:CANARY@billing.example.com",
    "a query in the address": "token: x\n    url: https://billing.example.com?key=CANARY",
    "a bad proxy": "token: x\n    proxy: ftp://CANARY:CANARY@proxy.example.com",
    "a header with a bad name": 'token: x\n    headers: {"X Y": CANARY}',
    "a header with a line break": 'token: x\n    headers: {X-A: "CANARY\\nX-B: CANARY"}',
    "a header of ours": "token: x\n    headers: {Host: CANARY}",
    "a state with a password": "token: x\nstate: postgresql://user:CANARY@db.example.com:port/monitor",
}
_BAD_URLS = [
    "CANARY",
    "slak://CANARY/CANARY",
    "slack://CANARY",
    "mailto://CANARY:CANARY@",
    "mailtos://CANARY:CANARY@mail.example.com:notaport?to=CANARY",
    "json://CANARY:CANARY@",
    "https://hooks.slack.com/services/CANARY",
    "https://CANARY.example.com/CANARY?token=CANARY",
    "discord://CANARY",
    "tgram://CANARY/CANARY",
    "ntfys://CANARY@example.com:99999/CANARY",
    "twilio://CANARY:CANARY@1/2",
    "matrix://CANARY:CANARY@example.com/#a?mode=CANARY",
    "pover://CANARY@CANARY/?priority=CANARY&sound=CANARY",
    "sns://CANARY/CANARY/eu-north-1/nonsense",
    "json://example.com/?method=CANARY&format=CANARY&overflow=CANARY&rto=CANARY&tz=CANARY",
]
_GOOD_CHANNEL = "channels: {ops: {url: 'json://localhost/'}}\n"


@pytest.mark.parametrize("lines", list(_BAD.values()), ids=list(_BAD))
def test_a_fault_beside_a_secret_is_told_without_it(
    lines: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    address = "" if "url:" in lines else "    url: https://billing.example.com\n"
    text = f"sources:\n  shop:\n    type: opterius\n{address}    {lines}\n"
    _check_bad(tmp_path / "monitor.yaml", text.replace("CANARY", OTHER_TOKEN) + _GOOD_CHANNEL, capfd)


@pytest.mark.parametrize("url", _BAD_URLS)
def test_a_url_that_cannot_be_used_is_told_without_it(
    url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "monitor.yaml"
    source = "sources: {shop: {type: opterius, url: 'https://billing.example.com', token: x}}\n"
    channel = json.dumps(url.replace("CANARY", OTHER_TOKEN))
    file.write_text(f"{source}channels: {{ops: {{url: {channel}}}}}\n")
    main(["check", "-c", str(file), "--show"])
    assert_silent("".join(capfd.readouterr()), url)


def test_a_bad_secret_in_the_environment_is_told_without_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_SOURCES__SHOP__TOKEN", f"{OTHER_TOKEN} {OTHER_TOKEN}")
    monkeypatch.setenv("MONITOR_SOURCES__SHOP__TOKN", OTHER_TOKEN)
    monkeypatch.setenv("MONITOR_CHANNELS__OPS__URL", f"slak://{OTHER_TOKEN}")
    text = "sources: {shop: {type: opterius, url: 'https://billing.example.com'}}\n" + _GOOD_CHANNEL
    _check_bad(tmp_path / "monitor.yaml", text, capfd)


def _check_bad(file: Path, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    file.write_text(text)
    code = main(["check", "-c", str(file)])
    said = "".join(capfd.readouterr())
    assert code == 2, said
    assert_silent(said, text)
