"""Sessions, and what tells one browser from another: signed, so that nothing has to be kept to believe them.

The key is made of the hash of the password: another password ends every session, a restart ends none. Without a
password there are no sessions, and the key lasts as long as the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from itsdangerous import BadSignature, Signer, TimestampSigner

from monitor.clock import Clock


class Sessions:
    """Begins sessions, believes those that it began, and ends them before their time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ended: dict[str, datetime] = {}
        self._own_key = secrets.token_bytes(32)
        self.rekey(None)

    def rekey(self, password_hash: str | None) -> None:
        """From now on, go by this password."""
        self._key = hashlib.sha256(password_hash.encode()).digest() if password_hash else self._own_key

    def begin(self) -> str:
        """The value of a new session's cookie."""
        return self._timed().sign(secrets.token_urlsafe(16)).decode()

    def read(self, cookie: str, lasts: timedelta) -> str | None:
        """The session that this cookie is of; None if it is none, has lasted that long, or was ended."""
        try:
            session = self._timed().unsign(cookie, max_age=int(lasts.total_seconds())).decode()
        except (BadSignature, UnicodeError):
            return None
        return None if session in self._ended else session

    def end(self, session: str, lasts: timedelta) -> datetime:
        """Believe it no more; until when that has to be remembered."""
        now = self._clock.now()
        self.recall({session: now + lasts})
        return now + lasts

    def recall(self, ended: Mapping[str, datetime]) -> None:
        """These sessions were ended, too."""
        now = self._clock.now()
        self._ended = {known: until for known, until in (self._ended | dict(ended)).items() if until > now}

    def new_browser(self) -> str:
        """The value of the cookie of a browser that is not logged in."""
        return self._signer("browser").sign(secrets.token_urlsafe(16)).decode()

    def browser(self, cookie: str) -> str | None:
        """Which browser this cookie is of; None if it is none of ours."""
        try:
            return self._signer("browser").unsign(cookie).decode()
        except (BadSignature, UnicodeError):
            return None

    def token(self, kind: str, name: str) -> str:
        """What a form must hold to act for this session or browser."""
        return self._signer("csrf").get_signature(f"{kind} {name}").decode()

    def _signer(self, salt: str) -> Signer:
        return Signer(self._key, salt=f"order-monitor {salt}", key_derivation="hmac", digest_method=hashlib.sha256)

    def _timed(self) -> TimestampSigner:
        return _Timed(self._key, self._clock)


class _Timed(TimestampSigner):
    def __init__(self, key: bytes, clock: Clock) -> None:
        super().__init__(key, salt="order-monitor session", key_derivation="hmac", digest_method=hashlib.sha256)
        self._clock = clock

    def get_timestamp(self) -> int:
        return int(self._clock.now().timestamp())


def same(given: str, expected: str) -> bool:
    """Whether two secrets are one, in a time that says nothing of where they differ."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())
