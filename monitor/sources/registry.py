"""The systems that can be read: one line for each adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from monitor.fields import Section
from monitor.model import Life, Meanings
from monitor.sources.base import Source
from monitor.sources.fossbilling import MEANINGS as FOSSBILLING_MEANINGS
from monitor.sources.fossbilling import STATUSES as FOSSBILLING_STATUSES
from monitor.sources.fossbilling import Fossbilling, FossbillingSettings
from monitor.sources.hostbill import MEANINGS as HOSTBILL_MEANINGS
from monitor.sources.hostbill import STATUSES as HOSTBILL_STATUSES
from monitor.sources.hostbill import Hostbill, HostbillSettings
from monitor.sources.hostup import MEANINGS as HOSTUP_MEANINGS
from monitor.sources.hostup import Hostup, HostupSettings
from monitor.sources.lives import BILLING, BY_MEANING, FOSSBILLING, PRETIX, WOOCOMMERCE
from monitor.sources.opterius import STATUSES, Opterius, OpteriusSettings
from monitor.sources.pretix import MEANINGS as PRETIX_MEANINGS
from monitor.sources.pretix import STATUSES as PRETIX_STATUSES
from monitor.sources.pretix import Pretix, PretixSettings
from monitor.sources.rest import make as make_rest
from monitor.sources.rest_settings import RestSettings
from monitor.sources.whmcs import STATUSES as WHMCS_STATUSES
from monitor.sources.whmcs import Whmcs, WhmcsSettings
from monitor.sources.woocommerce import MEANINGS as WOOCOMMERCE_MEANINGS
from monitor.sources.woocommerce import STATUSES as WOOCOMMERCE_STATUSES
from monitor.sources.woocommerce import WooCommerce, WooCommerceSettings


class Entry(NamedTuple):
    """The settings of its own that an adapter needs (``type`` and ``url`` among them), and how it is made of them.

    ``meanings`` of the system's own statuses, by normalised spelling; those that are called as a meaning need none.
    ``statuses``: by which it can ask for a part of the list, where the system does what its documentation says.
    ``life``: which status usually follows which.
    """

    settings: type[Section]
    make: Callable[[Any], Source]  # Any: each takes its own settings, or a class derived from them
    meanings: Meanings = MappingProxyType({})
    statuses: tuple[str, ...] = ()
    life: Life = BY_MEANING


ADAPTERS: Mapping[str, Entry] = {
    "opterius": Entry(OpteriusSettings, Opterius.from_settings, statuses=STATUSES, life=BILLING),
    "hostup": Entry(HostupSettings, Hostup.from_settings, HOSTUP_MEANINGS),
    "pretix": Entry(PretixSettings, Pretix, PRETIX_MEANINGS, PRETIX_STATUSES, PRETIX),
    "woocommerce": Entry(WooCommerceSettings, WooCommerce, WOOCOMMERCE_MEANINGS, WOOCOMMERCE_STATUSES, WOOCOMMERCE),
    "whmcs": Entry(WhmcsSettings, Whmcs, statuses=WHMCS_STATUSES, life=BILLING),
    "hostbill": Entry(HostbillSettings, Hostbill, HOSTBILL_MEANINGS, HOSTBILL_STATUSES, BILLING),
    "fossbilling": Entry(FossbillingSettings, Fossbilling, FOSSBILLING_MEANINGS, FOSSBILLING_STATUSES, FOSSBILLING),
    "rest": Entry(RestSettings, make_rest),
}
"""By the value of ``type``."""
