"""What a source's own statuses mean: to routes, which match either, and to people, who read both."""

from __future__ import annotations

from typing import Any

import pytest
from alerting_examples import SEEN, event, order, routes, serviced

from monitor.alerting.formats.escape import split_at_label
from monitor.alerting.render import Renderer
from monitor.alerting.routes import Router
from monitor.alerting.settings import ChannelStyle
from monitor.model import Meaning, Message, OrderEvent, Severity

MEANINGS = {
    "shop": {
        "n": Meaning.PENDING,
        "p": Meaning.COMPLETED,
        "7": Meaning.FRAUD,
        "1003": Meaning.EXPIRED,
        "manual_review": Meaning.FRAUD,
        "terminated": Meaning.CANCELLED,
        "accepted": Meaning.PENDING,
    },
}


def matches(when: str, happened: OrderEvent) -> bool:
    router = Router(routes(f"[{{name: only, when: {when}}}]"), {"ops": ["url-1"]}, meanings=MEANINGS)
    return bool(router.route(happened, SEEN).planned)


def render(happened: OrderEvent, text: str = "[]", **given: Any) -> Message:
    renderer = Renderer(routes(text), "Europe/Stockholm", styles={"ops": ChannelStyle(story=True)}, meanings=MEANINGS)
    return renderer.render("fraud", happened, "7K3F", now=SEEN, **given)


def invoiced(was: str, now: str, status: str = "active", **fields: Any) -> OrderEvent:
    before = order(status, invoice_status=was)
    return event("invoice_changed", order=order(status, invoice_status=now), before=before, **fields)


# Routes


@pytest.mark.parametrize(
    ("when", "was", "now", "expected"),
    [
        ("{to: fraud}", "n", "Manual Review", True),
        ("{to: manual-review}", "n", "Manual Review", True),
        ("{to: 'man*'}", "n", "Manual Review", True),
        ("{to: active}", "n", "Manual Review", False),
        ("{from: pending, to: completed}", "n", "P", True),
        ("{from: n, to: p}", "N", "p", True),
        ("{from: pending, to: fraud}", "n", "p", False),
        ("{to: accepted}", "n", "Accepted", True),
        ("{to: pending}", "7", "Accepted", True),
        ("{to: unheard-of}", "7", "Unheard of", True),
        ("{to: suspended}", "7", "Suspended", True),
        ("{not: {to: fraud}}", "n", "Manual Review", False),
    ],
)
def test_from_and_to_match_the_sources_own_status_or_its_meaning(
    when: str, was: str, now: str, *, expected: bool
) -> None:
    assert matches(when, event(was=was, order=order(now))) is expected


def test_each_source_has_its_own_meanings() -> None:
    assert not matches("{to: fraud}", event(order=order("Manual Review"), source="blog"))


def test_for_an_invoice_from_and_to_are_its_statuses() -> None:
    paid = invoiced("Unpaid", "Paid", status="fraud")
    assert matches("{event: invoice_changed, from: unpaid, to: paid}", paid)
    assert not matches("{event: invoice_changed, to: fraud}", paid)
    assert not matches("{to: paid}", paid), "event defaults to status_changed"
    assert matches("{event: invoice_changed, to: refunded}", invoiced("Paid", "Refunded"))
    assert not matches("{event: invoice_changed, to: fraud}", invoiced("Paid", "7")), "the map is of orders' statuses"


TWO = serviced(
    ["1 Active Web", "2 Pending Mail", "3 Active Shop"], ["1 Suspended Web", "2 Active Mail", "3 Active Shop"]
)


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{event: service_changed}", True),
        ("{event: service_changed, to: suspended}", True),
        ("{event: service_changed, from: pending, to: active}", True),
        ("{event: service_changed, from: active, to: active}", False),
        ("{event: service_changed, from: pending, to: suspended}", False),
        ("{event: service_changed, to: [terminated, suspended], from: act*}", True),
        ("{event: service_changed, not: {to: active}}", True),
        ("{event: service_changed, not: {to: [active, suspended]}}", False),
        ("{event: service_changed, not: {from: pending, to: suspended}}", True),
        ("{event: service_changed, to: active, not: {from: pending}}", False),
        ("{}", False),
    ],
)
def test_for_services_one_and_the_same_move_satisfies_all(when: str, *, expected: bool) -> None:
    assert matches(when, TWO) is expected


