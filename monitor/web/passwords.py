"""The password of the page: what is kept of it, and whether a guess is right. Slow on purpose: ask in a thread."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

SHORTEST = 8
LONGEST = 1024
_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)
"""RFC 9106's second choice, but on one core at a time: polls run on the same machine."""


def hash_of(password: str) -> str:
    """What stands in the configuration for this password."""
    return _HASHER.hash(_spelled(password))


def is_password(guess: str, hashed: str) -> bool:
    """Whether the hash was made of this."""
    if len(guess) > LONGEST:
        return False
    try:
        return _HASHER.verify(hashed, _spelled(guess))
    except VerifyMismatchError:
        return False


def _spelled(password: str) -> bytes:
    """One spelling: keyboards and systems write ``é`` in two ways."""
    return unicodedata.normalize("NFC", password).encode()
