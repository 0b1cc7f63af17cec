"""An open page shows what happens while it happens."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from browser_stage import Visit, row_of, visit
from playwright.async_api import Browser, expect
from web_stage import WebStage, served

from monitor.errors import StateUnreachable
from monitor.observers import Observer
from monitor.polling.commit import Committed

pytestmark = pytest.mark.asyncio(loop_scope="session")
SOON_S = 1.0


class Commits(Observer):
    """When looks with events were written, in seconds since 1970."""

    def __init__(self, stage: WebStage) -> None:
        self.at: list[float] = []
        stage.app.observers.append(self)

    def committed(self, source: str, committed: Committed) -> None:
        if committed.events:
            self.at.append(time.time())


async def fraud(stage: WebStage, number: int = 0) -> str:
    """An order turns out to be fraud, which is seen; its number."""
    order = stage.world.order(stage.world.ids("active")[number])
    stage.world.set_status(order.id, "fraud")
    await stage.app.poll_all()
    return order.number


async def test_a_change_shows_on_the_open_page_within_a_second_of_its_commit(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        commits = Commits(stage)
        await at.go_live()
        order = stage.world.order(stage.world.ids("active")[0])
        arrival = asyncio.create_task(at.arrival(order.number))
        assert await fraud(stage) == order.number
        assert await arrival - commits.at[-1] < SOON_S
        await expect(row_of(at.page, order.number)).to_contain_text("fraud", ignore_case=True)


async def test_the_newest_row_is_on_top_and_a_screen_reader_is_told_politely(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live("/events")
        announcer = at.page.locator("[data-announce]")
        first = await fraud(stage)
        await expect(announcer).to_contain_text(f"1 new event: Fraud: {first}")
        second, third = await fraud(stage), await fraud(stage)
        await expect(at.page.locator("#events > li").first).to_contain_text(third)
        await expect(at.page.locator("#events > li").nth(1)).to_contain_text(second)
        assert first in await announcer.inner_text(), "not more than once in five seconds"


async def test_only_rows_that_fit_the_filter_come_in(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        wanted, other = (stage.world.order(stage.world.ids("active")[place]) for place in (0, 1))
        await at.go_live(f"/events?source=shop&kind=status_changed&text={wanted.number.lower()}")
        stage.world.place(number=f"{wanted.number}-copy")  # another kind
        stage.world.set_status(other.id, "fraud")  # another text
        await stage.app.poll_all()
        stage.world.set_status(wanted.id, "fraud")
        await stage.app.poll_all()
        await expect(row_of(at.page, wanted.number)).to_be_visible()
        assert await at.page.locator("#events > li").count() == 1
        await at.page.reload()
        assert await at.page.locator("#events > li").count() == 1, "as the server would have filtered it"


async def test_while_it_is_paused_new_rows_wait(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live()
        pause = at.page.locator("[data-pause]")
        await pause.click()
        await expect(pause).to_have_attribute("aria-pressed", "true")
        number = await fraud(stage)
        await expect(at.page.locator("[data-connection]")).to_have_text("Paused: 1 new")
        await expect(row_of(at.page, number)).to_have_count(0)
        await pause.click()
        await expect(row_of(at.page, number)).to_have_count(1)
        await at.is_live()


async def test_parts_follow_and_what_has_the_focus_keeps_it(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        stage.receiver.status = 400
        await fraud(stage)
        await at.go_live("/deliveries")
        retries = at.page.get_by_role("button", name="Retry: message")
        await expect(retries).to_have_count(1)
        await retries.focus()
        kept = await at.focused("element.closest('form')?.action")
        await fraud(stage)
        await expect(retries).to_have_count(2)
        assert await at.focused("element.closest('form')?.action") == kept, "not that of the row in its place"


async def test_a_page_that_misses_too_much_is_whole_again(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, orders=700) as stage, visit(chromium, stage.url) as at:
        await at.go_live("/events")
        for order in list(stage.world.ids("active"))[:600]:
            stage.world.set_status(order, "fraud")
        await stage.app.poll_all()
        newest = (await stage.app.store.read(lambda tx: tx.pulse())).event
        await expect(at.page.locator("#events > li").first).to_have_attribute("data-event", str(newest))
        await at.page.reload()
        await at.is_live()
        number = await fraud(stage)
        await expect(at.page.locator("#events > li").first).to_contain_text(number)


async def test_no_more_rows_than_the_list_is_for(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, orders=200) as stage, visit(chromium, stage.url) as at:
        await at.go_live()
        for order in list(stage.world.ids("active"))[:40]:
            stage.world.set_status(order, "fraud")
        await stage.app.poll_all()
        await expect(at.page.locator("#events > li")).to_have_count(30)


async def test_a_page_that_nobody_sees_asks_for_nothing_and_catches_up(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live()
        await hide(at, hidden=True)
        await stage.until(lambda: not stage.server.context.hub.listens)
        number = await fraud(stage)
        await hide(at, hidden=False)
        await expect(row_of(at.page, number)).to_have_count(1)
        await at.is_live()


async def hide(at: Visit, *, hidden: bool) -> None:
    """As if somebody went to another tab, or came back."""
    await at.page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


async def test_times_in_words_go_on(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.page.clock.install()
        await at.go_live()
        number = await fraud(stage)
        await expect(row_of(at.page, number).locator("time[data-near]")).to_have_text("just now")
        await at.page.clock.run_for(130_000)
        await expect(row_of(at.page, number).locator("time[data-near]")).to_have_text("2 min ago")


async def test_while_the_state_cannot_be_read_the_page_says_that_it_is_out_of_date(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(work: object) -> None:
        raise StateUnreachable("the database is away")

    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live()
        banner = at.page.locator("[data-trouble]")
        await expect(banner).to_be_hidden()
        with monkeypatch.context() as away:
            away.setattr(stage.server.context.reader, "read", unreadable)
            await expect(banner).to_be_visible()
            await expect(banner).to_contain_text("may be out of date")
        await expect(banner).to_be_hidden()
        await expect(at.page.locator("#verdict-title")).to_be_visible()
