"""The dialects that the simulator speaks: one line for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.simulator.blesta import Blesta
from monitor.simulator.dialect import Dialect, ListOrder
from monitor.simulator.fossbilling import Fossbilling
from monitor.simulator.hostbill import Hostbill, HostbillFromOne
from monitor.simulator.hostup import Hostup
from monitor.simulator.magento import Magento
from monitor.simulator.opterius import Documented, Released
from monitor.simulator.paymenter import Paymenter
from monitor.simulator.pretix import OldPretix, Pretix
from monitor.simulator.stripe import Stripe
from monitor.simulator.whmcs import Whmcs
from monitor.simulator.woocommerce import WooCommerce

DIALECTS: Mapping[str, Callable[[str, ListOrder], Dialect]] = {
    "documented": Documented,
    "released": Released,
    "hostup": Hostup,
    "pretix": Pretix,
    "pretix_old": OldPretix,
    "woocommerce": WooCommerce,
    "whmcs": Whmcs,
    "hostbill": Hostbill,
    "hostbill_from_one": HostbillFromOne,
    "fossbilling": Fossbilling,
    "paymenter": Paymenter,
    "blesta": Blesta,
    "stripe": Stripe,
    "magento": Magento,
}
"""By name, each made of a token and the order of its lists."""
