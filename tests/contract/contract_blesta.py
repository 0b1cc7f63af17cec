"""Blesta's orders, by the example configuration."""

from __future__ import annotations

from contract_base import Contract
from contract_examples import example

from monitor.simulator.blesta import PER_PAGE, SECRETS

BLESTA = Contract(
    name="blesta",
    dialect="blesta",
    source=example("blesta"),
    statuses={"pending": "pending", "accepted": "active", "fraud": "fraud", "canceled": "cancelled"},
    notices="changes within 5 min",
    orders=300,
    quiet_requests=16,
    list_at=("response",),
    page_size=PER_PAGE,
    says_unauthenticated="The authorization details given appear to be invalid.",
    shows_invoices=True,
    canaries=SECRETS,
)
