"""What pages load besides themselves: a style sheet, a script, an icon, all from here."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_A_YEAR = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file, and what changes whenever it does."""

    content: bytes
    type: str
    version: str


@lru_cache(maxsize=1)
def assets() -> dict[str, Asset]:
    """All of them, by name."""
    files = (path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
    return {path.name: _read(path) for path in sorted(files)}


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    return Asset(content, _TYPES[path.suffix], sha256(content).hexdigest()[:12])


def asset(name: str) -> str:
    """The address of a file, with its version: a browser that has it need not ask again."""
    found = assets().get(name)
    return f"/static/{name}?v={found.version}" if found else f"/static/{name}"


async def static(request: web.Request) -> web.StreamResponse:
    """One of the files."""
    found = assets().get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    tag = f'"{found.version}"'
    lasting = _FOR_A_YEAR if request.query.get("v") == found.version else "no-cache"
    headers = {"ETag": tag, "Cache-Control": lasting}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.content, headers=headers, content_type=found.type, charset="utf-8")


ROUTES: list[web.RouteDef] = [web.get("/static/{name}", static)]
