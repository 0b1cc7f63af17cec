"""A health check reads a state's signs of life without opening it to write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import database
from store_examples import T0

from monitor.errors import StateUnreachable
from monitor.store.glimpse import glimpse_of
from monitor.store.opening import open_store


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A state that does not exist yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state.db'}"
        return
    with database(empty=True) as made:
        yield made


async def test_the_signs_are_those_of_the_state(url: str) -> None:
    store = open_store(url)
    await store.transact(lambda tx: tx.live(T0, {"shop": T0}))
    assert glimpse_of(url, T0, 5.0) == await store.read(lambda tx: tx.signs(T0))
    assert glimpse_of(url, T0, 5.0).alive_at == T0
    await store.aclose()


def test_a_state_that_is_not_there_is_said_and_not_made(url: str) -> None:
    for _ in range(2):
        with pytest.raises(StateUnreachable, match="there is no state yet; `order-monitor run` or `poll` makes it"):
            glimpse_of(url, T0, 5.0)


def test_a_database_that_is_away_is_said_without_a_password() -> None:
    with pytest.raises(StateUnreachable, match="refused") as caught:
        glimpse_of("postgresql://monitor:quillaphone@127.0.0.1:1/monitor", T0, 5.0)
    assert "quillaphone" not in str(caught.value)
