"""Whether HostBill counts pages from 0 or from 1 follows from its answers, whatever else they claim."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hostbill_rows import ROW, answer, listed, source

from monitor.sources.base import ListQuery, Request
from monitor.sources.hostbill import Hostbill
from monitor.sources.rows import RowPage

PER_PAGE = 10
TOTAL = 5 * PER_PAGE


class Installation:
    """One that asks for pages from ``first``; in its answers it counts from ``speaks``, and the first may be said."""

    def __init__(self, first: int, speaks: int = 1) -> None:
        self.first, self.speaks = first, speaks

    def show(self, made: Hostbill, request: Request) -> RowPage:
        """What the adapter makes of its answer."""
        form = dict(request.form or ())
        place = max(int(form["page"]) - self.first, 0) if "page" in form else 0
        rows = [{**ROW, "id": str(id_)} for id_ in ids_of(place + 1)]
        said = {"sorterpage": place + self.speaks, "sorterrecords": TOTAL, "perpage": PER_PAGE, "totalpages": 5}
        return made.decode_list(answer(listed(rows, **said), request))


def ids_of(page: int) -> Iterable[int]:
    newest = TOTAL - (page - 1) * PER_PAGE
    return range(newest, max(newest - PER_PAGE, 0), -1)


def texts(ids: Iterable[int]) -> list[str]:
    return [str(id_) for id_ in ids]


def read(made: Hostbill, installation: Installation, page: int, status: str | None = None) -> list[str | None]:
    return installation.show(made, made.list_request(ListQuery(page, status=status))).ids


EACH = pytest.mark.parametrize("installation", [Installation(0), Installation(1), Installation(0, speaks=0)])


@EACH
def test_each_page_is_shown_once_it_is_known_how_they_are_counted(installation: Installation) -> None:
    made = source()
    assert read(made, installation, 1) == texts(ids_of(1))
    read(made, installation, 2)
    assert [read(made, installation, page) for page in range(1, 7)] == [texts(ids_of(page)) for page in range(1, 7)]


@EACH
@pytest.mark.parametrize("page", [2, 3, 5])
def test_no_page_is_shown_for_another(installation: Installation, page: int) -> None:
    """What was asked for wrongly is an empty page: then it is a gap, which is read again."""
    made = source()
    read(made, installation, 1)
    assert read(made, installation, page) in ([], texts(ids_of(page)))
    assert read(made, installation, page) == texts(ids_of(page))


@EACH
def test_pages_on_their_way_when_it_is_found_out_are_not_shown_for_others(installation: Installation) -> None:
    made = source()
    read(made, installation, 1)
    requests = {page: made.list_request(ListQuery(page)) for page in (5, 2, 3, 4)}
    for page, request in requests.items():
        assert installation.show(made, request).ids in ([], texts(ids_of(page)))


@EACH
def test_whoever_counts_from_0_costs_no_request_more(installation: Installation) -> None:
    made = source()
    shown = [read(made, installation, page) for page in range(1, 6)]
    assert shown.count([]) == installation.first


@pytest.mark.parametrize("first", [0, 1])
def test_what_the_settings_say_is_believed(first: int) -> None:
    made, installation = source(first_page=first), Installation(first)
    assert [read(made, installation, page) for page in range(1, 7)] == [texts(ids_of(page)) for page in range(1, 7)]


def test_what_the_settings_say_is_believed_against_all_that_is_shown() -> None:
    made = source(first_page=1)
    shown = [read(made, Installation(0), page) for page in (1, 2)]
    assert shown == [texts(ids_of(1)), texts(ids_of(3))]
    assert dict(made.list_request(ListQuery(2)).form or ())["page"] == "2"


def test_the_orders_count_where_the_numbers_mislead() -> None:
    """Pages from 0, called as they were asked for, and the first one called 1."""
    made, installation = source(), Installation(0, speaks=0)
    first = made.list_request(ListQuery(1))
    said = {"sorterpage": 1, "sorterrecords": TOTAL}
    made.decode_list(answer(listed([{**ROW, "id": str(id_)} for id_ in ids_of(1)], **said), first))
    assert [read(made, installation, page) for page in (2, 3, 4)] == [texts(ids_of(page)) for page in (2, 3, 4)]


def test_a_server_that_ignores_pages_for_a_while_is_not_misread_for_ever() -> None:
    made = source()
    for page in (1, 2, 3):
        request = made.list_request(ListQuery(page))
        made.decode_list(answer(listed([ROW], sorterpage=1, sorterrecords=TOTAL), request))
    for page in (1, 2, 3, 4, 5):
        read(made, Installation(0), page)
    assert [read(made, Installation(0), page) for page in (2, 3)] == [texts(ids_of(page)) for page in (2, 3)]


@pytest.mark.parametrize("status", [None, "Pending"])
def test_it_is_found_out_from_any_list(status: str | None) -> None:
    made = source()
    read(made, Installation(1), 1, status)
    read(made, Installation(1), 2, status)
    assert read(made, Installation(1), 2) == texts(ids_of(2))
