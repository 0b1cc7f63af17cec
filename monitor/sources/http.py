"""The only way to a source: GET over HTTP, with patience for what passes, and every failure in our own words."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from monitor import __version__
from monitor.clock import Clock
from monitor.errors import BadAnswer, Redirected, Rejected, SourceError, Stale, TooLarge, Unreachable
from monitor.sources.base import Answer, Request
from monitor.sources.connection import TlsKey, proxy_for, tls_context, tls_key
from monitor.sources.patience import Patience
from monitor.sources.settings import HttpSettings
from monitor.sources.verdicts import OLDEST_ANSWER, Headers, age, failure, http_date, plain

MOST_REDIRECTS = 3
LARGEST_ANSWER = 64 * 1024 * 1024
_LARGEST_ERROR = 64 * 1024
_CONNECT_TIMEOUT = 5.0
_WEB_PAGES = ("text/html", "application/xhtml+xml")
_OUR_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", "Cache-Control": "no-cache"}
_FOREIGN = (aiohttp.ClientError, HttpProcessingError, OSError)  # TimeoutError and ssl.SSLError are OSErrors

ErrorText = Callable[[bytes], str | None]


class HttpClient:
    """What all sources share: one session, and what was learnt of each server. Make it inside the running loop.

    ``keepalive``: seconds for which an idle connection stays open; above the longest poll interval, as a new TLS
    connection costs ten requests. ``largest``: bytes of an answer, decompressed.
    """

    def __init__(self, *, keepalive: float = 150.0, connections: int = 1000, largest: int = LARGEST_ANSWER) -> None:
        self.largest = largest
        # trust_env stays off: it would read ~/.netrc, refuse our Authorization for the hosts in it, and hand each
        # request to two threads. The proxy variables are read by connection.proxy_for.
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=keepalive),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=16 * 1024,
            max_field_size=64 * 1024,
        )
        self._contexts: dict[tuple[str, ...], tuple[TlsKey, ssl.SSLContext]] = {}
        self._newest: dict[str, datetime] = {}

    async def aclose(self) -> None:
        """Closes all connections."""
        await self.session.close()

    def tls(self, settings: HttpSettings) -> ssl.SSLContext | bool:
        """How servers are verified: one context for equal settings, as connections are reused only within one."""
        key = tls_key(settings)
        files = tuple(name for name, _ in key)
        if not files:
            return True
        if files not in self._contexts or self._contexts[files][0] != key:
            self._contexts[files] = (key, tls_context(settings))
        return self._contexts[files][1]

    def seconds_behind(self, origin: str, date: datetime, now: datetime) -> float:
        """How much older this Date is than the newest one that the server has sent; a newer one is remembered."""
        # No further ahead of our own clock than is tolerated anyway: one machine of theirs with a wrong clock must not
        # make all others look stale until that time has come.
        believed = min(date, now + timedelta(seconds=OLDEST_ANSWER))
        newest = self._newest[origin] = max(believed, self._newest.get(origin, believed))
        return (newest - date).total_seconds()


class Reader:
    """One poll's way to one source. It counts ``requests``, ``retries`` and decompressed ``bytes``.

    Passing failures are tried again with back-off and jitter, until 15 s have passed since the poll's last good answer,
    or what the server's Retry-After asks for, up to 60 s. Then, and at once for all others, the error is raised: always
    a SourceError, without a credential in its text or its context. ``error_text`` is the adapter's.
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        settings: HttpSettings,
        error_text: ErrorText,
        clock: Clock,
        concurrency: int = 16,
    ) -> None:
        self.requests = self.retries = self.bytes = 0
        self._client = client
        self._base = url.rstrip("/")
        self._error_text = error_text
        self._clock = clock
        self._patience = Patience(clock)
        self._slots = asyncio.Semaphore(concurrency)
        self._seconds = settings.timeout.total_seconds()
        self._tls = client.tls(settings)
        self._proxy = proxy_for(self._base, settings)
        self._headers = _headers_of_source(settings)

    async def get(self, request: Request) -> Answer:
        """The answer to this request; SourceError if there is none that can be believed."""
        attempt = 0
        while True:
            outcome = await self._attempt(request, attempt)
            if isinstance(outcome, Answer):
                self._patience.good(outcome.received)
                return outcome
            pause = self._patience.pause(outcome, attempt)
            if pause is None:
                raise outcome
            attempt += 1
            self.retries += 1
            await self._clock.sleep(pause)

    async def _attempt(self, request: Request, attempt: int) -> Answer | SourceError:
        async with self._slots:
            quiet = self._patience.quiet()
            if quiet > 0:
                await self._clock.sleep(quiet)
            return await self._follow(self._call(request, attempt))

    def _call(self, request: Request, attempt: int) -> _Call:
        where = f"{self._base}/{request.path.lstrip('/')}"
        headers = self._headers.copy()
        headers.update(request.headers)
        return _Call(
            URL(where).with_query(request.params), where, headers, self._patience.timeout(self._seconds, attempt)
        )

    async def _follow(self, call: _Call) -> Answer | SourceError:
        for _ in range(MOST_REDIRECTS + 1):
            outcome = await self._send(call)
            if not isinstance(outcome, URL):
                return outcome
            call = call._replace(url=outcome, where=str(outcome.with_query(None).with_fragment(None)))
        return Redirected(f"{call.where} is where more than {MOST_REDIRECTS} redirects lead: is url right?")

    async def _send(self, call: _Call) -> Answer | URL | SourceError:
        # Failures are returned: raised inside the except clause they would carry the foreign error and its headers.
        self.requests += 1
        sent = self._clock.monotonic()
        timeout = aiohttp.ClientTimeout(total=call.seconds, sock_connect=min(call.seconds, _CONNECT_TIMEOUT))
        try:
            async with self._client.session.get(
                call.url, headers=call.headers, timeout=timeout, allow_redirects=False, ssl=self._tls, proxy=self._proxy
            ) as response:
                return await self._outcome(call, response, sent)
        except _FOREIGN as error:
            return in_our_words(error, call.where, call.seconds)

    async def _outcome(self, call: _Call, response: aiohttp.ClientResponse, sent: float) -> Answer | URL | SourceError:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if 300 <= response.status < 400:
            return _redirection(call, headers.get("location"))
        if not 200 <= response.status < 300:
            return await self._failure(call, response, headers)
        if response.content_type in _WEB_PAGES:
            return BadAnswer(f"{response.status} from {call.where} is a web page (log-in page, captcha?), not JSON")
        stale = self._staleness(call, headers)
        if stale is not None:
            return stale
        body = await self._body(response, self._client.largest)
        if body is None:
            return TooLarge(f"the answer from {call.where} is larger than {self._client.largest:,} bytes")
        return Answer(call.where, response.status, headers, body, sent, self._clock.monotonic())

    async def _failure(self, call: _Call, response: aiohttp.ClientResponse, headers: Headers) -> SourceError:
        try:
            body = await self._body(response, _LARGEST_ERROR)
        except _FOREIGN:
            body = None  # the status says enough
        said = self._error_text(body) if body else None
        detail = plain(_without(call.headers, said)) if said else None
        return failure(response.status, headers, call.where, detail, self._clock.now())

    def _staleness(self, call: _Call, headers: Headers) -> Stale | None:
        kept = age(headers)
        if kept > OLDEST_ANSWER:
            return Stale(
                f"the answer from {call.where} is {kept:.0f} s old (Age): a cache in front of it must not keep it"
            )
        date = http_date(headers.get("date", ""))
        behind = self._client.seconds_behind(str(call.url.origin()), date, self._clock.now()) if date else 0.0
        if behind > OLDEST_ANSWER:
            return Stale(
                f"the answer from {call.where} is {behind:.0f} s older (Date) than an earlier one: is it cached?"
            )
        return None

    async def _body(self, response: aiohttp.ClientResponse, largest: int) -> bytes | None:
        """The body, decompressed; None, and the connection closed, if it is larger."""
        chunks = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            self.bytes += len(chunk)
            if size > largest:
                response.close()
                return None
            chunks.append(chunk)
        return b"".join(chunks)


