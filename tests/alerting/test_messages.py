"""What a message has besides its text: subject, link, story, customer, footer, thread; and each channel's own style."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from alerting_examples import PLAN, SEEN, event, order, routes, source_event
from pydantic import TypeAdapter, ValidationError

from monitor.alerting.gathering import ROWS_SHOWN
from monitor.alerting.render import BODY_LENGTH, TITLE_LENGTH, Renderer, check_channel_templates
from monitor.alerting.samples import SAMPLE_DETAILS
from monitor.alerting.settings import ChannelStyle, OrderUrl
from monitor.alerting.stories import MOMENTS_SHOWN
from monitor.errors import TemplateError
from monitor.model import Customer, Details, Event, EventKind, Message, Order, OrderEvent, Severity

JOHN = Customer("John Doe", "Doe & Sons", "1 Main Street\n12345 Springfield", "Calls before noon")
ADDRESS = "https://billing.example.com/admin/orders/{id}"


def render(
    happened: Event | None = None,
    *,
    route: str = "fraud",
    text: str = "[]",
    urls: dict[str, str] | None = None,
    given: dict[str, Any] | None = None,
    **style: Any,
) -> Message:
    """The message for the channel ``ops``, which has this style."""
    renderer = Renderer(
        routes(text), "Europe/Stockholm", styles={"ops": ChannelStyle(**style)}, order_urls=urls or {"shop": ADDRESS}
    )
    return renderer.render(route, happened or event(), "7K3F", channel="ops", **({"now": SEEN} | (given or {})))


def said_of(customer: Customer) -> Details:
    """Details that say who an order is from, and nothing else."""
    return Details(Order("88", "fraud"), customer=customer)


# The subject of a mail


@pytest.mark.parametrize(
    ("happened", "subject", "stable"),
    [
        (event(), "Fraud: ORD-0088, $49.00 (shop)", "ORD-0088 (shop)"),
        (
            event("appeared", was=None, order=order("pending")),
            "New, pending: ORD-0088, $49.00 (shop)",
            "ORD-0088 (shop)",
        ),
        (
            event("changed", was="active", order=order("active", "69.00 USD")),
            "Changed: ORD-0088, $49.00 → $69.00 (shop)",
            "ORD-0088 (shop)",
        ),
        (event("vanished", order=order("pending", None)), "Vanished: ORD-0088 (shop)", "ORD-0088 (shop)"),
        (event("reappeared", order=order("active")), "Back: ORD-0088, $49.00 (shop)", "ORD-0088 (shop)"),
        (source_event("source_down"), "Source down: shop", "Source shop"),
        (source_event("source_up"), "Source well again: shop", "Source shop"),
    ],
)
def test_a_mails_subject_has_no_emoji_and_a_stable_one_no_news(happened: Event, subject: str, stable: str) -> None:
    assert render(happened).subject == subject
    assert render(happened, subject="stable").subject == stable


def test_a_title_in_somebodys_own_words_is_the_subject_too() -> None:
    assert render(title="Look at {{ order }}").subject == "Look at ORD-0088"
    assert render(title="Look at {{ order }}", subject="stable").subject == "ORD-0088 (shop)"


# The link of the order


def test_the_orders_page_is_linked_and_stands_in_the_text() -> None:
    message = render()
    assert (message.label, message.link) == ("ORD-0088", "https://billing.example.com/admin/orders/88")
    assert "\nhttps://billing.example.com/admin/orders/88\nSeen" in message.body
    assert message.text == "pending → fraud, after 2 h 13 min\nStarter Hosting Plan ×1"


@pytest.mark.parametrize(
    ("template", "identity", "number", "link"),
    [
        ("https://b.example.com/{number}/{id}", "88", "ORD-0088", "https://b.example.com/ORD-0088/88"),
        ("https://b.example.com/{number}", "88", None, "https://b.example.com/88"),
        (
            "https://b.example.com/?q={number}",
            "88",
            "a b/c?d=e&f#g",
            "https://b.example.com/?q=a%20b%2Fc%3Fd%3De%26f%23g",
        ),
        ("https://b.example.com/{id}", "../a/b", "x", "https://b.example.com/..%2Fa%2Fb"),
        ("https://b.example.com/{id}", "{number}", "x", "https://b.example.com/%7Bnumber%7D"),
        ("https://b.example.com/{id}", '"><script>\r\n', "x", "https://b.example.com/%22%3E%3Cscript%3E%0D%0A"),
        ("https://b.example.com/{id}", "é\ud800", "x", "https://b.example.com/%C3%A9%3F"),
        ("https://b.example.com/{id}", "x" * 10_000, "x", None),
    ],
)
def test_what_stands_in_a_link_is_quoted(template: str, identity: str, number: str | None, link: str | None) -> None:
    """A link that had to be cut would lead elsewhere."""
    assert render(event(order=order(id=identity, number=number)), urls={"shop": template}).link == link


def test_a_source_without_addresses_and_news_of_a_source_have_no_link() -> None:
    assert render(urls={"blog": ADDRESS}).link is None
    assert render(source_event("source_down")).link is None


@pytest.mark.parametrize(
    "url", ["https://b.example.com/{id}", "http://b.example.com/?a={number}&b={id}", "https://b.example.com"]
)
def test_an_order_url_names_the_order(url: str) -> None:
    assert TypeAdapter(OrderUrl).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:{id}",
        "b.example.com/{id}",
        "https://b/{order}",
        "https://b/{id!r}",
        "https://b/{",
        "https://b/ {id}",
    ],
)
def test_an_order_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"orders/\{id\}, or with \{number\}"):
        TypeAdapter(OrderUrl).validate_python(url)


# The story


def life() -> list[OrderEvent]:
    """What happened to ORD-0088 since the day before."""
    yesterday = SEEN - timedelta(days=1)
    appeared = msgspec.structs.replace(event("appeared", was=None, order=order("pending")), revision=1, at=yesterday)
    paid = msgspec.structs.replace(
        event(was="pending", order=order("active")), revision=2, at=SEEN - timedelta(hours=3), since=yesterday
    )
    return [appeared, paid]


def test_a_channel_can_have_the_story_told() -> None:
    happened = msgspec.structs.replace(event(order=order(created_at=SEEN - timedelta(days=2))), revision=4)
    message = render(happened, given={"story": life()}, story=True)
    assert [str(moment) for moment in message.story] == [
        "Jun 29, 2025, 14:22 CEST placed",
        "Jun 30, 2025, 14:22 CEST appeared, pending",
        "11:22 CEST pending → active, after 21 h",
        "14:22 CEST pending → fraud, after 2 h 13 min",
    ]
    assert "\nSo far:\nJun 29, 2025, 14:22 CEST placed\nJun 30" in message.body
    assert message.body.endswith("· ref 7K3F")


def test_a_channel_that_does_not_ask_for_the_story_is_not_told_it() -> None:
    assert render(given={"story": life()}).story == ()


def test_a_story_has_its_own_event_once_and_nothing_that_happened_later() -> None:
    """A message that is sent again after hours tells of its own time."""
    happened = msgspec.structs.replace(event(), revision=3)
    later = msgspec.structs.replace(event(was="fraud", order=order("active")), revision=4)
    message = render(happened, given={"story": [*life(), happened, later]}, story=True)
    assert [moment.what for moment in message.story] == [
        "appeared, pending",
        "pending → active, after 21 h",
        "pending → fraud, after 2 h 13 min",
    ]


def test_each_kind_of_event_has_its_line_in_a_story() -> None:
    kinds = [
        event("vanished", was="active", order=order("active")),
        event("reappeared", was="active", order=order("active")),
        event("changed", was="active", order=order("active", "69.00 USD")),
        event("changed", was="active", order=order("active", None)),
    ]
    numbered = [msgspec.structs.replace(one, revision=number) for number, one in enumerate(kinds, 1)]
    message = render(msgspec.structs.replace(event(), revision=9), given={"story": numbered}, story=True)
    assert [moment.what for moment in message.story][:-1] == [
        "vanished, was active",
        "back, active",
        "changed, $49.00 → $69.00",
        "changed",
    ]


def test_a_long_story_keeps_its_beginning_and_its_end() -> None:
    events = [msgspec.structs.replace(event(was=f"s{n}", order=order(f"s{n + 1}")), revision=n) for n in range(1, 41)]
    story = render(events[-1], given={"story": events}, story=True).story
    assert len(story) == MOMENTS_SHOWN
    assert story[0].what.startswith("s1 → s2")
    assert str(story[1]) == "… 29 more"
    assert story[-1].what.startswith("s40 → s41")


def test_one_moment_more_than_is_shown_is_no_reason_to_leave_out_two() -> None:
    events = [
        msgspec.structs.replace(event(was=f"s{n}", order=order(f"s{n + 1}")), revision=n)
        for n in range(1, MOMENTS_SHOWN + 1)
    ]
    assert "…" not in {moment.when for moment in render(events[-1], given={"story": events}, story=True).story}


# Customers


def test_customers_are_masked_unless_a_channel_says_otherwise() -> None:
    assert render(given={"details": said_of(JOHN)}).customer == (
        "Customer: J··· D··, D·· & S···",
        "Address: · M··· S··· 1··· S···",
        "Notes: not shown here",
    )


def test_a_channel_may_have_all_or_nothing_of_a_customer() -> None:
    assert render(given={"details": said_of(JOHN)}, privacy="full").customer == (
        "Customer: John Doe, Doe & Sons",
        "Address: 1 Main Street, 12345 Springfield",
        "Notes: Calls before noon",
    )
    assert render(given={"details": said_of(JOHN)}, privacy="none").customer == ()


@pytest.mark.parametrize("privacy", ["full", "masked", "none"])
def test_nothing_of_a_customer_is_in_what_is_stored(privacy: str) -> None:
    """Title and body are kept for a week; the customer is fetched for a message, and forgotten."""
    message = render(given={"details": said_of(JOHN)}, privacy=privacy)
    kept = f"{message.title}{message.body}{message.subject}{message.text}"
    assert not [word for word in ("Doe", "J··", "Main", "noon", "Customer") if word in kept]


def test_what_a_source_does_not_say_of_a_customer_is_left_out() -> None:
    assert render(given={"details": said_of(Customer(company="Doe & Sons", notes="\u200b "))}).customer == (
        "Customer: D·· & S···",
    )
    assert render(given={"details": said_of(Customer(notes="x\ny"))}, privacy="full").customer == ("Notes: x, y",)
    assert render(given={"details": said_of(Customer())}).customer == ()
    assert render().customer == ()


def test_a_mask_does_not_show_how_long_a_name_is() -> None:
    assert render(given={"details": said_of(Customer("J Wolfeschlegelsteinhausen"))}).customer == ("Customer: · W···",)


# Each channel's own style


def test_a_channel_has_its_own_time_zone_and_locale() -> None:
    message = render(time_zone="Asia/Tokyo", locale="de")
    assert message.title == "🚨 Fraud: ORD-0088 · 49,00\u00a0$ · shop"
    assert message.small == ("Seen 21:22 JST (changed after 21:21) · ref 7K3F",)


def test_a_channel_that_is_not_known_has_the_style_of_the_file() -> None:
    renderer = Renderer([], "Europe/Stockholm", styles={"ops": ChannelStyle(time_zone="Asia/Tokyo")})
    assert "14:22 CEST" in renderer.render("fraud", event(), "7K3F", now=SEEN, channel="gone").body
    assert "14:22 CEST" in renderer.render("fraud", event(), "7K3F", now=SEEN).body


@pytest.mark.parametrize(
    "style", [{"time_zone": "Nowhere"}, {"locale": "xx_YY"}, {"privacy": "some"}, {"subject": "x"}]
)
def test_a_style_that_there_is_not_is_refused(style: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ChannelStyle.model_validate(style)


def test_a_channel_words_its_own_messages() -> None:
    message = render(title="{{ channel }}: {{ order }}", body="{{ order.status }} at {{ link }}")
    assert message.title == "ops: ORD-0088"
    assert message.body == "fraud at https://billing.example.com/admin/orders/88\nref 7K3F"


def test_a_routes_words_go_before_its_channels() -> None:
    """The route knows what the message is about; the channel serves many."""
    text = "[{name: fraud, title: 'route {{ order }}'}]"
    message = render(text=text, title="channel {{ order }}", body="channel {{ order }}")
    assert message.title == "route ORD-0088"
    assert message.text == "channel ORD-0088"


def test_no_channel_words_the_news_of_a_source() -> None:
    assert render(source_event("source_down"), title="{{ order }}").title == "🔴 Source down: shop"


def test_a_channels_template_that_fails_loses_no_alert_and_is_named() -> None:
    message = render(body="{{ 1 // 0 }}")
    assert message.text is not None
    assert message.text.startswith("pending → fraud")
    assert message.problem == (
        "the body template of channel ops failed (ZeroDivisionError: integer division or modulo by zero)"
    )


def test_a_channels_templates_are_tried_with_what_its_routes_send_there() -> None:
    led = routes("[{name: new, when: {event: appeared}}, {name: paid, channels: [mail]}]")
    styles = {"ops": ChannelStyle(body="{{ before.status }}"), "mail": ChannelStyle(body="{{ before.status }}")}
    ((path, fault),) = check_channel_templates(styles, led)
    assert path == ("channels", "ops", "body")
    assert fault.startswith("fails for an event appeared")


def test_a_channels_unknown_names_are_found_before_they_are_needed() -> None:
    found = list(check_channel_templates({"ops": ChannelStyle(title="{{ ordr }}", body="{{ x")}, []))
    assert [path for path, _ in found] == [("channels", "ops", "title"), ("channels", "ops", "body")]
    assert found[0][1] == "unknown variable 'ordr', did you mean order?"
    with pytest.raises(TemplateError):
        Renderer([], styles={"ops": ChannelStyle(body="{{ x")})


# What programs and people need besides


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (
            "fraud",
            "because route fraud leads there. To stop it, remove that route, or take ops out of its channels, in Order",
        ),
        (
            "default",
            "because no routes are configured, so that it takes every change of a status. To stop it, write routes in",
        ),
        ("health", "because it takes the monitor's own news. To stop it, leave ops out of health.channels in Order"),
    ],
)
def test_the_footer_says_why_this_was_sent_and_how_to_stop_it(route: str, words: str) -> None:
    assert words in render(route=route).footer
    assert render(route=route).footer.startswith("Sent to channel ops, because")


def test_the_messages_about_one_order_have_one_thread_that_does_not_name_it() -> None:
    grown = msgspec.structs.replace(event(order=order("active", number=None)), revision=7)
    assert render().thread == render(grown, route="other", subject="stable").thread
    assert "ORD-0088" not in render().thread
    assert len({render().thread, render(event(order=order(id="89"))).thread, render(event(source="blog")).thread}) == 3


def test_the_news_of_a_source_are_a_thread_of_their_own() -> None:
    down, up = render(source_event("source_down")), render(source_event("source_up"))
    assert down.thread == up.thread
    assert down.thread != render(event(order=order(id="source"))).thread


def test_a_second_copy_has_the_same_id_and_nothing_else_has() -> None:
    again = render(given={"now": SEEN + timedelta(hours=1)})
    later = msgspec.structs.replace(event(), revision=9)
    assert render().id == again.id
    assert len({render().id, render(later).id, render(source_event("source_down")).id}) == 3


# Several orders in one message


def several(*statuses: str, **fields: Any) -> list[OrderEvent]:
    return [event(order=order(status, id=str(n), number=f"ORD-{n}"), **fields) for n, status in enumerate(statuses, 1)]


def together(events: list[OrderEvent], channel: str | None = "ops") -> Message:
    renderer = Renderer([], "Europe/Stockholm", styles={"ops": ChannelStyle()}, order_urls={"shop": ADDRESS})
    return renderer.render_many("fraud", renderer.gather(events), "7K3F", now=SEEN, channel=channel)


def test_several_orders_are_a_table_as_grave_as_the_gravest() -> None:
    message = together(several("active", "fraud", "active"))
    assert message.title == "🚨 3 orders: 2 Active, 1 Fraud · shop"
    assert message.subject == "3 orders: 2 Active, 1 Fraud (shop)"
    assert message.severity is Severity.FAILURE
    assert message.body == (
        "ORD-2 · pending → fraud, after 2 h 13 min · $49.00 · shop\n"
        "ORD-1 · pending → active, after 2 h 13 min · $49.00 · shop\n"
        "ORD-3 · pending → active, after 2 h 13 min · $49.00 · shop\n"
        "Seen 14:22 CEST · ref 7K3F"
    )
    assert message.table is not None
    assert message.table.heading == ("Order", "Change", "Total", "Source")
    assert message.table.rows[0].link == "https://billing.example.com/admin/orders/2"
    assert "channel ops" in message.footer


def test_a_table_says_how_many_it_does_not_show_and_never_hides_the_grave_ones() -> None:
    message = together(several(*["active"] * 200, "fraud"))
    assert message.table is not None
    assert (len(message.table.rows), message.table.more) == (ROWS_SHOWN, 201 - ROWS_SHOWN)
    assert message.table.rows[0].cells[0] == "ORD-201"
    assert f"\n… and {201 - ROWS_SHOWN} more\nSeen" in message.body


def test_two_events_of_one_order_are_one_order() -> None:
    twice = [event(), event("changed", order=order(total="59.00 USD"))]
    assert together(twice).title == "🚨 1 order: 1 Fraud, 1 Changed · shop"


def test_many_kinds_of_news_and_many_sources_are_counted() -> None:
    events = [
        msgspec.structs.replace(one, source=f"shop{number}")
        for number, one in enumerate(several("fraud", "active", "pending", "cancelled", "failed"))
    ]
    assert together(events).title == "🚨 5 orders: 1 Fraud, 1 Active, 1 Pending, 2 more · 5 sources"


def test_several_orders_say_from_when_to_when_they_were_seen() -> None:
    events = several("active", "fraud")
    events[0] = msgspec.structs.replace(events[0], at=SEEN - timedelta(minutes=5))
    assert together(events).small == ("Seen 14:17 to 14:22 CEST · ref 7K3F",)


def test_a_table_of_hostile_orders_stays_within_the_limits() -> None:
    text = "<&>\n" * 3000
    bad = [event(order=order(text, id=f"{text}{n}", number=text, items=(PLAN,) * 100)) for n in range(100)]
    message = together(bad)
    assert len(message.title) <= TITLE_LENGTH
    assert len(message.subject) <= TITLE_LENGTH
    assert len(message.body) <= BODY_LENGTH
    assert message.body.endswith("ref 7K3F")


# Samples


@pytest.mark.parametrize(
    ("when", "title"),
    [
        ("{}", "🚨 Fraud: ORD-0088 · $59.00 · shop"),
        ("{to: active}", "✅ Active: ORD-0088 · $59.00 · shop"),
        ("{to: ['f*', failed]}", "❌ Failed: ORD-0088 · $59.00 · shop"),
        ("{event: [appeared, changed], to: pending}", "🆕 New, pending: ORD-0088 · $59.00 · shop"),
        ("{source: 'blog'}", "🚨 Fraud: ORD-0088 · $59.00 · blog"),
    ],
)
def test_a_sample_is_about_what_its_route_is_about(when: str, title: str) -> None:
    renderer = Renderer(routes(f"[{{name: one, when: {when}}}]"), order_urls={"shop": ADDRESS})
    assert renderer.render_sample("one").title == title


def test_a_sample_shows_what_a_channel_would_get() -> None:
    styles = {"ops": ChannelStyle(story=True, privacy="full")}
    text = "[{name: one, when: {from: active, product: [Domains]}}]"
    message = Renderer(routes(text), labels={"blog": {}}, styles=styles).render_sample("one", "ops", SAMPLE_DETAILS)
    assert message.text is not None
    assert message.text.startswith("active → fraud, after 2 h 13 min\nDomains ×1\n")
    assert "· blog" in message.title
    assert [moment.what for moment in message.story] == ["placed", "appeared, active", message.text.splitlines()[0]]
    assert message.customer[0] == "Customer: John Doe, Doe & Sons"
    assert "channel ops" in message.footer


def test_a_sample_is_of_a_source_that_its_route_is_about_and_an_order_just_placed_has_no_story() -> None:
    text = "[{name: one, when: {event: appeared, labels: {client: ac*}, source: ['b*', shop]}}]"
    labels = {"blog": {"client": "initech"}, "shop": {"client": "acme"}}
    styles = {"ops": ChannelStyle(story=True)}
    message = Renderer(routes(text), labels=labels, styles=styles).render_sample("one", "ops")
    assert message.title.endswith(" · shop")
    assert [moment.what for moment in message.story[1:]] == ["appeared, fraud"]


def test_there_are_samples_of_the_monitors_own_news_and_without_routes() -> None:
    assert Renderer([]).render_sample("health").title == "🔴 Source down: shop"
    assert Renderer([]).render_sample("default").title == "🚨 Fraud: ORD-0088 · $59.00 · shop"


def test_every_kind_of_event_can_be_part_of_a_table() -> None:
    kinds = [kind for kind in EventKind if not kind.startswith("source")]
    message = together([event(kind) for kind in kinds])
    assert message.table is not None
    assert len(message.table.rows) == len(kinds)
