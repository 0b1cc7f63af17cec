"""Stripe's payment intents, by the example configuration."""

from __future__ import annotations

from contract_base import Contract
from contract_examples import example

from monitor.simulator.stripe import SECRETS

STRIPE = Contract(
    name="stripe",
    dialect="stripe",
    source=example("stripe"),
    statuses={
        "requires_payment_method": "pending",
        "requires_action": "pending",
        "processing": "pending",
        "requires_capture": "active",
        "succeeded": "completed",
        "canceled": "cancelled",
    },
    notices="changes within 5 min",
    quiet_requests=15,
    list_at=("data",),
    page_size=100,
    says_unauthenticated="Expired API Key provided",
    order_id=lambda order: f"pi_{order.id}",
    canaries=SECRETS,
)
