"""WHMCS's GetOrders."""

from __future__ import annotations

from contract_base import Contract

from monitor.simulator.whmcs import IDENTIFIER, SECRETS

WHMCS = Contract(
    name="whmcs",
    dialect="whmcs",
    source=f"{{type: whmcs, url: '{{url}}', identifier: {IDENTIFIER}, secret: '{{credential}}'}}",
    statuses={"Pending": "pending", "Active": "active", "Fraud": "fraud", "Cancelled": "cancelled"},
    notices="changes in Pending orders and of every status within 60 s, all else within 1 day",
    quiet_requests=5,
    list_at=("orders", "order"),
    page_size=100,
    says_unauthenticated="Authentication Failed",
    shows_invoices=True,
    shows_services=True,
    canaries=SECRETS,
)
