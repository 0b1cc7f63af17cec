"""The usual lives of orders: by status (normalised), those that usually follow. What an administrator can do besides is
legal, and unusual: fraud → active, cancelled → pending.

From the systems' own documents and code: an order is paid and becomes active, or is found out, or is given up.
"""

from __future__ import annotations

from monitor.model import Life

BY_MEANING: Life = {
    "pending": ("active", "completed", "fraud", "cancelled", "failed", "expired"),
    "active": ("completed", "suspended", "fraud", "cancelled", "refunded", "expired"),
    "completed": ("refunded",),
    "suspended": ("active", "fraud", "cancelled", "expired"),
    "failed": ("pending", "active", "completed", "cancelled", "expired"),
    "expired": ("active", "cancelled"),
    "fraud": ("cancelled", "refunded"),
    "cancelled": ("refunded",),
    "refunded": (),
}
"""Of a system of which no more is known than what its statuses mean."""

BILLING: Life = {
    "pending": ("active", "fraud", "cancelled"),
    "active": ("fraud", "cancelled"),
    "fraud": ("cancelled",),
    "cancelled": (),
}
"""Opterius Commerce, WHMCS and HostBill. Fraud is often found out after payment; a fraudulent order is cancelled."""

PRETIX: Life = {
    "n": ("p", "e", "c"),
    "e": ("n", "p", "c"),  # a payment that is late, or a deadline that is moved
    "p": ("c", "r"),
    "c": (),
    "r": (),
}

WOOCOMMERCE: Life = {
    "pending": ("processing", "on_hold", "completed", "cancelled", "failed"),
    "on_hold": ("processing", "completed", "cancelled", "failed"),
    "failed": ("pending", "processing", "on_hold", "completed", "cancelled"),  # the customer tries again
    "processing": ("completed", "cancelled", "refunded"),
    "completed": ("refunded",),
    "cancelled": ("refunded",),
    "refunded": (),
}

FOSSBILLING: Life = {
    "pending_setup": ("active", "failed_setup", "cancelled"),
    "failed_setup": ("pending_setup", "active", "cancelled"),
    "active": ("suspended", "cancelled", "failed_renew"),
    "failed_renew": ("active", "suspended", "cancelled"),
    "suspended": ("active", "cancelled"),
    "cancelled": (),
}
