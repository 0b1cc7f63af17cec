"""Looking orders up in a sorted list: found where they should stand, or proven to stand nowhere, or neither."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from polling_shop import NoLastPage, Rows, Shop, SmallPages
from polling_sweep import Swept, swept

from monitor.polling.habits import Direction, Habits
from monitor.polling.seek import Seeker, Sought
from monitor.polling.snapshot import Depth, Snapshot
from monitor.simulator.dialect import Call, ListOrder

ORDERS: list[ListOrder] = ["newest", "oldest"]
DIRECTIONS = {"newest": Direction.NEWEST_FIRST, "oldest": Direction.OLDEST_FIRST}


class Search:
    """A shop of so many orders that are all known; then ``find`` looks some up.

    ``snapshot`` is the look's. ``page_size`` is what is known of the pages: 0, nothing.
    """

    def __init__(self, order: ListOrder, sweeps: Swept, shop: Shop, page_size: int) -> None:
        self.shop = shop
        self.sweeps = sweeps
        self.snapshot: Snapshot
        self._habits = Habits()
        self._habits.direction, self._habits.page_size = DIRECTIONS[order], page_size

    @classmethod
    async def of(cls, count: int, order: ListOrder, *, page_size: int = 0, most: int = 100) -> Search:
        shop = Shop(order=order)
        shop.place(count)
        if most < 100:
            shop.faults.set(SmallPages(most=most))
        sweeps = swept(shop)
        sweeps.commit(await sweeps.look())
        assert len(sweeps.ledger) == count
        shop.calls.clear()
        return cls(order, sweeps, shop, page_size)

    async def find(self, ids: Sequence[int | str], total: int | None = None) -> Sought:
        self.snapshot = self.sweeps.sight.snapshot(Depth.WATCH)
        self.snapshot.total = total
        return await Seeker(self.sweeps.sight, self.snapshot, self._habits).find([str(i) for i in ids])

    def shown(self, ids: Sequence[int]) -> bool:
        """Whether all these were seen, as they are now."""
        now = {i: self.shop.world.order(i).status for i in ids}
        known = {str(i): self.sweeps.ledger.status(str(i)) for i in ids}
        seen = {i: self.snapshot.order(i).status if i in self.snapshot.sightings else known[i] for i in known}
        return all(self.snapshot.shows(str(i)) and seen[str(i)] == status for i, status in now.items())

    @property
    def pages(self) -> list[str]:
        return [call.query["page"] for call in self.shop.calls]


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> ListOrder:
    made: ListOrder = request.param
    return made


@pytest.mark.parametrize("order_id", [1, 2, 99, 100, 101, 500, 899, 900, 901, 949, 950])
async def test_an_order_where_it_should_stand_takes_one_request(order: ListOrder, order_id: int) -> None:
    search = await Search.of(950, order)
    search.shop.world.set_status(order_id, "fraud")
    assert await search.find([order_id]) == Sought()
    assert search.shown([order_id])
    assert len(search.pages) == 1


async def test_orders_of_one_page_take_one_request_and_the_next_look_asks_for_other_pages(order: ListOrder) -> None:
    search = await Search.of(950, order)
    assert await search.find([420, 425, 430]) == Sought()
    first = search.shop.calls[0].query["per_page"]
    assert await search.find([420, 425, 430]) == Sought()
    assert [call.query["per_page"] for call in search.shop.calls] in ([first, "98"], [first, "100"])
    assert search.shop.calls[1].query["per_page"] != first


@pytest.mark.parametrize("order_id", [1, 99, 100, 101, 102, 199, 500, 851, 901, 949, 950])
async def test_an_order_that_was_deleted_is_absent(order: ListOrder, order_id: int) -> None:
    """At the ends of the list, within a page, and between two."""
    search = await Search.of(950, order)
    search.shop.world.delete(order_id)
    for _ in range(2):
        assert await search.find([order_id]) == Sought(absent=[str(order_id)])
    assert len(search.pages) <= 4


async def test_where_all_that_stand_around_are_gone_too_each_is_absent(order: ListOrder) -> None:
    search = await Search.of(950, order)
    gone = list(range(290, 511))
    for order_id in gone:
        search.shop.world.delete(order_id)
    sought = await search.find([*gone, 289, 511])
    assert sorted(map(int, sought.absent)) == gone
    assert sought.lost == []
    assert search.shown([289, 511])


async def test_an_order_of_a_list_that_was_emptied_is_not_proven_absent_by_nothing(order: ListOrder) -> None:
    search = await Search.of(3, order)
    for order_id in (1, 2, 3):
        search.shop.world.delete(order_id)
    assert await search.find([2]) == Sought(lost=["2"])


@pytest.mark.parametrize("total", [True, False])
async def test_a_list_that_has_grown_meanwhile_is_followed(order: ListOrder, total: bool) -> None:
    search = await Search.of(950, order)
    search.shop.place(333)
    search.shop.world.delete(500)
    assert await search.find([1, 499, 500, 501, 950], 1283 if total else None) == Sought(absent=["500"])
    assert search.shown([1, 499, 501, 950])


@pytest.mark.parametrize("gone", [range(1, 401), range(550, 950)])
async def test_a_list_that_has_lost_many_is_followed(order: ListOrder, gone: range) -> None:
    search = await Search.of(950, order)
    for order_id in gone:
        search.shop.world.delete(order_id)
    search.shop.world.delete(450)
    assert await search.find([401, 450, 549, 950]) == Sought(absent=["450"])
    assert search.shown([401, 549, 950])


@pytest.mark.parametrize("page_size", [0, 30])
@pytest.mark.parametrize("order_id", [1, 30, 31, 60, 61, 200, 369, 370])
async def test_a_server_that_caps_the_page_size_is_followed(order: ListOrder, page_size: int, order_id: int) -> None:
    search = await Search.of(370, order, page_size=page_size, most=30)
    search.shop.world.set_status(order_id, "fraud")
    assert await search.find([order_id]) == Sought()
    assert search.shown([order_id])
    search.shop.world.delete(order_id)
    assert await search.find([order_id]) == Sought(absent=[str(order_id)])


async def test_what_is_no_number_has_no_place(order: ListOrder) -> None:
    search = await Search.of(50, order)
    assert await search.find(["x1", "007", "1" * 19]) == Sought(lost=["x1", "007", "1" * 19])
    assert search.pages == []


async def test_in_a_list_that_is_not_sorted_nothing_has_a_place() -> None:
    search = await Search.of(50, "newest")
    search._habits.direction = Direction.NEITHER
    assert await search.find([7]) == Sought(lost=["7"])


@pytest.mark.parametrize("row", [{"id": "x1", "status": "active"}, {"id": 999}, {"id": 25, "status": "active"}])
async def test_a_page_that_is_not_sorted_as_it_was_proves_nothing(order: ListOrder, row: dict[str, object]) -> None:
    search = await Search.of(50, order)
    search.shop.world.delete(7)
    search.shop.faults.set(Rows(rows=(row,)))
    assert await search.find([7]) == Sought(lost=["7"])


async def test_a_page_of_one_order_that_has_no_number_proves_nothing(order: ListOrder) -> None:
    search = await Search.of(1, order)
    search.shop.world.delete(1)
    search.shop.faults.set(Rows(rows=({"id": "x1", "status": "active"},)))
    assert await search.find([1]) == Sought(lost=["1"])


async def test_a_page_that_does_not_say_whether_others_follow_is_not_taken_for_the_last(order: ListOrder) -> None:
    """It says how many orders there are: so many that this page does not hold them."""
    search = await Search.of(950, order)
    search.shop.world.delete(300)
    if order == "newest":
        search.shop.place(150)  # nobody has told how many there are: all stand further on than is thought
    search.shop.faults.set(NoLastPage())
    sought = await search.find([250, 300, 520, 899], None if order == "newest" else 700)
    assert sought == Sought(absent=["300"])
    assert search.shown([250, 520, 899])


@pytest.mark.parametrize("same_total", [False, True])
@pytest.mark.parametrize("steps", [1, 2])
async def test_an_order_that_moved_over_the_edge_between_two_reads_is_not_proven_absent(
    order: ListOrder, steps: int, same_total: bool
) -> None:
    """Its page says that it stands on another one; while that is asked for, it comes over to the page just read.

    ``same_total``: as many orders go, or come back, at the other end of the list.
    """
    search = await Search.of(950, order)
    search.sweeps.sight.look += 1  # so that pages of 100 are asked for, whose edges are known
    search.sweeps.sight.look -= search.sweeps.sight.look % 2 == 0
    world, oldest = search.shop.world, range(1, steps + 1)
    placed = {i: world.order(i) for i in oldest}
    search.shop.place(steps) if order == "newest" else None
    if order == "oldest" or same_total:
        for order_id in oldest:
            world.delete(order_id)

    async def move(call: Call) -> None:
        if len(search.shop.calls) != 2:
            return
        if order == "newest" or same_total:
            for order_id in oldest:
                world.delete(951 - order_id)
        if order == "oldest" or same_total:
            for order_id, was in placed.items():
                world.place(id=order_id, created_at=was.created_at, total=was.total)

    search.shop.before_answer = move
    sought = await search.find([51 if order == "newest" else 901])
    assert len(search.pages) > 1
    assert sought.absent == []


@pytest.mark.parametrize("seed", range(40))
async def test_who_is_there_all_the_time_is_never_absent_and_is_found_once_the_list_is_quiet(
    order: ListOrder, seed: int
) -> None:
    """Orders are placed, or deleted, between any two requests: no two totals are the same."""
    dice = random.Random(seed)
    grows = dice.random() < 0.5
    most = dice.choice([7, 30, 100])
    search = await Search.of(dice.randrange(20, 400), order, page_size=dice.choice([0, most]), most=most)
    world = search.shop.world

    async def change(call: Call) -> None:
        for _ in range(dice.randrange(3)):
            if grows:
                search.shop.place(1)
            elif len(world.ids()) > 5:
                world.delete(dice.choice([*world.ids()]))

    search.shop.before_answer = change
    for _ in range(4):
        before = set(search.sweeps.ledger.unseen(10**6))
        sought = await search.find(sorted(before, key=int))
        there = set(map(str, world.ids()))
        assert not there & set(sought.absent)
        assert before <= {*sought.absent, *sought.lost, *(i for i in before if search.snapshot.shows(i))}
        search.sweeps.commit(search.snapshot)
    search.shop.before_answer = None
    before = set(search.sweeps.ledger.unseen(10**6))
    sought = await search.find(sorted(before, key=int))
    assert (set(sought.absent), sought.lost) == (before - set(map(str, world.ids())), [])
