"""What a rest source asks: parameters and credentials where they are described to go, and in no text."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from rest_shop import source

from monitor.sources.base import DetailSource, ListQuery, Request

SINCE = datetime(2026, 7, 1, 9, 15, tzinfo=UTC)


def asked(query: ListQuery | None = None, **described: Any) -> Request:
    return source(**described).list_request(query or ListQuery())


def test_without_a_description_the_path_is_asked_for() -> None:
    assert asked() == Request("/api/v1/orders")


def test_a_bearer_token_goes_into_its_header() -> None:
    assert asked(auth={"bearer": "canary"}).headers == {"Authorization": "Bearer canary"}


def test_a_user_and_a_password_go_into_theirs() -> None:
    request = asked(auth={"basic": {"user": "shop", "password": "cänary pass"}})
    kind, _, pair = request.headers["Authorization"].partition(" ")
    assert (kind, b64decode(pair).decode()) == ("Basic", "shop:cänary pass")
    assert set(request.secrets) == {"shop", "cänary pass"}


def test_a_key_alone_is_a_user_without_a_password() -> None:
    request = asked(auth={"basic": {"user": "sk_canary"}})
    assert b64decode(request.headers["Authorization"].partition(" ")[2]) == b"sk_canary:"


def test_headers_of_any_name_hold_credentials() -> None:
    header = {"X-API-Key": "canary", "Authorization": "Token canary"}
    assert asked(auth={"header": header}).headers == header


def test_credentials_in_the_address_are_named_as_secrets() -> None:
    request = asked(params={"sort": "-id"}, auth={"query": {"api_key": "canary"}})
    assert request.params == (("sort", "-id"), ("api_key", "canary"))
    assert request.secrets == ("canary",)


def test_a_form_holds_parameters_and_credentials() -> None:
    request = asked(
        ListQuery(page=3),
        send="form",
        params={"action": "GetOrders", "all": True},
        auth={"form": {"identifier": "me", "secret": "canary"}},
        pages={"by": "offset", "param": "limitstart", "size_param": "limitnum"},
    )
    assert request.form == (
        ("action", "GetOrders"),
        ("all", "true"),
        ("limitstart", "200"),
        ("limitnum", "100"),
        ("identifier", "me"),
        ("secret", "canary"),
    )
    assert request.params == ()
    assert set(request.secrets) == {"me", "canary"}


def test_json_keeps_its_types_and_a_dot_leads_into_an_object() -> None:
    request = asked(
        ListQuery(after="abc", size=50),
        send="json",
        params={"query": "query Orders { orders }", "variables.open": True, "variables.tags": ["a", "b"]},
        pages={"by": "cursor", "param": "variables.after", "size_param": "variables.first", "next": "next"},
    )
    assert json.loads(request.json or b"") == {
        "query": "query Orders { orders }",
        "variables": {"open": True, "tags": ["a", "b"], "after": "abc", "first": 50},
    }
    assert request.form is None


@pytest.mark.parametrize("send", ["query", "form", "json"])
def test_no_credential_shows_in_a_request_or_its_source(send: str) -> None:
    auth = {"query": {"key": "canary"}, "header": {"X-Key": "canary"}}
    made = source(send=send, auth=auth if send == "query" else {**auth, "form": {"key": "canary"}})
    assert "canary" not in repr(made.list_request(ListQuery())) + repr(made) + made.identity


def test_a_list_is_the_same_parameter_several_times() -> None:
    assert asked(params={"include[]": ["items", "user"]}).params == (("include[]", "items"), ("include[]", "user"))


@pytest.mark.parametrize(
    ("pages", "page", "params"),
    [
        ({"by": "page"}, 3, {"page": "3"}),
        ({"by": "page", "first": 0, "param": "p", "size_param": "per_page"}, 3, {"p": "2", "per_page": "98"}),
        ({"by": "page", "size_param": "per_page", "size": 25}, 3, {"page": "3", "per_page": "25"}),
        ({"by": "offset"}, 3, {"offset": "200"}),
        ({"by": "offset", "size_param": "limit"}, 3, {"offset": "196", "limit": "98"}),
        ({"by": "offset", "size": 50}, 3, {"offset": "100"}),
        ({"by": "offset", "first": 1, "size": 50}, 1, {"offset": "1"}),
        ({"by": "cursor", "next": "next"}, 3, {}),
        ({"by": "none"}, 3, {}),
    ],
)
def test_a_page_is_asked_for_as_described(pages: dict[str, Any], page: int, params: dict[str, str]) -> None:
    assert dict(asked(ListQuery(page=page, size=98), pages=pages).params) == params


def test_a_cursor_goes_back_as_it_came() -> None:
    request = asked(ListQuery(page=2, after="a+b/c=="), pages={"by": "cursor", "param": "starting_after"})
    assert request.params == (("starting_after", "a+b/c=="),)


def test_a_filter_by_status_takes_the_place_of_a_parameter() -> None:
    described: dict[str, Any] = {"params": {"list": "all"}, "by_status": {"param": "list", "values": ["Pending"]}}
    assert asked(**described).params == (("list", "all"),)
    assert asked(ListQuery(status="Pending"), **described).params == (("list", "Pending"),)


def test_a_filter_may_take_several_parameters() -> None:
    by_status = {"values": ["new"], "params": {"f[0][field]": "status", "f[0][value]": "{status}", "f[0][not]": False}}
    request = asked(ListQuery(status="ne{w}"), by_status=by_status)
    assert request.params == (("f[0][field]", "status"), ("f[0][value]", "ne{w}"), ("f[0][not]", "false"))


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("iso", "2026-07-01T09:15:00Z"),
        ("local", "2026-07-01T11:15:00"),
        ("sql", "2026-07-01 11:15:00"),
        ("seconds", "1782897300"),
        ("milliseconds", "1782897300000"),
    ],
)
def test_a_time_is_asked_for_as_the_system_writes_it(form: str, written: str) -> None:
    request = asked(
        ListQuery(modified_since=SINCE),
        fields={"modified_at": "updated"},
        time_zone="Europe/Stockholm",
        modified={"params": {"$filter": "updated ge {since}"}, "format": form},
    )
    assert request.params == (("$filter", f"updated ge {written}"),)


def test_one_order_is_asked_for_by_its_id() -> None:
    made = source(params={"sort": "-id"}, order={"path": "/orders/{id}", "params": {"with": "items"}})
    assert isinstance(made, DetailSource)
    assert made.order_request("7") == Request("/orders/7", (("with", "items"),))
    assert made.order_request("../a b?c").path == "/orders/..%2Fa%20b%3Fc"


def test_one_order_may_be_asked_for_in_a_form() -> None:
    made = source(
        send="form",
        params={"call": "getOrders"},
        auth={"form": {"api_key": "canary"}},
        order={"path": "/api.php", "params": {"call": "getOrderDetails", "id": "{id}"}},
    )
    assert isinstance(made, DetailSource)
    request = made.order_request("7")
    assert request.form == (("call", "getOrderDetails"), ("id", "7"), ("api_key", "canary"))
