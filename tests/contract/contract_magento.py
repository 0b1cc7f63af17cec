"""Magento's orders, by the example configuration."""

from __future__ import annotations

from contract_base import Contract
from contract_examples import example

MAGENTO = Contract(
    name="magento",
    dialect="magento",
    source=example("magento"),
    statuses={
        "pending": "pending",
        "payment_review": "pending",
        "processing": "active",
        "fraud": "fraud",
        "holded": "suspended",
        "complete": "completed",
        "closed": "refunded",
        "canceled": "cancelled",
    },
    notices="changes within 60 s, deletions within 1 day",
    quiet_requests=1,
    list_at=("items",),
    page_size=100,
    says_unauthenticated="The consumer isn't authorized to access",
)
