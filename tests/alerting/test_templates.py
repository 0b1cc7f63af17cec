from __future__ import annotations

import pytest
from alerting_examples import SEEN, event, routes

from monitor.alerting.composing import Occasion, variables
from monitor.alerting.render import VARIABLES, Renderer, check_templates
from monitor.alerting.sandbox import FILTERS, Sandbox
from monitor.alerting.settings import ChannelStyle
from monitor.alerting.words import Words
from monitor.errors import TemplateError
from monitor.model import EventKind


def faults(template: str, when: str = "{}") -> list[str]:
    text = "[{name: one, when: " + when + "}]"
    (route,) = routes(text)
    return [fault for _, fault in check_templates([route.model_copy(update={"body": template})])]


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{{ ordr.number }}", "unknown variable 'ordr', did you mean order?"),
        ("{{ xyzzy }}", "unknown variable 'xyzzy'"),
        ("{% if false %}{{ sorce }}{% endif %}", "unknown variable 'sorce', did you mean source?"),
        ("{{ order.totl }}", "line 1: unknown variable 'order.totl', did you mean order.total?"),
        (
            "\n{% if false %}{{ before.sttus }}{% endif %}",
            "line 2: unknown variable 'before.sttus', did you mean before.status?",
        ),
        ("{{ order.total | mony }}", "line 1: unknown filter 'mony', did you mean money?"),
        ("{% if false %}{{ 1 | mony }}{% endif %}", "line 1: unknown filter 'mony', did you mean money?"),
        ("{% if order is defind %}{% endif %}", "line 1: unknown test 'defind', did you mean defined?"),
        (
            "{% for item in order.items %}{{ item.nme }}{% endfor %}",
            "fails for an event status_changed: unknown name 'nme', did you mean name?",
        ),
        (
            "{{ order.number | money }}",
            "fails for an event status_changed: the filter money takes an amount, such as order.total, or a number",
        ),
        ("{{ order.__init__ }}", "line 1: unknown variable 'order.__init__'"),
        (
            "{{ source.__class__ }}",
            "fails for an event status_changed: access to attribute '__class__' of 'str' object is unsafe.",
        ),
        ("{% block a %}{% endblock %}{% block a %}{% endblock %}", "line 1: block 'a' defined twice"),
    ],
)
def test_a_faulty_template_is_found_before_it_is_needed(template: str, fault: str) -> None:
    assert faults(template) == [fault]


def test_a_syntax_error_is_told_with_its_line() -> None:
    (fault,) = faults("fine\n{% if order %}")
    assert fault.startswith("line 2: Unexpected end of template")


def test_a_template_is_tried_with_each_kind_that_its_route_is_about() -> None:
    template = "{{ before.status }}"
    assert faults(template) == []
    (fault,) = faults(template, "{event: [appeared, status_changed]}")
    assert fault.startswith("fails for an event appeared: there is nothing here to take 'status' of")
    assert faults("{% if before %}{{ before.status }}{% endif %}", "{event: [appeared, status_changed]}") == []


def test_faults_are_told_with_their_place() -> None:
    found = check_templates(routes("[{name: one}, {name: two, title: '{{ x }}', body: '{{ y }}'}]"))
    assert [path for path, _ in found] == [("routes", 1, "title"), ("routes", 1, "body")]


@pytest.mark.parametrize(
    "template",
    [
        "{{ labels.anything }}",
        "{% set total = order.total %}{{ total }}{% for order in [1] %}{{ order.real }}{% endfor %}",
        "{% set ns = namespace(n=0) %}{% for i in range(3) %}{% set ns.n = i %}{% endfor %}{{ ns.n }}",
        "{{ '-' * 20 }} {{ 2 ** 3 }} {{ 2 * order.total.amount }}",
        "{% macro line(item) %}{{ item }}{% endmacro %}{{ line(order.items[0]) }}",
    ],
)
def test_a_good_template_is_not_complained_of(template: str) -> None:
    assert faults(template) == []


def test_every_documented_variable_and_filter_can_be_used() -> None:
    kinds = "{event: [appeared, status_changed, changed, invoice_changed, service_changed, vanished, reappeared]}"
    assert faults("".join("{{ " + name + " }}" for name in VARIABLES), kinds) == []
    assert FILTERS.keys() <= Sandbox(Words("UTC", "en")).filters.keys()


def test_every_variable_that_a_template_gets_is_documented() -> None:
    words = Words("UTC", "en")
    given = variables(Occasion("route", "channel", "7K3F", SEEN, ChannelStyle(), words), event(), None, {})
    assert given.keys() == {name for name in VARIABLES if "." not in name}


def test_every_field_of_an_order_is_documented() -> None:
    (fault,) = faults("{{ order.zzzzz }}")
    assert fault == "line 1: unknown variable 'order.zzzzz'"
    assert faults("".join("{{ " + name + " }}" for name in VARIABLES if name.startswith("order."))) == []


def test_a_renderer_refuses_a_template_that_does_not_compile() -> None:
    with pytest.raises(TemplateError, match="Unexpected end"):
        Renderer(routes("[{name: one, title: '{% if order %}'}]"))


def test_every_kind_of_event_has_its_template_in_the_package() -> None:
    sandbox = Sandbox(Words("UTC", "en"))
    assert {f"{kind}.j2" for kind in EventKind} <= set(sandbox.list_templates())
