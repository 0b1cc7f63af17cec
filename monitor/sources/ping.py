"""Asks for an address whose answer is of no interest, such as a heartbeat's."""

from __future__ import annotations

import asyncio

from yarl import URL

from monitor import __version__
from monitor.errors import Rejected, SourceError
from monitor.sources.connection import proxy_for
from monitor.sources.foreign import FOREIGN, in_our_words
from monitor.sources.http import MOST_REDIRECTS, HttpClient
from monitor.sources.settings import HttpSettings


async def ping(client: HttpClient, address: str, seconds: float = 5.0) -> None:
    """GET ``address``; SourceError unless a 2xx comes back in time. Its text names the host alone, not the address."""
    error = await _ping(client, address, seconds)
    if error is not None:
        raise error


async def _ping(client: HttpClient, address: str, seconds: float) -> SourceError | None:
    # Failures are returned: raised inside the except clause they would carry the foreign error, and the address in it.
    where = str(URL(address).origin())
    proxy = proxy_for(address, HttpSettings())
    try:
        async with (
            asyncio.timeout(seconds),
            client.session.get(
                URL(address),
                headers={"User-Agent": f"order-monitor/{__version__}", "Cache-Control": "no-cache"},
                max_redirects=MOST_REDIRECTS,
                proxy=proxy,
            ) as response,
        ):
            return None if 200 <= response.status < 300 else Rejected(f"{response.status} from {where}")
    except FOREIGN as error:
        return in_our_words(error, where, seconds)
    except UnicodeError:  # aiohttp encodes the host's name, and a redirect may lead to any
        return Rejected(f"{where}: this is no address to read from")
