"""What the API tells: one page, or one thing, of what stands in the state."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta

from monitor.alerting.drill import DRILL_SOURCE
from monitor.asking import documents
from monitor.asking.condition import condition_of
from monitor.asking.story import Story, called, story_of
from monitor.fields import did_you_mean, format_duration
from monitor.model import OrderEvent, SourceState, normalise_status
from monitor.store.base import StoredEvent, Transaction
from monitor.store.listings import DeliveriesWanted, EventsWanted, OrderKey, OrdersWanted
from monitor.web.api.answers import ApiError, Problem, answer
from monitor.web.api.asked import Asked
from monitor.web.api.parameters import LARGEST, bad_question
from monitor.web.daemons import Holders, find_holders, place_of
from monitor.web.site import Shown

EVENT_SHAPES = ("OrderEventSeen", "SourceEventSeen")
_Id = Annotated[int, Meta(ge=0, le=LARGEST)]
_Moment = Annotated[int, Meta(ge=-(2**62), le=2**62)]
_BATCH = 500
_MOST_BATCHES = 40
"""How far one question after an id looks, where it wants few of the events there."""


# Orders


async def orders(asked: Asked) -> web.Response:
    """A page of orders."""
    query = asked.query
    status = query["status"] and normalise_status(query["status"])
    wanted = OrdersWanted(query["source"], status, query["text"] or "", query["vanished"])
    key = asked.after(tuple[_Moment, str, str])

    def find(tx: Transaction) -> Any:
        _check_source(tx, asked)
        return tx.order_page(wanted, OrderKey(*key) if key else None, query["limit"])

    page = await asked.context.reader.read(find)
    return answer({"items": [documents.order(*row) for row in page.rows], "next": asked.next(page.next)})


async def order(asked: Asked) -> web.Response:
    """One order's story."""
    source, text = asked.path["source"], asked.path["order"]
    told = await asked.context.reader.read(lambda tx: _story(tx, source, text))
    told.ask_today(asked.context.site.router)
    return answer(documents.story(told))


def _story(tx: Transaction, source: str, text: str) -> Story:
    found = called(tx, source, text)
    if len(found) > 1:
        ids = ", ".join(known.order.id for known in found[:10])
        raise ApiError(404, f"several orders are called so: ask for one by its id: {ids}")
    story = story_of(tx, source, found[0].order.id if found else text, found[0] if found else None)
    if not (story.known or story.happenings):
        raise ApiError(404, "no such order was ever seen")
    return story


# Events


async def events(asked: Asked) -> web.Response:
    """A page of events: the newest first, or those after an id, oldest first."""
    query = asked.query
    _check_way(asked)
    forward, key = asked.after(tuple[bool, _Id]) or (query["after"] is not None, None)
    if forward:
        return await _events_after(asked, query["after"] if key is None else key)

    def find(tx: Transaction) -> Any:
        return tx.event_page(_events_wanted(tx, asked), query["before"] if key is None else key, query["limit"])

    page = await asked.context.reader.read(find)
    following = None if page.next is None else (False, page.next)
    return answer({"items": [documents.seen(row) for row in page.rows], "next": asked.next(following)})


async def event(asked: Asked) -> web.Response:
    """One event."""
    number = asked.number()
    row = (await asked.context.reader.read(lambda tx: tx.events_with([number]))).get(number)
    if row is None:
        raise ApiError(404, "there is no such event")
    return answer(documents.seen(row))


async def _events_after(asked: Asked, start: int) -> web.Response:
    """``after`` is what to ask after next time: up to there all were looked at, whether wanted or not."""
    limit = asked.query["limit"]

    def find(tx: Transaction) -> tuple[list[StoredEvent], int, bool]:
        wanted, found, looked_at = _events_wanted(tx, asked), list[StoredEvent](), start
        batch = limit + 1 if wanted == EventsWanted() else _BATCH
        for _ in range(_MOST_BATCHES):
            rows = tx.events_after(looked_at, batch)
            for row in rows:
                if _is_wanted(row, wanted):
                    if len(found) == limit:
                        return found, looked_at, True
                    found.append(row)
                looked_at = row.id
            if len(rows) < batch:
                return found, looked_at, False
        return found, looked_at, True

    found, looked_at, more = await asked.context.reader.read(find)
    following = asked.next((True, looked_at)) if more else None
    return answer({"items": [documents.seen(row) for row in found], "next": following, "after": looked_at})


def _check_way(asked: Asked) -> None:
    given = [name for name in ("cursor", "before", "after") if asked.query[name] is not None]
    problems = [Problem(name, "", f"does not go with {given[0]}") for name in given[1:]]
    if asked.query["after"] is not None and asked.query["text"] is not None:
        problems.append(Problem("text", "", "does not go with after: it searches from the newest back"))
    if problems:
        raise bad_question(problems)


