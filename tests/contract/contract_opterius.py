"""Opterius Commerce, as documented and as released."""

from __future__ import annotations

from contract_base import Contract

_SOURCE = "{type: opterius, url: '{url}', token: '{credential}'}"
_STATUSES = {"pending": "pending", "active": "active", "fraud": "fraud", "cancelled": "cancelled"}

DOCUMENTED = Contract(
    name="opterius",
    dialect="documented",
    source=_SOURCE,
    statuses=_STATUSES,
    notices="changes in pending orders and of every status within 60 s, all else within 1 day",
    quiet_requests=5,
    list_at=("data",),
    page_size=100,
    says_unauthenticated="Unauthenticated.",
)

RELEASED = Contract(
    name="opterius_released",
    dialect="released",
    source=_SOURCE,
    statuses=_STATUSES,
    notices="changes within 60 s",
    refusal="asked for one status it shows others too",
    quiet_requests=1,
    list_at=("data",),
    page_size=100,
    requests_to_the_end=1,
    says_unauthenticated="Invalid or expired token.",
)
