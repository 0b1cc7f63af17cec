"""Where the pages of orders and sources stand. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlencode

_LONGEST_ADDRESS = 1_500


def order_href(source: str, order_id: str) -> str:
    """The address of an order's story; empty for an id that no address can hold.

    A browser takes ``..`` in a path for a step up, however it is written: such an id stands behind a question mark.
    """
    try:
        quoted = quote(order_id, safe="")
    except UnicodeEncodeError:
        return ""
    if len(quoted) > _LONGEST_ADDRESS:
        return ""
    if order_id in ("", ".", ".."):
        return f"/orders/{quote(source, safe='')}/?{urlencode({'id': order_id})}"
    return f"/orders/{quote(source, safe='')}/{quoted}"


def source_href(name: str) -> str:
    """The address of a source's page."""
    return f"/sources/{quote(name, safe='')}"
