"""What forms send, and where an answer to one leads."""

from __future__ import annotations

import re

from aiohttp import web
from yarl import URL

_LOCAL = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path on this server, and nothing that a browser could take for another one."""


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form; of those that stand in it several times, the last. Files are none."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def local(address: str, otherwise: str) -> str:
    """The address, if it is one of this server's pages; else the other one."""
    return address if _LOCAL.fullmatch(address) and len(address) < 2_000 else otherwise


def done(to: str, did: str, number: int | None = None) -> web.HTTPSeeOther:
    """See that page now, with a notice of what was done."""
    url = URL(to, encoded=True)
    kept = [(name, value) for name, value in url.query.items() if name not in ("did", "n")]
    more = [("did", did)] + ([("n", str(number))] if number is not None else [])
    return web.HTTPSeeOther(url.with_query([*kept, *more]))