def test_services_share_the_meanings_of_their_orders() -> None:
    assert matches("{event: service_changed, to: cancelled}", serviced(["1 Active Web"], ["1 Terminated Web"]))


def test_a_service_that_is_new_left_no_status_and_one_that_is_gone_entered_none() -> None:
    added, removed = serviced([], ["1 Active Web"]), serviced(["1 Active Web"], [])
    assert matches("{event: service_changed, to: active}", added)
    assert not matches("{event: service_changed, from: '*'}", added)
    assert matches("{event: service_changed, from: active}", removed)
    assert not matches("{event: service_changed, to: '*'}", removed)
    assert matches("{event: service_changed}", removed)


def test_services_of_which_one_look_was_unknown_are_news_all_the_same() -> None:
    """No diff makes such an event; if one comes from elsewhere, it is told of rather than lost."""
    unknown = event("service_changed", order=order("active"), before=order("active"))
    assert matches("{event: service_changed}", unknown)
    assert render(unknown).title == "💻 Services changed: ORD-0088 · shop"


# Messages


@pytest.mark.parametrize(
    ("was", "now", "title", "change", "severity"),
    [
        ("n", "p", "✅ Completed: ORD-0088", "n (pending) → p (completed), after", Severity.SUCCESS),
        ("p", "7", "🚨 Fraud: ORD-0088", "p (completed) → 7 (fraud), after", Severity.FAILURE),
        ("n", "Manual Review", "🚨 Fraud: ORD-0088", "n (pending) → Manual Review, after", Severity.FAILURE),
        ("n", "x", "🔔 x: ORD-0088", "n (pending) → x, after", Severity.INFO),
        ("n", "1003", "🚫 Expired: ORD-0088", "n (pending) → 1003 (expired), after", Severity.WARNING),
        ("n", "404", "🔔 404: ORD-0088", "n (pending) → 404, after", Severity.INFO),
        ("n", "Accepted", "⏳ Pending: ORD-0088", "n (pending) → Accepted, after", Severity.INFO),
    ],
)
def test_a_status_looks_as_what_it_means_and_a_code_is_explained(
    was: str, now: str, title: str, change: str, severity: Severity
) -> None:
    message = render(event(was=was, order=order(now)), channel="ops")
    assert message.title.startswith(title)
    assert message.body.startswith(change)
    assert message.severity is severity
    assert message.story[-1].what.startswith(change)


@pytest.mark.parametrize("meaning", Meaning)
def test_each_meaning_has_a_look(meaning: Meaning) -> None:
    renderer = Renderer([], meanings={"shop": {"x": meaning}})
    message = renderer.render("all", event(order=order("x")), "7K3F", now=SEEN)
    assert f" {meaning.capitalize()}: ORD-0088" in message.title
    assert not message.title.startswith("🔔")


def test_a_code_is_explained_in_every_kind_of_message() -> None:
    appeared = render(event("appeared", was=None, order=order("n")))
    assert (appeared.title, appeared.subject) == (
        "🆕 New, n (pending): ORD-0088 · $49.00 · shop",
        "New, n (pending): ORD-0088, $49.00 (shop)",
    )
    assert "Was n (pending);" in render(event("vanished", order=order("n"))).body
    assert "again: n (pending) → p (completed)" in render(event("reappeared", was="n", order=order("p"))).body
    assert "Status p (completed)\n" in render(event("changed", was="p", order=order("p", "9.00 USD"))).body
    moved = serviced(["1 n Web"], ["1 p Web"], "n")
    assert render(moved).body.startswith("Web: n (pending) → p (completed)\nStatus n (pending)")


def test_a_table_explains_codes_and_counts_what_they_mean() -> None:
    events = [event(was="n", order=order("p", id=str(number))) for number in range(2)]
    renderer = Renderer([], meanings=MEANINGS)
    message = renderer.render_many("all", renderer.gather(events), "7K3F", now=SEEN)
    assert message.title == "✅ 2 orders: 2 Completed · shop"
    assert "· n (pending) → p (completed), after" in message.body