class _Call(NamedTuple):
    url: URL
    where: str  # the url as it may be shown
    headers: CIMultiDict[str]
    seconds: float


def _headers_of_source(settings: HttpSettings) -> CIMultiDict[str]:
    headers = CIMultiDict({"User-Agent": f"order-monitor/{__version__}"})
    headers.update({name: value.get_secret_value() for name, value in settings.headers.items()})
    headers.update(_OUR_HEADERS)
    return headers


def _without(sent: CIMultiDict[str], text: str) -> str:
    """The text without what our headers hold, should the server repeat it: ``Invalid token abc``."""
    values = (value for name, value in sent.items() if name not in _OUR_HEADERS and name != "User-Agent")
    secrets = {part for value in values if value for part in (value, value.split()[-1]) if len(part) > 3}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _redirection(call: _Call, location: str | None) -> URL | Redirected:
    try:
        target = call.url.join(URL(location or "")).with_user(None)
        origin = target.origin()
    except ValueError:
        location = None
    if not location:
        return Redirected(f"{call.where} redirects, but to no usable address: is url right?")
    if origin == call.url.origin():
        return target
    return Redirected(f"{call.where} redirects to another host: set url to {origin} if that is the billing system")


def in_our_words(error: Exception, where: str, seconds: float) -> SourceError:
    """The SourceError for an error of aiohttp, ssl or the operating system. Its text holds no credential."""
    kind, passing, words = next(row[1:] for row in _WORDS if isinstance(error, row[0]))
    mapped = kind(f"{where}: {words.format(seconds=seconds, reason=_reason(error))}")
    mapped.passing = passing
    return mapped


