"""Which field of a row is what, guessed by its name and checked by its values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from monitor.sources.money import parse_amount

DEPTH = 3
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIRST_MOMENT = 1e9

Path = tuple[str, ...]
Values = Sequence[Any]
"""What the rows have at one place; rows that have nothing there are left out."""


class Kind(NamedTuple):
    """A field: what others call it, the likeliest first, and what its values must be."""

    names: tuple[str, ...]
    fits: Callable[[Values, int], bool]


def spelled(path: Path) -> str:
    """A place as a JMESPath expression."""
    return ".".join(part if _PLAIN.fullmatch(part) else msgspec.json.encode(part).decode() for part in path)


def plain_name(name: str) -> str:
    """``dateCreated`` and ``date-created`` as ``date_created``."""
    return _CAMEL.sub("_", name).replace("-", "_").lower()


def places(rows: Sequence[Mapping[str, Any]]) -> dict[Path, list[Any]]:
    """What stands where in these rows, lists as they are; null and nothing aside."""
    found: dict[Path, list[Any]] = {}
    for row in rows:
        for path, value in _leaves(row, ()):
            found.setdefault(path, []).append(value)
    return found


def find(kind: Kind, found: Mapping[Path, Values], count: int, taken: Sequence[Path] = ()) -> Path | None:
    """The place that is likeliest this field; None if there is none. ``count``: of how many rows."""
    ranked = sorted(
        (rank, len(path), path)
        for path, values in found.items()
        if path not in taken and (rank := _rank(kind, path)) is not None and kind.fits(values, count)
    )
    return ranked[0][2] if ranked else None


def is_instant(value: Any) -> bool:
    """Whether this is a time in a form that can be read."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value >= _FIRST_MOMENT
    try:
        return bool(datetime.fromisoformat(str(value)))
    except ValueError:
        return False


def _rank(kind: Kind, path: Path) -> int | None:
    """How likely by its name alone; 0 is likeliest. ``amount.value`` may be called ``amount_value``."""
    names = [plain_name(part) for part in path]
    for name in (names[-1], "_".join(names[-2:])):
        if name in kind.names:
            return kind.names.index(name)
    return None


def _leaves(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for name, child in value.items():
        here = (*path, str(name))
        if isinstance(child, dict) and len(here) < DEPTH:
            yield from _leaves(child, here)
        elif child is not None:
            yield here, child


def _identifies(values: Values, count: int) -> bool:
    scalars = all(isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values)
    return scalars and len(values) == count and len(set(values)) == count


def _tells_states(values: Values, count: int) -> bool:
    texts = all(isinstance(value, str) and 0 < len(value) <= 40 for value in values)
    return texts and len(values) == count and len(set(values)) <= max(12, count // 4)


def _all(check: Callable[[Any], bool]) -> Callable[[Values, int], bool]:
    return lambda values, _: all(map(check, values))


def is_amount(value: Any) -> bool:
    """Whether this is an amount of money, as far as its form tells."""
    return not isinstance(value, bool) and parse_amount(str(value)) is not None


def _is_currency(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value) is not None


def is_list_of_objects(value: Any) -> bool:
    """Whether this is a list of objects, with one at least."""
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


ID = Kind(
    ("id", "uuid", "_id", "order_id", "entity_id", "orderid", "code", "key", "reference", "order_number", "number"),
    _identifies,
)
STATUS = Kind(("status", "state", "order_status", "order_state", "status_name", "payment_status"), _tells_states)
NUMBER = Kind(
    ("order_number", "number", "ordernum", "order_no", "increment_id", "reference", "ref", "code"), _identifies
)
TOTAL = Kind(
    ("total", "grand_total", "total_price", "order_total", "total_amount", "amount_total", "amount", "price", "value"),
    _all(is_amount),
)
CURRENCY = Kind(
    ("currency", "currency_code", "order_currency_code", "total_currency", "amount_currency", "currency_iso"),
    _all(_is_currency),
)
CREATED = Kind(
    (
        *("created_at", "date_created_gmt", "date_created", "created", "created_on", "ordered_at", "placed_at"),
        *("order_date", "date_ordered", "date", "datetime"),
    ),
    _all(is_instant),
)
MODIFIED = Kind(
    (
        *("updated_at", "modified_at", "date_modified_gmt", "date_modified", "last_modified", "date_updated"),
        *("updated", "modified", "changed_at"),
    ),
    _all(is_instant),
)
INVOICE_STATUS = Kind(("invoice_status", "invstatus", "financial_status", "payment_status"), _tells_states)
ITEMS = Kind(("items", "line_items", "lines", "order_lines", "products", "positions"), _all(is_list_of_objects))
ITEM_NAME = Kind(
    ("name", "title", "product_name", "product", "description", "label", "sku"), _all(lambda v: isinstance(v, str))
)
ITEM_QUANTITY = Kind(("quantity", "qty", "qty_ordered", "count"), _all(is_amount))
ITEM_PRICE = Kind(("price", "unit_price", "price_each", "amount", "unit_amount"), _all(is_amount))