def _events_wanted(tx: Transaction, asked: Asked) -> EventsWanted:
    _check_source(tx, asked, DRILL_SOURCE)
    source, text = asked.query["source"], asked.query["order"]
    order_id = text
    if text is not None:
        names = [*tx.sources()] if source is None else [source]
        ids = {known.order.id for name in names for known in tx.find_orders(name, text)}
        if len(ids) > 1 and text not in ids:
            raise bad_question([Problem("order", text, f"is several orders' number: {', '.join(sorted(ids)[:10])}")])
        order_id = text if text in ids or not ids else ids.pop()
    return EventsWanted(source, asked.query["kind"], order_id, asked.query["text"] or "")


def _is_wanted(row: StoredEvent, wanted: EventsWanted) -> bool:
    about = row.event.order.id if isinstance(row.event, OrderEvent) else None
    return (
        wanted.source in (None, row.event.source)
        and (not wanted.kinds or row.event.kind in wanted.kinds)
        and wanted.order_id in (None, about)
    )


# Deliveries


async def deliveries(asked: Asked) -> web.Response:
    """A page of deliveries."""
    query = asked.query
    wanted = DeliveriesWanted(query["state"], query["route"] or "", query["channel"] or "", query["source"] or "")
    before = asked.after(tuple[_Id])

    def find(tx: Transaction) -> Any:
        _check_source(tx, asked, DRILL_SOURCE)
        page = tx.delivery_page(wanted, before[0] if before else None, query["limit"])
        return page, tx.orders_told([row.id for row in page.rows if row.gathers])

    page, told = await asked.context.reader.read(find)
    items = [documents.message(row, told.get(row.id)) for row in page.rows]
    return answer({"items": items, "next": asked.next(None if page.next is None else (page.next,))})


async def delivery(asked: Asked) -> web.Response:
    """One delivery, with what each attempt said, and while it is kept its text."""
    number = asked.number()

    def find(tx: Transaction) -> documents.Document:
        row, text = tx.delivery(number), tx.delivery_text(number)
        if row is None:
            raise ApiError(404, "there is no such delivery")
        told = tx.orders_told([number]).get(number) if row.gathers else None
        return documents.sent(row, told, tx.attempts(number), text[1] if text else None)

    return answer(await asked.context.reader.read(find))


# Sources and silences


async def sources(asked: Asked) -> web.Response:
    """Every source that is configured."""
    share, shown = asked.context.daemon.share(), asked.context.site.sources
    states, holders = await asked.context.reader.read(lambda tx: (tx.sources(), find_holders(tx) if share else None))
    items = [source_document(asked, source, states.get(name), holders) for name, source in shown.items()]
    return answer({"items": items, "next": None})


async def source(asked: Asked) -> web.Response:
    """One source."""
    shown, share = shown_of(asked), asked.context.daemon.share()
    state, holders = await asked.context.reader.read(
        lambda tx: (tx.source(shown.name), find_holders(tx) if share else None)
    )
    return answer(source_document(asked, shown, state, holders))


def shown_of(asked: Asked) -> Shown:
    """The source in the address; ApiError (404) if none is called so."""
    name, known = asked.path["name"], asked.context.site.sources
    if name not in known:
        raise ApiError(404, f"there is no such source{_near(name, known)}")
    return known[name]


def source_document(
    asked: Asked, shown: Shown, state: SourceState | None, holders: Holders | None
) -> documents.Document:
    """A source as it is configured, how it is, and how it is read; ``holders``: of those that share the state."""
    share = asked.context.daemon.share()
    health, reason, since = condition_of(state)
    clean = asked.context.site.redactor.clean
    times = ("baseline_at", "polled_at", "good_at", "complete_at", "settled_at", "new_order_at")
    return {
        "name": shown.name,
        "type": shown.type,
        "host": shown.host,
        "labels": shown.labels,
        "every": format_duration(shown.every),
        "down_after": shown.down_after,
        "health": health,
        "reason": clean(reason) if reason else None,
        "since": since,
        "failures": state.failures if state else 0,
        "total": state.total if state else None,
        **{name: getattr(state, name) if state else None for name in times},
        "daemon": (place_of(shown.name, share, holders).daemon or None) if share and holders else None,
        "looked": asked.context.daemon.looked(shown.name),
    }


async def silences(asked: Asked) -> web.Response:
    """A page of silences, the newest first."""
    now, ended, limit = asked.context.clock.now(), asked.query["ended"], asked.query["limit"]
    before = asked.after(tuple[_Id])
    found = await asked.context.reader.read(lambda tx: tx.silences() if ended else tx.active_silences(now))
    left = [one for one in reversed(found) if not before or one.id < before[0]]
    following = (left[limit - 1].id,) if len(left) > limit else None
    return answer({"items": [documents.silence(one, now) for one in left[:limit]], "next": asked.next(following)})


# What is asked for by name


def _check_source(tx: Transaction, asked: Asked, *besides: str) -> None:
    """ApiError (400) if a source is asked for that neither the configuration nor the state has."""
    name = asked.query["source"]
    known = {*asked.context.site.sources, *besides}
    if name is not None and name not in known and name not in (known := known | {*tx.sources()}):
        raise bad_question([Problem("source", name, f"there is no such source{_near(name, sorted(known))}")])


def _near(name: str, known: Collection[str]) -> str:
    return did_you_mean(name, known) or f": there are {', '.join(known)}"
