"""What is wrong with a rule, or an expression, is said at its place."""

from __future__ import annotations

import pytest
from config_folder import GOOD, Folder

ROUTE = GOOD + "routes:\n- name: one\n  channels: [ops]\n  when:\n"


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("    event: absent\n", "13:12: routes[0].when.event: event absent needs for, such as for: 6h"),
        ("    to: active\n    for: 6h\n", "14:10: routes[0].when.for: for goes with event: absent only"),
        (
            "    event: absent\n    for: 6h\n    product: x\n",
            "15:14: routes[0].when.product: product is about single orders, and absent is about a source: remove it",
        ),
        (
            "    event: absent\n    for: 6h\n    between: 8-20\n",
            '15:14: routes[0].when.between: expected two times of day such as "08:00-20:00"',
        ),
        (
            "    event: spike\n    status: fraud\n    within: 1h\n    share: 0.1\n",
            "16:12: routes[0].when.share: expected a share such as 10%, above 0% and up to 100%",
        ),
        (
            "    where: order.total.amount >> `5`\n",
            "13:12: routes[0].when.where: expected a JMESPath expression such as order.total.amount >= `100`: "
            "what begins at its character 21 is not expected there",
        ),
        (
            "    not:\n      where: lenght(order.items)\n",
            "14:14: routes[0].when.not.where: expected a JMESPath expression such as order.total.amount >= `100`: "
            "it calls a function that does not exist, did you mean length?",
        ),
    ],
)
def test_a_fault_in_a_rule_is_said_at_its_place(folder: Folder, when: str, problem: str) -> None:
    assert folder.problems(ROUTE + when) == [f"monitor.yaml:{problem}"]


def test_a_source_s_own_life_goes_over_that_of_its_type(folder: Folder) -> None:
    text = GOOD.replace("token: made-up-token\n", "token: made-up-token\n    life: {Canceled: [Pending, on-hold]}\n")
    life = folder.load(text).sources["shop"].usual_life
    assert life["cancelled"] == ("pending", "on_hold")
    assert life["pending"] == ("active", "fraud", "cancelled")
