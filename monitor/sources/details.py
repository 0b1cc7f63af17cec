"""One order, read by its id: what every reader of single orders does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from monitor.errors import BadAnswer
from monitor.model import Details
from monitor.sources.base import Answer, DetailSource, Page, Request

Get = Callable[[Request], Awaitable[Answer]]
"""A way to a source; SourceError if it gives no usable answer."""


async def read_order(source: DetailSource, get: Get, order_id: str) -> tuple[Page, Answer]:
    """One order, as a page of one row; SourceError if there is no usable answer."""
    answer = await get(source.order_request(order_id))
    page = source.decode_order(answer)
    if list(page.ids) != [order_id]:
        raise _another(answer)
    return page, answer


async def read_details(source: DetailSource, get: Get, order_id: str) -> tuple[Details, Answer]:
    """One order with all that a message may carry; SourceError if there is no usable answer."""
    answer = await get(source.order_request(order_id))
    details = source.decode_details(answer)
    if details.order.id != order_id:
        raise _another(answer)
    return details, answer


def _another(answer: Answer) -> BadAnswer:
    return BadAnswer(f"{answer.status} from {answer.url} shows another order than was asked for")
