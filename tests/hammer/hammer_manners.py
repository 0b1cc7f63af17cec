"""How a shop behaves, drawn from a seed: what is constant about it, and what it does now and then."""

from __future__ import annotations

import random
from typing import Literal

import msgspec

OFFICIAL = ("pending", "active", "fraud", "cancelled")
UNOFFICIAL = ("suspended", "On Hold")

Order = Literal["newest", "oldest", "shuffled"]
Filter = Literal["honoured", "ignored", "empty", "refused"]
Totals = Literal["true", "off", "random", "absent", "unfiltered"]
LastPage = Literal["true", "short", "long", "absent"]
PastEnd = Literal["empty", "not found", "last page"]
Ids = Literal["number", "digits", "words"]


class Manners(msgspec.Struct, frozen=True, kw_only=True):
    """One shop's ways. The defaults are an honest shop's.

    ``filter``: refused means 422 for any status that is not official, and for ``refused``. ``totals``: off by a
    constant, anything, not said, or of the whole list whatever is filtered. ``cap``: the most rows of a page; it is
    told as ``per_page`` if ``cap_told``. ``paging`` off: each answer is the whole list. ``repeats``: the chance of a
    page to show some row twice; ``hiding``: in another row's place. ``failing``: the chance of a request to have no
    usable answer, in any of the known ways. ``aged`` and ``cached``: the chance of an answer to be that of an earlier
    time, with and without saying so; at most ``kept_s`` seconds earlier. ``amid`` and ``between``: how many changes
    come with each request, and between two polls, on average; in a ``sly`` shop none that moves a total.
    """

    orders: int = 20
    order: Order = "newest"
    filter: Filter = "honoured"
    refused: str = ""
    totals: Totals = "true"
    off_by: int = 0
    last_page: LastPage = "true"
    past_end: PastEnd = "empty"
    cap: int = 5
    cap_told: bool = True
    paging: bool = True
    repeats: float = 0.0
    hiding: bool = False
    failing: float = 0.0
    aged: float = 0.0
    cached: float = 0.0
    kept_s: float = 0.0
    ids: Ids = "number"
    majority: str = "active"
    share: float = 0.7
    unofficial: bool = False
    amid: float = 0.1
    between: float = 1.0
    deletions: bool = True
    sly: bool = False

    @property
    def tells_all(self) -> bool:
        """Whether a reader can know that it has seen the whole list, when nothing changes and nothing fails."""
        totals = self.totals in ("true", "unfiltered") or (self.totals == "absent" and not self.repeats)
        return not self.hiding and ((totals and self.last_page == "true") or not self.paging)

    @property
    def honest(self) -> bool:
        """Whether what it says is true: such a shop's changes are found within their bound."""
        lies = self.hiding or self.repeats or self.failing or self.aged or self.cached or not self.cap_told
        told = self.totals == "true" and self.last_page == "true" and self.filter != "empty"
        return told and not lies and self.paging

    def __str__(self) -> str:
        return ", ".join(f"{k}={v!r}" for k, v in _differing(self).items()) or "honest in all"


def _differing(manners: Manners) -> dict[str, object]:
    honest = msgspec.structs.asdict(Manners())
    return {key: value for key, value in msgspec.structs.asdict(manners).items() if value != honest[key]}


def draw(chance: random.Random, most_orders: int = 60) -> Manners:
    """An honest shop of some size, with none, one or several vices."""
    manners = Manners(
        orders=_size(chance, most_orders),
        order=chance.choice(("newest", "newest", "oldest", "shuffled")),
        past_end=chance.choice(("empty", "not found", "last page")),
        cap=chance.randint(3, 10),
        ids=chance.choice(("number", "number", "digits", "words")),
        majority=chance.choice(("active", "active", *OFFICIAL)),
        share=chance.choice((0.4, 0.7, 0.9, 0.97)),
        unofficial=chance.random() < 0.3,
        amid=chance.choice((0.0, 0.02, 0.1, 0.3)),
        between=chance.choice((0.0, 0.3, 1.0, 3.0)),
        deletions=chance.random() < 0.7,
        sly=chance.random() < 0.15,
    )
    for vice in chance.sample(_VICES, chance.choice((0, 0, 1, 1, 1, 2, 3))):
        manners = msgspec.structs.replace(manners, **vice(chance))
    # Without a true total nobody could tell a row that is hidden from one that is gone.
    hiding = manners.hiding and manners.totals == "true" and manners.paging
    return msgspec.structs.replace(manners, hiding=hiding)


def _size(chance: random.Random, most: int) -> int:
    return chance.choice((0, 1, chance.randint(2, 12), chance.randint(12, most), chance.randint(12, most), most))


def _filter(chance: random.Random) -> dict[str, object]:
    return {"filter": chance.choice(("ignored", "empty", "refused")), "refused": chance.choice(OFFICIAL)}


def _totals(chance: random.Random) -> dict[str, object]:
    off_by = chance.choice((-3, -1, 1, 2, 500))
    return {"totals": chance.choice(("off", "random", "absent", "unfiltered")), "off_by": off_by}


def _last_page(chance: random.Random) -> dict[str, object]:
    return {"last_page": chance.choice(("short", "long", "absent"))}


def _cap(chance: random.Random) -> dict[str, object]:
    return {"cap_told": False} if chance.random() < 0.6 else {"paging": False}


def _repeats(chance: random.Random) -> dict[str, object]:
    return {"repeats": chance.choice((0.1, 0.5)), "hiding": chance.random() < 0.5}


def _failing(chance: random.Random) -> dict[str, object]:
    return {"failing": chance.choice((0.01, 0.05, 0.2))}


def _aged(chance: random.Random) -> dict[str, object]:
    return {"aged": chance.choice((0.02, 0.2)), "kept_s": chance.choice((90.0, 600.0, 3000.0))}


def _cached(chance: random.Random) -> dict[str, object]:
    return {"cached": chance.choice((0.05, 0.5)), "kept_s": chance.choice((45.0, 90.0, 300.0))}


_VICES = (_filter, _totals, _last_page, _cap, _repeats, _failing, _aged, _cached, _cached)
