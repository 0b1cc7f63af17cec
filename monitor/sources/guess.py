"""A description for a ``rest`` source, guessed from one page of its list. Pure: an answer in, settings out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from monitor.errors import BadAnswer
from monitor.model import Meaning, meaning_of, normalise_status
from monitor.sources import guess_fields as fields
from monitor.sources.base import Answer
from monitor.sources.guess_fields import Kind, Path, find, places, plain_name, spelled
from monitor.sources.guess_pages import guess_pages
from monitor.sources.rows import read_list, where
from monitor.sources.verdicts import plain

_ROWS = 100
_DEEPEST = 4
_DATES = ("created_at", "modified_at")
_FIRST_IN_MILLISECONDS = 1e11
_anything = msgspec.json.Decoder(Any)
Query = Sequence[tuple[str, str]]

_MEANINGS: Mapping[Meaning, str] = {
    Meaning.PENDING: "new|open|draft|unpaid|pending.*|on_hold|awaiting.*|requires_.*|placed|received|checkout_draft",
    Meaning.ACTIVE: "paid|processing|accepted|approved|live|running|confirmed|authori[sz]ed|in_progress",
    Meaning.FRAUD: "fraud.*|suspected_fraud",
    Meaning.CANCELLED: "cancell?ed.*|void(ed)?|terminated|deleted|trash(ed)?|revoked",
    Meaning.COMPLETED: "complete|done|fulfilled|shipped|delivered|closed|succeeded|finished",
    Meaning.FAILED: "fail.*|declined|error|rejected|unsuccessful",
    Meaning.SUSPENDED: "suspend.*|blocked|locked|paused",
    Meaning.REFUNDED: ".*refunded|refund|charged_back",
    Meaning.EXPIRED: "expired|lapsed|overdue",
}


class Guess(NamedTuple):
    """``settings`` as they would stand in the file below the source's name, without url, path and credentials.

    ``remarks`` say what one page cannot tell, or what was chosen for no good reason: for the one who reads it.
    """

    settings: dict[str, Any]
    remarks: tuple[str, ...]


def guess(answer: Answer, query: Query = ()) -> Guess:
    """The description of the list in this answer; BadAnswer if there is none to be found.

    ``query`` are the parameters that were sent: some of them may be about pages.
    """
    body = read_list(_anything, answer, "anywhere")
    holder, all_rows = _rows_of(body, answer)
    rows = all_rows[:_ROWS]
    found = places(rows)
    chosen, remarks = _fields(found, len(rows), answer)
    pages, paging = guess_pages(body, answer.headers, holder, all_rows, query)
    money, about_money = _money(found, chosen, rows)
    statuses, about_statuses = _statuses(found[chosen["status"]])
    settings: dict[str, Any] = {}
    if holder:
        settings["rows"] = holder
    settings["fields"] = {name: spelled(path) for name, path in chosen.items()}
    settings |= money | _times(found, chosen) | _items(found, rows) | pages
    if statuses:
        settings["statuses"] = statuses
    return Guess(settings, (*remarks, *about_money, *about_statuses, *paging, *_dates(found, chosen)))


def _rows_of(body: Any, answer: Answer) -> tuple[str, list[dict[str, Any]]]:
    """Where the list stands (an expression, empty for the whole answer), and its rows."""
    ranked = sorted(_lists(body, ()), key=lambda one: (-_likeness(one[1]), len(one[0])))
    if not ranked or not _likeness(ranked[0][1]):
        if any(isinstance(value, list) and not value for value in _all_values(body)):
            raise BadAnswer(f"{where(answer)} shows no order: ask for a list that holds some")
        raise BadAnswer(f"{where(answer)} holds no list whose rows have an id and a status: is this its address?")
    return ranked[0]


def _lists(value: Any, path: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if fields.is_list_of_objects(value):
        yield spelled(path), value
    elif isinstance(value, dict) and len(path) < _DEEPEST:
        children = list(value.values())
        if value and all(key.isdecimal() for key in value) and fields.is_list_of_objects(children):
            yield f"values({spelled(path) or '@'})", children
        for name, child in value.items():
            yield from _lists(child, (*path, str(name)))


def _all_values(value: Any) -> Iterator[Any]:
    yield value
    for child in value.values() if isinstance(value, dict) else ():
        yield from _all_values(child)


def _likeness(rows: list[dict[str, Any]]) -> int:
    """How much like orders these rows look: 0 for not at all."""
    shown = rows[:_ROWS]
    found = places(shown)
    needed = [find(kind, found, len(shown)) for kind in (fields.ID, fields.STATUS)]
    others = [find(kind, found, len(shown)) for kind in (fields.TOTAL, fields.CREATED, fields.CURRENCY)]
    return 10 + sum(map(bool, others)) if all(needed) else 0


_FIELDS: Mapping[str, Kind] = {
    "id": fields.ID,
    "status": fields.STATUS,
    "number": fields.NUMBER,
    "total": fields.TOTAL,
    "currency": fields.CURRENCY,
    "created_at": fields.CREATED,
    "modified_at": fields.MODIFIED,
    "invoice_status": fields.INVOICE_STATUS,
}


def _fields(found: Mapping[Path, list[Any]], count: int, answer: Answer) -> tuple[dict[str, Path], list[str]]:
    chosen: dict[str, Path] = {}
    for name, kind in _FIELDS.items():
        place = find(kind, found, count, list(chosen.values()))
        if place is not None:
            chosen[name] = place
    remarks = [f"no field was found for {name}" for name in ("total", "created_at") if name not in chosen]
    if "modified_at" in chosen:
        remarks.append("it may be possible to ask for what was modified since a time: see `modified`")
    return chosen, remarks


def _money(
    found: Mapping[Path, list[Any]], chosen: Mapping[str, Path], rows: Sequence[Any]
) -> tuple[dict[str, Any], list[str]]:
    """The unit of amounts: whole numbers of a field that speaks of cents are minor, and else nobody knows."""
    place = chosen.get("total")
    if place is None:
        return {}, []
    remarks = [] if "currency" in chosen else ["rows name no currency: set `currency`, such as EUR"]
    whole = all(isinstance(value, int) for value in found[place])
    if whole and re.search("cent|minor", plain_name("_".join(place))):
        return {"money": "minor"}, remarks
    if whole and max(found[place]) >= 100:
        remarks.append("amounts are whole numbers: if 2200 means 22.00, set `money: minor`")
    return {}, remarks


def _items(found: Mapping[Path, list[Any]], rows: Sequence[Any]) -> dict[str, Any]:
    place = find(fields.ITEMS, found, len(rows))
    if place is None:
        return {}
    lines = [line for value in found[place] for line in value][:_ROWS]
    inside = places(lines)
    kinds = {"name": fields.ITEM_NAME, "quantity": fields.ITEM_QUANTITY, "price": fields.ITEM_PRICE}
    chosen = {name: path for name, kind in kinds.items() if (path := find(kind, inside, len(lines)))}
    if "name" not in chosen:
        return {}
    return {"items": {"rows": spelled(place), **{name: spelled(path) for name, path in chosen.items()}}}


def _statuses(values: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """What the statuses on this page may mean, those aside that say it themselves; and which nobody can tell."""
    meanings: dict[str, str] = {}
    unknown: list[str] = []
    for status in sorted(set(values)):
        if meaning_of(status, {}):
            continue
        spelling = normalise_status(status)
        meaning = next((m for m, names in _MEANINGS.items() if re.fullmatch(names, spelling)), None)
        if meaning is None:
            unknown.append(status)
        else:
            meanings[status] = str(meaning)
    return meanings, [f"which of the nine meanings has the status {plain(s)}? See `statuses`" for s in unknown]


def _times(found: Mapping[Path, list[Any]], chosen: Mapping[str, Path]) -> dict[str, Any]:
    """How times are written, where that is not as text."""
    times = [v for name in _DATES if name in chosen for v in found[chosen[name]]]
    if not times or any(isinstance(value, str) for value in times):
        return {}
    return {"times": "milliseconds" if max(times) >= _FIRST_IN_MILLISECONDS else "seconds"}


def _dates(found: Mapping[Path, list[Any]], chosen: Mapping[str, Path]) -> list[str]:
    texts = [v for name in _DATES if name in chosen for v in found[chosen[name]]]
    naive = any(isinstance(v, str) and not re.search(r"(Z|[+-]\d\d:?\d\d)$", v) for v in texts)
    return ["dates name no time zone: they are read as UTC unless `time_zone` says otherwise"] if naive else []
