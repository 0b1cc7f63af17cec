"""Any JSON list of orders, as its settings describe it. Which strategy reads it follows from what they describe."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec import Raw

from monitor.errors import BadAnswer, NotFound
from monitor.expressions import Expression, raw_of
from monitor.model import Details
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.rest_document import Document
from monitor.sources.rest_paging import Seen, paging
from monitor.sources.rest_parts import FieldSettings
from monitor.sources.rest_requests import Requests
from monitor.sources.rest_rows import RestDetails, RestRows, compiled, overlaid
from monitor.sources.rest_settings import OrderSettings, RestSettings
from monitor.sources.rows import RowPage, StampedPage, failed, read_list, where
from monitor.sources.verdicts import plain

_LONGEST_ERROR = 64 * 1024
_raw_decoder = msgspec.json.Decoder(Raw)
_fields_decoder = msgspec.json.Decoder(dict[str, Raw])


class RestSource:
    """A source that lists its orders."""

    def __init__(self, settings: RestSettings) -> None:
        self.identity = _identity(settings)
        self.statuses = tuple(settings.by_status.values) if settings.by_status else ()
        self.open_statuses = tuple(settings.by_status.open) if settings.by_status else ()
        self._settings = settings
        self._rows = RestRows(settings, settings.fields)
        self._list = Expression(settings.rows) if settings.rows else None
        self._error = compiled(settings.error)
        self._paging = paging(settings, self._rows)
        self._requests = Requests(settings, self._paging)
        self.chained = self._paging.chained

    def list_request(self, query: ListQuery) -> Request:
        """The request for this page; Redirected if the page before said that it is elsewhere."""
        return self._requests.list(query)

    def decode_list(self, answer: Answer) -> RowPage:
        """The page in this answer, valid rows kept beside bad ones; BadAnswer if it is no list of orders."""
        seen = self._seen(answer)
        return RowPage(seen.rows, self._rows, self._paging.claims(seen))

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None if it says nothing."""
        return self._own_text(body) or lenient.error_text(body)

    def _seen(self, answer: Answer) -> Seen:
        holder = f"under {self._settings.rows}" if self._settings.rows else "at its top"
        document = self._document(answer, holder)
        if self._fails(document):
            raise failed(answer, self.error_text(answer.body))
        rows = document.rows(self._list)
        if rows is None:
            raise self._no_list(answer, holder)
        return Seen(answer, document, rows)

    def _document(self, answer: Answer, holder: str) -> Document:
        if self._list and self._list.names:
            # One look at a page's bytes less.
            return Document(ABSENT, read_list(_fields_decoder, answer, holder))
        return Document(read_list(_raw_decoder, answer, holder))

    def _fails(self, document: Document) -> bool:
        if "when" in self._error:
            return bool(document.of(self._error["when"]))
        return lenient.denies(document.raw_at(("success",))) or lenient.objects(document.raw_at(("error",)))

    def _no_list(self, answer: Answer, holder: str) -> BadAnswer:
        said = self.error_text(answer.body)
        quoted = f" ({plain(answer.cleaned(said))})" if said else ""
        return BadAnswer(f"{where(answer)} holds no list of orders {holder}: are path and rows right?{quoted}")

    def _own_text(self, body: bytes) -> str | None:
        if "text" not in self._error or len(body) > _LONGEST_ERROR:
            return None
        found = document_of(body).of(self._error["text"])
        return lenient.error_text(msgspec.json.encode({"message": raw_of(found)}))


class ModifiedRest(RestSource):
    """One whose list can be asked for what was modified since a time."""

    @property
    def overlap(self) -> timedelta:
        """How long before a change shows it may have been stamped."""
        return self._settings.modified.overlap if self._settings.modified else timedelta(0)

    def decode_list(self, answer: Answer) -> StampedPage:
        """The page in this answer; its rows say when each was modified."""
        seen = self._seen(answer)
        return StampedPage(seen.rows, self._rows, self._paging.claims(seen))


class RestWithOrders(RestSource):
    """One that also shows each order by its id."""

    def __init__(self, settings: RestSettings, one: OrderSettings) -> None:
        super().__init__(settings)
        self._one = one
        self._at = Expression(one.at) if one.at else None
        self._gone = Expression(one.gone) if one.gone else None
        self._details = RestDetails(one.details)
        self._row = RestRows(settings, overlaid(settings.fields, one.fields))

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        return self._requests.order(self._one, order_id)

    def decode_order(self, answer: Answer) -> RowPage:
        """The order in this answer, as a page of one row; BadAnswer or NotFound if there is none."""
        return RowPage([self._raw_order(answer)], self._row)

    def decode_details(self, answer: Answer) -> Details:
        """The order in this answer with all that a message may carry; BadAnswer or NotFound if there is none."""
        raw = self._raw_order(answer)
        if self._row.head(raw) is None:
            raise BadAnswer(f"{where(answer)} shows no order: its {self._row.fault(raw)}")
        return self._details.read(self._row.order(raw), raw)

    def is_gone(self, error: NotFound) -> bool:
        """Whether its body says, in the words that the settings name, that there is no such order.

        What is no JSON says nothing, also where ``!data`` is true of it: it is a proxy's.
        """
        is_theirs = lenient.is_json(error.body.removeprefix(lenient.BYTE_ORDER_MARK))
        return is_theirs and bool(document_of(error.body).of(self._gone))

    def _raw_order(self, answer: Answer) -> Raw:
        document = Document(read_list(_raw_decoder, answer, "", "order"))
        if document.of(self._gone):
            raise NotFound(f"{where(answer)} says that there is no such order", body=answer.body)
        if self._fails(document):
            raise failed(answer, self.error_text(answer.body))
        return document.raw(self._at)


class ModifiedRestWithOrders(RestWithOrders, ModifiedRest):
    """One that does both."""


def make(settings: RestSettings) -> RestSource:
    """The adapter that these settings describe."""
    if settings.order:
        kind = ModifiedRestWithOrders if settings.modified else RestWithOrders
        return kind(settings, settings.order)
    return ModifiedRest(settings) if settings.modified else RestSource(settings)


def _identity(settings: RestSettings) -> str:
    """Type and address; and where id and status stand, as elsewhere they may be others for each order."""
    places = settings.fields.id, settings.fields.status
    read = () if places == (FieldSettings().id, FieldSettings().status) else places
    return " ".join(("rest", f"{settings.url}{settings.path}", *read))


def document_of(body: bytes) -> Document:
    """What an error's body says; an empty document if it is no JSON."""
    return Document(Raw(body.removeprefix(lenient.BYTE_ORDER_MARK)))
