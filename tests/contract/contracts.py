"""The contracts of all sources: one line for each."""

from __future__ import annotations

from collections.abc import Sequence

import contract_blesta
import contract_fossbilling
import contract_hostbill
import contract_hostup
import contract_magento
import contract_opterius
import contract_paymenter
import contract_pretix
import contract_stripe
import contract_whmcs
import contract_woocommerce
from contract_base import Contract

CONTRACTS: Sequence[Contract] = (
    contract_opterius.DOCUMENTED,
    contract_opterius.RELEASED,
    contract_pretix.ORGANIZER_WIDE,
    contract_pretix.OLD,
    contract_woocommerce.WOOCOMMERCE,
    contract_hostup.API_KEY,
    contract_hostup.TOKEN,
    contract_whmcs.WHMCS,
    contract_hostbill.FROM_ZERO,
    contract_hostbill.FROM_ONE,
    contract_fossbilling.FOSSBILLING,
    contract_paymenter.PAYMENTER,
    contract_blesta.BLESTA,
    contract_stripe.STRIPE,
    contract_magento.MAGENTO,
)
