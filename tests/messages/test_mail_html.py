"""The HTML of a mail: its structure, what inlining made of it, and how it looks in a browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from message_examples import HOSTILE, bare, hostile_message, many, message

from monitor.alerting.formats import html
from monitor.alerting.settings import ChannelStyle
from monitor.model import Message, Severity

_VOID = {"meta", "br", "img", "link", "hr"}
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(_CHROMIUM is None, reason="there is no chromium: apt-get install chromium")
_HARMLESS_TAGS = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "table",
    "tbody",
    "tr",
    "td",
    "th",
    "a",
    "bdi",
}


class Page(HTMLParser):
    """The elements of a document, in order, and the text of each."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, str] = {}
        self._open: list[str] = []
        self.comments: list[str] = []
        self.feed(document)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in _VOID:
            self._open.append(f"{tag}.{given.get('class', '')}")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().partition(".")[0] == tag

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.text[place] = self.text.get(place, "") + data

    def all(self, tag: str, class_: str | None = None) -> list[dict[str, str]]:
        """The attributes of each such element."""
        return [given for name, given in self.elements if name == tag and class_ in (None, given.get("class"))]


def page(made: Message | None = None) -> Page:
    return Page(html.write(made or message()))


def test_everything_has_its_place() -> None:
    shown = page()
    assert shown.text["title."] == "Fraud: ORD-0088, $49.00 (shop)"
    assert shown.text["td.title"] == "🚨 Fraud: ORD-0088 · $49.00 · shop"
    assert shown.text["td.text"].split("\n")[1:3] == ["pending → fraud, after 2 h 13 min", "Starter Hosting Plan ×1"]
    assert shown.text["td.customer"].split("\n")[1] == "Customer: John Doe, Doe & Sons"
    assert shown.text["td.when"] == "Jun 30, 2025, 14:22 CEST12:09 CEST14:22 CEST"
    assert shown.text["td.small"].strip() == "Seen 14:22 CEST (changed after 14:21) · ref 7K3F"
    assert shown.text["td.footer"].startswith("Sent to channel mail, because route fraud leads there. To stop it")
    assert shown.all("a")[0]["href"] == "https://billing.example.com/admin/orders/88?tab=log&x=1"


def test_an_inbox_shows_what_happened_beside_the_subject() -> None:
    shown = page()
    assert shown.text["div.preheader"] == "pending → fraud, after 2 h 13 min · Starter Hosting Plan ×1"
    assert "display:none" in shown.all("div", "preheader")[0]["style"]


def test_mail_programs_can_show_it() -> None:
    """Tables for layout, marked as such for screen readers; nothing to fetch, nothing to run; at most 600 px wide."""
    shown = page()
    assert {tag for tag, _ in shown.elements} <= _HARMLESS_TAGS
    assert not [given for _, given in shown.elements for name in given if name.startswith("on") or name == "src"]
    assert all(given.get("role") == "presentation" for given in shown.all("table"))
    assert "max-width:600px" in shown.all("table", "card")[0]["style"]
    assert any("mso" in comment and 'width="600"' in comment for comment in shown.comments), (
        "Outlook knows no max-width"
    )
    assert "url(" not in html.write(message())


def test_styles_are_inlined_and_those_for_the_dark_stay() -> None:
    """Many programs drop a style sheet; those that know dark mode read the one that is left."""
    shown = page()
    styled = [given for tag, given in shown.elements if tag in ("td", "th", "a", "body")]
    assert all("style" in given for given in styled)
    sheet = shown.text["style."]
    assert "@media (prefers-color-scheme: dark)" in sheet
    assert re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", sheet).strip() == ""
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in shown.elements
    assert 'charset="utf-8"' in html.write(message())[:1024], "where browsers look for it"


def test_each_severity_has_a_colour() -> None:
    bars = {
        page(msgspec.structs.replace(message(), severity=severity)).all("td", "bar")[0]["style"]
        for severity in Severity
    }
    assert len(bars) == len(Severity)


def test_several_orders_are_a_table_with_headings() -> None:
    shown = page(many(60))
    assert [shown.text["th."], len(shown.all("th"))] == ["OrderChangeTotalSource", 4]
    assert all(given["scope"] == "col" for given in shown.all("th"))
    assert len(shown.all("a")) == 50
    assert "… and 10 more" in shown.text["table.orders"]
    assert "role" not in shown.all("table", "orders")[0], "this one is a table"


