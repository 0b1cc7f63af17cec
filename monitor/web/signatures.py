"""Whether a hint comes from who knows its source's secret: an HMAC-SHA256 over its body, read piece by piece. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from datetime import datetime

WOOCOMMERCE = "X-WC-Webhook-Signature"
STRIPE = "Stripe-Signature"
USUAL = "X-Hub-Signature-256"

_TOLERANCE_S = 300
"""A timed signature that is older, or from further ahead, may be somebody's recording."""
_MOST_SIGNATURES = 10
"""A sender that changes its secret signs with the old one as well, for a while."""
_HEX = re.compile(r"[0-9a-fA-F]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_PREFIX = re.compile(r"sha256=", re.IGNORECASE)
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")
LONGEST_PING = 64


def header_for(kind: str) -> str:
    """The header in which systems of this type send their signature."""
    return WOOCOMMERCE if kind == "woocommerce" else USUAL


class Check:
    """One body on its way: give it each piece, then ask."""

    def __init__(self, secret: bytes, prefix: bytes, signatures: Sequence[bytes]) -> None:
        self._hmac = hmac.new(secret, prefix, "sha256")
        self._signatures = signatures

    def update(self, piece: bytes) -> None:
        """The next piece of the body."""
        self._hmac.update(piece)

    def holds(self) -> bool:
        """Whether one of the signatures is of this body, in a time that does not tell how much of it is right."""
        digest = self._hmac.digest()
        return sum(hmac.compare_digest(digest, signature) for signature in self._signatures) > 0


class Verifier:
    """Knows a source's secret. Its text never shows it."""

    def __init__(self, secret: str, header: str) -> None:
        self.header = header
        self._secret = secret.encode()

    def __repr__(self) -> str:
        return f"Verifier({self.header})"

    def begin(self, value: str, now: datetime) -> Check | None:
        """A check of a body by the header's value; None if that cannot be a signature, or is not of these minutes."""
        if self.header.lower() == STRIPE.lower():
            return self._begin_timed(value, now)
        signature = _decoded(_PREFIX.sub("", value.strip(), count=1))
        return Check(self._secret, b"", [signature]) if signature else None

    def is_ping(self, body: bytes) -> bool:
        """Whether this is what WooCommerce asks, unsigned, before it saves a webhook."""
        return self.header.lower() == WOOCOMMERCE.lower() and bool(_PING.fullmatch(body))

    def _begin_timed(self, value: str, now: datetime) -> Check | None:
        """``t=…,v1=…``: what is signed is the time, a dot and the body. Other schemes (``v0``) are of no use."""
        parts = [part.strip().partition("=") for part in value.split(",")]
        times = [text for name, _, text in parts if name == "t"]
        found = [_decoded(text) for name, _, text in parts if name == "v1"]
        signatures = [signature for signature in found if signature][:_MOST_SIGNATURES]
        if len(times) != 1 or not signatures or not re.fullmatch("[0-9]{1,12}", times[0]):
            return None
        if abs(now.timestamp() - int(times[0])) > _TOLERANCE_S:
            return None
        return Check(self._secret, f"{times[0]}.".encode(), signatures)


def _decoded(text: str) -> bytes | None:
    """The 32 bytes of a SHA-256, written in hex or in base64, that of URLs too; None for anything else."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if not _BASE64.fullmatch(text):
        return None
    try:
        return base64.b64decode(text.rstrip("=").replace("-", "+").replace("_", "/") + "=")
    except binascii.Error:
        return None
