"""pretix: all of an organizer's orders as today; one event's as an older version shows them, with all its fields."""

from __future__ import annotations

from contract_base import Contract

from monitor.simulator.pretix import EVENT, ORGANIZER, SECRETS, code_of
from monitor.simulator.truth import TrueOrder

_COMMON = f"type: pretix, url: '{{url}}', token: '{{credential}}', organizer: {ORGANIZER}, currency: EUR"
_STATUSES = {"n": "pending", "p": "active", "e": "expired", "c": "cancelled"}
_NOTICES = "changes within 60 s, deletions within 1 day"


def _order_id(order: TrueOrder) -> str:
    return f"{EVENT}-{code_of(order.id)}"


ORGANIZER_WIDE = Contract(
    name="pretix",
    dialect="pretix",
    source=f"{{{_COMMON}}}",
    statuses=_STATUSES,
    notices=_NOTICES,
    quiet_requests=1,
    list_at=("results",),
    page_size=50,
    says_unauthenticated="Invalid token.",
    fails_with_200=False,
    order_id=_order_id,
)

OLD = Contract(
    name="pretix_old",
    dialect="pretix_old",
    source=f"{{{_COMMON}, event: {EVENT}}}",
    statuses=_STATUSES,
    notices=_NOTICES,
    quiet_requests=1,
    list_at=("results",),
    page_size=50,
    says_unauthenticated="Invalid token.",
    fails_with_200=False,
    order_id=_order_id,
    canaries=SECRETS,
)