def test_what_is_not_there_leaves_no_empty_place() -> None:
    shown = page(bare())
    for class_ in ("customer", "story", "orders", "footer", "part"):
        assert not [given for _, given in shown.elements if given.get("class") == class_]
    assert shown.text["td.title"] == "Test: mail"
    assert shown.text["title."] == "Test: mail"
    assert not page(msgspec.structs.replace(bare(), body="")).all("td", "text")


def test_an_order_that_the_title_does_not_name_is_linked_below() -> None:
    shown = page(message(style=ChannelStyle(title="Look at this")))
    assert shown.text["td.title"] == "Look at this"
    assert shown.text["td.text"].rstrip().endswith("\nORD-0088")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_orders_are_text(text: str) -> None:
    for made in (hostile_message(text), many(60, text)):
        document = html.write(made)
        shown = Page(document)
        assert {tag for tag, _ in shown.elements} <= _HARMLESS_TAGS
        assert {name for _, given in shown.elements for name in given} <= _ATTRIBUTES
        assert all(given["href"].startswith("https://billing.example.com/") for given in shown.all("a"))
        assert not [comment for comment in shown.comments if "mso" not in comment]
        assert document.encode()


_ATTRIBUTES = {
    *("align", "charset", "class", "colspan", "content", "data-css-inline", "dir", "href", "lang", "name", "role"),
    *("scope", "style", "width"),
}


def test_a_mail_about_many_orders_is_shown_whole() -> None:
    """Gmail cuts off what is longer than 102 KB, and with it the reference and the footer."""
    assert len(html.write(many(60)).encode()) < 100_000


# In a browser

_MEASURE = """<script>
const box = selector => {
  const found = document.querySelector(selector);
  return found ? found.getBoundingClientRect() : null;
};
const colours = selector => {
  const style = getComputedStyle(document.querySelector(selector));
  return [style.color, style.backgroundColor];
};
const luminance = colour => {
  const [r, g, b] = colour.match(/[\\d.]+/g).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const card = colours(".card")[1], under = colours(".page")[1];
const found = {
  width: box(".card").width, page: document.documentElement.scrollWidth, window: innerWidth,
  preheader: box(".preheader").height, dark: matchMedia("(prefers-color-scheme: dark)").matches,
  text: [".title", "a", ".text", ".when", ".what", ".small", ".orders td", ".orders th"]
    .filter(one => document.querySelector(one)).map(one => contrast(colours(one)[0], card)),
  footer: document.querySelector(".footer") ? contrast(colours(".footer")[0], under) : 21,
};
document.documentElement.innerHTML = "<pre>" + JSON.stringify(found) + "</pre>";
</script>"""


def measured(document: str, folder: Path, width: int = 800, *, dark: bool = False) -> dict[str, Any]:
    """What a headless browser makes of the document, in a window so wide."""
    assert _CHROMIUM is not None
    file = folder / "mail.html"
    file.write_text(document.replace("</body>", f"{_MEASURE}</body>"), encoding="utf-8")
    command = [_CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
    ]
    command += [f"--window-size={width},900", f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    run = subprocess.run([*command, file.as_uri()], capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<pre>(.*?)</pre>", run.stdout, re.DOTALL)
    assert found is not None, run.stdout[-500:]
    measures: dict[str, Any] = json.loads(found[1])
    return measures


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_it_600_px_wide_and_readable(tmp_path: Path, *, dark: bool) -> None:
    found = measured(html.write(message()), tmp_path, dark=dark)
    assert (found["width"], found["preheader"], found["dark"]) == (600, 0, dark)
    assert len(found["text"]) >= 6
    assert min([*found["text"], found["footer"]]) >= 4.5, "what WCAG asks of small text"


@needs_chromium
def test_nobody_need_scroll_sideways_whatever_the_order(tmp_path: Path) -> None:
    """In the narrowest window that Chromium has."""
    for number, made in enumerate((hostile_message("x" * 10_000), many(20, "<&>" * 3_000))):
        folder = tmp_path / str(number)
        folder.mkdir()
        found = measured(html.write(made), folder, width=500)
        assert found["page"] == found["window"]
        assert found["width"] == 500 - 24
