"""Where a state is: the address of a PostgreSQL database, read as libpq reads it. No text holds a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
EXPECTED = "expected postgresql://user@host:port/database"
_SPECIAL = "percent-encode what is special in a password (@ is %40, / is %2F), or put it into state_password"
# User and password end at the first @, unless a / comes before that; what follows ends at the ?.
_PARTS = re.compile(r"postgres(?:ql)?://(?:(?P<user>[^:@/]*)(?::(?P<password>[^@/]*))?@)?(?P<place>[^?]*)(?P<query>.*)")
_SECRET = frozenset({"password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"})
_PATHS = frozenset({"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"})


def is_shared(state: str) -> bool:
    """Whether several daemons may use this state at once."""
    return state.startswith(POSTGRES)


def shown(state: str) -> str:
    """The state as people know it: a file's path, or where the database is, without a password."""
    if not is_shared(state):
        return state.removeprefix(SQLITE)
    user, _, place, query = _parts(state)
    kept = [pair for pair in _pairs(query) if _key(pair) not in _SECRET]
    return f"postgresql://{f'{user}@' if user else ''}{place}{'?' if kept else ''}{'&'.join(kept)}"


def passwords(state: str) -> Iterator[str]:
    """The passwords in a PostgreSQL address, as written and decoded."""
    _, password, _, query = _parts(state)
    for found in [password, *(pair.partition("=")[2] for pair in _pairs(query) if _key(pair) in _SECRET)]:
        yield from {found, unquote(found)} - {""}


def with_password(state: str, password: str) -> str:
    """The address with this password, whatever is in it."""
    return f"{state}{'&' if '?' in _parts(state)[3] else '?'}password={quote(password, safe='')}"


def with_paths(state: str, folder: Path) -> str:
    """The address with the paths of certificates and password files absolute, which may be relative to ``folder``."""
    query = _parts(state)[3]
    if not query:
        return state
    pairs = "&".join(_absolute(pair, folder) for pair in _pairs(query))
    return f"{state.removesuffix(query)}?{pairs}"


def fault(state: str) -> str | None:
    """What is wrong with a PostgreSQL address, and what is expected; None if libpq understands it."""
    # A fifth of a second of imports, for those alone who have a database, and not for a glance.
    from psycopg import ProgrammingError, conninfo, pq  # noqa: PLC0415  # see above

    try:
        read = conninfo.conninfo_to_dict(state)
    except (ProgrammingError, UnicodeError):
        known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
        unknown = [key for key in map(_key, _pairs(_parts(state)[3])) if key not in known]
        if unknown:
            from monitor.fields import did_you_mean  # noqa: PLC0415  # see above

            # Which may be a piece of a password: what is said names only what is right.
            near = next(filter(None, (did_you_mean(key, known) for key in unknown)), "")
            return f"has a parameter that PostgreSQL does not know{near}"
        return f"cannot be read: {_SPECIAL}"
    ports = [port for port in str(read.get("port", "")).split(",") if port]
    if "@" in str(read.get("host", "")) or not all(port.isdecimal() and 0 < int(port) < 65536 for port in ports):
        return f"has a host or port that cannot be right: {EXPECTED}; {_SPECIAL}"
    if "\0" in state or not (read.get("dbname") or "service" in read):
        return f"names no database: {EXPECTED}"
    return None


def _parts(state: str) -> tuple[str, str, str, str]:
    """User, password, place and query, as written."""
    found = _PARTS.match(state.replace("\n", ""))
    return (found["user"] or "", found["password"] or "", found["place"], found["query"]) if found else ("", "", "", "")


def _pairs(query: str) -> list[str]:
    return [pair for pair in query.removeprefix("?").split("&") if pair]


def _key(pair: str) -> str:
    return unquote(pair.partition("=")[0])


def _absolute(pair: str, folder: Path) -> str:
    key, _, value = pair.partition("=")
    # "system" stands for the machine's own certificates.
    if _key(pair) not in _PATHS or not value or value == "system":
        return pair
    return f"{key}={quote(str(folder / unquote(value)))}"
