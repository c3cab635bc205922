"""Values against types: what fits, what does not, and the reason in one line."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.core.cwl.matching import best_alternative, matches, mismatch, shown
from recrate.core.cwl.types import ANY, DIRECTORY, FILE, NULL, ArrayType, EnumType, Field, Primitive, RecordType, Type
from recrate.core.cwl.types import UnionType as Union

from .values_and_types import TYPES, fitting, unfitting

INT, LONG, FLOAT, STRING, BOOLEAN = (Primitive(name) for name in ("int", "long", "float", "string", "boolean"))
A_FILE = {"class": "File", "location": "file:///x"}
A_DIRECTORY = {"class": "Directory", "location": "file:///x"}
PAIR = RecordType((Field("n", INT), Field("note", Union((NULL, STRING)))), name="pair")
ENUM = EnumType(("a", "b"))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_value_made_for_a_type_has_it(data: st.DataObject) -> None:
    type_ = data.draw(TYPES)
    value = data.draw(fitting(type_))
    assert mismatch(value, type_) is None
    if isinstance(type_, Union):
        assert matches(value, best_alternative(value, type_))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_value_spoilt_for_a_type_does_not_have_it(data: st.DataObject) -> None:
    type_ = data.draw(TYPES)
    reason = mismatch(data.draw(unfitting(type_)), type_, "x")
    assert reason is not None
    assert reason.startswith("x")
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("value", "type_", "fits"),
    [
        (2**31 - 1, INT, True),
        (2**31, INT, False),
        (-(2**31), INT, True),
        (2**31, LONG, True),
        (2**63, LONG, False),
        (1.0, INT, False),
        (True, INT, False),
        (True, FLOAT, False),
        (1, FLOAT, True),
        (1, BOOLEAN, False),
        ("1", INT, False),
        (1, STRING, False),
        ("a", ENUM, True),
        ("c", ENUM, False),
        (1, ENUM, False),
        (None, ANY, False),
        (False, ANY, True),
        ([None], ANY, True),
        (A_FILE, FILE, True),
        (A_FILE, DIRECTORY, False),
        ("file:///x", FILE, False),
        ([A_FILE], FILE, False),
        (A_FILE, PAIR, False),
        ({"n": 1}, PAIR, True),
        ({"n": 1, "note": None}, PAIR, True),
        ({"n": 1, "other": 2}, PAIR, True),
        ({"note": "x"}, PAIR, False),
        ({}, RecordType(()), True),
        ([], ArrayType(INT), True),
        ([[1], []], ArrayType(ArrayType(INT)), True),
        ([1, None], ArrayType(INT), False),
        ({"0": 1}, ArrayType(INT), False),
        ("abc", ArrayType(STRING), False),
        (None, Union((NULL, INT)), True),
        ("x", Union((NULL, INT)), False),
    ],
)
def test_which_values_have_which_types(value: Any, type_: Type, fits: bool) -> None:
    assert matches(value, type_) is fits


@pytest.mark.parametrize(
    ("value", "type_", "reason"),
    [
        ("x", INT, "v: expected int, got 'x'"),
        ([1, {"n": "x"}], ArrayType(Union((INT, PAIR))), "v[1].n: expected int, got 'x'"),
        ({"note": "x"}, PAIR, "v.n: missing"),
        ({"n": None}, PAIR, "v.n: expected int, got null"),
        ("c", ENUM, "v: expected one of a, b, got 'c'"),
        (A_DIRECTORY, Union((NULL, FILE)), "v: expected File?, got a Directory"),
        ([1, "x"], Union((NULL, ArrayType(INT))), "v[1]: expected int, got 'x'"),
        (2**40, INT, f"v: expected int, got {2**40}"),
        ("y" * 100, BOOLEAN, f"v: expected boolean, got '{'y' * 40}...'"),
        (True, STRING, "v: expected string, got true"),
        ([1, 2], STRING, "v: expected string, got a list of 2"),
        ({"a": 1}, STRING, "v: expected string, got an object"),
    ],
)
def test_the_reason_names_the_place_and_the_type(value: Any, type_: Type, reason: str) -> None:
    assert mismatch(value, type_, "v") == reason


def test_the_first_alternative_that_fits_is_taken() -> None:
    union = Union((NULL, INT, FLOAT, ArrayType(STRING), ArrayType(FILE)))
    assert best_alternative(1, union) == INT
    assert best_alternative(1.5, union) == FLOAT
    assert best_alternative([A_FILE], union) == ArrayType(FILE)
    assert best_alternative("x", union) is None


@given(st.text(max_size=200) | st.floats() | st.booleans() | st.lists(st.none()))
def test_what_is_shown_of_a_value_is_short(value: Any) -> None:
    assert len(shown(value)) < 500
    assert "\n" not in shown(value)
