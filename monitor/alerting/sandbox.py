"""Where templates run: Jinja2's sandbox, with our filters, and errors that say what to do.

Templates are their owner's, the data in them are a stranger's: no template can reach what it was not given, and an
unknown name is an error, never an empty place in an alert.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2 import TemplateError as JinjaError
from jinja2.exceptions import SecurityError, TemplateNotFound
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from monitor.alerting.views import Amount
from monitor.alerting.words import Words
from monitor.errors import TemplateError

FILTERS: Mapping[str, str] = {
    "money": "an amount as people write it: `order.total | money`, `12.5 | money('EUR')`",
    "time": "a moment, with its time zone, and its date if that is not today's: `seen_at | time`",
    "date": "a moment's date: `order.created_at | date`",
    "duration": "a length of time, such as 2 h 13 min: `lasted | duration`",
}
"""Our filters, besides Jinja2's own."""

_LONGEST = 10_000


def suggest(name: str, known: Collection[str]) -> str:
    """``", did you mean order?"``, or nothing where no name comes near."""
    near = difflib.get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else ""


class Unknown(StrictUndefined):
    """What a template gets for a name that there is not: an error as soon as it is used."""

    @property
    def _undefined_message(self) -> str:
        name, owner = str(self._undefined_name), self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if owner is missing:
            return f"unknown variable {name!r}"
        if owner is None:
            return f"there is nothing here to take {name!r} of: ask for it first, with {{% if … %}}"
        if isinstance(owner, Collection):
            return f"there is no {name!r} among {len(owner)}"
        known = [field for field in dir(owner) if not field.startswith("_")]
        return f"unknown name {name!r}{suggest(name, known)}"


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of our own templates and of the routes'."""

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, words: Words) -> None:
        self.words = words
        super().__init__(
            loader=PackageLoader("monitor.alerting"),
            autoescape=False,  # a message is plain text; each channel escapes for its own medium
            undefined=Unknown,
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,
        )
        del self.globals["lipsum"], self.filters["random"]  # the same event gives the same text
        self.filters |= {"money": _money, "time": _time, "date": _date, "duration": _duration}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuses the two operators by which a short template can ask for all of the machine's memory."""
        if operator == "**" and not abs(right) <= 100:
            raise SecurityError("a power above 100 is refused")
        if operator == "*" and _length(left, right) * _length(right, left) > _LONGEST:
            raise SecurityError(f"a text of more than {_LONGEST:,} characters is refused")
        return super().call_binop(context, operator, left, right)

    def write(self, template: Template, variables: Mapping[str, Any], limit: int) -> str:
        """The text, or a little more than ``limit`` characters of it; TemplateError if the template fails."""
        text = ""
        try:
            for part in template.generate(variables):
                text += part
                if len(text) > limit:
                    break
        except Exception as error:  # a template is a program: it can raise anything
            raise TemplateError(_reason(error)) from error
        return text

    def faults(self, source: str, variables: Mapping[str, Collection[str]]) -> Iterator[str]:
        """What is wrong with a template before it runs: syntax, and names that are not in ``variables``.

        ``variables`` maps each name to those of its fields, none where they are not to be checked.
        """
        try:
            tree = self.parse(source)
        except TemplateSyntaxError as error:
            yield f"line {error.lineno}: {error.message}"
            return
        unknown = [*self._unknown_calls(tree)] or [*self._unknown_variables(tree, variables)]
        yield from unknown or _unknown_fields(tree, variables)

    def _unknown_calls(self, tree: nodes.Template) -> Iterator[str]:
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            word, known = ("filter", self.filters) if isinstance(node, nodes.Filter) else ("test", self.tests)
            if node.name not in known:
                yield f"line {node.lineno}: unknown {word} {node.name!r}{suggest(node.name, known)}"

    def _unknown_variables(self, tree: nodes.Template, variables: Mapping[str, Any]) -> Iterator[str]:
        try:
            unknown = find_undeclared_variables(tree) - variables.keys() - self.globals.keys()
        except TemplateSyntaxError as error:
            yield f"line {error.lineno}: {error.message}"
            return
        for name in sorted(unknown):
            yield f"unknown variable {name!r}{suggest(name, variables)}"


def _unknown_fields(tree: nodes.Template, variables: Mapping[str, Collection[str]]) -> Iterator[str]:
    assigned = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    for node in tree.find_all(nodes.Getattr):
        name = node.node.name if isinstance(node.node, nodes.Name) else ""
        fields = () if name in assigned else variables.get(name, ())
        if fields and node.attr not in fields:
            near = suggest(node.attr, fields).replace("mean ", f"mean {name}.")
            yield f"line {node.lineno}: unknown variable '{name}.{node.attr}'{near}"


def _length(value: Any, factor: Any) -> int:
    """What ``value`` adds to the length of a repeated text, where ``factor`` is the other side."""
    if isinstance(value, str | bytes | list | tuple):
        return len(value)
    return max(0, value) if isinstance(value, int) and isinstance(factor, str | bytes | list | tuple) else 1


def _reason(error: Exception) -> str:
    if isinstance(error, TemplateNotFound):
        return f"there is no template {str(error)!r}"
    ours = isinstance(error, TemplateError | JinjaError)
    return str(error) if ours else f"{type(error).__name__}: {error}"


def _words(context: Context) -> Words:
    words = getattr(context.environment, "words", None)
    if not isinstance(words, Words):
        raise TypeError("these filters run in a Sandbox")
    return words


@pass_context
def _finalize(context: Context, value: Any) -> Any:
    """How values print themselves where a template names no filter; an unknown one is left out."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _time(context, value)
    return _duration(context, value) if isinstance(value, timedelta) else value


@pass_context
def _money(context: Context, value: Any, currency: str | None = None) -> str:
    if value is None:
        return ""
    if isinstance(value, Amount):
        return value.text
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TemplateError("the filter money takes an amount, such as order.total, or a number")
    return _words(context).money(Decimal(str(value)), currency)


@pass_context
def _time(context: Context, value: Any, beside: datetime | None = None) -> str:
    return "" if value is None else _words(context).time(_moment(value, "time"), context["now"], beside)


@pass_context
def _date(context: Context, value: Any) -> str:
    return "" if value is None else _words(context).date(_moment(value, "date"))


@pass_context
def _duration(context: Context, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, timedelta):
        raise TemplateError("the filter duration takes a length of time, such as lasted")
    return _words(context).duration(value)


def _moment(value: Any, name: str) -> datetime:
    if not isinstance(value, datetime):
        raise TemplateError(f"the filter {name} takes a moment, such as seen_at")
    return value
