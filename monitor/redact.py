"""Secrets kept out of texts: what a channel's URL would give away, and their removal from anything that is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from urllib.parse import quote, quote_plus, unquote, unquote_plus

MASK = "***"
_SHORTEST = 4
_HEAD = 4
"""So many characters of a text tell which of thousands of secrets may stand there at all."""
_REMEMBERED = 80
_DELIMITERS = re.compile(r"[/:@,;#?&=\s]+")
_REAL_HOST = re.compile(r"(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[0-9a-f:.]+\])(?::\d+)?", re.IGNORECASE)
_PLAIN_WORD = re.compile(r"[a-z]{1,11}")
"""A user's name or path segment that is one, such as ``alerts`` or ``monitor``, opens nothing: to strike it out of
every log would hide much and protect nothing. A password is struck out whatever it is."""
_OPTIONS = frozenset(
    {
        "cto",
        "emojis",
        "format",
        "mode",
        "optional",
        "overflow",
        "redirect",
        "retry",
        "rto",
        "smtp",
        "store",
        "tz",
        "verify",
    }
    | {"wait"}
)
"""Query keys that are settings of Apprise's: their values name nobody and open nothing."""
_SECRET_KEY = re.compile(r"[+-]|.*(?:pass|pwd|secret|token|key|auth)", re.IGNORECASE | re.DOTALL)
"""Query keys whose values may be secrets, weak ones among them; ``+`` and ``-`` are Apprise's marks of headers."""


class Redactor:
    """Replaces every known secret, also URL-quoted or JSON-escaped, by ``***``."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if form}
        # What a mask could make out of the text around it is looked for in every text.
        self._always = {form for form in forms if len(form) < _HEAD or MASK[0] in form}
        self._forms = forms - self._always
        self._lengths: dict[str, set[int]] = {}
        for form in self._forms:
            self._lengths.setdefault(form[:_HEAD], set()).add(len(form))
        # Most texts of a log line are few words, again and again.
        self._remembered = lru_cache(maxsize=4096)(self._cleaned)

    def clean(self, text: str) -> str:
        """The text without the secrets; the longest go first, so that no part of one stays beside the mask."""
        return self._remembered(text) if len(text) <= _REMEMBERED else self._cleaned(text)

    def _cleaned(self, text: str) -> str:
        for form in sorted(self._found(text) | self._always, key=lambda form: (-len(form), form)):
            text = text.replace(form, MASK)
        return text

    def _found(self, text: str) -> set[str]:
        """Which of the secrets stand in the text, however many there are."""
        heads = ((at, text[at : at + _HEAD]) for at in range(len(text) - _HEAD + 1))
        may = ((at, self._lengths[head]) for at, head in heads if head in self._lengths)
        return {text[at : at + length] for at, lengths in may for length in lengths} & self._forms


def _forms(secret: str) -> Iterator[str]:
    yield secret
    for quoted in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield quoted
        yield re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), quoted)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]


def secrets_of(url: str) -> frozenset[str]:
    """What must not be shown of a channel's URL, each of 4 characters or more.

    User, password, path segments, query values, and a host that is no host name but a token. Not the scheme, the name
    of a real host, plain words, or Apprise's own options. Works on any text, so that a URL that cannot be read leaks
    nothing either.
    """
    _, separator, rest = url.strip().partition("://")
    before, _, query = (rest if separator else url.strip()).partition("?")
    found = {form for part in (*_of_address(before), *_of_query(query)) for form in (part, unquote_plus(part))}
    return frozenset(form for form in found if len(form) >= _SHORTEST)


def _of_address(address: str) -> Iterator[str]:
    """Credentials as a whole and in pieces: a password may hold characters that ought to be quoted."""
    credentials, at, place = address.rpartition("@")
    if at:
        user, _, password = credentials.partition(":")
        yield password
        yield from _no_words(user, *_DELIMITERS.split(credentials))
    host, _, path = place.partition("/")
    if not _REAL_HOST.fullmatch(host):
        yield from _no_words(host, *_DELIMITERS.split(host))
    yield from _no_words(*_DELIMITERS.split(path))


def _no_words(*parts: str) -> Iterator[str]:
    return (part for part in parts if not _PLAIN_WORD.fullmatch(part))


def _of_query(query: str) -> Iterator[str]:
    """Each value whole, and its words: ``to=a@example.com,b@example.com``, ``+Authorization=Bearer …``."""
    for pair in query.split("&"):
        key, equals, value = pair.partition("=")
        if key.casefold() in _OPTIONS:
            continue
        words = value if equals else key
        yield words
        yield from re.split(r"[,;/\s]+", unquote_plus(words))


def url_digest(url: str) -> str:
    """A short name of a channel's URL that opens nothing: 16 hex digits of the SHA-256 of its address.

    The password and query values that may be secrets are left out: a weak one could be guessed from a digest, and one
    that is changed leaves the URL what it was. The path stays: a webhook's token is long and random.
    """
    return _short(_address(url))


def url_keys(channels: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The digest of each channel's URLs, in their order: equal for equal URLs, and for no others.

    Of URLs that differ in their secrets only, which may be two tenants of one host, the first keeps the plain digest;
    the others' depend on their channel too.
    """
    taken: dict[str, str] = {}
    known: dict[str, str] = {}
    for name, urls in channels.items():
        for number, url in enumerate(urls, 1):
            address = _address(url)
            same = taken.setdefault(_short(address), url) == url
            known.setdefault(url, _short(address if same else f"{address} {name} {number}"))
    return {name: [known[url] for url in urls] for name, urls in channels.items()}


def _short(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _address(url: str) -> str:
    scheme, separator, rest = url.strip().partition("://")
    before, mark, query = rest.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    kept = "&".join(key if _SECRET_KEY.match(unquote(key)) else key + equals + value for key, equals, value in pairs)
    return scheme.lower() + separator + _without_password(before) + mark + kept


def _without_password(place: str) -> str:
    """``user:password@host/path`` without the password, which may hold an unquoted ``/`` or ``@``."""
    authority, slash, path = place.partition("/")
    if "@" not in authority and ":" in authority and not authority.rpartition(":")[2].isdigit():
        authority, slash, path = place, "", ""
    credentials, at, host = authority.rpartition("@")
    return credentials.partition(":")[0] + at + host + slash + path


__all__ = ["MASK", "Redactor", "secrets_of", "url_digest", "url_keys"]
