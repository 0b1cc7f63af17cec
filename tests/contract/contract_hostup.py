"""HostUp: orders followed by id, each read alone."""

from __future__ import annotations

from dataclasses import replace

from contract_base import Contract

from monitor.simulator.hostup import SECRETS

API_KEY = Contract(
    name="hostup",
    dialect="hostup",
    source="{type: hostup, url: '{url}', api_key: '{credential}', orders: {orders}}",
    statuses={"Pending": "pending", "Active": "active", "Fraud": "fraud", "Cancelled": "cancelled"},
    notices="changes within 60 s",
    orders=20,
    quiet_requests=20,
    list_at=None,
    page_size=5,
    says_unauthenticated="Authentication required",
    shows_invoices=True,
    shows_services=True,
    canaries=SECRETS,
)

TOKEN = replace(
    API_KEY, name="hostup_token", source="{type: hostup, url: '{url}', token: '{credential}', orders: {orders}}"
)
