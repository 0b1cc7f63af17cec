"""A source of type ``rest``: any JSON list of orders, described in YAML alone.

Where an answer is read, keys hold JMESPath expressions: ``id: order.reference``, ``status: 'state || stage'``. Numbers
stay exact in them, also through ``sum``, ``abs``, ``to_number`` and ``to_string``; ``values`` takes a list as it is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monitor.alerting.settings import TimeZone
from monitor.fields import CurrencyCode, Duration, Section
from monitor.sources.rest_auth import AuthSettings
from monitor.sources.rest_parts import (
    Claim,
    FieldSettings,
    ItemSettings,
    Jmespath,
    PageSettings,
    Params,
    RequestPath,
    ServiceSettings,
    holds,
)
from monitor.sources.settings import BaseUrl


class ByStatusSettings(Section):
    """How orders of one status are asked for. With ``total`` beside it, orders are watched by their status."""

    param: str | None = None
    """The parameter that takes a status."""

    params: Params = Field(default_factory=dict)
    """Or several parameters, with ``{status}`` where the status goes: ``{$filter: "status eq '{status}'"}``."""

    values: Annotated[list[str], Field(min_length=1)]
    """The statuses that can be asked for, as the system writes them."""

    open: list[str] = Field(default_factory=lambda: ["pending"])
    """Those in which an order is soon to change: looked at most often."""

    @model_validator(mode="after")
    def _asks(self) -> Self:
        _asked_by(self.param, self.params, "{status}")
        return self


class ModifiedSettings(Section):
    """How orders that were modified since a time are asked for; it needs ``fields.modified_at``, and dated answers."""

    param: str | None = None
    """The parameter that takes the time."""

    params: Params = Field(default_factory=dict)
    """Or several parameters, with ``{since}`` where the time goes: ``{$filter: "modifiedAt ge {since}"}``."""

    format: Literal["iso", "local", "sql", "seconds", "milliseconds"] = "iso"
    """``iso``: 2026-04-01T09:15:00Z; ``local``: 2026-04-01T11:15:00 and ``sql``: 2026-04-01 11:15:00, both in
    ``time_zone``; ``seconds`` or ``milliseconds`` since 1970."""

    overlap: Duration = timedelta(seconds=5)
    """How long before a change shows it may have been stamped: so much is asked for again each time."""

    @model_validator(mode="after")
    def _asks(self) -> Self:
        _asked_by(self.param, self.params, "{since}")
        return self


class DetailSettings(Section):
    """Where the answer about one order shows what a message may carry besides: a JMESPath expression each."""

    invoice: Jmespath | None = None
    """What people call its invoice."""

    payment: Jmespath | None = None
    """How it is paid."""

    customer: Jmespath | None = None
    """Who it is from. This and what follows is fetched for a message, and never stored."""

    company: Jmespath | None = None
    """The customer's company."""

    address: Jmespath | None = None
    """The customer's address."""

    notes: Jmespath | None = None
    """Notes on the order."""


class OrderSettings(Section):
    """How one order is read by its id."""

    path: RequestPath
    """The path, with ``{id}`` where the id goes: ``/api/v1/orders/{id}``."""

    params: Params = Field(default_factory=dict)
    """Parameters of this request, also with ``{id}``. Those of the list are not sent along."""

    at: Jmespath | None = None
    """Where the order stands in the answer; default: it is the answer."""

    gone: Jmespath | None = None
    """True where an answer that is a 404, or says that it failed, says that there is no such order:
    ``code == 'order_not_found'``. Without it no answer proves an order gone."""

    fields: FieldSettings | None = None
    """Where fields of the order stand, if elsewhere than in a row of the list."""

    details: DetailSettings = DetailSettings()
    """What a message may carry besides."""

    @model_validator(mode="after")
    def _names_the_order(self) -> Self:
        if "{id}" not in self.path and not holds(self.params, "{id}"):
            raise PydanticCustomError("order", "path needs {id}, where the order's id goes", {"id": "{id}"})
        return self


