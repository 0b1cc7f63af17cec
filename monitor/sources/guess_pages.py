"""How a list is paged, guessed from one page: what its envelope, its headers and its address say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.sources.guess_fields import Path, plain_name, spelled

_DEEPEST = 4
_LONGEST = 10_000  # that ``pages.size`` takes
_TOTALS = ("total", "total_count", "totalcount", "total_results", "totalresults", "total_items", "count", "records")
_COUNTS = ("last_page", "total_pages", "totalpages", "page_count", "pages")
_LINKS = ("next", "next_page_url", "next_url", "next_link", "@odata.next_link", "next_page")
_CURSORS = ("next_cursor", "nextcursor", "next_page_token", "end_cursor", "cursor")
_MORE = ("has_more", "has_next_page", "more")
_TOTAL_HEADERS = ("x-wp-total", "x-total-count", "x-total", "total-count")
_COUNT_HEADERS = ("x-wp-totalpages", "x-total-pages", "x-page-count")
_NUMBER_PARAMS = ("page", "page_number", "pagenumber", "p", "currentpage")
_OFFSET_PARAMS = ("offset", "skip", "limitstart", "start", "from")
_CURSOR_PARAMS = ("cursor", "starting_after", "after", "page_token")
_SIZE_PARAMS = ("per_page", "perpage", "page_size", "pagesize", "limit", "limitnum", "size")

Found = dict[Path, Any]
Settings = dict[str, Any]


def guess_pages(
    body: Any, headers: Mapping[str, str], holder: str, rows: Sequence[Any], query: Sequence[tuple[str, str]]
) -> tuple[Settings, list[str]]:
    """``total``, ``pages`` and ``params`` as they would stand in the file, and what one page cannot tell of them.

    ``holder`` is where the rows stand, ``query`` what was asked with.
    """
    around = dict(_around(body, (), holder))
    total = _total(around, headers, len(rows))
    pages = _pages(around, headers, counted=total is not None)
    settings: Settings = {"total": total} if total is not None else {}
    remarks = []
    own = _own_params(query)
    if pages:
        pages |= _params(pages["by"], own["about pages"], around)
        settings["pages"] = {**pages, "size": min(max(len(rows), 1), _LONGEST)}
        remarks = _doubts(pages, own["about pages"])
    elif total is None:
        remarks = ["nothing says that there are pages: if the list has more orders than are shown, set `pages`"]
    if own["others"]:
        settings["params"] = own["others"]
    return settings, remarks


def about_pages(name: str) -> bool:
    """Whether a parameter of this name says which page is wanted, or how long a page is."""
    return plain_name(name) in _NUMBER_PARAMS + _OFFSET_PARAMS + _CURSOR_PARAMS + _SIZE_PARAMS


def _own_params(query: Sequence[tuple[str, str]]) -> dict[str, dict[str, str]]:
    pages = {name: value for name, value in query if about_pages(name)}
    return {"about pages": pages, "others": {name: value for name, value in query if name not in pages}}


def _around(value: Any, path: Path, holder: str) -> Iterator[tuple[Path, Any]]:
    """What stands beside the list, by its place."""
    if not isinstance(value, dict) or len(path) > _DEEPEST:
        return
    for name, child in value.items():
        here = (*path, str(name))
        if spelled(here) == holder or f"values({spelled(here)})" == holder:
            continue
        if isinstance(child, dict):
            yield from _around(child, here, holder)
        else:
            yield here, child


def _named(around: Found, names: Sequence[str]) -> list[tuple[Path, Any]]:
    """What is called so, by the likeliest name first, and what stands higher up first."""
    ranked = sorted((names.index(n), len(p), p) for p in around if (n := plain_name(p[-1])) in names)
    return [(path, around[path]) for _, _, path in ranked]


def _total(around: Found, headers: Mapping[str, str], shown: int) -> Any:
    for path, value in _named(around, _TOTALS):
        # A count of what this page shows is no total: it would say so of each page.
        if _is_count(value) and int(value) >= shown and not (plain_name(path[-1]) == "count" and int(value) == shown):
            return spelled(path)
    return next(({"header": name} for name in _TOTAL_HEADERS if _is_count(headers.get(name, ""))), None)


def _pages(around: Found, headers: Mapping[str, str], *, counted: bool) -> Settings | None:
    """The first way that shows: a number of pages tells more than a link, and a link more than a cursor."""
    ways = (_by_count, _by_link, _by_cursor, _by_offset)
    found = next(filter(None, (way(around, headers) for way in ways)), None)
    return found or ({"by": "page"} if counted else None)


def _by_count(around: Found, headers: Mapping[str, str]) -> Settings | None:
    stated = (spelled(path) for path, value in _named(around, _COUNTS) if _is_count(value))
    in_header = ({"header": name} for name in _COUNT_HEADERS if _is_count(headers.get(name, "")))
    count: Any = next(stated, None) or next(in_header, None)
    return {"by": "page", "count": count} if count else None


def _by_link(around: Found, headers: Mapping[str, str]) -> Settings | None:
    if re.search(r'rel="?next\b', headers.get("link", "")):
        return {"by": "header"}
    place = next((path for path, value in _named(around, _LINKS) if _is_address(value)), None)
    return {"by": "link", "next": spelled(place)} if place else None


def _by_cursor(around: Found, _: Mapping[str, str]) -> Settings | None:
    given = next((path for path, value in _named(around, _CURSORS) if isinstance(value, str | int) and value), None)
    if given:
        return {"by": "cursor", "next": spelled(given)}
    more = next((path for path, value in _named(around, _MORE) if isinstance(value, bool)), None)
    return {"by": "cursor", "more": spelled(more)} if more else None


def _by_offset(around: Found, _: Mapping[str, str]) -> Settings | None:
    return {"by": "offset"} if _named(around, _OFFSET_PARAMS) else None


def _params(by: str, given: Mapping[str, str], around: Found) -> Settings:
    """The names of the parameters: as they were given, else as the answer calls the same things."""
    kinds = {"page": _NUMBER_PARAMS, "offset": _OFFSET_PARAMS, "cursor": _CURSOR_PARAMS}
    chosen: Settings = {}
    if by in kinds and (name := _name(kinds[by], given, around)):
        chosen["param"] = name
    if size := _name(_SIZE_PARAMS, given, around):
        chosen["size_param"] = size
    return chosen


def _name(names: Sequence[str], given: Mapping[str, str], around: Found) -> str | None:
    typed = next((name for name in given if plain_name(name) in names), None)
    return typed or next((path[-1] for path, value in _named(around, names) if _is_count(value)), None)


def _doubts(pages: Settings, given: Mapping[str, str]) -> list[str]:
    if pages["by"] in ("link", "header"):
        return []
    param = pages.get("param", pages["by"])
    doubts = [] if param in given else [f"is {param} the parameter that asks for a page? If not, set `pages.param`"]
    if "size_param" not in pages:
        doubts.append("longer pages take fewer requests: is there a parameter for it? See `pages.size_param`")
    return doubts


def _is_count(value: Any) -> bool:
    return not isinstance(value, bool) and re.fullmatch(r"\d{1,12}", str(value)) is not None


def _is_address(value: Any) -> bool:
    """Or null, as on a last page."""
    return value is None or (isinstance(value, str) and value.startswith(("http://", "https://", "/", "?")))
