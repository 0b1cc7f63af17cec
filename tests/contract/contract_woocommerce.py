"""WooCommerce, the REST API of version 3."""

from __future__ import annotations

from contract_base import Contract

from monitor.simulator.woocommerce import SECRETS

WOOCOMMERCE = Contract(
    name="woocommerce",
    dialect="woocommerce",
    source="{type: woocommerce, url: '{url}', consumer_key: '{credential}', consumer_secret: '{credential}'}",
    statuses={
        "pending": "pending",
        "processing": "active",
        "on-hold": "pending",
        "completed": "completed",
        "cancelled": "cancelled",
        "refunded": "refunded",
        "failed": "failed",
        "checkout-draft": "",
    },
    notices="changes within 60 s, deletions within 1 day",
    quiet_requests=1,
    list_at=(),
    page_size=100,
    says_unauthenticated="Sorry, you cannot list resources.",
    canaries=SECRETS,
)
