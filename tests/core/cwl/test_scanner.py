"""How strings are taken apart: escapes, references, expressions, and where an expression ends."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.cwl.scanner import Code, parse
from recrate.errors import ExpressionFailed


def shape(text: str, version: str = "v1.2") -> list[str | tuple[str, str]]:
    """Literal parts as strings; expressions as (kind, text)."""
    return [
        part if isinstance(part, str) else ("ref" if part.symbol else "body" if part.body else "code", part.text)
        for part in parse(text, version)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("plain $ text", ["plain $ text"]),
        ("$(inputs)", [("ref", "inputs")]),
        ("a$(inputs.x)b", ["a", ("ref", "inputs.x"), "b"]),
        ("$(a)$(b)", [("ref", "a"), ("ref", "b")]),
        ("$( inputs.x )", [("code", " inputs.x ")]),
        ("$(a+b)", [("code", "a+b")]),
        ("$(f(g(1), [2]))", [("code", "f(g(1), [2])")]),
        ("${return 1;}", [("body", "return 1;")]),
        ("${ if (a) { return {b: 1}; } }x", [("body", " if (a) { return {b: 1}; } "), "x"]),
        ("$(')')", [("code", "')'")]),
        ('$(")" + "\\")")', [("code", '")" + "\\")"')]),
        ("$(a['b)'])", [("ref", "a['b)']")]),
        ("${ return '}'; }", [("body", " return '}'; ")]),
        ("${ // don't }\n return 1; }", [("body", " // don't }\n return 1; ")]),
        ("${ /* it's } */ return 1; }", [("body", " /* it's } */ return 1; ")]),
        ('${ return /["}]/.test(self); }', [("body", ' return /["}]/.test(self); ')]),
        ("$(self.replace(/\\(.*'/, ''))", [("code", "self.replace(/\\(.*'/, '')")]),
        ("$(a / b) $(c / d)", [("code", "a / b"), " ", ("code", "c / d")]),
        ("$((a) / 2 + ')' / 3)", [("code", "(a) / 2 + ')' / 3")]),
        ("$(`it's ${ f(')') } `)", [("code", "`it's ${ f(')') } `")]),
        ("$(a // b)", [("code", "a // b")]),
        ("$$(a)", ["$", ("ref", "a")]),
        ("cost: $5 (or $ 6)", ["cost: $5 (or $ 6)"]),
    ],
)
def test_a_string_is_split_at_its_expressions(text: str, expected: list) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("text", "new", "old"),
    [
        (r"\$(a)", ["$(a)"], ["$(a)"]),
        (r"\${a}", ["${a}"], ["${a}"]),
        (r"\\$(a)", ["\\", ("ref", "a")], ["\\", ("ref", "a")]),
        (r"\\\$(a)", [r"\$(a)"], [r"\$(a)"]),
        (r"a\b", [r"a\b"], ["ab"]),
        ("\\", ["\\"], ["\\"]),
        (r"\\", ["\\"], ["\\"]),
        (r"\$x", [r"\$x"], ["$x"]),
        ("a\\\n$(b)", ["a\\\n", ("ref", "b")], ["a\n", ("ref", "b")]),
    ],
)
def test_escapes_differ_before_v1_2(text: str, new: list, old: list) -> None:
    assert shape(text, "v1.2") == new
    assert shape(text, "v1.3") == new
    assert shape(text, "v1.0") == old
    assert shape(text, "v1.1") == old


@pytest.mark.parametrize(
    ("text", "symbol", "keys"),
    [
        ("inputs", "inputs", ()),
        ("inputs.a.b", "inputs", ("a", "b")),
        ("inputs['a b']", "inputs", ("a b",)),
        ('inputs["a\\"b"]', "inputs", ('a"b',)),
        (r"inputs['a\'b']", "inputs", ("a'b",)),
        (r"inputs['a\\b']", "inputs", ("a\\b",)),
        ("self[0].size", "self", (0, "size")),
        ("self['0']", "self", ("0",)),
        ("inputs.größe", "inputs", ("größe",)),
        ("inputs['']", "inputs", ("",)),
        ("inputs.a]", None, ()),
        ("inputs.a-b", None, ()),
        ("inputs..a", None, ()),
        ("inputs[-1]", None, ()),
        ("inputs[a]", None, ()),
        ("inputs.f()", None, ()),
        ("", None, ()),
        ("'x'", None, ()),
    ],
)
def test_a_parameter_reference_is_recognised(text: str, symbol: str | None, keys: tuple) -> None:
    (code,) = parse(f"$({text})", "v1.2")
    assert isinstance(code, Code)
    assert (code.symbol, code.keys) == (symbol, keys)
    assert code.is_reference == (symbol is not None)


@pytest.mark.parametrize("text", ["$(", "a ${ return 1;", "$(')", "$(a(b)", "${ return '}' ", "$(`${a)"])
def test_an_expression_that_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionFailed, match="does not end"):
        parse(text, "v1.2")


@given(st.text())
def test_any_text_comes_back_when_it_is_escaped(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("$(", "\\$(").replace("${", "\\${")
    assert "".join(str(part) for part in parse(escaped, "v1.2")) == text


@given(st.text(alphabet="$(){}[]'\"`/\\ab.0\n*"))
def test_any_text_is_split_or_refused(text: str) -> None:
    with contextlib.suppress(ExpressionFailed):
        parts = parse(text, "v1.2")
        assert not any(isinstance(a, str) and isinstance(b, str) for a, b in itertools.pairwise(parts))
