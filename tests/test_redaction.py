"""Secrets are taken out of whatever is written down."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from recrate.redaction import MASK, Redactor, from_environment

SECRETS = st.text(min_size=4, max_size=12).filter(lambda text: text.strip("*") == text)


@given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
def test_no_secret_is_left_in_a_text(secret: str, before: str, after: str) -> None:
    redacted = Redactor(frozenset({secret})).text(before + secret + after)
    assert MASK in redacted
    assert len(redacted) <= len(before + secret + after) + len(MASK)


@given(secret=SECRETS)
def test_no_secret_is_left_in_json(secret: str) -> None:
    redactor = Redactor(frozenset({secret}))
    value = {"a": [secret, {"b": f"x{secret}y"}], secret: 1}
    assert secret not in list(_texts(redactor.value(value)))
    assert json.dumps(secret)[1:-1] not in redactor.text(json.dumps(value))


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def test_a_short_secret_is_masked_only_where_it_is_the_whole_value() -> None:
    redactor = Redactor(frozenset({"ab"}))
    assert redactor.value(["ab", "about"]) == [MASK, "about"]


def test_a_secret_number_is_masked() -> None:
    assert Redactor(frozenset({"123456"})).value({"pin": 123456}) == {"pin": MASK}


def test_variables_are_secret_when_the_environment_says_so() -> None:
    redactor = from_environment({"RECRATE_SECRETS": "TOKEN, MISSING", "TOKEN": "hunter22", "OTHER": "public"})
    assert redactor.text("hunter22 and public") == f"{MASK} and public"


def test_without_secrets_nothing_is_copied() -> None:
    value = {"a": [1, 2]}
    assert Redactor().value(value) is value
