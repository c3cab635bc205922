"""Files of metrics: what they may say, and what is told of lines that say something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core import metrics
from recrate.core.metrics import Measured, parse

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=20)
WHOLE = st.integers(-(2**63), 2**63 - 1)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"name": "loss", "value": 0.5}', [Measured("loss", 0.5)]),
        ('{"name": "loss", "value": 1, "step": 3, "time": 12.5}', [Measured("loss", 1.0, 3, 12.5)]),
        ('{"loss": 0.5, "f1": 0.25, "step": 2}', [Measured("loss", 0.5, 2), Measured("f1", 0.25, 2)]),
        ('{"loss": 0.5, "step": 2.0}', [Measured("loss", 0.5, 2)]),
        ('{"value": 7}', [Measured("value", 7.0)]),
        (
            '{"loss": NaN, "a": -Infinity, "b": null}',
            [Measured("loss", None), Measured("a", None), Measured("b", None)],
        ),
        ('{"loss": 1e999, "big": 1%s}' % ("0" * 400), [Measured("loss", None), Measured("big", None)]),
        ("", []),
    ],
)
def test_a_line_holds_one_number_or_several(line: str, said: list[Measured]) -> None:
    parsed = parse(line.encode())
    assert (list(parsed.values), parsed.warning) == (said, None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"nonsense", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b'{"loss": 0.3', "it is no JSON"),
        (b"[1, 2]", "it is no object"),
        (b"{}", "there is no number in it"),
        (b'{"step": 1}', "there is no number in it"),
        (b'{"loss": "low"}', "'loss' is no number"),
        (b'{"loss": true}', "'loss' is no number"),
        (b'{"loss": 1, "step": 1.5}', "`step` is no whole number"),
        (b'{"loss": 1, "step": true}', "`step` is no whole number"),
        (b'{"loss": 1, "step": 1e30}', "`step` is no whole number"),
        (b'{"loss": 1, "time": "noon"}', "`time` is no number of seconds"),
        (b'{"loss": 1, "time": NaN}', "`time` is no number of seconds"),
        (b'{"name": "loss"}', "beside `name` it has no `value`, or more than that"),
        (b'{"name": "loss", "value": 1, "epoch": 3}', "beside `name` it has no `value`, or more than that"),
        (b'{"": 1}', "a name must have 1 to 200 characters that can be printed"),
        (b'{"a\\u0000b": 1}', "a name must have 1 to 200 characters that can be printed"),
    ],
)
def test_a_line_that_says_something_else_is_left_out_with_a_warning(line: bytes, why: str) -> None:
    parsed = parse(b'{"before": 1}\n' + line + b'\n{"after": 2}\n')
    assert parsed.values == [Measured("before", 1.0), Measured("after", 2.0)]
    assert parsed.warning == f"a line of its metrics cannot be read: line 2: {why}"


def test_of_many_bad_lines_the_first_is_told() -> None:
    parsed = parse(b"a\n{}\nb\n")
    assert parsed.warning == "3 lines of its metrics cannot be read: line 1: it is no JSON"


def test_more_than_the_most_is_left_out_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MOST_VALUES", 3)
    parsed = parse(b'{"a": 1, "b": 2}\n' * 3)
    assert [one.name for one in parsed.values] == ["a", "b", "a"]
    assert parsed.warning is not None and "the rest is left out" in parsed.warning
    assert parse(b'{"a": 1}\n' * 3).warning is None
    monkeypatch.setattr(metrics, "MOST_BYTES", 9)
    parsed = parse(b'{"a": 1}\n{"b": 2}\n')
    assert [one.name for one in parsed.values] == ["a"] and parsed.warning is not None


@given(st.binary(max_size=200))
def test_any_bytes_give_finite_numbers_and_no_error(content: bytes) -> None:
    assert all(one.value is None or abs(one.value) < float("inf") for one in parse(content).values)


@given(st.lists(st.tuples(NAMES, FINITE, st.none() | WHOLE, st.none() | FINITE), max_size=5))
def test_what_json_writes_is_read_as_it_was(values: list[tuple[str, float, int | None, float | None]]) -> None:
    lines = [
        json.dumps({"name": name, "value": value, "step": step, "time": instant})
        for name, value, step, instant in values
    ]
    parsed = parse("\n".join(lines).encode())
    assert list(parsed.values) == [Measured(*value) for value in values] and parsed.warning is None
