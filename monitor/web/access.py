"""Who may ask: log-in, sessions, tokens, and what keeps other pages from acting in somebody's name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from aiohttp import web

from monitor.clock import Clock
from monitor.web.passwords import is_password
from monitor.web.sessions import Sessions, same
from monitor.web.settings import WebSettings, split_listen
from monitor.web.throttle import Throttle

_GUESSES_AT_A_TIME = 2
_BROWSER_LASTS_S = 365 * 86400


class Area(Enum):
    """What of the server is asked, by who may."""

    OPEN = "anybody"
    MACHINES = "who has the token, or is logged in"
    SCRIPTS = "the page's own scripts, for who is logged in"
    PAGES = "who is logged in"


_AREAS = {
    Area.OPEN: ("/healthz", "/readyz", "/hooks", "/login", "/static"),
    Area.MACHINES: ("/api", "/metrics"),
    Area.SCRIPTS: ("/stream", "/fragments"),
}


def area_of(path: str) -> Area:
    """The area of a route, by its path (as it was registered, not as somebody writes it)."""
    for area, beginnings in _AREAS.items():
        if any(path == beginning or path.startswith(f"{beginning}/") for beginning in beginnings):
            return area
    return Area.PAGES


class Visitor(NamedTuple):
    """Who asks: the session that it is logged in with, else which browser it is, if that has asked before."""

    session: str | None
    browser: str | None


class Access:
    """Decides by the settings in force."""

    def __init__(self, settings: WebSettings, clock: Clock) -> None:
        self._settings = settings
        self._sessions = Sessions(clock)
        self._guesses = asyncio.Semaphore(_GUESSES_AT_A_TIME)
        self.throttle = Throttle(clock)
        self.serve(settings)

    def serve(self, settings: WebSettings) -> None:
        """From now on, go by these."""
        self._settings = settings
        self._sessions.rekey(self._hash)

    @property
    def needs_login(self) -> bool:
        """Whether there is a password."""
        return self._hash is not None

    def visitor(self, cookies: Mapping[str, str]) -> Visitor:
        """Who has these cookies."""
        sessions = self._sessions
        session, browser = cookies.get(self._name("session")), cookies.get(self._name("browser"))
        return Visitor(
            sessions.read(session, self._settings.session) if session else None,
            sessions.browser(browser) if browser else None,
        )

    def admits(self, request: web.Request) -> bool:
        """Whether a page may be shown, or go on being told what happens: a stream outlives sessions."""
        return not self.needs_login or self.visitor(request.cookies).session is not None

    def has_token(self, authorization: str) -> bool | None:
        """Whether these credentials are the token; None if it sends none, or there is none."""
        token = self._settings.token
        scheme, _, given = authorization.partition(" ")
        if token is None or scheme.lower() != "bearer":
            return None
        return same(given.strip(), token.get_secret_value())

    @property
    def needs_token(self) -> bool:
        """Whether machines need one, if they have no session."""
        return self._settings.token is not None or self.needs_login

    # Forms

    def form_token(self, visitor: Visitor) -> str:
        """What its forms must hold; empty for a browser that we do not know yet."""
        if visitor.session:
            return self._sessions.token("session", visitor.session)
        return self._sessions.token("browser", visitor.browser) if visitor.browser else ""

    def is_form_token(self, visitor: Visitor, given: str) -> bool:
        """Whether a form was made for this visitor."""
        expected = self.form_token(visitor)
        return bool(expected) and same(given, expected)

    def greet(self) -> tuple[Visitor, str]:
        """A browser that has not been here yet, and the value of its cookie."""
        cookie = self._sessions.new_browser()
        return Visitor(None, self._sessions.browser(cookie)), cookie

    def remember(self, request: web.Request, response: web.StreamResponse, cookie: str) -> None:
        """Let a new browser (it has a cookie) send that from now on; forget that one was sent here."""
        if cookie:
            self._set(response, "browser", cookie, _BROWSER_LASTS_S)
        if self.knocked(request):
            self._set(response, "knocked", "", 0, samesite="Lax")

    # Logging in and out

    async def is_password(self, guess: str) -> bool:
        """Whether this is the password. Few are looked at at a time: each takes a core for a while."""
        if self._hash is None:
            return False
        async with self._guesses:
            return await asyncio.to_thread(is_password, guess, self._hash)

    def log_in(self, response: web.StreamResponse) -> None:
        """Begin a session with this answer."""
        lasts = int(self._settings.session.total_seconds())
        self._set(response, "session", self._sessions.begin(), lasts)

    def log_out(self, request: web.Request, response: web.StreamResponse) -> tuple[str, datetime] | None:
        """End the session of this request, wherever its cookie may be kept: which, and until when to remember that."""
        self._set(response, "session", "", 0)
        session = self.visitor(request.cookies).session
        return (session, self._sessions.end(session, self._settings.session)) if session else None

    def recall(self, ended: Mapping[str, datetime]) -> None:
        """These sessions were ended, before the server was started, or on another daemon's page."""
        self._sessions.recall(ended)

    def knocked(self, request: web.Request) -> bool:
        """Whether it was sent here by ``knock`` a moment ago."""
        return self._name("knocked") in request.cookies

    def knock(self, response: web.StreamResponse) -> None:
        """Remember for a moment that it was sent here."""
        self._set(response, "knocked", "1", 2, samesite="Lax")

    @property
    def _hash(self) -> str | None:
        return self._settings.password.get_secret_value() if self._settings.password else None

    @property
    def _is_secure(self) -> bool:
        return (self._settings.public_url or "").startswith("https:")

    def _name(self, what: str) -> str:
        """Cookies know no ports: two monitors on one machine must not overwrite each other's."""
        name = f"order_monitor_{split_listen(self._settings.listen)[1]}_{what}"
        return f"__Host-{name}" if self._is_secure else name

    def _set(
        self, response: web.StreamResponse, what: str, value: str, lasts_s: int, *, samesite: str = "Strict"
    ) -> None:
        response.set_cookie(
            self._name(what),
            value,
            max_age=lasts_s,
            path="/",
            httponly=True,
            secure=self._is_secure,
            samesite=samesite,
        )
