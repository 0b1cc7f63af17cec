"""The API is as its OpenAPI document says: every operation, every answer, every error; and nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_asking import Description
from api_stage import Asking, api_of, asking
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from web_stage import served

from monitor.errors import StateUnreachable
from monitor.web.api import routes as api
from monitor.web.api.openapi import document

DESCRIPTION = Description(document())
OPERATIONS = [(method, path, one["operationId"]) for method, path, one in DESCRIPTION.operations()]
DOCUMENTED = {
    (operation["operationId"], int(status))
    for _, _, operation in DESCRIPTION.operations()
    for status in operation["responses"]
    if status != "default"
}
TIMES = ("at", "since", "until", "first_seen", "after_time", "last_shown", "status_since")
NEW = {"matcher": {"source": ["shop"]}, "for": "2h", "reason": "migration"}


def test_the_document_is_openapi() -> None:
    validate(document(), cls=OpenAPIV31SpecValidator)


def test_every_route_is_described_and_every_description_is_a_route() -> None:
    app = web.Application()
    app.add_routes(api.ROUTES)
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    described = {(method, path) for method, path, _ in OPERATIONS}
    assert routes - described == {("HEAD", path) for method, path in described if method == "GET"}
    assert described <= routes


async def test_no_other_part_of_the_server_answers_below_api(tmp_path: Path) -> None:
    described = {path for _, path, _ in OPERATIONS}
    async with served(tmp_path) as stage:
        runner = stage.server._runner
        assert runner is not None
        assert isinstance(runner.app, web.Application)
        served_paths = {resource.canonical for resource in runner.app.router.resources()}
    assert {path for path in served_paths if path.startswith("/api")} == described


def _examples() -> Iterator[Any]:
    for _, _, operation in DESCRIPTION.operations():
        for parameter in operation["parameters"]:
            if "example" in parameter:
                yield pytest.param(parameter["schema"], parameter["example"], id=f"{operation['operationId']} path")
        for media in (operation.get("requestBody", {"content": {}}), *operation["responses"].values()):
            for content in media["content"].values():
                if "example" in content:
                    yield pytest.param(content["schema"], content["example"], id=operation["operationId"])


@pytest.mark.parametrize(("schema", "example"), [*_examples()])
def test_every_example_is_valid(schema: dict[str, Any], example: Any) -> None:
    DESCRIPTION.check(schema, example)


def test_every_operation_has_an_example() -> None:
    good = [
        answer["content"]["application/json"]
        for _, _, operation in DESCRIPTION.operations()
        for status, answer in operation["responses"].items()
        if status.startswith("2") and operation["operationId"] != "openapi"
    ]
    assert len(good) == len(OPERATIONS) - 1
    assert all("example" in content for content in good)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from _objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _objects(inner)


def test_no_object_may_have_fields_that_are_not_described() -> None:
    objects = list(_objects(document()["components"]["schemas"]))
    assert len(objects) > 25
    assert [one["title"] for one in objects if one["additionalProperties"] is not False] == []


def test_times_are_called_times() -> None:
    """All but the end of a silence that is asked for, which may be written as people write times."""
    untold = [
        (one["title"], name)
        for one in _objects(document()["components"]["schemas"])
        for name, field in one["properties"].items()
        if (name.endswith("_at") or name in TIMES)
        and not any(part.get("format") == "date-time" for part in field.get("anyOf", [field]))
    ]
    assert untold == [("NewSilence", "until")]


def filled(path: str, asking: Asking) -> str:
    """The path of an operation about something that is there."""
    ids = {"/events/{id}": 1, "/deliveries/{id}": 1, "/deliveries/{id}/retry": 2, "/silences/{id}": 2}
    shape = path.removeprefix("/api/v1")
    values = {"source": "shop", "name": "shop", "order": asking.moved, "id": ids.get(shape)}
    return shape.format(**values)


def missing(path: str) -> str:
    """The path of an operation about something that is not there."""
    return path.removeprefix("/api/v1").format(source="shop", name="nosuch", order="nosuch", id=999)


async def unusable(_: Callable[[Any], Any]) -> Any:
    raise StateUnreachable("state.db: disk full")


async def test_every_answer_of_every_operation_is_as_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ask`` checks each one; here all are provoked."""
    async with asking(tmp_path) as asked:
        met = asked.api.met
        anybody = api_of(asked.stage, token=None)
        bodies = {"addSilence": NEW}
        for method, path, name in sorted(OPERATIONS, key=lambda one: one[0] == "DELETE"):
            there = filled(path, asked)
            await asked.api.ask(method, there, bodies.get(name))
            assert (await asked.api.ask(method, f"{there}?nonsense=1", bodies.get(name))).status == 400
            assert (await anybody.ask(method, there)).status == 401
            if "{" in path:
                assert (await asked.api.ask(method, missing(path), bodies.get(name))).status == 404
            if method != "GET":
                typed = {"Content_Type": "application/json"}
                assert (await asked.api.ask(method, there, raw=b"x" * 70_000, **typed)).status == 413
                assert (await asked.api.ask(method, there, raw=b"{}", Content_Type="text/plain")).status == 415
                assert (await asked.api.ask(method, there, {"nonsense": 1})).status == 422
                assert (await asked.api.ask(method, there, raw=b"{", **typed)).status == 400
        assert (await asked.api.ask("POST", "/deliveries/1/retry")).status == 409
        context = asked.stage.server.context
        with monkeypatch.context() as broken:
            broken.setattr(context.reader, "read", unusable)
            broken.setattr(context.store, "transact", unusable)
            broken.setattr(context.daemon, "poll_now", unusable)  # as where another daemon must be told
            for method, path, name in OPERATIONS:
                said = await asked.api.ask(method, filled(path, asked), bodies.get(name))
                assert (said.status == 503) is (name != "openapi")
    (tmp_path / "open").mkdir()
    async with served(tmp_path / "open") as stage:
        for method, path, _ in OPERATIONS:
            if method != "GET":
                said = await (nobody := api_of(stage, token=None)).ask(method, filled(path, asked))
                assert said.status == 403
                met |= nobody.met
    assert DOCUMENTED - met - anybody.met == set()


async def test_what_the_document_does_not_allow_is_found(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    from jsonschema import ValidationError

    schema = {"$ref": "#/components/schemas/Retried"}
    DESCRIPTION.check(schema, {"retried": 1})
    for wrong in ({"retried": "1"}, {}, {"retried": 1, "more": 2}):
        with pytest.raises(ValidationError):
            DESCRIPTION.check(schema, wrong)
    with pytest.raises(ValidationError):
        DESCRIPTION.check({"type": "string", "format": "date-time"}, "2026-12-01T08:00:00+01:00")
