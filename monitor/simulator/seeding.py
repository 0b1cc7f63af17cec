"""Made-up orders of a hosting reseller, the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from monitor.simulator.truth import OrderFields, TrueItem, TrueOrder, minor_units

HISTORY = timedelta(days=180)
"""How far back the first seeded order was placed."""

_STATUSES = ("active", "pending", "fraud", "cancelled")
_OLD_WEIGHTS = (97.6, 0.1, 0.9, 1.4)
_NEW_WEIGHTS = (77.6, 20.0, 1.0, 1.4)
_NEW_SHARE = 0.03  # the newest orders, among which most of the pending ones are

_CURRENCIES = {"USD": 45, "EUR": 30, "GBP": 10, "SEK": 8, "JPY": 5, "KWD": 2}
_RATES = {"USD": 1.0, "EUR": 0.92, "GBP": 0.79, "SEK": 10.5, "JPY": 150.0, "KWD": 0.31}
_PRODUCTS = {  # US dollars for one
    "Starter Hosting Plan": 5.00,
    "Business Hosting Plan": 12.50,
    "Reseller Hosting 50": 29.00,
    "VPS 2 GB": 9.90,
    "VPS 8 GB": 34.00,
    "Dedicated Server E3": 89.00,
    "Domain Registration — .com": 12.00,
    "Domain Registration — .dev": 15.00,
    "Domain Transfer": 9.00,
    "Business Email Add-on": 2.50,
    "Wildcard SSL Certificate": 69.00,
    "Daily Backups": 4.00,
    "Dedicated IPv4 Address": 3.00,
}
_BASKETS = 60  # kinds of basket for each currency, shared by the orders: a million of them fit in memory


class Basket(NamedTuple):
    """What somebody buys at once; ``total`` in minor units, sometimes below the sum of the items."""

    currency: str
    total: int
    items: tuple[TrueItem, ...]

    def fields(self) -> OrderFields:
        """As an order's fields."""
        return {"currency": self.currency, "total": self.total, "items": self.items}


class Shop:
    """Fills baskets, the same ones in the same turn for the same ``chance``."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._baskets = {code: [_basket(chance, code) for _ in range(_BASKETS)] for code in _CURRENCIES}
        self._codes = chance.choices(list(_CURRENCIES), list(_CURRENCIES.values()), k=1000)

    def basket(self) -> Basket:
        """The next basket."""
        chance = self._chance
        return self._baskets[self._codes[int(chance.random() * 1000)]][int(chance.random() * _BASKETS)]


def seeded_orders(seed: int, count: int, now: datetime) -> Iterator[TrueOrder]:
    """``count`` orders, oldest first, ids from 1, placed over ``HISTORY`` before ``now``."""
    chance = Random(seed)  # noqa: S311  # made-up orders are no secret
    shop = Shop(chance)
    apart = HISTORY / (count + 1)
    start = now.replace(microsecond=0) - HISTORY
    newest = count - int(count * _NEW_SHARE)
    for id_, status in enumerate(_statuses(chance, newest, count), 1):
        basket = shop.basket()
        created_at = (start + apart * (id_ - chance.random())).replace(microsecond=0)
        number = default_number(id_)
        yield TrueOrder(id_, number, status, basket.currency, basket.total, basket.items, created_at, created_at)


def default_number(id_: int) -> str:
    """The number that an order gets where nobody gives it one: ``ORD-0088``."""
    return f"ORD-{id_:04d}"


def _statuses(chance: Random, newest: int, count: int) -> Iterator[str]:
    yield from chance.choices(_STATUSES, _OLD_WEIGHTS, k=newest)
    yield from chance.choices(_STATUSES, _NEW_WEIGHTS, k=count - newest)


def _basket(chance: Random, currency: str) -> Basket:
    items = tuple(
        TrueItem(product, chance.choice((1, 1, 1, 1, 2, 3)), _price(_PRODUCTS[product], currency))
        for product in chance.sample(sorted(_PRODUCTS), chance.choice((1, 1, 1, 2, 2, 3)))
    )
    full = sum(item.quantity * item.price for item in items)
    return Basket(currency, full - full // 10 if chance.random() < 0.1 else full, items)


def _price(dollars: float, currency: str) -> int:
    return round(dollars * _RATES[currency] * minor_units(currency))
