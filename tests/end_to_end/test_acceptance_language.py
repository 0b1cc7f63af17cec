"""The acceptance language finds what is wrong: a test that cannot fail proves nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from acceptance import Expected, copies, faults, matches, parse_scenarios
from receivers import Received
from stage import play

_PAID = Received("✅ Active: ORD-0001", "pending → active\nSeen 08:00 UTC · ref 7K3F", {"type": "success"})


@pytest.mark.parametrize(
    "expected",
    [
        [],
        ["✅ Active: ORD-0001", "✅ Active: ORD-0001"],
        ["✅ Active: ORD-000"],
        ["Active: ORD-0001"],
        [Expected("✅ *", body=("pending → fraud",))],
        [Expected("✅ *", body=("Seen *", "pending → active"))],
        [Expected("✅ *", lacks=("→ active",))],
        [Expected("✅ *", severity="failure")],
    ],
)
def test_a_message_that_differs_is_found(expected: list[Any]) -> None:
    assert list(faults({"ops": expected}, {"ops": [_PAID]}))


def test_a_message_as_expected_is_no_fault() -> None:
    expected = Expected("✅ Active: ORD-????", ("pending → active", "Seen *"), ("fraud",), "success")
    assert list(faults({"ops": [expected]}, {"ops": [_PAID]})) == []


def test_a_message_to_a_receiver_that_is_not_named_is_found() -> None:
    assert list(faults({}, {"ops": [_PAID]}))
    assert list(faults({"nobody": []}, {}))


def test_a_second_copy_and_a_message_without_reference_are_found() -> None:
    assert list(copies([_PAID])) == []
    assert list(copies([_PAID, _PAID]))
    assert list(copies([Received("title", "body", None)]))


def test_brackets_are_not_wild() -> None:
    assert matches("[a]*", "[a] b")
    assert not matches("[a]*", "a b")


@pytest.mark.parametrize("text", ["{name: a, config: '', timelime: []}", "{name: a, config: '', timeline: [], sys: 1}"])
def test_a_key_that_the_language_has_not_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_scenarios(text)


_SHORT = """
name: short
config: |
  sources: {shop: {type: opterius, url: "{shop}", token: simulator-token}}
  channels: {ops: {url: "{ops}"}}
timeline: [{place: {id: 1}}, {poll: }, {set: {order: 1, status: fraud}}, {poll: }, STEP]
messages: {ops: ["🚨 *"]}
"""


@pytest.mark.parametrize(
    "step",
    [
        "{expect: {}}",
        "{expect: {ops: ['✅ *']}}",
        "{command: events, says: ['no such line']}",
        "{command: events, exit: 1}",
        "{command: no_such_command, exit: 1}",
        "{pol: }",
        "{place: {id: 2, colour: red}}",
        "{set: {order: 99, status: active}}",
    ],
)
async def test_a_step_that_goes_wrong_fails_the_scenario(
    step: str, tmp_path: Path, redirect_slack: Callable[[str], None]
) -> None:
    (scenario,) = parse_scenarios(_SHORT.replace("STEP", step))
    with pytest.raises((AssertionError, LookupError, ValueError, SystemExit)):
        await play(scenario, tmp_path, "documented", redirect_slack)
