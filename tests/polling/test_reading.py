"""What is kept of a source's answers."""

from __future__ import annotations

from pydantic import SecretStr

from monitor.polling.reading import memory_for
from monitor.sources.base import Answer
from monitor.sources.hostup import Hostup
from monitor.sources.opterius import Opterius
from monitor.sources.registry import ADAPTERS

URL = "https://billing.example.com"
ANSWER = Answer(URL, 200, {"etag": '"1"'}, b"{}", 0.0, 0.0)


def test_the_answers_of_a_list_are_kept_for_being_asked_for_again() -> None:
    memory = memory_for(Opterius(URL, SecretStr("token")))
    memory.keep(URL, ANSWER)
    assert memory.recall(URL, 0.0) is not None


def test_answers_about_single_orders_may_hold_passwords_and_are_not_kept() -> None:
    entry = ADAPTERS["hostup"]
    source = entry.make(entry.settings.model_validate({"type": "hostup", "url": URL, "api_key": "key"}))
    assert isinstance(source, Hostup)
    memory = memory_for(source)
    memory.keep(URL, ANSWER)
    assert memory.recall(URL, 0.0) is None
    assert memory.bytes == 0
