"""Parameter references, interpolation and the way to JavaScript."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.cwl.expressions import Evaluator, interpolated, is_expression, needs_javascript
from recrate.core.cwl.javascript import number_text
from recrate.errors import ExpressionFailed, Where

PLAIN = Evaluator(javascript=False)
SCRIPT = Evaluator(javascript=True)
BAR = {"baz": "zab1", "b az": 2, "b'az": True, 'b"az': None, "buz": ["a", "b", "c"], "öl": "ü", "length": "own"}
INPUTS = {"bar": BAR, "n": 3, "x": 1.5, "none": None, "files": [{"class": "File", "size": 7}], "text": "häh"}

REFERENCES = [
    ("$(inputs.bar)", BAR),
    ("$(inputs['bar'])", BAR),
    ('$(inputs["bar"]["baz"])', "zab1"),
    ("$(inputs.bar['b az'])", 2),
    (r"$(inputs.bar['b\'az'])", True),
    ("$(inputs.bar['b\"az'])", None),
    ("$(inputs.bar.buz[1])", "b"),
    ("$(inputs.bar.buz.length)", 3),
    ("$(inputs.bar.buz['length'])", 3),
    ("$(inputs.bar.length)", "own"),
    ("$(inputs.bar.öl)", "ü"),
    ("$(inputs.text[1])", "ä"),
    ("$(inputs.files[0].size)", 7),
    ("$(self[0])", "first"),
    ("$(runtime.cores)", 2),
    ("$(null)", None),
    ("  $(inputs.n)\n", 3),
    ("-$(inputs.bar.baz)", "-zab1"),
    ("$(inputs.bar.baz) $(inputs.n)", "zab1 3"),
    ("$(inputs.none) $(inputs.bar['b\\'az'])", "null true"),
    ("<$(inputs.bar.buz)>", '<["a", "b", "c"]>'),
    ("<$(inputs.files[0])>", '<{"class": "File", "size": 7}>'),
    (r"\$(inputs.n) $(inputs.n)", "$(inputs.n) 3"),
]


@pytest.mark.parametrize(("text", "expected"), REFERENCES)
@pytest.mark.parametrize("evaluator", [PLAIN, SCRIPT], ids=["without", "with"])
def test_references_mean_the_same_with_and_without_javascript(text: str, expected: Any, evaluator: Evaluator) -> None:
    found = evaluator.evaluate(text, INPUTS, self_value=["first"], runtime={"cores": 2})
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("value", ["plain", "a $ b", "c:\\dir\\\\x", "", None, 3, 1.5, True, ["$(inputs.n)"], {"a": 1}])
def test_what_has_no_expression_comes_back_as_it_is(value: Any) -> None:
    assert PLAIN.evaluate(value, INPUTS) is value


def test_a_reference_gives_the_value_itself_not_a_copy() -> None:
    assert PLAIN.evaluate("$(inputs.bar)", INPUTS) is BAR


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("$(inputs.nope)", "in $(inputs.nope): there is no 'nope' in an object with bar, n, x"),
        ("$(inputs.bar.buz[3])", "there is no element 3 in a list of 3"),
        ("$(inputs.none.x)", "there is no 'x' in null"),
        ("$(null.x)", "null has no fields"),
        ("$(inputs.bar.baz.length)", "there is no 'length' in a string"),
        ("$(inputs.bar.buz.length.x)", "there is no 'length' in a list"),
        ("$(inputs.n[0])", "there is no element 0 in an integer"),
        ("$(input.n)", "there is no 'input', only inputs, self and runtime"),
        ("$(inputs.n + 1)", "$(inputs.n + 1) is not a parameter reference, and JavaScript needs Inline"),
        ("${ return 1; }", "InlineJavascriptRequirement"),
        ("$(inputs.n", "does not end"),
    ],
)
def test_a_wrong_reference_says_what_is_wrong_and_where(text: str, problem: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        PLAIN.evaluate(text, INPUTS, where=Where("t.cwl", 3, 4))
    assert problem in caught.value.render()
    assert caught.value.render().startswith("t.cwl:3:4: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(inputs.n + 1)", 4),
        ("${ return inputs.n; }", 3),
        ("$(inputs.bar.baz.length)", 4),
        ("$(inputs.nope)", None),
        ("n=${ return [1, null]; };", "n=[1, null];"),
        ("$(inputs.n > 2 ? 'many' : 'few') $(runtime.cores)", "many 2"),
        ("$({'b': 1, 'a': 2}) sorted", '{"a": 2, "b": 1} sorted'),
        ("$(self[0].toUpperCase())", "FIRST"),
        ("$('quote \"' + inputs.text + '\"')\n", 'quote "häh"'),
        ("$(1 // one\n)", 1),
        ("${\n  var r = [];\n  for (var i = 0; i < 3; i++) { r.push(i * i); }\n  return r;\n}", [0, 1, 4]),
    ],
)
def test_expressions_are_evaluated_where_javascript_is_asked_for(text: str, expected: Any) -> None:
    assert SCRIPT.evaluate(text, INPUTS, self_value=["first"], runtime={"cores": 2}) == expected


def test_white_space_around_can_be_kept() -> None:
    assert PLAIN.evaluate("$(inputs.bar.baz)\n", INPUTS, strip=False) == "zab1\n"
    assert PLAIN.evaluate("$(inputs.bar)", INPUTS, strip=False) == BAR


def test_functions_of_the_library_can_be_called_and_later_ones_win() -> None:
    evaluator = Evaluator(True, ("function t(s) { return 'a' + s; }", "function t(s) { return 'b' + s + inputs.n; }"))
    assert evaluator.evaluate("$(t('x'))", INPUTS) == "bx3"


def test_structures_are_evaluated_string_by_string() -> None:
    value = {"a": ["$(inputs.n)", {"b": "x$(inputs.n)"}], "c": 5}
    assert PLAIN.evaluate_in(value, INPUTS) == {"a": [3, {"b": "x3"}], "c": 5}


def test_old_documents_have_other_escapes() -> None:
    assert Evaluator(False, version="v1.0").evaluate(r"a\b $(inputs.n)", INPUTS) == "ab 3"
    assert PLAIN.evaluate(r"a\b $(inputs.n)", INPUTS) == r"a\b 3"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (10**20, "100000000000000000000"),
        (1e42, "1" + "0" * 42),
        (1.5e-7, "0.00000015"),
        (1.0, "1"),
        (123456789.25, "123456789.25"),
        (-0.5, "-0.5"),
        (True, "true"),
        (None, "null"),
        ("a b", "a b"),
        ({"b": 1, "a": "ü"}, '{"a": "ü", "b": 1}'),
    ],
)
def test_values_in_a_string_are_decimal_or_sorted_json(value: Any, text: str) -> None:
    assert interpolated(value) == text
    assert PLAIN.evaluate("[$(inputs.v)]", {"v": value}) == f"[{text}]"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_text_has_no_exponent_and_means_the_same(number: float) -> None:
    text = number_text(number)
    assert "e" not in text.lower()
    assert float(text) == number


@pytest.mark.parametrize(
    ("text", "expression", "script"),
    [
        ("$(inputs.a)", True, False),
        ("a $(inputs.a) ${return 1;}", True, True),
        ("$(a + b)", True, True),
        ("plain", False, False),
        (7, False, False),
        (r"\$(a + b)", True, False),
    ],
)
def test_what_needs_javascript_is_known_before(text: Any, expression: bool, script: bool) -> None:
    assert is_expression(text) is expression
    assert needs_javascript(text) is script
