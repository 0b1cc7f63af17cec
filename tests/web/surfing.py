"""Somebody at a browser, as far as that is HTTP: cookies are kept, forms are sent with the token that they hold."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import cache
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
from multidict import CIMultiDictProxy
from yarl import URL

from monitor.web.passwords import hash_of

PASSWORD = "a-made-up-password"
TOKEN = "a-made-up-token-for-machines"


@cache
def hashed(password: str = PASSWORD) -> str:
    """The hash of a password; made once, as that is slow."""
    return hash_of(password)


class Seen(NamedTuple):
    """An answer, read to its end."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str

    @property
    def place(self) -> str:
        """Where it leads on to."""
        return self.headers.get("Location", "")


class Browser:
    """One browser, at one address of the machine; redirects are not followed."""

    def __init__(self, url: str, address: str = "127.0.0.1") -> None:
        self.url = url
        self.token = ""
        self._http = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            connector=aiohttp.TCPConnector(local_addr=(address, 0)),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def cookies(self) -> dict[str, str]:
        """What it has been given."""
        return {morsel.key: morsel.value for morsel in self._http.cookie_jar}

    def take(self, cookies: Mapping[str, str]) -> None:
        """Get somebody else's cookies."""
        self._http.cookie_jar.update_cookies(cookies, URL(self.url))

    async def get(self, path: str = "/", headers: Mapping[str, str] | None = None) -> Seen:
        """A page; the token of its forms is remembered."""
        return await self.ask("GET", path, headers=headers)

    async def post(
        self, path: str, fields: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Seen:
        """Send a form, with the token of the page that was seen last."""
        return await self.ask("POST", path, {"csrf": self.token} | dict(fields or {}), headers)

    async def ask(
        self,
        method: str,
        path: str,
        data: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Seen:
        """Any request."""
        url = URL(self.url + path, encoded=True)
        async with self._http.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
            seen = Seen(answer.status, answer.headers, await answer.text())
        if found := re.search(r'name="csrf"[^>]*value="([^"]*)"', seen.text):
            self.token = html.unescape(found[1])
        return seen

    async def log_in(self, password: str = PASSWORD, after: str = "/") -> Seen:
        """Fill in the form."""
        await self.get("/login")
        return await self.post("/login", {"password": password, "next": after})

    async def is_in(self) -> bool:
        """Whether it sees the page."""
        return (await self.get("/")).status == 200
