"""Pages out of templates. Everything that is written into one is escaped, and a name that is none is an error."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor.store.base import StoredEvent
from monitor.web.assets import asset
from monitor.web.context import FORM_TOKEN, LOGGED_IN, context_of
from monitor.web.notices import notice_of
from monitor.web.site import Site
from monitor.web.views import View

_TEMPLATES = Path(__file__).parent / "templates"
NAVIGATION = (
    ("/", "overview", "Overview"),
    ("/events", "events", "Events"),
    ("/orders", "orders", "Orders"),
    ("/deliveries", "deliveries", "Deliveries"),
    ("/silences", "silences", "Silences"),
)
"""Address, icon and name of what stands at the top of each page."""


def render(request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
    """The page that this template makes; what all pages need it is given besides."""
    view = view_of(request)
    around = {
        "view": view,
        "now": view.now,
        "site": view.site,
        "path": request.path,
        "here": request.path_qs,
        "navigation": NAVIGATION,
        "csrf": request.get(FORM_TOKEN, ""),
        "logged_in": request.get(LOGGED_IN, False),
        "notice": notice_of(request.query),
    }
    text = environment().get_template(template).render(around | values)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def view_of(request: web.Request) -> View:
    """How things are shown now."""
    context = context_of(request)
    return View(context.site, context.clock.now())


def error_page(request: web.Request, status: int, title: str, text: str) -> web.Response:
    """What a page says that cannot be shown."""
    return render(request, "error.html", status=status, number=status, title=title, text=text)


def event_html(site: Site, row: StoredEvent, now: datetime | None = None) -> str:
    """One row of the list of events; ``now`` is when it is read, by default when it was seen."""
    event = View(site, now or row.event.at).event(row)
    macro = environment().get_template("events_rows.html").module.event_row  # type: ignore[attr-defined]  # a macro
    return str(macro(event))


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates. They are a part of the program: none is read again while it runs."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["asset"] = asset
    made.filters["count"] = counted
    made.filters["number"] = lambda number: f"{number:,}"
    return made


def counted(number: int, word: str) -> str:
    """``1 order``, ``3,000 orders``."""
    many = word if number == 1 else f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number:,} {many}"
