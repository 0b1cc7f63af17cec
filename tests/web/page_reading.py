"""Pages as a reader of HTML sees them: their texts, headings, links and forms, and what must not stand in any."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

_VOID = {"meta", "link", "img", "input", "br", "hr"}


class Link(NamedTuple):
    """A link: where it leads, and what it says."""

    href: str
    text: str


class Page(HTMLParser):
    """A page, read to its end. ``faults`` are what no page may have."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.title = ""
        self.words: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.links: list[Link] = []
        self.forms: list[tuple[str, str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.faults: list[str] = []
        self._open: list[tuple[str, int, str]] = []
        self.feed(html)
        self.close()
        self.faults += [f"not closed: {tag}" for tag, _, _ in self._open]
        self.faults += [f"twice: {one}" for one in set(self.ids) if self.ids.count(one) > 1]
        self.faults += [f"points to nothing: {one}" for one in self.references if one not in self.ids]

    @property
    def text(self) -> str:
        """All that it says."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._check(tag, given)
        if "id" in given:
            self.ids.append(given["id"])
        for name in ("aria-labelledby", "aria-describedby", "for", "list"):
            self.references += given.get(name, "").split()
        if tag == "form":
            self.forms.append((given.get("method", "get"), given.get("action", ""), {}))
        if tag == "input" and self.forms and "name" in given:
            self.forms[-1][2][given["name"]] = given.get("value", "")
        if tag not in _VOID:
            self._open.append((tag, len(self.words), given.get("href", "")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.faults.append(f"closed, but not open: {tag}")
            return
        _, began, href = self._open.pop()
        said = " ".join("".join(self.words[began:]).split())
        if tag == "title" and not self.title:
            self.title = said
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), said))
        if tag == "a":
            self.links.append(Link(href, said))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def _check(self, tag: str, given: dict[str, str]) -> None:
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.faults.append("an inline script")
        if tag == "style":
            self.faults.append("an inline style")
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.faults.append(f"{tag} has {name}")
            if name in ("src", "href", "action") and value.strip().lower().startswith(("javascript:", "data:", "//")):
                self.faults.append(f"{tag} leads to {value}")
            if name in ("src", "action") and not value.startswith("/"):
                self.faults.append(f"{tag} loads or sends elsewhere: {value}")
            if tag == "link" and name == "href" and not value.startswith("/static/"):
                self.faults.append(f"loads from elsewhere: {value}")