def _reason(error: Any) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    cause = cause.__cause__ if isinstance(cause.__cause__, ssl.SSLError) else cause
    if isinstance(cause, ssl.SSLError):
        return plain(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__)
    number = getattr(cause, "errno", None) or 0
    return os.strerror(number) if number > 0 else plain(getattr(cause, "strerror", None) or type(error).__name__)


_Kinds = type[Exception] | tuple[type[Exception], ...]
_WORDS: tuple[tuple[_Kinds, type[SourceError], bool, str], ...] = (
    # The first row that fits counts: the narrower kinds stand above the wider.
    (aiohttp.ClientProxyConnectionError, Unreachable, True, "its proxy cannot be reached ({reason}): check proxy"),
    (
        aiohttp.ClientHttpProxyError,
        Unreachable,
        True,
        "its proxy does not let us through: check proxy and its password",
    ),
    (
        ssl.SSLCertVerificationError,
        Unreachable,
        False,
        "its certificate is not trusted ({reason}): set ca_file if it has an authority of its own",
    ),
    (ssl.SSLError, Unreachable, True, "no TLS connection ({reason}): does url begin rightly with https, not http?"),
    (aiohttp.ClientConnectorDNSError, Unreachable, True, "the host is not found ({reason}): is url right?"),
    (aiohttp.ConnectionTimeoutError, Unreachable, True, "no connection in time: is it up, and is url right?"),
    (TimeoutError, Unreachable, True, "no whole answer within {seconds:.3g} s"),
    (aiohttp.ClientPayloadError, Unreachable, True, "the answer broke off, or is damaged"),
    (aiohttp.ServerDisconnectedError, Unreachable, True, "the server closed the connection without an answer"),
    ((aiohttp.ClientResponseError, HttpProcessingError), BadAnswer, False, "what answers there speaks no valid HTTP"),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), Rejected, False, "this is no address to read from"),
    (Exception, Unreachable, True, "no connection, or a broken one ({reason})"),
)
