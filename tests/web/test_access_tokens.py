"""Machines ask with a token, people with a session."""

from __future__ import annotations

from pathlib import Path

from surfing import TOKEN, Browser, hashed
from web_stage import served

MACHINES = ("/metrics", "/api/v1/sources")
OTHERS = ("/", "/events", "/stream")


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": token}


async def test_without_password_and_token_everything_is_open_on_this_machine(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as machine:
        for path in MACHINES:
            assert (await machine.get(path)).status == 200
            assert (await machine.get(path, _bearer("Bearer of-another-monitor"))).status == 200


async def test_with_a_token_alone_machines_need_it_and_people_do_not(tmp_path: Path) -> None:
    async with served(tmp_path, token=TOKEN) as stage, Browser(stage.url) as machine:
        assert (await machine.get("/")).status == 200
        for path in MACHINES:
            refused = await machine.get(path)
            assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Bearer realm="order-monitor"')
            assert (await machine.get(path, _bearer(f"Bearer {TOKEN}"))).status == 200
            assert (await machine.get(path, _bearer(f"bearer  {TOKEN} "))).status == 200


async def test_no_other_token_will_do(tmp_path: Path) -> None:
    async with served(tmp_path, token=TOKEN) as stage, Browser(stage.url) as machine:
        for sent in ("Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, "Bearer ÿ", "b\tx"):
            for path in MACHINES:
                assert (await machine.get(path, _bearer(sent))).status == 401, sent
        assert (await machine.get("/metrics", _bearer(f"Basic {TOKEN}"))).status == 401


async def test_with_a_password_alone_machines_need_a_session(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        for path in MACHINES:
            assert (await browser.get(path)).status == 401
        await browser.log_in()
        for path in MACHINES:
            assert (await browser.get(path)).status == 200


async def test_with_both_either_will_do_and_the_token_opens_no_page(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed(), token=TOKEN) as stage, Browser(stage.url) as browser:
        for path in MACHINES:
            assert (await browser.get(path, _bearer(f"Bearer {TOKEN}"))).status == 200
        for path in OTHERS:
            assert (await browser.get(path, _bearer(f"Bearer {TOKEN}"))).status in (303, 401)
        await browser.log_in()
        for path in MACHINES:
            assert (await browser.get(path)).status == 200
            assert (await browser.get(path, _bearer("Bearer wrong"))).status == 401


async def test_what_needs_no_log_in_is_answered_without_one(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed(), token=TOKEN) as stage, Browser(stage.url) as machine:
        for path in ("/healthz", "/readyz", "/login", "/static/nothing", "/hooks/nothing"):
            assert (await machine.get(path)).status in (200, 404, 405, 503), path


SPELLINGS = [
    "/static/../events", "/static/%2e%2e/events", "/static/..%2fevents", "/healthz/../events", "//events",
    "/hooks/../events", "/login/../events", "/login/%2e%2e/api/v1/sources", "/events;/static/x", "/%65vents",
    "/events/", "/EVENTS", "/api/../events", "/static%2f../events", "/./events",
]  # fmt: skip


async def test_no_spelling_of_a_path_opens_it(tmp_path: Path) -> None:
    """What is asked for is judged by the route that answers it, not by how its address begins."""
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        for path in SPELLINGS:
            assert (await browser.get(path)).status in (303, 401, 403, 404), path
