"""What somebody does on the page in a real browser: find out, mend, mute, log in; by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_stage import PHONE, Visit, dead_letter, row_of, visit
from playwright.async_api import Browser, expect
from surfing import PASSWORD, hashed
from web_stage import served

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_dead_letter_is_sent_again_from_the_page(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        number = await dead_letter(stage)
        await at.go_live()
        await at.page.locator("#dead-live").get_by_role("button", name="Retry").click()
        await expect(at.page.get_by_role("status").filter(has_text="1 dead letter is sent again.")).to_be_visible()
        await expect(at.page.locator("#dead-live")).to_contain_text("None.")
        await stage.until(lambda: len(stage.receiver.received) == 1)
        assert number in stage.receiver.received[0]["title"]


async def test_what_became_of_a_message_is_told_in_the_story_of_its_order(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        number = await dead_letter(stage)
        await at.go_live("/events")
        await row_of(at.page, number).get_by_role("link", name=number).click()
        await expect(at.page.get_by_role("heading", level=1)).to_contain_text(number)
        timeline = at.page.locator(".timeline")
        await expect(timeline).to_contain_text("Dead letter")
        await timeline.get_by_role("button", name="Retry").click()
        await expect(timeline).to_contain_text("Sent")


async def test_a_silence_is_set_and_ended(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live("/silences")
        await at.page.get_by_label("Source", exact=True).fill("shop")
        await at.page.get_by_label("Reason").fill("we are moving")
        await at.page.get_by_role("button", name="Set the silence").click()
        active = at.page.locator("#silence-rows")
        await expect(active).to_contain_text("we are moving")
        await at.is_live()
        order = stage.world.order(stage.world.ids("active")[0])
        stage.world.set_status(order.id, "fraud")
        await stage.app.poll_all()
        assert stage.receiver.received == [], "nobody is told"
        await active.get_by_role("button", name="End now").click()
        await expect(active).to_contain_text("Nothing is silenced.")


async def test_a_silence_that_another_one_set_shows_on_the_open_page(chromium: Browser, tmp_path: Path) -> None:
    async with (
        served(tmp_path) as stage,
        visit(chromium, stage.url) as one,
        visit(chromium, stage.url) as other,
    ):
        await one.go_live("/silences")
        await one.page.get_by_label("Reason").fill("half a sent")
        await other.go_live("/silences")
        await other.page.get_by_label("Order", exact=True).fill("ORD-0001")
        await other.page.get_by_label("Reason").fill("asked for")
        await other.page.get_by_role("button", name="Set the silence").click()
        await expect(one.page.locator("#silence-rows")).to_contain_text("asked for")
        await expect(one.page.get_by_label("Reason")).to_have_value("half a sent")
        assert "Reason" in await one.focused("element.labels[0].textContent")


async def test_who_knows_the_password_gets_in_and_out_again(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, visit(chromium, stage.url) as at:
        await at.go("/orders")
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Log in")
        at.refused = {401, 403}
        await at.page.get_by_label("Password").fill("a wrong one")
        await at.page.keyboard.press("Enter")
        await expect(at.page.get_by_role("alert")).to_have_text("This is not the password.")
        await at.page.get_by_label("Password").fill(PASSWORD)
        await at.page.get_by_role("button", name="Log in").click()
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Orders")
        await at.go_live()
        await at.page.get_by_role("button", name="Log out").click()
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Log in")
        await at.go("/events")
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Log in")


async def test_a_page_whose_session_has_ended_leads_to_the_log_in(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, visit(chromium, stage.url) as at:
        await log_in(at)
        await at.is_live()
        at.refused = {401}
        await at.page.context.clear_cookies()
        order = stage.world.order(stage.world.ids("active")[0])
        stage.world.set_status(order.id, "fraud")
        await stage.app.poll_all()
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Log in")


async def log_in(at: Visit) -> None:
    await at.go()
    await at.page.get_by_label("Password").fill(PASSWORD)
    await at.page.keyboard.press("Enter")


async def test_everything_can_be_done_by_keyboard(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        number = await dead_letter(stage)
        await at.go_live()
        await at.tab_to("Skip to the content", presses=1)
        await at.page.keyboard.press("Enter")
        assert await at.focused("element.id") == "main"
        await at.go_live()
        await at.tab_to("Events")
        await at.page.keyboard.press("Enter")
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Events")
        for _ in range(3):  # source, kind, text
            await at.tab_to("", presses=1)
        await at.page.get_by_label("Text").focus()
        await at.page.keyboard.type(number)
        await at.page.keyboard.press("Enter")
        await at.page.wait_for_url("**/events?*")
        await expect(at.page.locator("#events > li")).to_have_count(1)
        await at.tab_to("Deliveries")
        await at.page.keyboard.press("Enter")
        await expect(at.page.get_by_role("heading", level=1)).to_have_text("Deliveries")
        await at.tab_to("Retry: message")
        await at.page.keyboard.press("Enter")
        await expect(at.page.get_by_role("status").filter(has_text="1 dead letter is sent again.")).to_be_visible()


async def test_a_form_that_was_sent_cannot_be_sent_again_meanwhile(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url, PHONE) as at:
        await at.go_live("/sources/shop")
        # Nobody answers: Playwright itself waits for an answer before it looks at anything.
        await at.page.evaluate("addEventListener('submit', (event) => event.preventDefault())")
        button = at.page.get_by_role("button", name="Poll now")
        await button.click()
        await expect(button).to_be_disabled()


async def test_what_the_overview_shows_does_without_any_script(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url, java_script_enabled=False) as at:
        number = await dead_letter(stage)
        await at.go()
        await expect(row_of(at.page, number)).to_be_visible()
        await expect(at.page.locator("[data-pause]")).to_be_hidden()
        await at.page.locator("#dead-live").get_by_role("button", name="Retry").click()
        await expect(at.page.locator("#dead-live")).to_contain_text("None.")
