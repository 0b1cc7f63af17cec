"""Paymenter's services, by the example configuration."""

from __future__ import annotations

from contract_base import Contract
from contract_examples import example

PAYMENTER = Contract(
    name="paymenter",
    dialect="paymenter",
    source=example("paymenter"),
    statuses={"pending": "pending", "active": "active", "suspended": "suspended", "cancelled": "cancelled"},
    notices="changes within 5 min",
    quiet_requests=15,
    list_at=("data",),
    page_size=100,
    says_unauthenticated="The provided API key is invalid or has been disabled.",
)
