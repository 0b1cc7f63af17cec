"""What a source says in the configuration to read the simulated billing system, in each of its dialects."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.simulator.hostbill import API_ID
from monitor.simulator.pretix import EVENT, ORGANIZER
from monitor.simulator.whmcs import IDENTIFIER

_OPTERIUS = "type: opterius, token: {token}"
_HOSTBILL = f"type: hostbill, api_id: {API_ID}, api_key: {{token}}"
_PRETIX = f"type: pretix, token: {{token}}, organizer: {ORGANIZER}, currency: EUR"
_KEYS: Mapping[str, str] = {
    "documented": _OPTERIUS,
    "released": _OPTERIUS,
    "hostup": "type: hostup, api_key: {token}, orders: [1, 2]",
    "hostbill": _HOSTBILL,
    "hostbill_from_one": _HOSTBILL,
    "whmcs": f"type: whmcs, identifier: {IDENTIFIER}, secret: {{token}}",
    "fossbilling": "type: fossbilling, api_key: {token}",
    "pretix": _PRETIX,
    "pretix_old": f"{_PRETIX}, event: {EVENT}",
    "woocommerce": "type: woocommerce, consumer_key: {token}, consumer_secret: {token}",
}


def source_of(dialect: str, url: str, token: str) -> str:
    """What reads this dialect: a source in YAML, on one line; or, for a ``rest`` one, the example that does."""
    keys = _KEYS.get(dialect)
    if keys is None:
        return f"the source in config/{dialect}.yaml, with url: {url}"
    return f"{{{keys.format(token=token)}, url: '{url}'}}"
