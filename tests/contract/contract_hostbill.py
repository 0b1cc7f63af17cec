"""HostBill, whose installations count the pages of a list from 0 or from 1."""

from __future__ import annotations

from dataclasses import replace

from contract_base import Contract

from monitor.simulator.hostbill import API_ID

FROM_ZERO = Contract(
    name="hostbill",
    dialect="hostbill",
    source=f"{{type: hostbill, url: '{{url}}', api_id: {API_ID}, api_key: '{{credential}}'}}",
    statuses={"Pending": "pending", "Active": "active", "Fraud": "fraud", "Cancelled": "cancelled"},
    notices="changes in Pending orders and of every status within 60 s, all else within 1 day",
    quiet_requests=5,
    list_at=("orders",),
    page_size=25,
    says_unauthenticated="Wrong API ID or API KEY",
    shows_invoices=True,
)

FROM_ONE = replace(FROM_ZERO, name="hostbill_from_one", dialect="hostbill_from_one")
