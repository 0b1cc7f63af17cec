"""A mail's HTML: a Jinja2 template that escapes whatever it is given, its styles inlined for clients that drop them."""

from __future__ import annotations

import functools

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from monitor.alerting.formats.escape import link_below, one_line, printable, split_at_label
from monitor.alerting.formats.plain import STORY, more_rows
from monitor.model import Message, Severity

_COLOURS = {
    Severity.INFO: "#2f6fde",
    Severity.SUCCESS: "#1a8754",
    Severity.WARNING: "#c77700",
    Severity.FAILURE: "#c92a2a",
}


def write(message: Message) -> str:
    """The HTML document."""
    title = one_line(message.title)
    text = printable(message.body if message.text is None else message.text)
    document = _template().render(
        message=message,
        title=title,
        headline=split_at_label(title, message),
        link_below=link_below(title, message),
        lines=text.splitlines(),
        story_heading=STORY,
        more_rows=more_rows(message.table) if message.table else [],
        colour=_COLOURS[message.severity],
    )
    return _inliner().inline(document)


@functools.cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("monitor.alerting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template("mail.html.j2")


@functools.cache
def _inliner() -> CSSInliner:
    # What asks for the reader's dark mode cannot be inlined: the template marks it to stay. Nothing is ever fetched.
    return CSSInliner(minify_css=True, load_remote_stylesheets=False)
