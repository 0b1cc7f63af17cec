"""Conditions on values: JMESPath over an event, exact in its amounts. Pure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from monitor.expressions import BadExpression, Expression, Written
from monitor.model import OrderEvent

_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(Any, float_hook=Written)


def _compiles(text: str) -> str:
    try:
        Expression(text)
    except BadExpression as error:
        said = {"text": f"expected a JMESPath expression such as order.total.amount >= `100`: {error}"}
        raise PydanticCustomError("jmespath", "{text}", said) from None
    return text


WhereExpression = Annotated[str, AfterValidator(_compiles)]
"""A JMESPath expression over an event."""


class Where:
    """A compiled condition; BadExpression if the text is none."""

    def __init__(self, text: str) -> None:
        self._expression = Expression(text)

    def of(self, event: OrderEvent) -> bool | None:
        """Whether it is true of the event, as JMESPath has it: false are null, false and what is empty.

        None where it does not fit the event.
        """
        try:
            found = self._expression.search(document_of(event))
        except ValueError:
            return None
        return not (found is None or found is False or (isinstance(found, str | list | dict) and not found))


def document_of(event: OrderEvent) -> Any:
    """What an expression sees of an event: its JSON as ``events --json`` prints it, but amounts are numbers.

    ValueError where an amount is no number.
    """
    return _decoder.decode(_encoder.encode(event))
