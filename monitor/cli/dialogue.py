"""Questions on a terminal: each is asked until its answer can be used. What is secret is typed unseen."""

from __future__ import annotations

import getpass
import warnings
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.text import Text

from monitor.errors import MonitorError

Check = Callable[[str], str]
"""Makes of an answer what is meant; ValueError, in words for people, if nothing can be made of it."""


class Dialogue:
    """Asks the one who sits at the terminal. EOFError when there is nobody any more."""

    def __init__(self) -> None:
        import readline  # by being there it lets input() edit a line

        self._console = Console(highlight=False)
        readline.set_auto_history(False)  # answers are no commands, and nothing of them should stay behind

    def heading(self, text: str) -> None:
        """The start of another subject."""
        self.say()
        self.say(text, "bold")

    def say(self, text: str = "", style: str = "") -> None:
        """A line to read."""
        self._console.print(Text(text, style), soft_wrap=True)

    def ask(self, question: str, default: str = "", check: Check = str) -> str:
        """The answer; ``default`` for none."""
        offer = f" [{default}]" if default else ""
        return self._until_good(lambda: input(f"  {question}{offer}: ").strip() or default, check)

    def ask_unseen(self, question: str, check: Check = str) -> str:
        """The answer, which is not shown while it is typed or pasted."""
        return self._until_good(lambda: _unseen(f"  {question} (not shown): ").strip(), check)

    def choose(self, question: str, choices: Sequence[str]) -> int:
        """The place of what is chosen; the first where nothing is typed."""
        self.say(f"  {question}")
        for number, choice in enumerate(choices, 1):
            self.say(f"    {number}  {choice}")
        return int(self.ask("Choose", "1", _one_of(len(choices)))) - 1

    def confirm(self, question: str) -> bool:
        """Whether the answer is yes; so it is where nothing is typed."""
        return self._until_good(lambda: input(f"{question} [Y/n]: ").strip().lower() or "y", _yes_or_no) == "y"

    def _until_good(self, read: Callable[[], str], check: Check) -> str:
        while True:
            try:
                return check(_needed(read()))
            except ValueError as error:  # also of input() itself, for bytes that are no text
                self.say(f"  {'this is no text' if isinstance(error, UnicodeError) else error}", "yellow")


def _unseen(prompt: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass(prompt)
        except getpass.GetPassWarning:
            raise MonitorError("this terminal cannot hide what is typed: use the flags of init instead") from None


def _needed(answer: str) -> str:
    if not answer:
        raise ValueError("an answer is needed here")
    answer.encode()  # what cannot be written is no text
    return answer


def _one_of(count: int) -> Check:
    def check(answer: str) -> str:
        if answer not in map(str, range(1, count + 1)):
            raise ValueError(f"a number from 1 to {count} is expected")
        return answer

    return check


def _yes_or_no(answer: str) -> str:
    if answer not in ("y", "yes", "n", "no"):
        raise ValueError("y or n is expected")
    return answer[0]
