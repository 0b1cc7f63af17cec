"""The only way to a source: requests that only read, patience for what passes, every failure in our own words."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from monitor.clock import Clock
from monitor.errors import BadAnswer, NotFound, Redirected, SourceError, Stale, TooLarge
from monitor.sources.base import Answer, Request, without
from monitor.sources.calls import Call, body_of, headers_of_source, redirection, secrets_of, shown
from monitor.sources.conditional import Kept, Memory
from monitor.sources.connection import TlsKey, proxy_for, tls_context, tls_key
from monitor.sources.foreign import FOREIGN, in_our_words
from monitor.sources.headers import Headers
from monitor.sources.hosts import Host
from monitor.sources.patience import LONGEST_WAIT, PATIENCE, Patience
from monitor.sources.ratelimit import allowance
from monitor.sources.settings import HttpSettings
from monitor.sources.verdicts import failure, plain

MOST_REDIRECTS = 3
LARGEST_ANSWER = 64 * 1024 * 1024
CONCURRENCY = 8
_LARGEST_ERROR = 64 * 1024
_CONNECT_TIMEOUT = 5.0
_WEB_PAGES = ("text/html", "application/xhtml+xml")

ErrorText = Callable[[bytes], str | None]


class Limits(NamedTuple):
    """What one reader grants a server: seconds without a good answer, seconds more where it says Retry-After, and bytes
    of an answer."""

    patience: float = PATIENCE
    retry_after: float = LONGEST_WAIT
    largest: int = LARGEST_ANSWER


_USUAL = Limits()


class HttpClient:
    """What all sources share: one session, and what was learnt of each server. Make it inside the running loop.

    ``keepalive``: seconds for which an idle connection stays open; above the longest poll interval, as a new TLS
    connection costs ten requests. ``largest``: bytes of an answer, decompressed. ``concurrency``: requests to one host
    on their way at one time.
    """

    def __init__(
        self,
        *,
        keepalive: float = 150.0,
        connections: int = 1000,
        largest: int = LARGEST_ANSWER,
        concurrency: int = CONCURRENCY,
    ) -> None:
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
        self._hosts: dict[str, Host] = {}
        self._proxies: dict[str, str | None] = {}
        self._concurrency = concurrency

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

    def proxy(self, url: str, settings: HttpSettings) -> str | None:
        """The proxy for this url, or None. Each host is looked up in the environment once: a process keeps its own, and
        reading all of it for each poll took an eighth of the poll's time."""
        if settings.proxy is not None:
            return proxy_for(url, settings)
        origin = _origin(url)
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(url, settings)
        return self._proxies[origin]

    def host(self, url: str) -> Host:
        """What all requests to the server of this url share. It outlives its sources: what it granted was spent."""
        origin = _origin(url)
        if origin not in self._hosts:
            self._hosts[origin] = Host(self._concurrency)
        return self._hosts[origin]

    def used(self, url: str, now: float) -> int:
        """How many requests the host of this url was sent in the last minute (monotonic seconds)."""
        return self.host(url).used(now) if url else 0

    def per_minute(self, url: str) -> int | None:
        """How often the server of this url may be asked a minute, by all of its sources together."""
        return self.host(url).per_minute

    def set_budgets(self, limits: Iterable[tuple[str, int | None]], now: float) -> None:
        """From ``now`` on, monotonic, by the url and ``max_requests_per_minute`` of every source: the smallest counts.

        A host of none of them is limited no more.
        """
        smallest: dict[Host, int] = {}
        for url, limit in limits:
            if limit is not None:
                host = self.host(url)
                smallest[host] = min(limit, smallest.get(host, limit))
        for host in self._hosts.values():
            host.limit(smallest.get(host), now)

    def empty_budgets(self, urls: Iterable[str], now: float) -> None:
        """Another process has asked the servers of these urls until now, perhaps as often as they may be asked."""
        for host in {self.host(url) for url in urls}:
            host.empty(now)


