"""What the settings of a ``rest`` source are made of: expressions, parameters, pages, and the fields of a row."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from monitor.expressions import BadExpression, Expression
from monitor.fields import Section

_PATH = re.compile(r"/[^?#\s\\]*")


def _compiles(text: str) -> str:
    try:
        Expression(text)
    except BadExpression as error:
        said = {"fault": str(error)}
        raise PydanticCustomError(
            "jmespath", "expected a JMESPath expression such as data.orders: {fault}", said
        ) from None
    return text


Jmespath = Annotated[str, AfterValidator(_compiles)]
"""A JMESPath expression."""


def _request_path(text: str) -> str:
    if not _PATH.fullmatch(text) or not text.isprintable():
        raise PydanticCustomError("path", "expected a path such as /api/v1/orders; what follows a ? goes into params")
    return text


RequestPath = Annotated[str, AfterValidator(_request_path)]
"""A path below ``url``."""


def _sendable(value: object) -> object:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str | int) for part in parts):
        raise PydanticCustomError("param", "expected a text, a whole number, true or false, or a list of these")
    return value


_Scalar: TypeAlias = str | bool | int
Param: TypeAlias = Annotated[_Scalar | list[_Scalar], BeforeValidator(_sendable)]
"""What a parameter may be; a list is sent as the same parameter several times."""
Params: TypeAlias = dict[str, Param]


def holds(params: Params, placeholder: str) -> bool:
    """Whether one of these values has the placeholder in it."""
    parts = (part for value in params.values() for part in (value if isinstance(value, list) else [value]))
    return any(placeholder in part for part in parts if isinstance(part, str))


class ClaimSettings(Section):
    """A number that answers state: ``meta.total`` for short, or ``{header: X-Total}``."""

    at: Jmespath | None = None
    """Where it stands in the answer."""

    header: str | None = None
    """The header that holds it."""

    @model_validator(mode="after")
    def _in_one_place(self) -> Self:
        _exactly_one(self, ("at", "header"))
        return self


Claim = Annotated[
    ClaimSettings,
    BeforeValidator(
        lambda value: {"at": value} if isinstance(value, str) else value, json_schema_input_type=str | ClaimSettings
    ),
]


class PageSettings(Section):
    """How the list is read page by page."""

    by: Literal["none", "page", "offset", "cursor", "link", "header"] = "none"
    """``none``: it comes whole; ``page``: by number; ``offset``: by how many orders to pass over; ``cursor``: by what
    the page before gave; ``link``: by the address that the answer gives in ``next``; ``header``: by the one in the
    header ``Link``. Addresses are followed on the origin of url alone."""

    param: str | None = None
    """The parameter for the page's number, the offset or the cursor; default: ``page``, ``offset`` or ``cursor``."""

    first: Annotated[int, Field(ge=0)] | None = None
    """The first page's number, or the first offset; default: 1 for pages, 0 for offsets."""

    size_param: str | None = None
    """The parameter for how many orders a page may hold; default: it cannot be chosen."""

    size: Annotated[int, Field(ge=1, le=10_000)] = 100
    """The most that the system gives a page, or how many it always does."""

    count: Claim | None = None
    """How many pages there are, as an answer states it: ``meta.last_page``, ``{header: X-WP-TotalPages}``. Without it
    and without ``total`` pages are read one after the other, to one that is empty, or to where ``more`` says."""

    number: Jmespath | None = None
    """Which page the answer is, as it states it; counted as ``first`` is."""

    per_page: Claim | None = None
    """How many orders a page holds, as an answer states it."""

    next: Jmespath | None = None
    """For ``cursor`` and ``link``: where an answer gives the next one; nothing, null, false or "" there: the last page.
    Default for ``cursor``: the last row's id, while ``more`` is true or, without ``more``, until a page is empty."""

    more: Jmespath | None = None
    """Whether there is another page, as an answer states it: ``has_more``."""

    repeat_params: bool = False
    """Whether parameters of ours that a next link leaves out are sent along, as some (Laravel's) leave out filters."""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.by == "link" and self.next is None:
            raise PydanticCustomError("pages", "by: link needs next beside it, where the answer gives the address")
        refused = {name for name, kinds in _OF_KINDS.items() if self.by not in kinds} & self.model_fields_set
        for name in sorted(refused):
            raise PydanticCustomError("pages", "{name} has no meaning with by: {by}", {"name": name, "by": self.by})
        return self


_NUMBERED = ("page", "offset")
_OF_KINDS = {
    "param": (*_NUMBERED, "cursor"),
    "first": _NUMBERED,
    "count": _NUMBERED,
    "number": ("page",),
    "next": ("cursor", "link"),
    "more": (*_NUMBERED, "cursor"),
    "repeat_params": ("link", "header"),
}


class FieldSettings(Section):
    """Where each field of an order stands in its row: a JMESPath expression each."""

    id: Jmespath = "id"
    """What identifies the order for ever: a number or a text."""

    status: Jmespath = "status"
    """Its status: a text, a number, true or false."""

    number: Jmespath | None = None
    """What people call it, if not by its id."""

    total: Jmespath | None = None
    """Its amount."""

    currency: Jmespath | None = None
    """The ISO 4217 code of its amounts."""

    created_at: Jmespath | None = None
    """When it was placed."""

    modified_at: Jmespath | None = None
    """When it was last modified; needed for ``modified``."""

    invoice_status: Jmespath | None = None
    """The status of its invoice."""


class ItemSettings(Section):
    """The lines of an order."""

    rows: Jmespath
    """Where their list stands in the order's row; the others are read in each line."""

    name: Jmespath = "name"
    """What was ordered."""

    quantity: Jmespath | None = None
    """How many; default: 1."""

    price: Jmespath | None = None
    """The price of one, in the order's currency."""


class ServiceSettings(Section):
    """What was ordered, as it runs: each with a status of its own."""

    rows: Jmespath
    """Where their list stands in the order's row; the others are read in each of them."""

    id: Jmespath = "id"
    """What identifies the service."""

    status: Jmespath = "status"
    """Its status."""

    name: Jmespath | None = None
    """What people call it."""


def _exactly_one(section: Section, names: Iterable[str]) -> None:
    if sum(getattr(section, name) is not None for name in names) != 1:
        raise PydanticCustomError("one", "expected exactly one of {names}", {"names": ", ".join(names)})
