"""How a rest source may be described: each mistake at its place, in words that hold no secret."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from rest_shop import URL, settings, source

from monitor.sources.base import DetailSource, ListQuery, ListSource, ModifiedSource, Source, is_chained
from monitor.sources.registry import ADAPTERS
from monitor.sources.rest import make
from monitor.sources.rest_settings import RestSettings

MODIFIED = {"modified": {"param": "since"}, "fields": {"modified_at": "updated"}}
ORDER = {"order": {"path": "/orders/{id}"}}
PAGES_INSIDE = {"by": "page", "param": "a.page"}


def fault(**described: Any) -> tuple[tuple[str | int, ...], str]:
    with pytest.raises(ValidationError) as caught:
        settings(**described)
    (found,) = caught.value.errors(include_input=False)
    return found["loc"], found["msg"]


def test_the_registry_makes_the_adapter_from_its_settings() -> None:
    assert ADAPTERS["rest"].settings is RestSettings
    assert ADAPTERS["rest"].make is make


def test_its_identity_is_its_address_without_credentials() -> None:
    made: Source = source(auth={"bearer": "canary"}, params={"sort": "-id"})
    assert made.identity == f"rest {URL}/api/v1/orders"


@pytest.mark.parametrize("fields", [{"id": "number"}, {"status": "state"}])
def test_another_place_of_id_or_status_is_another_source(fields: dict[str, str]) -> None:
    """Else each order would be told as changed, or as gone and new."""
    assert source(fields=fields).identity != source().identity
    assert source(fields={**fields, "total": "amount"}).identity == source(fields=fields).identity


@pytest.mark.parametrize("described", [{"params": {"a": 1, "a.b": 2}}, {"params": {"a": 1}, "pages": PAGES_INSIDE}])
def test_a_parameter_in_json_is_a_value_or_holds_others(described: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a cannot be a value and hold others"):
        settings(send="json", **described)
    assert settings(send="form", **described).send == "form"


@pytest.mark.parametrize(
    ("described", "modified", "single"),
    [({}, False, False), (MODIFIED, True, False), (ORDER, False, True), ({**MODIFIED, **ORDER}, True, True)],
)
def test_what_is_described_decides_what_it_can_do(described: dict[str, Any], modified: bool, single: bool) -> None:
    made = source(**described)
    assert isinstance(made, ListSource)
    assert isinstance(made, ModifiedSource) is modified
    assert isinstance(made, DetailSource) is single


@pytest.mark.parametrize(
    ("described", "chained"),
    [
        ({}, False),
        ({"pages": {"by": "page"}}, True),
        ({"pages": {"by": "offset"}}, True),
        ({"pages": {"by": "page"}, "total": "meta.total"}, False),
        ({"pages": {"by": "page", "count": "meta.last_page"}}, False),
        ({"pages": {"by": "cursor"}, "total": "meta.total"}, True),
        ({"pages": {"by": "link", "next": "links.next"}}, True),
        ({"pages": {"by": "header"}}, True),
    ],
)
def test_pages_are_read_one_after_the_other_where_nothing_tells_how_many(
    described: dict[str, Any], chained: bool
) -> None:
    assert is_chained(source(**described)) is chained


def test_changes_are_asked_for_again_for_some_seconds() -> None:
    made = source(**MODIFIED)
    assert isinstance(made, ModifiedSource)
    assert made.overlap == timedelta(seconds=5)


def test_statuses_to_ask_for_are_those_described() -> None:
    made = source(by_status={"param": "status", "values": ["new", "paid"], "open": ["new"]})
    assert (made.statuses, made.open_statuses) == (("new", "paid"), ("new",))
    assert source().statuses == ()


@pytest.mark.parametrize(
    ("expression", "fault_"),
    [
        ("data[", "it ends too early"),
        ("", "there is nothing"),
        ("a b", "what begins at its character 3 is not expected there"),
        ("a.'b", "what begins at its character 3 is not understood"),
        ("lenght(a)", "it calls a function that does not exist, did you mean length?"),
        ("length(a, b)", "length() takes 1, not 2, values"),
        ("not_null()", "not_null() takes at least 1, not 0, values"),
        ("(" * 5000, "it is nested too deep"),
    ],
)
def test_a_bad_expression_is_reported_where_it_stands(expression: str, fault_: str) -> None:
    expected = f"expected a JMESPath expression such as data.orders: {fault_}"
    assert fault(fields={"id": expression}) == (("fields", "id"), expected)
    assert fault(total=expression) == (("total", "at"), expected)


@pytest.mark.parametrize(
    ("described", "place", "words"),
    [
        ({"path": "orders"}, ("path",), "expected a path such as"),
        ({"path": "/orders?token=canary"}, ("path",), "what follows a ? goes into params"),
        ({"params": {"a": 1.5}}, ("params", "a"), "expected a text, a whole number"),
        ({"params": {"a": [None]}}, ("params", "a"), "expected a text, a whole number"),
        ({"pages": {"by": "link"}}, ("pages",), "needs next beside it"),
        ({"pages": {"by": "cursor", "first": 1}}, ("pages",), "first has no meaning with by: cursor"),
        ({"pages": {"by": "none", "param": "p"}}, ("pages",), "param has no meaning with by: none"),
        ({"total": {}}, ("total",), "exactly one of at, header"),
        ({"currency": "euro"}, ("currency",), "String should match pattern"),
        ({"time_zone": "Europe/Stokholm"}, ("time_zone",), "did you mean Europe/Stockholm?"),
        ({"by_status": {"values": ["a"]}}, ("by_status",), "either param or params"),
        (
            {"by_status": {"values": ["a"], "params": {"q": "status"}}},
            ("by_status",),
            "params needs {status} in one of its values",
        ),
        (
            {"modified": {"params": {"q": "x"}}, "fields": {"modified_at": "m"}},
            ("modified",),
            "params needs {since} in one of its values",
        ),
        ({"modified": {"param": "since"}}, (), "modified needs fields.modified_at"),
        ({"order": {"path": "/order"}}, ("order",), "path needs {id}, where the order's id goes"),
        ({"send": "form", "pages": {"by": "header"}}, (), "only with send: query"),
        ({"auth": {"form": {"key": "canary"}}}, (), "needs send: form or send: json"),
    ],
)
def test_what_does_not_fit_together_is_refused(described: dict[str, Any], place: tuple[str, ...], words: str) -> None:
    where, text = fault(**described)
    assert where == place
    assert words in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"bearer": "can ary"}, "holds a space"),
        ({"bearer": ""}, "is empty"),
        ({"header": {"X-API-Key": "can\nary"}}, "a line break"),
        ({"header": {"X-API-Key": "canäry"}}, "holds what no header can"),
        ({"header": {"X API": "canary"}}, "letters, digits and hyphens"),
        ({"basic": {"user": "can:ary"}}, "holds a colon"),
        ({"bearer": "canary", "header": {"authorization": "canary"}}, "keep one"),
        ({"bearer": "canary", "basic": {"user": "canary"}}, "keep one"),
    ],
)
def test_credentials_that_cannot_be_sent_are_refused_unseen(auth: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(auth=auth)
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "canäry" not in str(caught.value)


def test_each_secret_may_stand_in_a_file() -> None:
    files = {"/b": "bearer-token\n", "/k": "header-key\n"}
    read = RestSettings.model_validate(
        {
            "type": "rest",
            "url": URL,
            "path": "/orders",
            "auth": {"bearer_file": "/b", "header": {"X-API-Key": {"value_file": "/k"}}},
        },
        context={"read_secret": files.__getitem__},
    )
    headers = make(read).list_request(ListQuery()).headers
    assert headers == {"X-API-Key": "header-key", "Authorization": "Bearer bearer-token"}


def test_no_secret_is_printed() -> None:
    auth = {
        "header": {"X-Key": "canary"},
        "query": {"key": "canary"},
        "basic": {"user": "canary", "password": "canary"},
    }
    assert "canary" not in repr(settings(auth=auth))


def test_every_key_is_described_for_editors() -> None:
    sections = [RestSettings.model_json_schema(), *RestSettings.model_json_schema()["$defs"].values()]
    keys = [(name, key) for section in sections for name, key in section.get("properties", {}).items()]
    assert len(keys) > 60
    assert [name for name, key in keys if "description" not in key] == []