class Reader:
    """One poll's way to one source. It counts ``requests`` and decompressed ``bytes``.

    Passing failures are tried again with back-off and jitter, until 15 s have passed since the poll's last good answer,
    or what the server's Retry-After asks for, up to 60 s. Then, and at once for all others, the error is raised: always
    a SourceError, without a credential in its text or its context. Waiting for the host's turn is no failure.
    ``error_text`` is the adapter's; ``memory`` holds the source's earlier answers; ``limits`` replace the usual ones.
    """

    def __init__(  # noqa: PLR0913  # what all requests of a poll share
        self,
        client: HttpClient,
        url: str,
        settings: HttpSettings,
        error_text: ErrorText,
        clock: Clock,
        memory: Memory | None = None,
        *,
        limits: Limits = _USUAL,
    ) -> None:
        self.requests = self.bytes = 0
        self._client = client
        self._base = url.rstrip("/")
        self._error_text = error_text
        self._clock = clock
        self._patience = Patience(clock, limits.patience, limits.retry_after)
        self._largest = min(client.largest, limits.largest)
        self._host = client.host(self._base)
        self._memory = memory or Memory()
        self._seconds = settings.timeout.total_seconds()
        self._tls = client.tls(settings)
        self._proxy = client.proxy(self._base, settings)
        self._headers = headers_of_source(settings)
        self._merged: tuple[Mapping[str, str], CIMultiDict[str]] = ({}, self._headers)
        self._timeout = _timeout(self._seconds)

    async def get(self, request: Request) -> Answer:
        """The answer to this request; SourceError if there is none that can be believed."""
        attempt = 0
        while True:
            outcome = await self._follow(self._call(request, attempt))
            if isinstance(outcome, Answer):
                self._patience.good(outcome.received)
                return outcome
            pause = self._patience.pause(outcome, attempt)
            if pause is None:
                raise outcome
            attempt += 1
            self._patience.begin()
            try:
                await self._clock.sleep(pause)
            finally:
                self._patience.end()

    def _call(self, request: Request, attempt: int) -> Call:
        where = f"{self._base}/{request.path.lstrip('/')}"
        if request.headers is not self._merged[0]:  # an adapter sends the same ones a thousand times
            headers = self._headers.copy()
            headers.update(request.headers)
            self._merged = request.headers, headers
        url = URL(where).with_query(request.params)
        return Call(url, where, self._merged[1], attempt, body_of(request), request.secrets, request)

    async def _follow(self, call: Call) -> Answer | SourceError:
        for _ in range(MOST_REDIRECTS + 1):
            outcome = await self._send(call)
            if not isinstance(outcome, URL):
                return outcome
            target = without(secrets_of(call), shown(outcome))
            if call.body is not None:
                # What a redirect makes of a POST is everybody's guess; and a form may hold the credentials.
                return Redirected(f"{call.where} redirects to {target}: set url so that it is asked there")
            call = call._replace(url=outcome, where=target)
        return Redirected(f"{call.where} is where more than {MOST_REDIRECTS} redirects lead: is url right?")

    async def _send(self, call: Call) -> Answer | URL | SourceError:
        await self._host.enter(self._clock)
        try:
            self._patience.begin()
            return await self._exchange(call)
        finally:
            self._patience.end()
            self._host.leave()

    async def _exchange(self, call: Call) -> Answer | URL | SourceError:
        # Failures are returned: raised inside the except clause they would carry the foreign error and its headers.
        self.requests += 1
        sent = self._clock.monotonic()
        kept = self._memory.recall(str(call.url), sent) if self._memory.bytes and call.body is None else None
        more = kept.asking if kept else call.body.headers if call.body else None
        headers = CIMultiDict([*call.headers.items(), *more.items()]) if more else call.headers
        seconds = self._patience.timeout(self._seconds, call.attempt)
        timeout = self._timeout if seconds == self._seconds else _timeout(seconds)
        try:
            async with self._client.session.request(
                "GET" if call.body is None else "POST",
                call.url,
                data=call.body.content if call.body else None,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                ssl=self._tls,
                proxy=self._proxy,
            ) as response:
                return await self._outcome(call, response, sent, kept)
        except FOREIGN as error:
            return in_our_words(error, call.where, seconds)

    async def _outcome(
        self, call: Call, response: aiohttp.ClientResponse, sent: float, kept: Kept | None
    ) -> Answer | URL | SourceError:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if "link" in headers:  # WordPress, for one, sends several
            headers["link"] = ", ".join(response.headers.getall("link"))
        granted = allowance(headers, self._clock.now())
        if granted:
            self._host.heed(granted, self._clock.monotonic())
        if response.status == 304:
            return self._unchanged(call, headers, sent, kept)
        if 300 <= response.status < 400:
            return redirection(call, headers.get("location"))
        if not 200 <= response.status < 300:
            return await self._failure(call, response, headers)
        return await self._answer(call, response, headers, sent)

    async def _answer(
        self, call: Call, response: aiohttp.ClientResponse, headers: Headers, sent: float
    ) -> Answer | SourceError:
        if headers.get("content-type", "").lower().startswith(_WEB_PAGES):
            return BadAnswer(f"{response.status} from {call.where} is a web page (log-in page, captcha?), not JSON")
        stale = self._staleness(call, headers)
        if stale is not None:
            return stale
        body = await self._body(response, self._largest)
        if body is None:
            return TooLarge(f"the answer from {call.where} is larger than {self._largest:,} bytes")
        received = self._clock.monotonic()
        secrets = partial(secrets_of, call)  # of a thousand answers none is quoted
        answer = Answer(call.where, response.status, headers, body, sent, received, secrets, call.request)
        if call.body is None:
            self._memory.keep(str(call.url), answer)
        return answer

    def _unchanged(self, call: Call, headers: Headers, sent: float, kept: Kept | None) -> Answer | SourceError:
        if kept is None:
            return BadAnswer(f"304 from {call.where}: nothing has changed, it says, but that was not asked")
        return self._staleness(call, headers) or kept.confirmed(headers, sent, self._clock.monotonic())

    async def _failure(self, call: Call, response: aiohttp.ClientResponse, headers: Headers) -> SourceError:
        try:
            body = await self._body(response, _LARGEST_ERROR)
        except FOREIGN:
            body = None  # the status says enough
        said = self._error_text(body) if body else None
        detail = plain(without(secrets_of(call), said)) if said else None
        error = failure(response.status, headers, call.where, detail, self._clock.now())
        if isinstance(error, NotFound):
            error.body = body or b""
        if error.passing and error.retry_after:
            self._host.be_quiet(error.retry_after, self._clock.monotonic())
        return error

    def _staleness(self, call: Call, headers: Headers) -> Stale | None:
        how = self._host.staleness(headers, self._clock.now())
        return Stale(f"the answer from {call.where} is {how}") if how else None

    async def _body(self, response: aiohttp.ClientResponse, largest: int) -> bytes | None:
        """The body, decompressed; None, and the connection closed, if it is larger."""
        said = response.content_length
        if said is not None and said <= largest and not response.headers.get("Content-Encoding"):
            body = await response.read()
            self.bytes += len(body)
            return body
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


@lru_cache(maxsize=4096)
def _origin(url: str) -> str:
    return str(URL(url).origin())


@lru_cache(maxsize=64)
def _timeout(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, _CONNECT_TIMEOUT))
