"""Who an order is from, as most systems write it. Read for a message alone, and never stored."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from monitor.model import Customer
from monitor.sources import lenient
from monitor.sources.lenient import ABSENT


class _Person(msgspec.Struct, gc=False):
    first_name: Raw = ABSENT
    last_name: Raw = ABSENT
    company: Raw = ABSENT
    address_1: Raw = ABSENT
    address_2: Raw = ABSENT
    postcode: Raw = ABSENT
    city: Raw = ABSENT
    state: Raw = ABSENT
    country: Raw = ABSENT


_decoder = msgspec.json.Decoder(_Person)


def customer_of(raw: Raw, notes: Raw = ABSENT) -> Customer | None:
    """The person in this JSON object (``first_name``, ``address_1`` …); None where nothing is said of one."""
    person = lenient.read(_decoder, raw) or _Person()
    name = joined(" ", person.first_name, person.last_name)
    street = joined(", ", person.address_1, person.address_2)
    town, country = joined(" ", person.postcode, person.city), joined(", ", person.state, person.country)
    address = ", ".join(filter(None, (street, town, country))) or None
    found = Customer(name, lenient.text(person.company), address, lenient.text(notes))
    return found if any((found.name, found.company, found.address, found.notes)) else None


def joined(between: str, *parts: Raw) -> str | None:
    """Those of these texts that say something; None if none does."""
    return between.join(filter(None, map(lenient.text, parts))) or None
