"""FOSSBilling's staff API."""

from __future__ import annotations

from contract_base import Contract

from monitor.simulator.fossbilling import SECRETS

FOSSBILLING = Contract(
    name="fossbilling",
    dialect="fossbilling",
    source="{type: fossbilling, url: '{url}', api_key: '{credential}'}",
    statuses={
        "pending_setup": "pending",
        "active": "active",
        "suspended": "suspended",
        "canceled": "cancelled",
        "failed_setup": "failed",
        "failed_renew": "failed",
    },
    notices="changes in pending_setup or failed_setup orders and of every status within 60 s, all else within 1 day",
    quiet_requests=7,
    list_at=("result", "list"),
    page_size=100,
    says_unauthenticated="Authentication Failed",
    canaries=SECRETS,
)
