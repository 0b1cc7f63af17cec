"""How HostUp writes an order: everything is a text, ids and money too, and PHP's ``[]`` may stand for anything empty.

Nothing secret has a name here, and so none is decoded: passwords, user names and addresses are passed over.
"""

from __future__ import annotations

import re
from datetime import tzinfo

import msgspec
from msgspec import Raw

from monitor.model import Customer, Details, Item, Money, Order, Service
from monitor.sources import lenient
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written
from monitor.sources.php import entries, record, rows
from monitor.sources.rows import RowId, RowText

_CURRENCY = re.compile(r"[A-Z]{3}")
_UNNAMED = "(unnamed)"


class Row(msgspec.Struct, gc=False):
    """``data.order``. Id and status make it an order; the rest may be nonsense, and costs its field."""

    id: RowId
    status: RowText
    number: Raw = ABSENT
    total: Raw = ABSENT
    currency: Raw = ABSENT
    date_created: Raw = ABSENT
    invstatus: Raw = ABSENT
    hosting: Raw = ABSENT
    addons: Raw = ABSENT
    domains: Raw = ABSENT
    invoice_id: Raw = ABSENT
    payment_module: Raw = ABSENT
    module: Raw = ABSENT
    firstname: Raw = ABSENT
    lastname: Raw = ABSENT
    companyname: Raw = ABSENT
    notes: Raw = ABSENT


class _Part(msgspec.Struct, gc=False):
    """A hosting account, an addon or a domain."""

    id: Raw = ABSENT
    name: Raw = ABSENT
    domain: Raw = ABSENT
    status: Raw = ABSENT
    qty: Raw = ABSENT
    total: Raw = ABSENT


_row_decoder = msgspec.json.Decoder(Row)
_part_decoder = msgspec.json.Decoder(_Part)


def read_row(raw: Raw) -> Row | None:
    """What can be read of this; None if it is no order."""
    return lenient.read(_row_decoder, raw)


def order_in(row: Row, zone: tzinfo) -> Order:
    """The order. Its dates, which do not say it, are of this zone."""
    currency = _currency(row.currency)
    return Order(
        id=str(row.id),
        status=row.status,
        number=lenient.text(row.number),
        total=_money(row.total, currency),
        created_at=lenient.instant(row.date_created, zone),
        items=_items(row, currency),
        invoice_status=lenient.text(row.invstatus),
        services=_services(row.hosting),
    )


def details_in(row: Row, zone: tzinfo) -> Details:
    """The order with its invoice, its payment, and who it is from."""
    return Details(order_in(row, zone), _number(row.invoice_id), _payment(row), _customer(row))


def _currency(raw: Raw) -> str | None:
    """``iso`` or ``code``, whichever is an ISO 4217 code: some write there what stands beside an amount."""
    fields = record(raw)
    codes = ((lenient.text(fields.get(name, ABSENT)) or "").upper() for name in ("iso", "code"))
    return next((code for code in codes if _CURRENCY.fullmatch(code)), None)


def _money(raw: Raw, currency: str | None) -> Money | None:
    written = lenient.text(raw)
    return as_written(written, currency) if written else None


def _services(hosting: Raw) -> tuple[Service, ...] | None:
    """The hosting accounts. One that makes no sense makes all of them unknown: it must not look as if it had ended."""
    found = rows(hosting)
    services = None if found is None else [_service(raw) for raw in found]
    return None if services is None or None in services else tuple(filter(None, services))


def _service(raw: Raw) -> Service | None:
    part = lenient.read(_part_decoder, raw) or _Part()
    id_, status = lenient.text(part.id), lenient.text(part.status)
    name, domain = lenient.text(part.name), lenient.text(part.domain)
    called = f"{name} ({domain})" if name and domain else name or domain or ""
    return Service(id_, status, called) if id_ and status else None


def _items(row: Row, currency: str | None) -> tuple[Item, ...] | None:
    """What was ordered: hosting, addons and domains, each a list of its own. The rest (upgrades, contracts) changes
    what is there already. A list that is none makes all of them unknown."""
    lists = [rows(raw) for raw in (row.hosting, row.addons, row.domains) if bytes(raw)]
    if not lists or None in lists:
        return None
    return tuple(_item(raw, currency) for found in lists if found for raw in found)


def _item(raw: Raw, currency: str | None) -> Item:
    part = lenient.read(_part_decoder, raw)
    if part is None:
        return Item(lenient.text(raw) or _UNNAMED)
    quantity = lenient.count(part.qty)
    # The total is of all of them: of one only where there is one.
    price = _money(part.total, currency) if quantity in (None, 1) else None
    return Item(
        lenient.text(part.name) or lenient.text(part.domain) or _UNNAMED, 1 if quantity is None else quantity, price
    )


def _number(raw: Raw) -> str | None:
    """A reference to something else; ``"0"`` refers to nothing."""
    written = lenient.text(raw)
    return written if written and written.strip("0") else None


def _payment(row: Row) -> str | None:
    """How it is paid. One of the two fields is the number of the way, the other its name."""
    names = (lenient.text(row.payment_module), lenient.text(row.module))
    return next((name for name in names if name and not name.isdecimal()), None)


def _customer(row: Row) -> Customer | None:
    name = " ".join(filter(None, (lenient.text(row.firstname), lenient.text(row.lastname))))
    texts = (lenient.text(record(note).get("note", ABSENT)) for note in entries(row.notes) or [])
    notes = "\n".join(filter(None, texts))
    company = lenient.text(row.companyname)
    return Customer(name or None, company, None, notes or None) if name or company or notes else None