def test_a_template_has_the_status_as_the_source_writes_it_and_what_it_means() -> None:
    text = "[{name: fraud, title: '{{ order.status }} {{ order.meaning }} {{ before.readable }} {{ order.word }}'}]"
    assert render(event(was="n", order=order("p")), text).title == "p completed n (pending) Completed"
    assert render(event(was="n", order=order("x")), text).title == "x  n (pending) x"


def test_an_event_of_another_source_is_not_explained() -> None:
    assert render(event(was="n", order=order("p"), source="blog")).body.startswith("n → p, after")


# Invoices


@pytest.mark.parametrize(
    ("was", "now", "title", "severity"),
    [
        ("Unpaid", "Paid", "🧾 Invoice Paid: ORD-0088 · $49.00 · shop", Severity.SUCCESS),
        ("Paid", "Refunded", "🧾 Invoice Refunded: ORD-0088 · $49.00 · shop", Severity.WARNING),
        ("Unpaid", "Overdue", "🧾 Invoice Overdue: ORD-0088 · $49.00 · shop", Severity.WARNING),
        ("Paid", "Chargeback", "❌ Invoice Chargeback: ORD-0088 · $49.00 · shop", Severity.FAILURE),
        ("Paid", "In Dispute", "🧾 Invoice In Dispute: ORD-0088 · $49.00 · shop", Severity.INFO),
    ],
)
def test_an_invoice_is_told_of_by_its_status(was: str, now: str, title: str, severity: Severity) -> None:
    """The order's own status, a fraud here, is no news."""
    message = render(invoiced(was, now, "fraud"), channel="ops")
    assert (message.title, message.severity) == (title, severity)
    assert message.body.startswith(f"Invoice {was} → {now}\nStatus fraud\n")
    assert message.story[-1].what == f"invoice {was} → {now}"


def test_a_template_has_the_invoices_status() -> None:
    text = "[{name: fraud, title: '{{ before.invoice_status }}, {{ order.invoice_status }}{{ lasted }}'}]"
    assert render(invoiced("Unpaid", "Paid"), text).title == "Unpaid, Paid", "how long it was unpaid is not known"
    assert render(event(), text).title == ", 2 h 13 min"


# Services


@pytest.mark.parametrize(
    ("was", "now", "title", "lines", "severity"),
    [
        (
            ["1 Pending Web"],
            ["1 Active Web"],
            "💻 Active: Web · ORD-0088 · shop",
            ["Web: Pending → Active"],
            Severity.SUCCESS,
        ),
        (
            ["1 Active Web"],
            ["1 7 Web"],
            "🚨 Fraud: Web · ORD-0088 · shop",
            ["Web: Active → 7 (fraud)"],
            Severity.FAILURE,
        ),
        ([], ["1 Pending Web"], "💻 Added: Web · ORD-0088 · shop", ["Web: added, Pending"], Severity.INFO),
        ([], ["1 Active Web"], "💻 Added: Web · ORD-0088 · shop", ["Web: added, Active"], Severity.INFO),
        ([], ["1 Fraud Web"], "🚨 Added: Web · ORD-0088 · shop", ["Web: added, Fraud"], Severity.FAILURE),
        (["1 Active Web"], [], "💻 Removed: Web · ORD-0088 · shop", ["Web: removed, was Active"], Severity.WARNING),
        (
            ["1 Active"],
            ["1 Suspended"],
            "💻 Suspended: 1 · ORD-0088 · shop",
            ["1: Active → Suspended"],
            Severity.WARNING,
        ),
        (
            ["1 Active Web", "2 Pending Mail", "3 Active Old"],
            ["1 Suspended Web", "2 Active Mail", "4 Pending New"],
            "💻 4 services: 1 Suspended, 1 Active, 1 Added, 1 more · ORD-0088 · shop",
            ["Web: Active → Suspended", "Mail: Pending → Active", "New: added, Pending", "Old: removed, was Active"],
            Severity.WARNING,
        ),
        (
            ["1 Active Web", "1 Active Mail"],
            ["1 Active Web", "1 Suspended Mail"],
            "💻 Suspended: Mail · ORD-0088 · shop",
            ["Mail: Active → Suspended"],
            Severity.WARNING,
        ),
    ],
)
def test_services_are_told_of_by_name(
    was: list[str], now: list[str], title: str, lines: list[str], severity: Severity
) -> None:
    message = render(serviced(was, now, "fraud"), channel="ops")
    assert (message.title, message.severity) == (title, severity)
    assert message.body.splitlines()[: len(lines) + 1] == [*lines, "Status fraud"]
    rest = [f"{len(lines) - 3} more"] if len(lines) > 3 else []
    assert message.story[-1].what == "; ".join([*lines[:3], *rest])


