"""How a ``rest`` source writes its orders: each field where its expression finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Raw

from monitor.expressions import Expression, Written, raw_of
from monitor.fields import Section
from monitor.model import Customer, Details, Item, Money, Order, Service
from monitor.sources import lenient
from monitor.sources.money import as_written, from_minor_units, parse_amount
from monitor.sources.rest_document import Document, members
from monitor.sources.rest_parts import FieldSettings
from monitor.sources.rest_settings import RestSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_SECOND = {"seconds": 1, "milliseconds": 1000}

Expressions = Mapping[str, Expression]


class RestHead(NamedTuple):
    """What makes a row an order."""

    id: str
    status: str


def compiled(settings: Section | None, keys: Iterable[str] | None = None) -> Expressions:
    """The expressions among these settings, by key; all their texts are expressions, unless ``keys`` says which."""
    written = ((name, getattr(settings, name)) for name in keys or type(settings).model_fields) if settings else ()
    return {name: Expression(text) for name, text in written if isinstance(text, str)}


def overlaid(fields: FieldSettings, others: FieldSettings | None) -> FieldSettings:
    """These fields, with the others' places where those were given."""
    given = {name: getattr(others, name) for name in others.model_fields_set} if others else {}
    return fields.model_copy(update=given)


class RestRows:
    """Rows whose fields stand where the settings say: see ``monitor.sources.rows.StampedRows``."""

    def __init__(self, settings: RestSettings, fields: FieldSettings) -> None:
        self._fields = compiled(fields)
        self._items = compiled(settings.items)
        self._services = compiled(settings.services)
        self._amount: Callable[[str, str | None], Money | None] = (
            from_minor_units if settings.money == "minor" else as_written
        )
        self._currency = settings.currency
        self._per_second = _PER_SECOND.get(settings.times)
        self._zone = ZoneInfo(settings.time_zone)

    def head(self, raw: Raw) -> RestHead | None:
        """Id and status of this row; None if it is no order."""
        row = Document(raw)
        found, status = identity(self._value(row, "id")), state(self._value(row, "status"))
        return RestHead(found, status) if found and status else None

    def fault(self, raw: Raw) -> str:
        """Why this row has no head, in words that hold nothing of it."""
        if lenient.fields(raw) is None:
            return "is no JSON object"
        row = Document(raw)
        name = "status" if identity(self._value(row, "id")) else "id"
        missing = self._value(row, name) in (None, "")
        return f"{name} is missing" if missing else f"{name} is neither a number nor a text"

    def modified(self, raw: Raw) -> datetime | None:
        """When the order was last modified, in UTC; None where the row does not say."""
        return self._time(self._value(Document(raw), "modified_at"))

    def order(self, raw: Raw) -> Order:
        """All of this row, which has a head. What is nonsense costs a field, not the row."""
        row = Document(raw)
        currency = self._currency_of(row)
        return Order(
            id=identity(self._value(row, "id")),
            status=state(self._value(row, "status")),
            number=text(self._value(row, "number")),
            total=self._money(self._value(row, "total"), currency),
            created_at=self._time(self._value(row, "created_at")),
            items=self._items_of(row, currency),
            invoice_status=state(self._value(row, "invoice_status")) or None,
            services=self._services_of(row),
        )

    def _value(self, row: Document, name: str) -> Any:
        return row.of(self._fields.get(name))

    def _currency_of(self, row: Document) -> str | None:
        named = text(self._value(row, "currency"))
        return named.upper() if named else self._currency

    def _money(self, value: Any, currency: str | None) -> Money | None:
        written = text(value)
        return None if written is None else self._amount(written, currency)

    def _time(self, value: Any) -> datetime | None:
        if self._per_second is None:
            return lenient.instant(raw_of(value), self._zone) if isinstance(value, str) else None
        since = parse_amount(text(value) or "")
        try:
            return _EPOCH + timedelta(seconds=float(since / self._per_second)) if since else None
        except OverflowError:
            return None

    def _items_of(self, row: Document, currency: str | None) -> tuple[Item, ...] | None:
        lines = members(row.of(self._items.get("rows")))
        return None if lines is None else tuple(self._item(line, currency) for line in lines)

    def _item(self, line: Any, currency: str | None) -> Item:
        name, quantity, price = (_found(self._items, key, line) for key in ("name", "quantity", "price"))
        many = _whole(quantity)
        return Item(text(name) or "(unnamed)", 1 if many is None else many, self._money(price, currency))

    def _services_of(self, row: Document) -> tuple[Service, ...] | None:
        found = members(row.of(self._services.get("rows")))
        return None if found is None else tuple(filter(None, map(self._service, found)))

    def _service(self, row: Any) -> Service | None:
        found, status = (_found(self._services, key, row) for key in ("id", "status"))
        name = text(_found(self._services, "name", row)) or ""
        return Service(identity(found), state(status), name) if identity(found) and state(status) else None


class RestDetails:
    """What the answer about one order shows besides the order."""

    def __init__(self, settings: Section) -> None:
        self._places = compiled(settings)

    def read(self, order: Order, raw: Raw) -> Details:
        """The order, with what a message may carry."""
        found = {name: text(Document(raw).of(place)) for name, place in self._places.items()}
        who = Customer(*(found.get(name) for name in ("customer", "company", "address", "notes")))
        return Details(order, found.get("invoice"), found.get("payment"), None if who == Customer() else who)


def text(value: Any) -> str | None:
    """A text without the blanks around it, or a number exactly as written; None if neither, or empty."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, Written):
        return value.text
    # Any other float was computed, and is not exact.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def identity(value: Any) -> str:
    """An id as a text, from a whole number or a text; empty if it is neither. No database holds a NUL in a key."""
    if isinstance(value, str):
        return "" if "\0" in value else value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def state(value: Any) -> str:
    """A status as the source writes it, also where that is a number, true or false; else empty."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else text(value) or ""


def _found(places: Expressions, name: str, value: Any) -> Any:
    place = places.get(name)
    return None if place is None else place.of(value)


def _whole(value: Any) -> int | None:
    """A quantity, also one that is written ``2.0000``."""
    amount = parse_amount(text(value) or "")
    whole = amount is not None and 0 <= amount < 10**15 and amount == amount.to_integral_value()
    return int(amount) if amount is not None and whole else None
