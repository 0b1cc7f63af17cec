"""docs/api.md is true: its commands and its script run against a real server, its answers are as described."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_asking import TOKEN, Description
from api_stage import asking

from monitor.web.api.openapi import document

DOCUMENT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
_FENCE = re.compile(r"^```(\w+) ?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(language, name, text) for language, name, text in _FENCE.findall(DOCUMENT)]


def commands() -> Iterator[list[str]]:
    for language, _, text in BLOCKS:
        if language == "sh":
            yield from (shlex.split(line) for line in text.splitlines() if line.startswith("curl "))


def question(command: list[str]) -> tuple[str, str, dict[str, str], bytes | None]:
    """Method, path below /api/v1, headers and body of a line of curl."""
    words = iter(command[1:])
    method, path, headers, body = "", "", {}, None
    for word in words:
        match word:
            case "-sS":
                pass
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value.replace("$TOKEN", TOKEN)
            case "-X":
                method = next(words)
            case "-d":
                body = next(words).encode()
            case _:
                assert word.startswith("$MONITOR/api/v1/"), word
                path = word.removeprefix("$MONITOR/api/v1")
    return method or ("POST" if body else "GET"), path, headers, body


async def test_every_command_of_the_document_is_answered_well(tmp_path: Path) -> None:
    asked_for = [question(command) for command in commands()]
    assert len(asked_for) > 6
    async with asking(tmp_path) as asked:
        asked.api.token = None  # they bring their own
        for method, path, headers, body in asked_for:
            said = await asked.api.ask(method, path, raw=body, **headers)
            missing = method == "DELETE" and said.body.get("error") == "there is no such silence that is active"
            assert said.status in (200, 201, 202) or missing, (method, path, said)


async def test_the_script_that_follows_events_prints_each_once(tmp_path: Path) -> None:
    [script] = [text for language, _, text in BLOCKS if language == "python"]
    async with asking(tmp_path) as asked:

        async def run() -> list[str]:
            environment = {"MONITOR": asked.stage.url, "TOKEN": TOKEN}
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", script, cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
            )
            out, _ = await process.communicate()
            assert process.returncode == 0
            return out.decode().splitlines()

        assert await run() == [f"shop {asked.moved} fraud", f"shop {asked.dead} fraud"]
        assert await run() == []
        asked.stage.world.set_status(asked.moved, "active")
        await asked.stage.app.poll_all()
        assert await run() == [f"shop {asked.moved} active"]


ANSWERS = [pytest.param(name, json.loads(text), id=name) for language, name, text in BLOCKS if language == "json"]


@pytest.mark.parametrize(("name", "answer"), ANSWERS)
def test_every_answer_in_the_document_is_as_described(name: str, answer: Any) -> None:
    Description(document()).check({"$ref": f"#/components/schemas/{name}"}, answer)


def test_every_operation_stands_in_the_document() -> None:
    told = {
        (method, re.sub("[A-Z]+", "{}", path))
        for method, path in re.findall(r"`(GET|POST|DELETE) (/[\w/]+)`", DOCUMENT)
    }
    described = {
        (method, re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1")))
        for method, path, _ in Description(document()).operations()
    }
    assert told == described - {("GET", "/openapi.json")}


def test_every_parameter_stands_in_the_document() -> None:
    parameters = {
        parameter["name"]
        for _, _, operation in Description(document()).operations()
        for parameter in operation["parameters"]
    }
    path = {"id", "name", "order"}
    assert {name for name in parameters - path if not re.search(rf"`{name}[`=]", DOCUMENT)} == set()
