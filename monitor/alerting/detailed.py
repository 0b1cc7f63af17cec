"""What was fetched for a message, or that it could not be: as lines below the text, and as templates see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from monitor.alerting.privacy import Privacy, describe
from monitor.alerting.views import NAME_LENGTH, NUMBER_LENGTH, ServiceView, plain, view_services
from monitor.alerting.words import Words
from monitor.model import Details, Event, OrderEvent

SERVICES_TOLD = 10


@dataclass(frozen=True, slots=True)
class DetailsView:
    """An order's details; texts are empty where the source does not say. Who the order is from is not among them."""

    invoice: str = ""
    invoice_status: str = ""
    payment: str = ""
    services: tuple[ServiceView, ...] = ()
    service_count: int = 0
    age: timedelta | None = None


class Extra(NamedTuple):
    """What details add to a message: ``lines`` below its text, ``customer`` where the channel may have that.

    ``note`` says that there are none, and why.
    """

    lines: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    note: tuple[str, ...] = ()


def view_details(details: Details | None, event: Event, words: Words) -> DetailsView:
    """The details as templates see them; all of it empty where there are none."""
    if details is None or not isinstance(event, OrderEvent):
        return DetailsView()
    order = details.order
    return DetailsView(
        invoice=_said(details.invoice),
        invoice_status=_said(order.invoice_status),
        payment=_said(details.payment, NAME_LENGTH),
        services=view_services(order.services or (), words.meanings(event.source)),
        service_count=len(order.services or ()),
        age=_age(details, event),
    )


def extra_of(details: Details | None, without: str | None, view: DetailsView, words: Words, privacy: Privacy) -> Extra:
    """What stands in the message besides its text; ``view`` is of these details."""
    note = (f"Without details: {plain(without, NAME_LENGTH)}.",) if without else ()
    if details is None:
        return Extra(note=note)
    return Extra(tuple(_lines(view, words)), describe(details.customer, privacy), note)


def _lines(view: DetailsView, words: Words) -> Iterator[str]:
    if view.invoice or view.invoice_status:
        yield ": ".join(filter(None, (f"Invoice {view.invoice}".strip(), view.invoice_status)))
    if view.payment:
        yield f"Payment: {view.payment}"
    yield from map(str, view.services[:SERVICES_TOLD])
    if view.service_count > SERVICES_TOLD:
        yield f"… and {view.service_count - SERVICES_TOLD} more"
    if view.age is not None:
        yield f"Age: {words.duration(view.age)}"


def _said(text: str | None, length: int = NUMBER_LENGTH) -> str:
    said = plain(text or "", length)
    return "" if said == "?" else said


def _age(details: Details, event: OrderEvent) -> timedelta | None:
    """How old the order was when its change was seen."""
    placed = details.order.created_at or event.order.created_at
    return event.at - placed if placed and placed <= event.at else None
