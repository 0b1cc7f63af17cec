"""Thousands of secrets are struck out as few are, and a text costs no more for it."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from monitor.redact import MASK, Redactor, _forms

ALPHABET = "ab*%/ é"
TEXTS = st.text(ALPHABET, max_size=120)
SECRETS = st.lists(st.text(ALPHABET, max_size=7), max_size=6)


def one_by_one(secrets: list[str], text: str) -> str:
    """Every form of every secret, looked for in every text: the longest first."""
    forms = {form for secret in secrets for form in _forms(secret) if form}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        text = text.replace(form, MASK)
    return text


@given(SECRETS, TEXTS)
def test_nothing_is_struck_out_otherwise_than_one_by_one(secrets: list[str], text: str) -> None:
    """Also where secrets overlap, hold one another, are shorter than what is looked for first, or hold the mask."""
    redactor = Redactor(secrets)
    assert redactor.clean(text) == one_by_one(secrets, text)
    assert redactor.clean(text) == one_by_one(secrets, text), "as it is remembered"


@given(SECRETS, st.data())
def test_a_secret_is_found_wherever_it_stands(secrets: list[str], data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.sampled_from([*secrets, "ab", "x"]), max_size=12))
    assert Redactor(secrets).clean("".join(parts)) == one_by_one(secrets, "".join(parts))


def test_ten_thousand_secrets_cost_a_text_little() -> None:
    """Each poll of ten thousand sources is a line of the log, and each of its words is looked at."""
    redactor = Redactor(f"token-{number:06}-of-a-source" for number in range(10_000))
    text = "the answer from https://billing.example.com/api/v1/orders says token-004711-of-a-source, thank you " * 2
    began = time.process_time()
    for number in range(100):
        assert "004711" not in redactor.clean(f"{text}{number}")
    assert (time.process_time() - began) / 100 < 0.005
