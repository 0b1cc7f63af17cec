"""TLS and proxies: trusted by ca_file, known by a client certificate, led through a proxy, and verified always."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from pathlib import Path

import pytest
from aiohttp import web
from connections import close
from loopback import MakeReader, Serve
from pydantic import ValidationError

from monitor.errors import Rejected, SourceError, Unreachable
from monitor.sources.base import Request
from monitor.sources.connection import proxy_for, tls_context
from monitor.sources.http import HttpClient
from monitor.sources.settings import HttpSettings

TOKEN = "canary-token"
ORDERS = Request("/api/v1/orders", headers={"Authorization": f"Bearer {TOKEN}"})


async def ok(request: web.Request) -> web.Response:
    return web.json_response({"data": []})


def make_certificate(folder: Path, name: str, *options: str) -> tuple[Path, Path]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2 -subj /CN=localhost"
    extension = ["-addext", "subjectAltName=DNS:localhost"]
    secrecy = options or ("-nodes",)
    subprocess.run(
        [*command.split(), *extension, *secrecy, "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return cert, key


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "server")


@pytest.fixture
def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_of_ones_own_is_refused_without_ca_file(
    serve: Serve, make_reader: MakeReader, server_tls: ssl.SSLContext
) -> None:
    reader = make_reader(await serve(ok, server_tls))
    with pytest.raises(Unreachable, match=r"not trusted \(self-signed certificate\): set ca_file"):
        await reader.get(ORDERS)
    assert reader.requests == 1


async def test_ca_file_makes_it_trusted_and_connections_stay_open(
    serve: Serve, make_reader: MakeReader, server_tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    ports = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({})

    url = await serve(handler, server_tls)
    for _ in range(2):
        await make_reader(url, ca_file=str(certificate[0])).get(ORDERS)
    assert len(ports) == 1


async def test_another_host_name_is_refused_although_trusted(
    serve: Serve, make_reader: MakeReader, server_tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    url = (await serve(ok, server_tls)).replace("localhost", "127.0.0.1")
    with pytest.raises(Unreachable, match="IP address mismatch"):
        await make_reader(url, ca_file=str(certificate[0])).get(ORDERS)


async def test_https_where_http_is_spoken_is_told(serve: Serve, make_reader: MakeReader) -> None:
    url = (await serve(ok)).replace("http://", "https://")
    with pytest.raises(Unreachable, match="does url begin rightly with https"):
        await make_reader(url).get(ORDERS)


async def test_a_client_certificate_is_shown(
    serve: Serve, make_reader: MakeReader, server_tls: ssl.SSLContext, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = make_certificate(tmp_path, "client")
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server_tls.load_verify_locations(cert)
    url = await serve(ok, server_tls)
    ca_file = str(certificate[0])
    await make_reader(url, ca_file=ca_file, client_cert=str(cert), client_key_file=str(key)).get(ORDERS)
    with pytest.raises(Unreachable):
        await make_reader(url, ca_file=ca_file).get(ORDERS)


async def test_a_renewed_certificate_is_read_without_a_restart(
    client: HttpClient, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificate[0].read_bytes())
    settings = HttpSettings(ca_file=str(ca_file))
    first = client.tls(settings)
    assert client.tls(settings) is first
    ca_file.write_bytes(make_certificate(tmp_path, "renewed")[0].read_bytes())
    assert client.tls(settings) is not first


def test_files_that_cannot_be_used_are_named(client_files: dict[str, str]) -> None:
    for values, words in (
        ({"ca_file": "missing"}, "ca_file: .*missing cannot be read: No such file"),
        ({"ca_file": "empty"}, "ca_file: .*empty holds no certificate"),
        ({"client_cert": "missing"}, "client_cert: .*missing cannot be read: No such file"),
        ({"client_cert": "cert"}, "client_cert: .*cert[.]pem cannot be used"),
        ({"client_cert": "cert", "client_key_file": "locked"}, "a key without password is needed"),
        ({"client_cert": "cert", "client_key_file": "other"}, "KEY_VALUES_MISMATCH"),
    ):
        with pytest.raises(SourceError, match=words) as caught:
            tls_context(HttpSettings.model_validate({key: client_files[name] for key, name in values.items()}))
        assert caught.value.__suppress_context__


@pytest.fixture
def client_files(tmp_path: Path) -> dict[str, str]:
    cert, key = make_certificate(tmp_path, "cert", "-passout", "pass:made-up")
    files = {"missing": tmp_path / "missing", "empty": tmp_path / "empty", "cert": cert, "locked": key}
    files["other"] = make_certificate(tmp_path, "other")[1]
    files["empty"].touch()
    return {name: str(path) for name, path in files.items()}


async def test_a_missing_file_fails_before_anything_is_sent(make_reader: MakeReader) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        make_reader("https://billing.example.com", ca_file="/nowhere/ca.pem")


class Proxy:
    """A proxy that tunnels to where it is asked to, or answers in the server's place."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if head.startswith("CONNECT"):
            await self._tunnel(head, reader, writer)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async def _tunnel(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = head.split()[1].split(":")
        there_reader, there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(self._copy(reader, there), self._copy(there_reader, writer))

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        finally:
            writer.close()


async def start(proxy: Proxy) -> tuple[asyncio.Server, str]:
    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


BASIC = "Proxy-Authorization: Basic " + base64.b64encode(b"monitor:s3cret").decode()


async def test_a_proxy_is_used_and_shown_its_password(make_reader: MakeReader) -> None:
    proxy = Proxy()
    server, address = await start(proxy)
    answer = await make_reader("http://billing.example.com", proxy=f"http://monitor:s3cret@{address}").get(ORDERS)
    await close(server)
    assert answer.body == b"{}"
    assert proxy.heads[0].startswith("GET http://billing.example.com/api/v1/orders HTTP/1.1\r\n")
    assert BASIC in proxy.heads[0]


async def test_a_proxy_before_https_sees_no_token_and_the_server_no_proxy_password(
    serve: Serve,
    client: HttpClient,
    make_reader: MakeReader,
    server_tls: ssl.SSLContext,
    certificate: tuple[Path, Path],
) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(str(request.headers))
        return web.json_response({})

    proxy = Proxy()
    server, address = await start(proxy)
    url = await serve(handler, server_tls)
    reader = make_reader(url, proxy=f"http://monitor:s3cret@{address}", ca_file=str(certificate[0]))
    await reader.get(ORDERS)
    await client.aclose()
    await close(server)
    assert proxy.heads[0].startswith(f"CONNECT {url.removeprefix('https://')} ")
    assert BASIC in proxy.heads[0]
    assert TOKEN not in str(proxy.heads)
    assert TOKEN in seen[0]
    assert "Proxy-Authorization" not in seen[0]


async def test_proxy_variables_are_honoured(make_reader: MakeReader, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy()
    server, address = await start(proxy)
    monkeypatch.setenv("HTTP_PROXY", address)
    await make_reader("http://billing.example.com").get(ORDERS)
    await close(server)
    assert proxy.heads[0].startswith("GET http://billing.example.com/")


def test_no_proxy_and_a_proxy_of_the_source_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")
    url, plain = "https://billing.example.com", HttpSettings()
    assert proxy_for(url, plain) == "http://proxy.example.com:3128"
    assert proxy_for("https://internal.example.com", plain) is None
    assert proxy_for("http://billing.example.com", plain) is None
    own = HttpSettings.model_validate({"proxy": "http://own.example.com:8080"})
    assert proxy_for(url, own) == "http://own.example.com:8080"
    assert proxy_for("https://internal.example.com", own) == "http://own.example.com:8080"


async def test_each_host_keeps_the_proxy_that_the_environment_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of sources a minute must not each read all of the environment; a proxy of a source's own still wins."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example.com")
    client, plain = HttpClient(), HttpSettings()
    own = HttpSettings.model_validate({"proxy": "http://own.example.com:8080"})
    for _ in range(2):
        assert client.proxy("https://billing.example.com/shop", plain) == "http://proxy.example.com:3128"
        assert client.proxy("https://internal.example.com", plain) is None
        assert client.proxy("http://billing.example.com", plain) is None
        assert client.proxy("https://billing.example.com", own) == "http://own.example.com:8080"
    monkeypatch.setattr("monitor.sources.connection.getproxies", dict)
    assert client.proxy("https://billing.example.com/other", plain) == "http://proxy.example.com:3128"
    await client.aclose()


async def test_a_proxy_that_is_none_fails_each_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://proxy.example.com")
    client = HttpClient()
    for _ in range(2):
        with pytest.raises(SourceError, match="name no HTTP proxy"):
            client.proxy("https://billing.example.com", HttpSettings())
    await client.aclose()


def test_a_proxy_variable_that_is_no_http_proxy_is_told_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://user:canary@proxy.example.com")
    with pytest.raises(SourceError, match="name no HTTP proxy for https://billing") as caught:
        proxy_for("https://billing.example.com", HttpSettings())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "url", "kind", "words"),
    [
        (b"407 No", "https://billing.example.com", Unreachable, "its proxy does not let us through"),
        (b"502 No", "https://billing.example.com", Unreachable, "its proxy does not let us through"),
        (b"407 No", "http://billing.example.com", Rejected, "the proxy wants a user and a password"),
    ],
)
async def test_a_proxy_that_refuses_is_told(
    serve: Serve, make_reader: MakeReader, reply: bytes, url: str, kind: type[SourceError], words: str
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + reply + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    address = (await serve.raw(handler)).removeprefix("http://")
    with pytest.raises(kind, match=words) as caught:
        await make_reader(url, proxy=f"http://monitor:canary@{address}").get(ORDERS)
    assert "canary" not in str(caught.value)


async def test_a_proxy_that_is_away_is_told(make_reader: MakeReader, unused_tcp_port: int) -> None:
    proxy = f"http://monitor:canary@127.0.0.1:{unused_tcp_port}"
    with pytest.raises(Unreachable, match=r"its proxy cannot be reached \(Connection refused\)") as caught:
        await make_reader("http://billing.example.com", proxy=proxy).get(ORDERS)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"headers": {"Host": "canary"}},
        {"headers": {"accept-encoding": "canary"}},
        {"headers": {"Content-Length": "canary"}},
        {"headers": {"X-Shop": "canary\r\nX-Other: 1"}},
        {"headers": {"X Shop": "canary"}},
        {"headers": {"": "canary"}},
        {"proxy": "socks5://user:canary@proxy.example.com"},
        {"proxy": "canary"},
        {"client_key_file": "canary.key"},
        {"timeout": "1ms"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_repeating_them(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        HttpSettings.model_validate(values)
    assert "canary" not in str(caught.value)
