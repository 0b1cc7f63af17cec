"""Does a channel's host answer? Asked of real servers, without sending anything."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from connections import close

from monitor.notifier.library import Endpoint
from monitor.notifier.reach import Reached, reach

SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


class MailHost:
    """A mail server that keeps what it was told."""

    def __init__(self, replies: tuple[bytes, ...]) -> None:
        self.heard: list[bytes] = []
        self.talks: set[asyncio.Task[None]] = set()
        self._replies = replies
        self.port = 0

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            for reply in self._replies:
                writer.write(reply)
                if not (line := await reader.readline()):
                    break
                self.heard.append(line.strip())
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@asynccontextmanager
async def mail_host(*replies: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[MailHost]:
    host = MailHost(replies)
    server = await asyncio.start_server(host.welcome, "127.0.0.1", 0, ssl=tls)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        await close(server)
        await asyncio.gather(*host.talks)


GREETING, HELLO, BYE = b"220 mail.example.com\r\n", b"250 mail.example.com\r\n", b"221 bye\r\n"


async def test_a_mail_server_is_greeted_and_left() -> None:
    async with mail_host(GREETING, HELLO, BYE) as host:
        url = f"mailto://user:pass@127.0.0.1:{host.port}?from=a@example.com&to=b@example.com&mode=insecure"
        reached = await asyncio.to_thread(reach, url)
    assert reached == Reached(f"127.0.0.1:{host.port}")
    assert [line.split()[0] for line in host.heard] == [b"ehlo", b"QUIT"]


async def test_a_mail_server_without_the_encryption_that_is_asked_for_is_a_problem() -> None:
    async with mail_host(GREETING, HELLO, BYE) as host:
        url = f"mailtos://user:pass@127.0.0.1:{host.port}?from=a@example.com&to=b@example.com&mode=starttls"
        reached = await asyncio.to_thread(reach, url)
    assert reached.problem == "it does not answer as a mail server should (SMTPNotSupportedError)"


async def test_what_is_no_mail_server_is_a_problem() -> None:
    async with mail_host(b"HTTP/1.1 400 Bad Request\r\n") as host:
        reached = await asyncio.to_thread(reach, f"mailto://127.0.0.1:{host.port}?from=a@example.com&to=b@example.com")
    assert reached.problem.startswith("it does not answer as a mail server should")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "host.pem", folder / "host.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -nodes -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command.split(), *names, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


@asynccontextmanager
async def tls_host(certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    async with mail_host(GREETING, BYE, tls=context) as host:
        yield host.port


async def test_a_certificate_is_verified_as_it_will_be_for_messages(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tls_host(certificate) as port:
        url = f"jsons://localhost:{port}/alerts"
        reached = await asyncio.to_thread(reach, url)
        assert reached.problem == "its certificate is not trusted (self-signed certificate)"
        assert (await asyncio.to_thread(reach, f"{url}?verify=no")).problem == ""
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        assert await asyncio.to_thread(reach, url) == Reached(f"localhost:{port}", secure=True)


async def test_mail_with_tls_from_the_start_is_verified_too(certificate: tuple[Path, Path]) -> None:
    async with tls_host(certificate) as port:
        url = f"mailtos://u:p@localhost:{port}?from=a@example.com&to=b@example.com&mode=ssl"
        reached = await asyncio.to_thread(reach, url)
    assert reached.problem == "its certificate is not trusted (self-signed certificate)"


async def test_a_plain_host_where_tls_is_meant_is_a_problem() -> None:
    async with mail_host(GREETING, BYE) as host:
        reached = await asyncio.to_thread(reach, f"jsons://localhost:{host.port}/")
    assert reached.problem.startswith("no TLS connection")


async def test_a_pasted_webhook_is_tried_at_its_service_and_nothing_is_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mail_host(GREETING) as host:
        place = f"127.0.0.1:{host.port}"
        monkeypatch.setattr("apprise.plugins.slack.NotifySlack.webhook_url", f"http://{place}/services")
        assert await asyncio.to_thread(reach, SLACK) == Reached(place)
    assert host.heard == []


def test_a_host_behind_a_proxy_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    reached = reach(SLACK)
    assert (reached.tried, reached.place) == (False, "hooks.slack.com:443")
    assert "proxy" in reached.why_not


@pytest.mark.parametrize(
    ("url", "place", "tls"),
    [
        (SLACK, "hooks.slack.com:443", "tls"),
        ("slack://xoxb-1234-1234-4ddbc191d40ee098cbaae6f3523ada2d/#general", "slack.com:443", "tls"),
        (f"https://discord.com/api/webhooks/000000000000000000/{'A' * 64}", "discord.com:443", "tls"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "api.telegram.org:443", "tls"),
        ("mailtos://u:p@mail.example.com?to=a@example.com", "mail.example.com:587", "starttls"),
        ("mailtos://u:p@example.com?smtp=mail.example.com&to=a@example.com&mode=ssl", "mail.example.com:465", "tls"),
        ("mailto://u:p@gmail.com", "smtp.gmail.com:587", "starttls"),
        ("json://[::1]:8080/x", "[::1]:8080", "none"),
        ("jsons://alerts.example.com/x", "alerts.example.com:443", "tls"),
        ("form://alerts.example.com/x", "alerts.example.com:80", "none"),
        ("ntfy://topic", "ntfy.sh:443", "tls"),
        ("ntfys://ntfy.example.com/topic", "ntfy.example.com:443", "tls"),
    ],
)
def test_where_a_channel_talks_to_is_known(url: str, place: str, tls: str) -> None:
    address = Endpoint(url).address
    assert address is not None
    assert (address.place, address.tls) == (place, tls)