class ErrorSettings(Section):
    """How an answer says that it failed although its status says nothing of it."""

    when: Jmespath | None = None
    """True (or anything but null, false and empty) where it failed: ``result == 'error'``; default: ``success`` says
    no, or ``error`` says anything."""

    text: Jmespath | None = None
    """Where it says why; default: ``message``, ``error`` and ``errors``."""


class RestSettings(Section):
    """A source of type ``rest``."""

    type: Literal["rest"]
    """Any JSON list of orders."""

    url: BaseUrl
    """Address of the system, without ``path``."""

    path: RequestPath
    """The path of the list: ``/api/v1/orders``."""

    send: Literal["query", "form", "json"] = "query"
    """How parameters are sent: ``query`` with a GET; ``form`` or ``json`` in a POST. In JSON a dot in a parameter's
    name leads into an object: ``variables.first``."""

    params: Params = Field(default_factory=dict)
    """Parameters of each request for the list: ``{sort: "-id", include: items}``."""

    auth: AuthSettings | None = None
    """The credentials; default: none."""

    pages: PageSettings = PageSettings()
    """How the list is read page by page; default: it comes whole."""

    rows: Jmespath | None = None
    """Where the list of orders stands: ``data``, ``data.orders``, ``values(orders)``; default: it is the answer. A
    plain path costs least: orders that have not changed are not even decoded. null, false, "" and {} are an empty
    list."""

    fields: FieldSettings = FieldSettings()
    """Where each field of an order stands."""

    items: ItemSettings | None = None
    """The lines of an order; default: they are not read."""

    services: ServiceSettings | None = None
    """The services of an order; default: they are not read."""

    money: Literal["major", "minor"] = "major"
    """The unit of amounts: ``22.00`` is major, ``2200`` minor."""

    currency: CurrencyCode | None = None
    """The currency where a row names none."""

    times: Literal["text", "seconds", "milliseconds"] = "text"
    """How times are written: as text (ISO 8601, or ``2026-04-01 12:00:00``), or as seconds or milliseconds since
    1970."""

    time_zone: TimeZone = "UTC"
    """The time zone of times that name none."""

    total: Claim | None = None
    """How many orders the list holds, as an answer states it: ``meta.total`` or ``{header: X-WP-Total}``."""

    by_status: ByStatusSettings | None = None
    """How orders of one status are asked for; default: they cannot be."""

    modified: ModifiedSettings | None = None
    """How orders that were modified since a time are asked for; default: they cannot be."""

    order: OrderSettings | None = None
    """How one order is read by its id; default: it cannot be."""

    error: ErrorSettings = ErrorSettings()
    """How an answer says that it failed."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.modified and self.fields.modified_at is None:
            raise PydanticCustomError("modified", "modified needs fields.modified_at, where a row says when")
        if self.send != "query" and self.pages.by in ("link", "header"):
            raise PydanticCustomError("pages", "pages can follow links only with send: query")
        if self.send == "json":
            _lead_apart(self)
        if self.send == "query" and self.auth and self.auth.form:
            raise PydanticCustomError("auth", "auth has form, which needs send: form or send: json")
        return self


def _lead_apart(settings: RestSettings) -> None:
    """Of the parameters in a JSON body none is a value where another one leads into an object."""
    pages, form = settings.pages, settings.auth.form if settings.auth else {}
    names = {*settings.params, *form, *filter(None, (pages.param, pages.size_param))}
    for name in sorted(names):
        if any(other.startswith(f"{name}.") for other in names):
            raise PydanticCustomError("params", "{name} cannot be a value and hold others", {"name": name})


def _asked_by(param: str | None, params: Params, placeholder: str) -> None:
    if (param is None) == (not params):
        raise PydanticCustomError("param", "expected either param or params")
    if params and not holds(params, placeholder):
        said = {"placeholder": placeholder}
        raise PydanticCustomError("param", "params needs {placeholder} in one of its values", said)
