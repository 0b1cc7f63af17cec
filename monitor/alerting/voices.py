"""A voice: the words of one locale and time zone, and the templates in it: our own, the routes', the channels'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from jinja2 import Template
from jinja2 import TemplateError as JinjaError

from monitor.alerting.sandbox import Sandbox
from monitor.alerting.settings import RouteSettings
from monitor.alerting.words import Words
from monitor.errors import TemplateError
from monitor.model import EventKind, Meanings

Part = Literal["title", "body"]
PARTS: tuple[Part, ...] = ("title", "body")
TITLE_LENGTH = 250
BODY_LENGTH = 8_000


class Worded(Protocol):
    """What can have its own words: a route, a channel."""

    @property
    def title(self) -> str | None: ...

    @property
    def body(self) -> str | None: ...


def own_templates(owner: Worded) -> Iterator[tuple[Part, str]]:
    """The templates that a route or a channel has."""
    for part in PARTS:
        text = getattr(owner, part)
        if text is not None:
            yield part, text


class Voice:
    """ValueError if the time zone or the locale is unknown; TemplateError if a template does not compile."""

    def __init__(
        self,
        time_zone: str,
        locale: str,
        routes: Sequence[RouteSettings] = (),
        meanings: Mapping[str, Meanings] | None = None,
    ) -> None:
        self.words = Words(time_zone, locale, meanings)
        self.sandbox = Sandbox(self.words)
        self._defaults = {kind: self.sandbox.get_template(f"{kind}.j2") for kind in EventKind}
        self._routes = {route.name: self.compile_all(route) for route in routes}

    def of_route(self, name: str) -> Mapping[Part, Template]:
        """The route's own templates."""
        return self._routes.get(name, {})

    def compile_all(self, owner: Worded) -> dict[Part, Template]:
        """The templates of a route or a channel, ready for use."""
        return {part: self.compile(text) for part, text in own_templates(owner)}

    def compile(self, source: str) -> Template:
        """The template, ready for use."""
        try:
            return self.sandbox.from_string(source)
        except JinjaError as error:
            raise TemplateError(str(error)) from error

    def default_text(self, kind: EventKind, variables: Mapping[str, Any]) -> str:
        """What stands below the title where nobody says otherwise."""
        return self.sandbox.write(self._defaults[kind], variables, BODY_LENGTH).strip()

    def write(self, template: Template, variables: Mapping[str, Any], part: Part) -> str:
        """The text of somebody's own template; TemplateError if it fails, or gives no title."""
        text = self.sandbox.write(template, variables, TITLE_LENGTH if part == "title" else BODY_LENGTH)
        if part == "title" and not text.strip():
            raise TemplateError("it gives an empty text")
        return text
