"""`probe`: what it prints is a configuration that reads the orders which it showed."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web
from connections import listening

from monitor.cli import main, parser
from monitor.config import load
from monitor.polling.sweep import PART
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import Simulator
from monitor.simulator.truth import TrueItem
from monitor.simulator.world import World

TOKEN = "canary-token"
LIST = "/api/v1/orders"


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return str(file)


def shop(orders: int = 250) -> World:
    world = World()
    for number in range(1, orders + 1):
        world.place(number=f"ORD-{number:04}", total=2200, items=[TrueItem("Starter Hosting", 2, 1100)])
    world.set_status(orders, "fraud")
    return world


async def probe(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["probe", *arguments])


async def test_it_shows_the_orders_and_prints_a_description_that_reads_them(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, token_file: str
) -> None:
    async with Simulator(shop(), token=TOKEN) as simulator:
        assert await probe(f"{simulator.url}{LIST}?per_page=100", "--secret-file", token_file) == 0
        said = capsys.readouterr()
        assert "ORD-0250" in said.err
        assert "fraud" in said.err
        assert "Starter Hosting ×2" in said.err
        assert "and 90 more on this page" in said.err
        assert "# amounts are whole numbers: if 2200 means 22.00, set `money: minor`" in said.out
        file = tmp_path / "monitor.yaml"
        file.write_text(said.out + "\nchannels: {ops: {url: 'json://127.0.0.1:1/'}}\n")
        settings = load(file, {"SHOP_TOKEN": TOKEN})
        assert settings.sources["shop"].type == "rest"
        monkey = pytest.MonkeyPatch()
        monkey.setenv("SHOP_TOKEN", TOKEN)
        try:
            assert await asyncio.to_thread(main, ["poll", "-c", str(file)]) == 0
            capsys.readouterr()
            assert await asyncio.to_thread(main, ["orders", "-c", str(file), "--json"]) == 0
        finally:
            monkey.undo()
        assert len(capsys.readouterr().out.splitlines()) == 250 < PART


async def test_neither_the_token_nor_a_secret_of_the_address_is_printed(
    capsys: pytest.CaptureFixture[str], token_file: str
) -> None:
    async with Simulator(shop(3), token=TOKEN) as simulator:
        url = f"{simulator.url}{LIST}?api_key=canary-key&sort=-id"
        assert await probe(url, "--secret-file", token_file, "--name", "my_shop") == 0
    said = capsys.readouterr()
    assert "canary" not in said.out + said.err
    assert "api_key: ${MY_SHOP_API_KEY}" in said.out
    assert "bearer: ${MY_SHOP_TOKEN}" in said.out
    assert "sort: -id" in said.out


@pytest.mark.parametrize(
    ("auth", "secret", "sent", "printed"),
    [
        ("bearer", "abcd", ("Authorization", "Bearer abcd"), "bearer: ${SHOP_TOKEN}"),
        ("basic", "key:word", ("Authorization", "Basic a2V5OndvcmQ="), "password: ${SHOP_PASSWORD}"),
        ("header:X-API-Key", "abcd", ("X-API-Key", "abcd"), "X-API-Key: ${SHOP_TOKEN}"),
    ],
)
async def test_credentials_are_sent_as_they_are_described(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, auth: str, secret: str, sent: tuple[str, str], printed: str
) -> None:
    got: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        got.append(request.headers.get(sent[0]))
        return web.json_response([{"id": 1, "status": "paid"}])

    app = web.Application()
    app.router.add_get("/", handler)
    file = tmp_path / "secret"
    file.write_text(secret)
    async with listening(app) as port:
        assert await probe(f"http://127.0.0.1:{port}/", "--auth", auth, "--secret-file", str(file)) == 0
    assert got == [sent[1]]
    assert printed in capsys.readouterr().out


HOSTILE = {"da\nta\x1b[3m": [{"id": "7\x1b[2J", "status": "ba\x1b[31md\nchannels: {}"}]}
SPECIAL = [
    {"id": number, "status": status}
    for number, status in enumerate(("NO", "1e3", "0o17", "~", "void ${HOME}", "ok $$ ${", "open \u202e", "begünstigt"))
]


@pytest.mark.parametrize("body", [HOSTILE, SPECIAL])
async def test_whatever_a_page_holds_is_printed_as_one_configuration_without_commands_to_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, body: object
) -> None:
    app = web.Application()
    app.router.add_get("/", partial(_shown, body))
    async with listening(app) as port:
        assert await probe(f"http://127.0.0.1:{port}/?since=1e3&no=yes&key%2Dname=canary&of=%24%7BHOME%7D%24%24") == 0
    said = capsys.readouterr()
    assert all(sign.isprintable() or sign == "\n" for sign in said.out + said.err)
    file = tmp_path / "monitor.yaml"
    file.write_text(said.out + "\nchannels: {ops: {url: 'json://127.0.0.1:1/'}}\n")
    source = load(file, {"SHOP_KEY_NAME": "canary"}).sources["shop"].model_dump()
    assert source["params"] == {"since": "1e3", "no": "yes", "of": "${HOME}$$"}


async def _shown(body: object, request: web.Request) -> web.Response:
    return web.json_response(body)


async def test_as_json_it_prints_description_remarks_and_orders(
    capsys: pytest.CaptureFixture[str], token_file: str
) -> None:
    async with Simulator(shop(2), token=TOKEN) as simulator:
        assert await probe(simulator.url + LIST, "--secret-file", token_file, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["auth"] == {"bearer": "${SHOP_TOKEN}"}
    assert [order["id"] for order in said["orders"]] == ["2", "1"]
    assert said["remarks"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ftp://shop.example.com/",), "URL: expected an address"),
        (("https://user:canary@shop.example.com/",), "URL: expected an address"),
        (("https://shop.example.com/", "--auth", "basic"), "--auth basic needs --secret-file"),
        (("https://shop.example.com/", "--secret-file", "/nowhere"), "--secret-file: /nowhere cannot be read"),
        (("https://shop.example.com/", "--auth", "magic", "--secret-file", "FILE"), "--auth: expected bearer"),
        (("https://shop.example.com/", "--auth", "header:X Key\n", "--secret-file", "FILE"), "--auth: a header's name"),
    ],
)
async def test_bad_usage_is_said_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], token_file: str, arguments: tuple[str, ...], said: str
) -> None:
    assert await probe(*(token_file if part == "FILE" else part for part in arguments)) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "canary" not in error


async def test_a_source_that_does_not_answer_is_an_error_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], token_file: str
) -> None:
    async with Simulator(shop(2), token="another") as simulator:
        assert await probe(simulator.url + LIST, "--secret-file", token_file) == 1
    error = capsys.readouterr().err
    assert "the token is refused" in error
    assert TOKEN not in error


def test_the_simulator_is_offered_in_every_dialect_that_it_speaks() -> None:
    assert set(parser.DIALECTS) == set(DIALECTS)
