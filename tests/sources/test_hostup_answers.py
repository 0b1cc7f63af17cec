"""What hostup's answers say when they show no order: failed, gone, or nonsense; and how it is set up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hostup_rows import HOSTING, ORDER, SOURCE, STAMP, URL, answer, enveloped, error
from pydantic import ValidationError

from monitor.errors import BadAnswer, NotFound
from monitor.sources.hostup import Hostup, HostupSettings
from monitor.sources.settings import Follows

PROBLEM = {
    "type": "https://developer.example.com/errors/order_not_found", "title": "Order not found", "status": 404,
    "detail": "No order matching the given ID was found.", "code": "order_not_found", "instance": "/api/v2/orders/7",
    **STAMP,
}  # fmt: skip


def refusal(body: bytes | str) -> str:
    with pytest.raises(BadAnswer) as raised:
        SOURCE.decode_order(answer(body))
    return str(raised.value)


# Failed


@pytest.mark.parametrize("no", [False, 0, "false", "0"])
@pytest.mark.parametrize("inside", [True, False])
def test_success_is_checked_at_both_levels(no: object, inside: bool) -> None:
    whole = {"success": True, **STAMP, "data": {"order": ORDER}}
    (whole["data"] if inside else whole)["success"] = no  # type: ignore[index]  # a dict where it is taken for one
    assert refusal(json.dumps(whole)) == f"200 from {URL}/api/billing/order/32019 says that it failed"


@pytest.mark.parametrize("inside", [True, False])
def test_an_error_beside_an_order_is_one(inside: bool) -> None:
    whole: dict[str, Any] = {"success": True, "data": {"order": ORDER}}
    (whole["data"] if inside else whole)["error"] = "Upstream is away"
    assert refusal(json.dumps(whole)).endswith("says that it failed (Upstream is away)")


@pytest.mark.parametrize("no_error", [None, False, "", [], {}])
def test_no_error_is_written_in_many_ways(no_error: object) -> None:
    body = json.dumps({"success": "1", "error": no_error, "data": {"order": ORDER, "error": no_error}})
    assert SOURCE.decode_order(answer(body)).ids == ["32019"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (error("Authentication required", error="Unauthorized"), "Authentication required Unauthorized"),
        (json.dumps(PROBLEM).encode(), "No order matching the given ID was found. Order not found"),
        (json.dumps({"success": True, "data": {"error": ["Too", "late"]}}).encode(), "Too late"),
        (b'{"error": ""}', None),
        (b"[]", None),
        (b"<html>nginx</html>", None),
        (b"", None),
    ],
)
def test_what_an_error_says_is_quoted_in_each_of_its_shapes(body: bytes, said: str | None) -> None:
    assert SOURCE.error_text(body) == said


# Gone


@pytest.mark.parametrize(
    "body",
    [
        error("Order not found", code="ORDER_NOT_FOUND"),
        error("Nothing here", code="order-not-found"),
        error("Order not found"),
        error("There is no such order.", code="RESOURCE_NOT_FOUND"),
        json.dumps(PROBLEM).encode(),
    ],
)
def test_the_systems_own_word_about_the_order_is_that_it_is_gone(body: bytes) -> None:
    assert SOURCE.is_gone(NotFound("404", body=body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>404 Order not found</html>",
        b'{"message": "Order not found"}',
        b'{"error": "Order not found", "code": "ORDER_NOT_FOUND"}',
        error("Not Found"),
        error("Cannot GET /api/billing/order/32019"),
        error("Order route not found"),
        error("The endpoint of this order was not found"),
        error("Order not found", code="UNAUTHORIZED"),
        error("Order not found", code=None),
        error("Order not found", code=404),
        error({"order": "not found"}),
        error("Reordering is not found"),
        json.dumps({**PROBLEM, "code": "vps_not_found"}).encode(),
        json.dumps({**PROBLEM, "requestId": ""}).encode(),
    ],
)
def test_any_other_404_says_nothing_of_the_order(body: bytes) -> None:
    """A proxy's, or the system's own for an address that it does not have: that url is wrong, say."""
    assert not SOURCE.is_gone(NotFound("404", body=body))


@pytest.mark.parametrize("inside", [True, False])
def test_gone_may_be_said_with_status_200(inside: bool) -> None:
    fault = {"success": False, "error": "Not Found", "message": "Order not found", "code": "NOT_FOUND"}
    whole = {"success": True, **STAMP, "data": fault} if inside else {**fault, **STAMP}
    with pytest.raises(NotFound) as raised:
        SOURCE.decode_order(answer(json.dumps(whole)))
    assert str(raised.value) == f"200 from {URL}/api/billing/order/32019 says that there is no such order"
    assert SOURCE.is_gone(raised.value)
    with pytest.raises(NotFound):
        SOURCE.decode_details(answer(json.dumps(whole)))


# Nonsense


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ([], "is no JSON object"),
        ("", "is no JSON object"),
        (None, "is no JSON object"),
        ({}, "id is missing"),
        ({**ORDER, "id": None}, "id is missing"),
        ({**ORDER, "id": [1]}, "id is neither a number nor a text"),
        ({**ORDER, "status": ""}, "status is missing"),
        ({**ORDER, "status": 3}, "status is no text"),
    ],
)
def test_what_is_no_order_is_said(order: object, fault: str) -> None:
    said = refusal(enveloped(order).body)
    assert said == f"200 from {URL}/api/billing/order/32019 shows no order: under data.order {fault}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty, where JSON should be"),
        ("<html>", "is a web page, not JSON: is it a log-in page, or is url wrong?"),
        ("[1, 2]", "holds no order under data.order: is url right?"),
        ("null", "holds no order under data.order: is url right?"),
        ('{"success": tr', "is cut off, or no JSON at all"),
        ("{}", "shows no order: under data.order is no JSON object"),
        ('{"data": {"order": "gone"}, "message": "Moved"}', "under data.order is no JSON object (Moved)"),
    ],
)
def test_an_answer_that_is_none_is_said(body: str, words: str) -> None:
    assert refusal(body).endswith(words)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert SOURCE.decode_order(answer(b"\xef\xbb\xbf" + enveloped(ORDER).body)).ids == ["32019"]
    assert SOURCE.error_text(b"\xef\xbb\xbf" + error("So long")) == "So long Not Found"


# Settings


def settings(**fields: object) -> HostupSettings:
    given = {"type": "hostup", "url": URL, "api_key": "made-up-key", **fields}
    return HostupSettings.model_validate({key: value for key, value in given.items() if value is not None})


def wrong(**fields: object) -> str:
    with pytest.raises(ValidationError) as raised:
        settings(**fields)
    return "; ".join(fault["msg"] for fault in raised.value.errors())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"X-API-Key": "made-up-key"}),
        ({"api_key": None, "token": "made-up-token"}, {"Authorization": "Bearer made-up-token"}),
    ],
)
def test_either_credential_is_sent_in_its_own_way(given: dict[str, object], sent: dict[str, str]) -> None:
    request = Hostup.from_settings(settings(**given)).order_request("7")
    assert request.headers == sent
    assert "made-up" not in repr(request)


def test_exactly_one_credential_is_wanted() -> None:
    assert wrong(token="made-up-token") == "api_key stands beside token: keep one"
    assert wrong(api_key=None) == "has no credential: expected api_key (or token, sent as Bearer)"


def test_ids_are_numbers_or_their_digits_and_may_come_from_the_shell_alone() -> None:
    made = settings(orders=[32019, "32044", " 7 "])
    assert isinstance(made, Follows)
    assert made.orders == ["32019", "32044", "7"]
    assert settings().orders == []


@pytest.mark.parametrize("bad", [0, -1, "007", "ORD-1", "", None, True, 1.5, [1], "9" * 19, "١"])
def test_what_is_no_id_is_refused(bad: object) -> None:
    assert wrong(orders=[bad]) == "expected an order's id, a whole number such as 32019"


def test_an_id_stands_once() -> None:
    assert wrong(orders=[7, 8, "7"]) == "names 7 twice: keep one"


def test_the_time_zone_of_its_dates_is_set_by_name() -> None:
    made = Hostup.from_settings(settings(time_zone="Europe/Stockholm"))
    created = made.decode_order(enveloped({**ORDER, "hosting": [HOSTING]})).order("32019").created_at
    assert created is not None
    assert created.isoformat() == "2026-04-01T09:15:00+00:00"
    assert "did you mean Europe/Stockholm?" in wrong(time_zone="Europe/Stokholm")
