"""Rules about stuck orders over a long time: what was there before, restarts, troubles, clocks that are set back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from polling_shop import Shop, SmallPages
from polling_stage import BreakableStore, BrokenTransaction, rows_of
from stuck_stage import (
    ESCALATES,
    FULL,
    OTHER,
    REMINDS,
    RULE,
    Rules,
    set_back,
    single,
    three_pending,
    together,
    watched,
)

from monitor.alerting.silences import Matcher
from monitor.model import Meaning, Stuck
from monitor.simulator.faults import Failure
from monitor.store.base import Store
from monitor.store.sqlite import SqliteStore


@pytest.fixture
def shop() -> Shop:
    return three_pending()


@pytest.fixture
async def rules(shop: Shop, store: Store) -> Rules:
    return await watched(shop, store)


async def test_what_was_overdue_at_the_baseline_is_one_summary(shop: Shop, store: Store) -> None:
    shop.clock.pass_(hours=30)
    shop.place(1)
    watch = Rules(shop, store, REMINDS)
    assert await watch.tell() == [together("overdue", "1", "2", "3")]
    assert await watch.tell(hours=24) == [*single("4"), together("reminder", "1", "2", "3")]


async def test_nothing_is_said_before_the_baseline_is_whole(shop: Shop, store: Store) -> None:
    """Else the rest of the baseline would come one by one."""
    shop.place(9)
    shop.faults.set(SmallPages(most=6))
    shop.faults.set(Failure(page=2, times=1))
    shop.clock.pass_(hours=30)
    watch = Rules(shop, store, RULE)
    assert await watch.tell() == []
    assert await watch.tell() == [together("overdue", *map(str, range(1, 13)))]


async def test_a_new_route_tells_of_what_was_overdue_in_one_summary(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, OTHER)
    await watch.tell()
    watch.shop.clock.pass_(hours=30)
    watch.reload(RULE)
    assert await watch.tell() == [together("overdue", "1", "2", "3")]
    assert await watch.tell(hours=1) == []


async def test_a_rule_that_asks_for_something_else_tells_of_what_is_new_in_one_summary(
    shop: Shop, store: Store
) -> None:
    watch = Rules(shop, store, RULE)
    await watch.tell(hours=0)
    await watch.tell(hours=25)
    shop.place(2)
    await watch.tell()
    watch.reload(RULE.replace("24h", "12h"))
    assert await watch.tell(hours=14) == [together("overdue", "4", "5")]
    watch.reload(RULE.replace("24h", "48h"))
    assert await watch.tell() == [], "none of them is, by this rule, as yet"
    assert await watch.tell(hours=10) == single("1", "2", "3")


async def test_a_rule_that_is_removed_and_comes_back_is_a_new_one(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, RULE)
    await watch.tell()
    await watch.tell(hours=25)
    watch.reload(OTHER)
    shop.world.set_status(1, "active")
    assert await watch.tell() == []
    assert rows_of(store, "stuck", "stuck_rules") == {"stuck": [], "stuck_rules": []}
    watch.reload(RULE)
    assert await watch.tell() == [together("overdue", "2", "3")]


async def test_what_a_silence_muted_was_not_told(shop: Shop, store: Store) -> None:
    """Who never heard of it is not told "still stuck, told twice before"; nor of all that was muted one by one."""
    watch = Rules(shop, store, REMINDS)
    await watch.tell()
    now, matcher = shop.clock.now(), Matcher(order=("1",))
    await store.transact(lambda tx: tx.add_silence(matcher, now, now + timedelta(hours=60), "known"))
    assert await watch.tell(hours=24) == single("2", "3")
    assert await watch.tell(hours=24) == [together("reminder", "2", "3")]
    assert await watch.tell(hours=24) == [together("overdue", "1"), together("reminder", "2", "3")]
    told = [event.stuck for event in await watch.stuck() if event.order.id == "1"]
    assert told == [Stuck("stuck"), *[Stuck("stuck", already=True)] * 2]


async def test_a_restart_neither_forgets_nor_repeats_anything(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.restart()
    assert await rules.tell() == []
    rules.restart()
    assert await rules.tell(hours=24) == [together("reminder", "1", "2", "3")]
    rules.restart()
    rules.shop.world.set_status(1, "active")
    assert await rules.tell() == [together("closed", "1")]


async def test_another_system_under_the_same_name_is_a_new_baseline(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.restart(url="https://other.example.com")
    assert await rules.tell() == [together("overdue", "1", "2", "3")]


async def test_while_a_source_fails_nothing_is_stuck(rules: Rules) -> None:
    rules.shop.faults.set(Failure(page=1, times=3))
    assert [await rules.tell(hours=30) for _ in range(3)] == [[], [], []]
    assert (await rules.state()).sure == ()
    assert await rules.tell() != []


async def test_what_moved_on_while_the_source_was_away_is_never_told(rules: Rules) -> None:
    rules.shop.faults.set(Failure(page=1, times=2))
    await rules.tell(hours=30)
    rules.shop.world.set_status(1, "active")
    await rules.tell(hours=1)
    assert await rules.tell() == single("2", "3")


async def test_while_a_source_is_doubtful_its_rules_are_muted(shop: Shop, store: Store) -> None:
    shop.place(20)
    watch = Rules(shop, store, REMINDS)
    await watch.tell()
    for number in range(1, 12):
        shop.world.delete(number)
    assert await watch.tell(hours=30) == []
    assert await watch.doubt() is not None
    assert await watch.accept()
    told = await watch.tell()
    assert [one.orders for one in told] == [(str(number),) for number in range(12, 24)]


async def test_the_clock_set_back_holds_no_reminder_up(rules: Rules) -> None:
    await rules.tell(hours=24)
    set_back(rules.shop, hours=240)
    assert await rules.tell() == [together("reminder", "1", "2", "3")]
    assert await rules.tell(hours=24) == [together("reminder", "1", "2", "3")]


async def test_the_clock_set_back_hides_no_order_for_ever(shop: Shop, store: Store) -> None:
    shop.clock.pass_(days=400)
    watch = Rules(shop, store, RULE)
    await watch.tell()
    shop.place(1)
    await watch.tell()
    set_back(shop, days=400)
    shop.place(1)
    await watch.tell()
    assert await watch.tell(hours=25) == single("5", "4")


async def test_a_death_at_any_point_of_a_commit_tells_nothing_twice_and_forgets_nothing(
    shop: Shop, store: SqliteStore
) -> None:
    watch = Rules(shop, store, FULL)
    await watch.tell()
    await watch.tell(hours=72)
    shop.place(2)
    await watch.tell()
    shop.world.set_status(1, "active")
    shop.clock.pass_(hours=24)
    tables = ("orders", "stuck", "stuck_rules", "events", "deliveries", "delivery_events")
    before = rows_of(store, *tables)
    breakable, broke = BreakableStore(store), 0
    watch.restart(breakable)
    for number in range(1, 99):
        breakable.break_at = number
        try:
            await watch.poll(apart=0)
        except BrokenTransaction:
            broke += 1
            assert rows_of(store, *tables) == before
        else:
            break
    watch.store = store
    assert broke > 15
    assert sorted(watch.made()) == sorted(
        [
            *(together("closed", "1", url=url) for url in "ab"),
            *single("4", "5"),
            *(together("reminder", "2", "3", url=url) for url in "ab"),
        ]
    )


async def test_the_clock_set_back_holds_no_escalation_up(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, ESCALATES)
    await watch.tell()
    await watch.tell(hours=24)
    set_back(shop, hours=240)
    assert await watch.tell() == []
    assert await watch.tell(hours=72) == [together("reminder", "1", "2", "3", url="b")]


async def test_a_route_of_the_same_name_that_is_no_such_rule_tells_of_no_end(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, RULE)
    await watch.tell()
    await watch.tell(hours=24)
    watch.reload(OTHER.replace("other", "stuck"))
    shop.world.set_status(1, "active")
    assert await watch.tell() == []


async def test_what_a_status_no_longer_means_is_dropped_without_a_word(shop: Shop, store: Store) -> None:
    rule = REMINDS.replace("pending", "suspended")
    watch = Rules(shop, store, rule, meanings={"shop": {"pending": Meaning.SUSPENDED}})
    await watch.tell()
    assert await watch.tell(hours=24) == single("1", "2", "3")
    watch.reload(rule)
    assert await watch.tell(hours=24) == []
    assert rows_of(store, "stuck") == {"stuck": []}


async def test_an_order_that_moved_on_where_only_totals_are_watched_is_looked_for_first(
    shop: Shop, store: Store
) -> None:
    """Its status is not read while the totals add up; when they do not, nothing is told before that is explained."""
    shop.place(150, status="fraud")
    shop.place(1500, status="active")
    watch = Rules(shop, store, RULE.replace("pending", "fraud"))
    await watch.tell()
    await watch.tell(hours=23, minutes=59)
    assert (await watch.state()).sure == ("*",)
    shop.world.set_status(70, "active")
    [summary] = await watch.tell(minutes=1)
    assert (len(summary.orders), "70" in summary.orders) == (149, False)


async def test_of_very_many_each_look_tells_of_a_part_until_all_are_told(
    shop: Shop, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction must not hold up the outbox for as long as a million orders take."""
    monkeypatch.setattr("monitor.polling.stuck.MOST", 2)
    monkeypatch.setattr("monitor.polling.stuck._CHUNK", 1)
    shop.clock.pass_(hours=30)
    watch = Rules(shop, store, REMINDS)
    assert await watch.tell() == [together("overdue", "1", "2")]
    assert await watch.tell() == [together("overdue", "3")]
    assert await watch.tell(hours=24) == [together("reminder", "1", "2")]
    assert await watch.tell() == [together("reminder", "3")]
