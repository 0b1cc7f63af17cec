"""Rules about stuck orders, poll by poll: who is told when, how often, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from polling_shop import Shop
from polling_stage import rows_of
from stuck_stage import ESCALATES, FULL, REMINDS, RULE, Rules, Sent, single, three_pending, together, watched

from monitor.store.base import Store


@pytest.fixture
def shop() -> Shop:
    return three_pending()


@pytest.fixture
async def rules(shop: Shop, store: Store) -> Rules:
    return await watched(shop, store)


async def test_an_order_that_stays_as_it_is_for_long_is_told_of_once(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, RULE)
    assert await watch.tell() == []
    assert await watch.tell(hours=23) == []
    assert await watch.tell(hours=1) == single("1", "2", "3")
    assert [await watch.tell(hours=30) for _ in range(3)] == [[], [], []]
    assert [event.since for event in await watch.stuck()] == [shop.world.order(n).created_at for n in (1, 2, 3)]


async def test_who_was_told_is_reminded_in_one_message(rules: Rules) -> None:
    assert await rules.tell(hours=24) == single("1", "2", "3")
    assert await rules.tell(hours=23) == []
    assert await rules.tell(hours=1) == [together("reminder", "1", "2", "3")]
    assert [event.stuck.reminder for event in await rules.stuck() if event.stuck] == [0, 0, 0, 1, 1, 1]


async def test_without_reminders_nobody_is_reminded(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, ESCALATES)
    await watch.tell()
    assert await watch.tell(hours=24) == single("1", "2", "3")
    assert await watch.tell(hours=47) == []
    assert await watch.tell(hours=1) == [together("reminder", "1", "2", "3", url="b")]
    assert await watch.tell(hours=500) == []


async def test_it_is_escalated_once_and_those_are_reminded_too(rules: Rules) -> None:
    await rules.tell(hours=24)
    assert await rules.tell(hours=24) == [together("reminder", "1", "2", "3")]
    both = [together("reminder", "1", "2", "3", url=url) for url in "ab"]
    assert await rules.tell(hours=24) == both
    assert await rules.tell(hours=24) == both


async def test_what_is_found_late_is_escalated_at_once(shop: Shop, store: Store) -> None:
    shop.clock.pass_(hours=100)
    watch = Rules(shop, store, FULL)
    assert await watch.tell() == [together("overdue", "1", "2", "3", url=url) for url in "ab"]
    assert await watch.tell(hours=1) == []


async def test_those_who_were_told_hear_that_it_is_over(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.shop.world.set_status(1, "active")
    rules.shop.world.set_status(2, "cancelled")
    assert await rules.tell() == [together("closed", "1", "2")]
    await rules.tell(hours=48)
    rules.shop.world.set_status(3, "active")
    assert await rules.tell() == [together("closed", "3", url="a"), together("closed", "3", url="b")]
    assert await rules.tell(hours=500) == []


async def test_an_order_that_nobody_was_told_of_ends_silently(rules: Rules) -> None:
    rules.shop.world.set_status(1, "active")
    assert await rules.tell(hours=1) == []
    assert await rules.tell(hours=24) == single("2", "3")


async def test_where_a_route_leads_the_change_anyway_it_is_told_once(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, FULL, "{name: paid, when: {to: active}, channels: [ops]}")
    await watch.tell()
    await watch.tell(hours=72)
    shop.world.set_status(1, "active")
    assert await watch.tell() == [*single("1", route="paid"), together("closed", "1", url="b")]


@pytest.mark.parametrize("held", ["digest: {daily: '03:00'}", "for: 10m", "quiet: {from: '00:00', to: '23:59'}"])
async def test_an_end_is_told_beside_what_another_route_holds_back(shop: Shop, store: Store, held: str) -> None:
    """Whoever was called at night for it must not hear in the morning that it is over; or, by `for`, perhaps never."""
    watch = Rules(shop, store, REMINDS, f"{{name: paid, when: {{to: active}}, channels: [ops], {held}}}")
    await watch.tell()
    await watch.tell(hours=24)
    shop.world.set_status(1, "active")
    other, end = await watch.tell()
    assert (other.route, other.orders) == ("paid", ("1",))
    assert end == together("closed", "1")


async def test_an_end_that_waits_for_the_same_as_the_other_message_is_told_once(shop: Shop, store: Store) -> None:
    digest = "digest: {daily: '03:00'}, channels"
    paid = "{name: paid, when: {to: active}, channels: [ops]}"
    watch = Rules(shop, store, RULE.replace("channels", digest), paid.replace("channels", digest))
    await watch.tell()
    await watch.tell(hours=24)
    shop.world.set_status(1, "active")
    assert await watch.tell() == [together("digest", "1", route="paid")]


async def test_an_order_that_vanishes_is_no_longer_stuck(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.shop.world.delete(2)
    assert await rules.tell() == []
    assert await rules.tell() == [together("closed", "2")]
    assert await rules.tell(hours=24) == [together("reminder", "1", "3")]


async def test_an_order_that_was_absent_once_is_not_reminded_of(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.shop.world.delete(2)
    assert await rules.tell(hours=24) == [together("reminder", "1", "3")]
    assert await rules.tell() == [together("closed", "2")]


async def test_a_status_that_returns_begins_anew(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.shop.world.set_status(1, "on_hold")
    assert await rules.tell() == [together("closed", "1")]
    rules.shop.world.set_status(1, "pending")
    assert await rules.tell(hours=1) == []
    assert await rules.tell(hours=23) == [together("reminder", "2", "3")]
    assert await rules.tell(hours=1) == single("1")


async def test_only_orders_that_fulfil_all_conditions_are_stuck(shop: Shop, store: Store) -> None:
    shop.place(1, total=9900)
    watch = Rules(shop, store, RULE.replace("after:", "min_total: {USD: 50}, after:"))
    await watch.tell()
    assert await watch.tell(hours=24) == single("4")
    shop.world.change(1, total=8800)
    assert await watch.tell(hours=1) == single("1")


async def test_a_rule_about_another_source_is_none_of_this_ones(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, RULE.replace("after:", "source: blog, after:"))
    await watch.tell()
    assert await watch.tell(hours=24) == []
    assert rows_of(store, "stuck_rules")["stuck_rules"] == []


async def test_rules_go_by_meanings_and_patterns(shop: Shop, store: Store) -> None:
    shop.world.set_status(2, "on_hold")
    shop.world.set_status(3, "active")
    watch = Rules(shop, store, RULE.replace("pending", "[on*, refunded]"), meanings={"shop": {"active": "refunded"}})
    await watch.tell()
    assert sorted(await watch.tell(hours=24)) == single("2", "3")


async def test_an_order_stuck_for_one_rule_is_not_stuck_for_another(shop: Shop, store: Store) -> None:
    longer = RULE.replace("24h", "48h").replace("name: stuck", "name: longer").replace("[ops]", "[boss]")
    watch = Rules(shop, store, RULE, longer)
    await watch.tell()
    assert await watch.tell(hours=24) == single("1", "2", "3")
    assert await watch.tell(hours=24) == single("1", "2", "3", url="b", route="longer")
    shop.world.set_status(1, "active")
    assert sorted(await watch.tell()) == [
        together("closed", "1", url="b", route="longer"),
        together("closed", "1"),
    ]


async def test_two_rules_may_find_an_order_in_one_look(shop: Shop, store: Store) -> None:
    again = RULE.replace("name: stuck", "name: again").replace("[ops]", "[boss]")
    watch = Rules(shop, store, RULE, again)
    await watch.tell()
    assert sorted(await watch.tell(hours=24)) == sorted(
        [*single("1", "2", "3"), *single("1", "2", "3", url="b", route="again")]
    )


async def test_an_order_that_appears_overdue_comes_in_a_summary(rules: Rules) -> None:
    """It was so already: a hundred that are imported at once are no hundred messages."""
    rules.shop.place(2, created_at=rules.shop.clock.now().replace(year=2020))
    assert await rules.tell() == [together("overdue", "4", "5", url=url) for url in "ab"]


async def test_the_route_holds_its_messages_as_it_says(shop: Shop, store: Store) -> None:
    shop.clock.pass_(hours=30)
    grouped = RULE.replace("channels", "group: {by: [order]}, channels")
    watch = Rules(shop, store, grouped)
    shop.place(2)
    assert await watch.tell() == [together("overdue", "1", "2", "3")]
    assert await watch.tell(hours=24) == [together("group", "4"), together("group", "5")]


async def test_a_digest_takes_all_of_it(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, REMINDS.replace("channels", "digest: {daily: '08:00'}, channels"))
    shop.clock.pass_(hours=30)
    shop.place(1)
    told: Sequence[Sent] = await watch.tell()
    assert told == [together("digest", "1", "2", "3")]


async def test_a_summary_is_no_storm_and_a_storm_of_single_ones_is_one_message(shop: Shop, store: Store) -> None:
    shop.place(120)
    shop.clock.pass_(hours=30)
    shop.place(120)
    watch = Rules(shop, store, RULE)
    [summary] = await watch.tell()
    assert (summary.why, len(summary.orders)) == ("overdue", 123)
    [storm] = await watch.tell(hours=24)
    assert (storm.why, len(storm.orders)) == ("storm", 120)


async def test_a_poll_with_nothing_to_tell_writes_no_order(rules: Rules) -> None:
    await rules.tell(hours=24)
    before = rows_of(rules.store, "orders", "stuck", "events")
    await rules.tell(minutes=5)
    assert rows_of(rules.store, "orders", "stuck", "events") == before


async def test_an_escalation_does_not_put_reminders_off(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, FULL.replace("72h", "60h"))
    await watch.tell()
    await watch.tell(hours=24)
    await watch.tell(hours=24)
    assert await watch.tell(hours=12) == [together("reminder", "1", "2", "3", url="b")]
    assert await watch.tell(hours=12) == [together("reminder", "1", "2", "3", url=url) for url in "ab"]


async def test_an_order_that_was_overdue_when_it_was_first_seen_comes_in_a_summary(rules: Rules) -> None:
    """Although the rule had been there before it was."""
    await rules.tell(hours=24)
    await rules.tell(hours=20)
    rules.shop.place(2, created_at=rules.shop.clock.now() - timedelta(hours=30))
    assert await rules.tell() == [together("overdue", "4", "5")]


async def test_an_order_that_changes_in_other_ways_too_is_over_once(rules: Rules) -> None:
    await rules.tell(hours=24)
    rules.shop.world.set_status(1, "active")
    rules.shop.world.change(1, total=8800)
    assert await rules.tell() == [together("closed", "1")]


async def test_after_a_summary_the_next_one_is_told_singly(shop: Shop, store: Store) -> None:
    shop.place(120)
    shop.clock.pass_(minutes=1)
    shop.place(1)
    shop.clock.pass_(hours=23, minutes=59, seconds=30)
    watch = Rules(shop, store, RULE)
    [summary] = await watch.tell()
    assert summary.why == "overdue"
    assert await watch.tell(minutes=1) == single("124")


async def test_reminders_are_no_part_of_a_storm(shop: Shop, store: Store) -> None:
    watch = Rules(shop, store, REMINDS)
    await watch.tell()
    await watch.tell(hours=23)
    shop.place(120)
    await watch.tell(hours=1)
    storm, reminder = await watch.tell(hours=24)
    assert (storm.why, len(storm.orders)) == ("storm", 120)
    assert reminder == together("reminder", "1", "2", "3")
