"""How work is divided: evenly, completely, and so that little moves."""

from __future__ import annotations

import random

import pytest

from monitor.shares import divide


class Table:
    """Daemons that come, go and look in any order. ``moved`` counts what somebody has given up."""

    def __init__(self, weights: dict[str, int]) -> None:
        self.weights = weights
        self.held: dict[str, str] = {}
        self.living: list[str] = []
        self.moved = 0

    def come(self, *names: str) -> None:
        self.living += names

    def go(self, name: str) -> None:
        self.living.remove(name)
        self.held = {unit: owner for unit, owner in self.held.items() if owner != name}

    def look(self, name: str) -> bool:
        gives, takes = divide(self.weights, self.held, name, self.living)
        for unit in gives:
            del self.held[unit]
        self.held |= dict.fromkeys(takes, name)
        self.moved += len(gives)
        return bool(gives or takes)

    def settle(self, dice: random.Random | None = None, rounds: int = 30) -> int:
        """Everybody looks until nothing moves any more; how many rounds that took."""
        for number in range(rounds):
            order = self.living[:]
            if dice:
                dice.shuffle(order)
            moved = [self.look(name) for name in order]
            if True not in moved:
                return number
        raise AssertionError(f"never at rest: {self.loads()}")

    def loads(self) -> list[int]:
        return sorted(
            sum(weight for unit, weight in self.weights.items() if self.held.get(unit) == name) for name in self.living
        )


def table(units: int, *names: str) -> Table:
    made = Table({f"s{n:02}": 1 for n in range(units)})
    made.come(*names)
    return made


@pytest.mark.parametrize(
    ("units", "names", "loads"),
    [(6, "ab", [3, 3]), (7, "ab", [3, 4]), (4, "abc", [1, 1, 2]), (10, "abcd", [2, 2, 3, 3]), (1, "abc", [0, 0, 1])],
)
def test_everything_is_held_and_nobody_has_two_more_than_another(units: int, names: str, loads: list[int]) -> None:
    made = table(units, *names)
    assert made.settle() <= 1
    assert made.loads() == loads
    made = table(units, names[0])
    made.settle()
    made.come(*names[1:])
    assert made.settle() <= 4
    assert made.loads() == loads


def test_who_comes_gets_its_share_and_nothing_else_moves() -> None:
    made = table(30, "a", "b")
    made.settle()
    made.come("c")
    made.settle()
    assert (made.loads(), made.moved) == ([10, 10, 10], 10)


def test_who_goes_is_succeeded_by_all_and_nothing_else_moves() -> None:
    made = table(30, "a", "b", "c")
    made.settle()
    before, made.moved = dict(made.held), 0
    made.go("b")
    made.settle()
    assert (made.loads(), made.moved) == ([15, 15], 0)
    assert all(made.held[unit] == owner for unit, owner in before.items() if owner != "b")


def test_what_stays_together_weighs_as_much_as_all_of_it() -> None:
    made = Table({"@host": 6} | {f"s{n}": 1 for n in range(6)})
    made.come("a", "b")
    made.settle()
    assert made.loads() == [6, 6]


def test_what_is_being_polled_is_not_given_away() -> None:
    weights = {f"s{n}": 1 for n in range(4)}
    held = dict.fromkeys(weights, "a")
    gives, _ = divide(weights, held, "a", ["a", "b"], busy={"s3", "s2"})
    assert gives == ["s1", "s0"]
    assert divide(weights, held, "a", ["a", "b"], busy=set(weights)).gives == []


def test_what_a_stranger_holds_is_nobodys_to_divide() -> None:
    """A daemon of other settings: it does not know what we know."""
    weights = {f"s{n}": 1 for n in range(6)}
    held = {"s0": "stranger", "s1": "stranger"}
    assert len(divide(weights, held, "a", ["a", "b"]).takes) == 2


@pytest.mark.parametrize("seed", range(60))
def test_whoever_comes_and_goes_it_comes_to_rest_complete_and_even(seed: int) -> None:
    dice = random.Random(seed)
    heavy = dice.choice([1, 1, 3, 20])
    made = Table({f"s{n:03}": dice.randint(1, heavy) for n in range(dice.randint(0, 40))})
    made.come("a")
    for number in range(8):
        if len(made.living) > 1 and dice.random() < 0.4:
            made.go(dice.choice(made.living))
        else:
            made.come(f"d{number}")
        made.settle(dice)
        assert made.held.keys() == made.weights.keys()
        apart = made.loads()[-1] - made.loads()[0]
        assert apart <= 2 * max(made.weights.values(), default=0)
        if heavy == 1:
            assert apart <= 1
