"""A row of the outbox: its columns, the delivery that they make, its reference."""

from __future__ import annotations

from typing import Any

from monitor.model import Delivery, DeliveryState
from monitor.store.sql import from_us, from_us_or_none

COLUMNS = """d.id, d.route, d.channel, d.url_number, d.source, d.order_id, d.state, d.created_at, d.due_at,
    d.expires_at, d.attempts, d.last_error, d.settled_at, d.title, d.fence, d.url, d.gathers, d.stands_for"""


def delivery_of(row: tuple[Any, ...]) -> Delivery:
    """What stands in the row."""
    return Delivery(
        id=row[0],
        ref=reference(row[0]),
        route=row[1],
        channel=row[2],
        url_number=row[3],
        source=row[4],
        order_id=row[5] or None,
        state=DeliveryState(row[6]),
        created_at=from_us(row[7]),
        due_at=from_us(row[8]),
        expires_at=from_us(row[9]),
        attempts=row[10],
        last_error=row[11],
        settled_at=from_us_or_none(row[12]),
        title=row[13],
        fence=row[14],
        url=row[15],
        gathers=row[16],
        stands_for=row[17],
    )


def of_state(state: DeliveryState) -> str:
    """The condition on a row of the outbox, literally as its indexes have it: by a parameter none would serve."""
    settled = "" if state in (DeliveryState.WAITING, DeliveryState.SENDING) else " AND settled_at IS NOT NULL"
    return f"state = '{state.value}'{settled}"


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FACTOR = 0x9E3779B1


def reference(delivery_id: int) -> str:
    """A delivery's short reference, such as ``7K3F``: its id, scrambled so that neighbours look different.

    Multiplying by an odd number permutes the numbers below a power of two, so no two ids share a reference.
    Crockford's base 32 has no letters that are easily misread.
    """
    length = 4
    while delivery_id >= 1 << (5 * length):
        length += 1
    scrambled = delivery_id * _FACTOR % (1 << (5 * length))
    return "".join(_DIGITS[scrambled >> (5 * place) & 31] for place in reversed(range(length)))
