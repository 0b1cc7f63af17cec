"""A cursor is understood by the listing that made it, and by nothing else."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from monitor.asking import cursors

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(question=TEXT, key=st.tuples(st.integers(-(2**62), 2**62), TEXT))
def test_what_was_written_is_read_back(question: str, key: tuple[int, str]) -> None:
    cursor = cursors.write(question, key)
    assert cursors.read(question, cursor, tuple[int, str]) == key
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum(), "it stands in an address as it is"


@pytest.mark.parametrize("beside", [" {}", "{}=", "{}\n", "!{}", "{}AAAA"])
def test_what_stands_beside_a_cursor_is_refused(beside: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        cursors.read("orders", beside.format(cursors.write("orders", (5, "shop"))), tuple[int, str])


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*", fullmatch=True))
def test_what_nobody_wrote_is_refused(made_up: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any of it: the caller says what is wrong
        cursors.read("orders", made_up, tuple[int, str])


@given(at=st.integers(0), to=st.sampled_from("ABCxyz019_-"))
def test_a_cursor_with_another_letter_is_refused(at: int, to: str) -> None:
    cursor = cursors.write("orders", (5, "shop"))
    changed = cursor[: at % len(cursor)] + to + cursor[at % len(cursor) + 1 :]
    if changed != cursor:
        with pytest.raises(ValueError):  # noqa: PT011
            cursors.read("orders", changed, tuple[int, str])


def test_another_questions_cursor_is_refused() -> None:
    cursor = cursors.write("orders of shop", (5, "shop"))
    for question in ("orders", "orders of blog", "events of shop"):
        with pytest.raises(ValueError):  # noqa: PT011
            cursors.read(question, cursor, tuple[int, str])


def test_a_key_of_another_kind_is_refused() -> None:
    """Somebody who computes the check may write what a database cannot hold."""
    with pytest.raises(ValueError):  # noqa: PT011
        cursors.read("orders", cursors.write("orders", ("x", "shop")), tuple[int, str])
    with pytest.raises(ValueError):  # noqa: PT011
        cursors.read("orders", cursors.write("orders", (2**80,)), tuple[Annotated[int, Meta(le=2**62)]])
