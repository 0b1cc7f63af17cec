"""A mail channel's URL, made of its parts: nobody has to know which characters a URL wants quoted."""

from __future__ import annotations

import re
from email.utils import getaddresses
from typing import Literal
from urllib.parse import quote, urlencode

Tls = Literal["none", "starttls", "ssl"]
_MODES = {"none": "insecure", "starttls": "starttls", "ssl": "ssl"}
_PORTS = {"none": 25, "starttls": 587, "ssl": 465}
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


def build_mail_url(  # noqa: PLR0913  # the parts of an address, each of them named by the caller
    host: str,
    *,
    sender: str,
    to: str,
    tls: Tls = "starttls",
    port: int | None = None,
    user: str | None = None,
    password: str | None = None,
) -> str:
    """The Apprise URL of one recipient. ``user``, ``password`` and addresses are as people write them, unquoted.

    ``port`` is by default the one of the kind of encryption. ``host`` may be an IPv6 address, in brackets or not.
    ValueError, in words for people, for what is no address, and for a user or password that cannot be used.
    """
    for name, address in (("from", sender), ("to", to)):
        _check_address(name, address)
    _check_credentials(user, password)
    scheme = "mailto" if tls == "none" else "mailtos"
    bare = host.strip("[]")
    place = f"[{bare}]" if ":" in bare else bare
    # smtp= keeps Apprise from choosing another server, port or spelling of the user for the big providers.
    options = {"smtp": bare, "mode": _MODES[tls], "from": sender, "to": to}
    credentials = ":".join(quote(part, safe="") for part in (user, password) if part is not None)
    at = "@" if credentials else ""
    return f"{scheme}://{credentials}{at}{place}:{port or _PORTS[tls]}/?{urlencode(options, quote_via=quote)}"


def _check_address(name: str, text: str) -> None:
    """Apprise drops what it takes for no address, and would send nothing."""
    found = getaddresses([text])
    if len(found) == 1 and not found[0][1].isascii():
        raise ValueError(f"{name}: mail servers take ASCII addresses only: write the domain as xn--…")
    if len(found) != 1 or not _ADDRESS.fullmatch(found[0][1]) or not text.isprintable():
        raise ValueError(f"{name}: expected one address, such as finance@example.com or Finance <finance@example.com>")


def _check_credentials(user: str | None, password: str | None) -> None:
    if password is not None and user is None:
        raise ValueError("user: is missing, where there is a password")
    for name, text in (("user", user), ("password", password)):
        if text is not None and not (text.isascii() and text.isprintable()):
            raise ValueError(
                f"{name}: has characters other than letters, digits and signs of ASCII: mail servers take no others"
            )
