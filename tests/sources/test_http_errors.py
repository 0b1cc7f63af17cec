"""Whatever aiohttp, ssl or the operating system throws, one of our own errors leaves, and no credential with it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import http_exceptions
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_reqrep import ConnectionKey
from loopback import HeldClock, MakeReader
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from monitor.errors import BadAnswer, SourceError, Unreachable
from monitor.sources.base import Request
from monitor.sources.foreign import in_our_words
from monitor.sources.http import HttpClient

TOKEN = "canary-token"
WHERE = "https://billing.example.com/api/v1/orders"
SECRET_URL = URL(f"https://u:{TOKEN}@billing.example.com/?key={TOKEN}")
PROXY = URL(f"http://u:{TOKEN}@proxy.example.com")
KEY = ConnectionKey(
    "billing.example.com", 443, is_ssl=True, ssl=True, proxy=PROXY, proxy_auth=None, proxy_headers_hash=None
)
INFO = aiohttp.RequestInfo(
    SECRET_URL, "GET", CIMultiDictProxy(CIMultiDict({"Authorization": f"Bearer {TOKEN}"})), SECRET_URL
)
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNTRUSTED.verify_message = "self-signed certificate"
GONE = OSError(111, f"Connect call failed {TOKEN}")

ARGUMENTS: tuple[tuple[type[Exception], tuple[Any, ...]], ...] = (
    (aiohttp.ClientConnectorCertificateError, (KEY, UNTRUSTED)),
    (UnixClientConnectorError, ("/run/x", KEY, GONE)),
    (aiohttp.ClientConnectorDNSError, (KEY, socket.gaierror(-2, "Name or service not known"))),
    (aiohttp.ClientConnectorError, (KEY, GONE)),
    (aiohttp.ClientResponseError, (INFO, ())),
    (aiohttp.ServerFingerprintMismatch, (b"", b"", "billing.example.com", 443)),
    (aiohttp.ClientOSError, (111, TOKEN)),
    (http_exceptions.LineTooLong, (b"x", 1)),
    (http_exceptions.InvalidHeader, (TOKEN,)),
    (http_exceptions.BadStatusLine, (TOKEN,)),
    (http_exceptions.BadHttpMessage, (TOKEN,)),
    (http_exceptions.HttpProcessingError, ()),
)


def family(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def thrown(kind: type[Exception]) -> Exception:
    arguments = next((given for parent, given in ARGUMENTS if issubclass(kind, parent)), (TOKEN,))
    return kind(*arguments)


KINDS = {
    *(kind for kind in family(aiohttp.ClientError) if kind.__module__.startswith("aiohttp")),
    *(kind for kind in family(http_exceptions.HttpProcessingError) if kind.__module__.startswith("aiohttp")),
    *(kind for kind in family(OSError) if kind.__module__ in ("builtins", "ssl", "socket")),
    asyncio.TimeoutError,
}


@pytest.mark.parametrize("kind", sorted(KINDS, key=str), ids=lambda kind: kind.__qualname__)
async def test_no_foreign_error_leaves(
    client: HttpClient,
    make_reader: MakeReader,
    clock: HeldClock,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
) -> None:
    raised: list[Exception] = []

    def throw(*_: object, **__: object) -> None:
        raised.append(thrown(kind))
        raise raised[-1]

    monkeypatch.setattr(client.session, "request", throw)
    with pytest.raises(SourceError) as caught:
        await make_reader(WHERE.removesuffix("/api/v1/orders")).get(
            Request("/api/v1/orders", headers={"Authorization": f"Bearer {TOKEN}"})
        )
    error = caught.value
    assert raised
    assert str(error).startswith(f"{WHERE}: ")
    assert TOKEN not in str(error) + repr(error)
    assert (error.__cause__, error.__context__) == (None, None)
    assert bool(clock.slept) is error.passing


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (thrown(aiohttp.ClientConnectorError), "no connection, or a broken one (Connection refused)"),
        (thrown(aiohttp.ClientProxyConnectionError), "its proxy cannot be reached (Connection refused): check proxy"),
        (thrown(aiohttp.ClientConnectorDNSError), "the host is not found (Name or service not known): is url right?"),
        (TimeoutError(), "no whole answer within 10 s"),
        (aiohttp.ConnectionTimeoutError(), "no connection in time: is it up, and is url right?"),
        (aiohttp.ServerDisconnectedError(), "the server closed the connection without an answer"),
        (
            thrown(aiohttp.ClientConnectorCertificateError),
            "its certificate is not trusted (self-signed certificate): set ca_file if it has an authority of its own",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_says_what_happened(error: Exception, words: str) -> None:
    mapped = in_our_words(error, WHERE, 10.0)
    assert isinstance(mapped, Unreachable)
    assert str(mapped) == f"{WHERE}: {words}"


def test_a_tls_alert_in_an_open_connection_is_named() -> None:
    error = aiohttp.ClientOSError(1, "[SSL] alert")
    error.__cause__ = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert")
    error.__cause__.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED"
    assert "TLSV13_ALERT_CERTIFICATE_REQUIRED" in str(in_our_words(error, WHERE, 10.0))


def test_a_certificate_does_not_become_trusted_by_waiting() -> None:
    assert not in_our_words(UNTRUSTED, WHERE, 10.0).passing


def test_a_service_that_is_no_http_is_a_bad_answer() -> None:
    assert isinstance(in_our_words(thrown(aiohttp.ClientResponseError), WHERE, 10.0), BadAnswer)
