"""What a source's contract says; ``test_contract.py`` holds every source to its own.

To add one: write the source's dialect (``monitor/simulator``, with its line in ``registry.py``); then a file
``contract_<name>.py`` beside this one with a ``Contract`` in it, after the model of ``contract_opterius.py``; then its
line in ``contracts.py``. Nothing else: the fields below say what the tests need to know, and what is left out is as it
is for most systems. Run ``pytest tests/contract -k <name>``; all tests of one contract should take 3 s at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monitor.simulator.truth import TrueOrder

CREDENTIAL = "credential-4f1c9d"
"""The simulator's token. A dialect with two secrets makes both of it."""


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one source can do, and how it says things.

    ``source`` is a source's settings as they stand in a configuration, a YAML mapping; ``{url}``, ``{credential}`` and
    ``{orders}`` (a list of the ids to follow) are filled in. ``dialect`` is the simulator's.
    """

    name: str
    dialect: str
    source: str

    statuses: Mapping[str, str]
    """Statuses in the system's own spelling, two or more, and what each means to us; nothing: "". An order goes from
    each to the next, and from the last to the first."""

    notices: str
    """How soon changes are noticed, in the words of the log, where the system has ``orders`` of them."""

    refusal: str = ""
    """Why the list is read whole although it is long; nothing: it is not, or orders are followed by id."""

    quiet_requests: int
    """How many requests a poll takes at most when nothing happens, with as many orders."""

    orders: int = 1500
    """How many orders there are where ``notices`` and ``quiet_requests`` are true. Seeded: of all four statuses."""

    list_at: tuple[str, ...] | None
    """The keys that lead to the list in an answer; none: the answer is the list. None: orders are followed by id."""

    page_size: int
    """How many orders a page has in the requests that the adapter makes. For followed orders a handful."""

    requests_to_the_end: int = 3
    """How many requests show more orders than two pages, at the least; 1 where the whole list comes at once."""

    says_unauthenticated: str
    """A part of what it says to a credential that has expired."""

    fails_with_200: bool = True
    """Whether some of its errors have status 200: then the dialect's ``error(200, …)`` is one."""

    order_id: Callable[[TrueOrder], str] = lambda order: str(order.id)
    """What the system knows this order by."""

    proves_deletions: bool = True
    """Whether an order that is gone can be told from one that is not shown."""

    shows_invoices: bool = False
    shows_services: bool = False
    """Whether it watches the status of an order's invoice, and of its services."""

    canaries: tuple[str, ...] = ()
    """Values of secret fields that the dialect shows (a password, an IP address): never stored, logged or sent."""

    credentials: tuple[str, ...] = (CREDENTIAL,)
    """The credentials as they may be met somewhere, besides their usual encodings."""

    @property
    def lists(self) -> bool:
        """Whether the system has a list; else its orders are followed by id."""
        return self.list_at is not None

    @property
    def over_two_pages(self) -> int:
        """More orders than two pages hold."""
        return 2 * self.page_size + 5
