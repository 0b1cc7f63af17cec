"""Bodies that no billing system sends, made of the words of one; and what may become of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from monitor.errors import NotFound, SourceError
from monitor.sources.base import Answer, DetailSource, ListSource, Page

T = TypeVar("T")


class Both(ListSource, DetailSource, Protocol):
    """A source that lists orders and shows single ones."""


def hostile_bodies(words: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Any bytes, and any JSON whose keys and texts are among these words."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from([*words, "", "0"])
    values = st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*words, "0", "1"]), inner),
        max_leaves=14,
    )
    return st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode())


def check_that_only_source_errors_leak(source: Both, answer: Answer) -> None:
    """Whatever the body is: consistent pages, a Details, or a SourceError whose text is one printable line."""
    pages: tuple[Callable[[Answer], Page], ...] = (source.decode_list, source.decode_order)
    for decode in pages:
        page = _result(decode, answer)
        if isinstance(page, str):
            assert page.isprintable()
        else:
            _check_page(page)
    details = _result(source.decode_details, answer)
    assert details.isprintable() if isinstance(details, str) else details.order.id
    assert source.is_gone(NotFound("", body=answer.body)) in (True, False)
    assert (source.error_text(answer.body) or "").isprintable()


def _result(decode: Callable[[Answer], T], answer: Answer) -> T | str:
    """What was decoded, or the text of the error that says why nothing was."""
    try:
        return decode(answer)
    except SourceError as error:
        return str(error)


def _check_page(page: Page) -> None:
    assert len(page.marks) == len(page.ids) == len(page.statuses)
    assert len(page.rejected) == list(page.ids).count(None)
    assert all(order_id is None or page.order(order_id).id == order_id for order_id in page.ids)
