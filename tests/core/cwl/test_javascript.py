"""JavaScript in process: values in and out, isolation, limits, errors in one line."""

import gc
import math
import resource
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.cwl import javascript
from recrate.core.cwl.javascript import Limits, check_syntax, evaluate
from recrate.errors import ExpressionFailed, Where

SHORT = Limits(seconds=0.15, memory=24 << 20)


def failure(code: str, names: dict[str, Any] | None = None, **options: Any) -> str:
    with pytest.raises(ExpressionFailed) as caught:
        evaluate(code, names or {}, **options)
    text = caught.value.render()
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("return 1.0", 1),
        ("return 2.5", 2.5),
        ("return -0", 0),
        ("return 123456789012", 123456789012),
        ("return 1e20", 10**20),
        ("return undefined", None),
        ("", None),
        ("return null", None),
        ("return true", True),
        ("return 'é\\0\\ud83d\\ude00'", "é\0\U0001f600"),
        ("return '\\udcff'", "\udcff"),
        ("return {a: undefined, b: [undefined, function () {}]}", {"b": [None, None]}),
        ("return new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("return {toJSON: function () { return 5; }}", 5),
        ("return Object.keys({b: 1, a: 2})", ["b", "a"]),
        ("return this === undefined", True),
        ("return typeof require + typeof process + typeof console", "undefined" * 3),
        ("return 'null'", "null"),
    ],
)
def test_results_become_plain_values(code: str, expected: Any) -> None:
    found = evaluate(code, {})
    assert found == expected
    assert type(found) is type(expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e15, 1e15) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_value_goes_in_and_comes_out(value: Any) -> None:
    assert evaluate("return inputs.v", {"inputs": {"v": value}}) == value
    assert evaluate("return self", {"self": value}) == value


def test_names_that_are_not_utf8_survive() -> None:
    name = b"a\xff\n'\"b".decode("utf-8", "surrogateescape")
    assert evaluate("return inputs.f.basename + '.bai'", {"inputs": {"f": {"basename": name}}}) == name + ".bai"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("return NaN", "gave NaN"),
        ("return {a: {b: [1, Infinity]}}", "gave Infinity in its field 1"),
        ("return {a: NaN, n: null}", "gave NaN in its field a"),
        ("return 10n", "gave a BigInt"),
        ("return {a: 10n}", "BigInt"),
        ("return function f() {}", "gave a function"),
        ("return Symbol('x')", "gave a symbol"),
        ("var a = {}; a.a = a; return a", "circular"),
        ("return Promise.resolve(1)", "gave a promise"),
        ("throw 'some\\ntext'", "failed: some text"),
        ("throw new Error('bad\\nthing')", "failed: Error: bad thing"),
        ("throw {a: 1}", "failed"),
        ("throw null", "threw null"),
        ("throw '\\ud800'", "failed"),
        ("x = 1", "ReferenceError: x is not defined"),
        ("return inputs.a.b", "TypeError: cannot read property"),
        ("return 1 +", "SyntaxError"),
        ("with (inputs) { return 1; }", "SyntaxError"),
        ("function f() { return f(); } return f()", "recurses too deeply"),
        ("var a = [], b = a; for (var i = 0; i < 9000; i++) { b[0] = []; b = b[0]; } return a", "too deep"),
        ("throw new Error('x'.repeat(1000))", "..."),
    ],
)
def test_failures_are_one_line_that_shows_the_expression(code: str, problem: str) -> None:
    text = failure(code, {"inputs": {}}, where=Where("t.cwl", 2, 3))
    assert problem in text
    assert text.startswith("t.cwl:2:3: the ")
    assert len(text) < 500