def test_a_service_is_named_in_the_subject_and_not_in_a_stable_one() -> None:
    moved = serviced(["1 Active Web"], ["1 Suspended Web"])
    assert render(moved).subject == "Suspended: Web, ORD-0088 (shop)"
    renderer = Renderer([], styles={"mail": ChannelStyle(subject="stable")})
    assert renderer.render("all", moved, "7K3F", now=SEEN, channel="mail").subject == "ORD-0088 (shop)"


def test_very_many_services_are_counted() -> None:
    was = [f"{number} Active Web" for number in range(300)]
    lines = render(serviced(was, [])).body.splitlines()
    assert lines[24:26] == ["Web: removed, was Active", "… and 275 more"]


def test_a_template_has_the_services_and_their_moves() -> None:
    text = """
    - name: fraud
      title: "{{ order.services | join(', ') }}; {{ order.services[0].name }} {{ order.services[0].id }}"
      body: "{% for m in moves %}{{ m.id }} {{ m.name }} {{ m.before or 0 }} to {{ m.after or 0 }} ({{ m }}){%endfor%}"
    """
    message = render(serviced(["1 Active Web"], ["1 Suspended Web", "2 n Mail"]), text)
    assert message.title == "Web: Suspended, Mail: n (pending); Web 1"
    assert message.text == (
        "1 Web Active to Suspended (Web: Active → Suspended)2 Mail 0 to n (Mail: added, n (pending))"
    )
    assert (
        render(event(), "[{name: fraud, title: 'x{{ moves | length }}{{ order.services | length }}'}]").title == "x00"
    )


def test_the_orders_number_is_linked_though_a_services_name_holds_it() -> None:
    moved = event(
        "service_changed",
        order=order("active", id="1", number=None, services=serviced([], ["5 Suspended Web 1 GB"]).order.services),
        before=order("active", id="1", number=None, services=()),
    )
    urls = {"shop": "https://billing.example.com/{id}"}
    message = Renderer([], order_urls=urls).render("all", moved, "7K3F", now=SEEN)
    assert split_at_label(message.title, message) == ("💻 Added: Web 1 GB · ", "1", " · shop")


# Samples


@pytest.mark.parametrize(
    ("when", "title", "line"),
    [
        ("{event: invoice_changed}", "🧾 Invoice Paid: ORD-0088 · $59.00 · shop", "Invoice Unpaid → Paid"),
        (
            "{event: invoice_changed, from: paid, to: refunded}",
            "🧾 Invoice Refunded: ORD-0088 · $59.00 · shop",
            "Invoice paid → refunded",
        ),
        (
            "{event: service_changed}",
            "💻 Suspended: Starter Hosting (example.com) · ORD-0088 · shop",
            "Starter Hosting (example.com): Active → Suspended",
        ),
        (
            "{event: service_changed, from: suspended, to: [act*, active]}",
            "💻 Active: Starter Hosting (example.com) · ORD-0088 · shop",
            "Starter Hosting (example.com): suspended → active",
        ),
    ],
)
def test_a_sample_shows_the_move_that_its_route_is_about(when: str, title: str, line: str) -> None:
    message = Renderer(routes(f"[{{name: one, when: {when}}}]")).render_sample("one")
    assert (message.title, message.body.splitlines()[0]) == (title, line)
