"""What was fetched for a message: below its text, in every kind of channel; and that it had to go without."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from alerting_examples import SEEN, event, order, routes, services, source_event

from monitor.alerting.detailed import SERVICES_TOLD
from monitor.alerting.formats import html, markdown, plain, slack, teams
from monitor.alerting.render import BODY_LENGTH, Renderer, check_templates
from monitor.alerting.settings import ChannelStyle
from monitor.model import Customer, Details, Event, Message, Order

PLACED = SEEN - timedelta(days=3, hours=4)
SHOWN = order(
    invoice_status="Unpaid", created_at=PLACED, services=services("412 Pending Starter Hosting", "413 Active Domain")
)
FULL = Details(SHOWN, "5120", "Stripe", Customer("Quilla Customer"))
LINES = [
    "Invoice 5120: Unpaid",
    "Payment: Stripe",
    "Starter Hosting: Pending",
    "Domain: Active",
    "Age: 3 days 4 h",
]
FORMATS: dict[str, Callable[[Message], str]] = {
    "plain": plain.write,
    "html": html.write,
    "discord": markdown.discord,
    "telegram": markdown.telegram,
    "matrix": markdown.matrix,
    "slack": lambda message: json.dumps(slack.payload(message)),
    "teams": lambda message: json.dumps(teams.payload(message)),
}


def render(details: Details | None, happened: Event | None = None, text: str = "[]", **more: Any) -> Message:
    """The message for a channel that may know everything."""
    renderer = Renderer(routes(text), styles={"ops": ChannelStyle(privacy="full")})
    return renderer.render("fraud", happened or event(), "7K3F", now=SEEN, channel="ops", details=details, **more)


def told(details: Details) -> list[str]:
    """The lines that these details add."""
    text, bare = render(details).text, render(None).text
    assert text is not None
    assert bare is not None
    assert text.startswith(bare)
    return text.removeprefix(bare).strip().splitlines()


def test_details_stand_below_the_text() -> None:
    assert told(FULL) == LINES


@pytest.mark.parametrize("format_", FORMATS)
def test_every_kind_of_channel_shows_them_and_the_customer(format_: str) -> None:
    shown = FORMATS[format_](render(FULL))
    for part in ("5120", "Stripe", "Starter Hosting", "Quilla Customer"):
        assert part in shown


@pytest.mark.parametrize("format_", FORMATS)
def test_every_kind_of_channel_says_that_it_goes_without(format_: str) -> None:
    assert "they did not come within 10 s" in FORMATS[format_](render(None, without="they did not come within 10 s"))


def test_what_a_source_does_not_say_is_left_out() -> None:
    assert told(Details(Order("88", "fraud"))) == []
    assert told(Details(Order("88", "fraud"), invoice="5120")) == ["Invoice 5120"]
    assert told(Details(Order("88", "fraud", invoice_status="Paid"))) == ["Invoice: Paid"]
    assert told(Details(Order("88", "fraud", services=()), payment="\u200b ")) == []


def test_of_many_services_some_are_told_and_the_others_counted() -> None:
    many = services(*(f"{number} Active Host {number}" for number in range(SERVICES_TOLD + 3)))
    lines = told(Details(Order("88", "fraud", services=many)))
    assert len(lines) == SERVICES_TOLD + 1
    assert lines[-1] == "… and 3 more"


def test_an_order_from_the_future_has_no_age() -> None:
    assert told(Details(Order("88", "fraud", created_at=SEEN + timedelta(hours=1)))) == []


def test_an_order_whose_detail_has_no_date_is_as_old_as_the_list_says() -> None:
    message = render(Details(Order("88", "fraud")), event(order=order(created_at=PLACED)))
    assert message.text is not None
    assert message.text.splitlines()[-1] == LINES[-1]


def test_hostile_details_are_bounded_and_keep_to_their_lines() -> None:
    text = "x\n" * 9_000
    order_ = Order(text, text, invoice_status=text, services=services(*[f"1 {'y' * 9_000} {text}"] * 500))
    message = render(Details(order_, text, text, Customer(text, text, text, text)))
    assert len(message.body) <= BODY_LENGTH
    assert len(message.body.splitlines()) < 30
    assert message.body.endswith("ref 7K3F")


def test_the_stored_body_holds_nothing_of_the_customer() -> None:
    message = render(FULL)
    assert "Quilla" not in message.title + message.body + (message.text or "")
    assert message.customer == ("Customer: Quilla Customer",)


# Own words


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ details.invoice }} {{ details.invoice_status }} by {{ details.payment }}", "5120 Unpaid by Stripe"),
        (
            "{% for service in details.services %}{{ service }} {% endfor %}of {{ details.service_count }}",
            "Starter Hosting: Pending Domain: Active of 2",
        ),
        ("{{ details.age }}", "3 days 4 h"),
    ],
)
def test_own_words_can_name_details(template: str, said: str) -> None:
    text = f"[{{name: fraud, channels: [ops], body: '{template}'}}]"
    assert list(check_templates(routes(text))) == []
    assert render(FULL, text=text).text == said


def test_own_words_without_details_have_empty_ones_and_the_message_says_so() -> None:
    text = "[{name: fraud, channels: [ops], body: 'Invoice {{ details.invoice }}{{ details.age }}.'}]"
    message = render(None, text=text, without="the source could not answer")
    assert message.text == "Invoice ."
    assert message.problem is None
    assert "Without details: the source could not answer." in message.small


def test_a_misspelt_detail_is_found_before_it_is_needed() -> None:
    (fault,) = check_templates(routes("[{name: fraud, channels: [ops], body: '{{ details.invoyce }}'}]"))
    assert "invoyce" in fault[1]


def test_a_template_that_fails_only_with_details_is_found_too() -> None:
    text = "{% for service in details.services %}{{ service.stat }}{% endfor %}"
    (fault,) = check_templates(routes(f"[{{name: fraud, channels: [ops], body: '{text}'}}]"))
    assert "stat" in fault[1]


def test_news_of_a_source_have_no_details() -> None:
    assert render(FULL, source_event("source_down")).text == render(None, source_event("source_down")).text