@pytest.mark.parametrize(
    "code",
    [
        "while (true) {}",
        "for (;;) { try { throw 1; } catch (e) {} }",
        "return /^(a+)+$/.test('a'.repeat(60) + 'b')",
        "function f(n) { return n < 2 ? n : f(n - 1) + f(n - 2); } return f(60)",
    ],
)
def test_an_endless_expression_is_ended_and_the_next_one_works(code: str) -> None:
    started = time.process_time()
    assert "did not end within 0.15 s" in failure(code, limits=SHORT)
    assert time.process_time() - started < 5
    assert evaluate("return 1", {}, limits=SHORT) == 1


@pytest.mark.parametrize(
    "code",
    [
        "var a = []; while (true) { a.push('xxxxxxxxxxxxxxxx' + a.length); }",
        "return 'x'.repeat(1e9)",
        "return new Array(1e8).fill('abc').join()",
        "var s = 'ab'; while (true) { s = s + s + 'c' + s.length; var t = s.split(''); }",
    ],
)
def test_an_expression_that_eats_memory_is_ended_and_the_next_one_works(code: str) -> None:
    text = failure(code, limits=Limits(seconds=10, memory=24 << 20))
    assert "needs more than 24 MiB" in text
    assert evaluate("return 1", {}, limits=SHORT) == 1


LEAKS = [
    ("globalThis.leak = 1; return leak", "return typeof leak", "undefined"),
    ("Math.leak = 1; return Math.leak", "return typeof Math.leak", "undefined"),
    ("Array.prototype.leak = function () { return 7; }; return [].leak()", "return typeof [].leak", "undefined"),
    ("Object.prototype.leak = 1; return ({}).leak", "return typeof ({}).leak", "undefined"),
    ("JSON.parse = function () { return 4; }; return JSON.parse()", "return JSON.parse('[5]')", [5]),
    ("Math.max = null; return 1", "return Math.max(1, 2)", 2),
    ("return (0, eval)('var leak = 5; leak')", "return typeof leak", "undefined"),
    ("inputs = {n: 5}; self = 4; return inputs.n", "return [inputs, self]", [{"n": 1}, None]),
    ("inputs.n = 9; return inputs.n", "return inputs.n", 1),
    ("String.leak = 1; return String.leak", "return typeof String.leak", "undefined"),
    ("(function* () {}).prototype.__proto__.leak = 1; return 1", "return (function* () {})().leak", None),
    ("Object.getPrototypeOf(async function () {}).leak = 1; return 1", "return (async function () {}).leak", None),
    ("Object.getPrototypeOf([].values()).leak = 1; return 1", "return [].values().leak", None),
    ("Symbol.iterator.constructor.prototype.leak = 1; return 1", "return Symbol('x').leak", None),
    ("RegExp.prototype.leak = 1; return 1", "return /a/.leak", None),
    ("Error.stackTraceLimit = -7; return 1", "return Error.stackTraceLimit === -7", False),
]


@pytest.mark.parametrize(("first", "second", "expected"), LEAKS)
def test_nothing_is_left_for_a_later_evaluation(first: str, second: str, expected: Any) -> None:
    names = {"inputs": {"n": 1}}
    once = evaluate(first, names)
    assert evaluate(second, names) == expected
    assert evaluate(first, names) == once
    assert evaluate(second, names) == expected


def test_nothing_that_can_be_reached_in_the_shared_context_can_be_changed() -> None:
    walk = """
      var seen = new Set(), pending = [globalThis], open = [];
      while (pending.length) {
        var item = pending.pop();
        if (item === null || (typeof item !== "object" && typeof item !== "function") || seen.has(item)) { continue; }
        seen.add(item);
        if (Object.isExtensible(item)) { open.push(String(item)); }
        pending.push(Object.getPrototypeOf(item));
        Reflect.ownKeys(item).forEach(function (key) {
          var p = Object.getOwnPropertyDescriptor(item, key);
          if (p.configurable || p.writable) { open.push(String(key)); }
          pending.push(p.value, p.get, p.set);
        });
      }
      return {open: open.sort(), count: seen.size};
    """
    found = evaluate(walk, {})
    assert found["open"] == ["inputs", "runtime", "self"]
    assert found["count"] > 300


def test_the_state_of_a_library_starts_anew_with_each_evaluation() -> None:
    library = ("var count = 0; function next() { return count++; }", "function twice() { return [next(), next()]; }")
    assert [evaluate("return twice()", {}, library) for _ in range(3)] == [[0, 1]] * 3


def test_a_library_sees_the_variables_and_comes_in_order() -> None:
    library = ("function f() { return inputs.n + 1; }", "var g = f(); // no newline after this")
    assert evaluate("return [f(), g]", {"inputs": {"n": 1}}, library) == [2, 2]
    assert evaluate("return [f(), g]", {"inputs": {"n": 5}}, library) == [6, 6]
    assert evaluate("return f()", {}, ("function f() { return 1; }", "function f() { return 2; }")) == 2


def test_a_library_may_attach_itself_to_the_global_object() -> None:
    library = ("(function () { this.lib = {five: 5}; }).call(this);",)
    assert [evaluate("return lib.five", {}, library) for _ in range(2)] == [5, 5]
    assert evaluate("return typeof lib", {}) == "undefined"


def test_a_wrong_library_is_named() -> None:
    assert "text 2 of expressionLib cannot be parsed" in failure("return 1", library=("var a = 1;", "var b = ;"))
    assert "boom" in failure("return 1", library=("throw new Error('boom');",))


@pytest.mark.parametrize(
    "code",
    [
        "return inputs.a + inputs .b",
        "return inputs['a'] + inputs.b",
        "var i = inputs; return i.a + i.b",
        "return eval('inp' + 'uts').a + 2",
        "return globalThis['inp' + 'uts'].a + 2",
        "return new Function('return inp' + 'uts.a')() + 2",
        "return \\u0069nputs.a + 2",
        "return Object.keys(inputs).length + 1",
        "/* inputs.a only */ return inputs.a + (function (x) { return x.b; })(inputs)",
    ],
)
def test_whatever_way_the_inputs_are_looked_at_they_are_there(code: str) -> None:
    assert evaluate(code, {"inputs": {"a": 1, "b": 2}}) == 3


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("return 1;", None),
        ("var a = inputs.x; return a.map(function (x) { return x; });", None),
        ("return 1 1;", "SyntaxError"),
        ("return 08;", "SyntaxError"),
        ("{", "SyntaxError"),
        ("while (true) {}", None),
    ],
)
def test_syntax_is_checked_without_evaluation(code: str, problem: str | None) -> None:
    found = check_syntax(code)
    assert found is None if problem is None else found is not None and problem in found


def test_threads_evaluate_at_the_same_time() -> None:
    found: dict[int, list[int]] = {}

    def work(number: int) -> None:
        found[number] = [evaluate("return inputs.n * self", {"inputs": {"n": number}, "self": i}) for i in range(50)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number * i for i in range(50)] for number in range(4)}


def peak_kib() -> int:
    gc.collect()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_ten_thousand_evaluations_do_not_grow_memory_and_are_fast() -> None:
    files = [{"class": "File", "location": f"file:///data/{i}", "basename": f"{i}", "size": i} for i in range(20)]
    names = {"inputs": {"files": files}}
    code = "var t = 0; inputs.files.forEach(function (f) { t += f.size; }); Promise.resolve(t); return t"
    for _ in range(500):
        evaluate(code, names)
    before, started = peak_kib(), time.process_time()
    for _ in range(10_000):
        evaluate(code, names)
    assert (time.process_time() - started) / 10_000 < 0.002
    assert peak_kib() - before < 8_000


def test_a_thousand_different_expressions_with_a_library_do_not_pile_up() -> None:
    library = ("function pad(x) { return x; }\n" * 400,)
    for number in range(400):
        assert evaluate(f"return pad({number})", {}, library) == number
    sandbox = javascript._SANDBOXES.by_limits[javascript.DEFAULT_LIMITS]
    assert sandbox.source_characters <= javascript.MOST_SOURCE
    assert math.isfinite(len(sandbox.functions))
