"""Scattered steps, by all methods, over empty lists too, over subworkflows and one inside another."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.provenance import queries
from recrate.provenance.states import RunState, TokenOrigin

from .bench import Bench, Ran, identity, joined, shell, text, workflow


def scattered(method: str | None, a: Any, b: Any, bench: Bench, run: Any = None) -> Ran:
    step = {"run": run or joined("a", "b"), "in": {"a": "a", "b": "b"}, "scatter": ["a", "b"], "out": ["r"]}
    if method:
        step["scatterMethod"] = method
    document = workflow({"a": "Any[]", "b": "Any[]"}, {"r": {"type": "Any", "outputSource": "s/r"}}, {"s": step})
    return bench.run(document, {"a": a, "b": b})


@pytest.mark.parametrize(
    ("method", "a", "b", "expected"),
    [
        ("dotproduct", ["1", "2"], ["x", "y"], ["1-x", "2-y"]),
        ("dotproduct", [], [], []),
        ("flat_crossproduct", ["1", "2"], ["x", "y"], ["1-x", "1-y", "2-x", "2-y"]),
        ("flat_crossproduct", ["1", "2"], [], []),
        ("flat_crossproduct", [], ["x"], []),
        ("nested_crossproduct", ["1", "2"], ["x", "y"], [["1-x", "1-y"], ["2-x", "2-y"]]),
        ("nested_crossproduct", ["1", "2"], [], [[], []]),
        ("nested_crossproduct", [], ["x", "y"], []),
        ("nested_crossproduct", ["1"], ["x"], [["1-x"]]),
    ],
)
def test_methods_give_their_shapes(method: str, a: Any, b: Any, expected: Any, bench: Bench) -> None:
    ran = scattered(method, a, b, bench)
    assert ran.outputs == {"r": expected}
    flat = expected if not method.startswith("nested") else [item for row in expected for item in row]
    jobs = [path for path in ran.jobs if path != "/"]
    assert len(jobs) == len(flat)
    assert ran.states == {}


def test_jobs_of_a_crossproduct_are_named_by_their_indices(bench: Bench) -> None:
    ran = scattered("nested_crossproduct", ["1", "2"], ["x", "y"], bench)
    assert set(ran.jobs) == {"/", "/s[0,0]", "/s[0,1]", "/s[1,0]", "/s[1,1]"}
    assert ran.given("/s[1,0]") == {"a": "2", "b": "x"}
    assert ran.jobs["/s[1,0]"].tag == "1,0"


def test_lists_of_different_lengths_are_refused_by_dotproduct(bench: Bench) -> None:
    ran = scattered("dotproduct", ["1"], ["x", "y"], bench)
    assert ran.result.state is RunState.FAILED
    assert ran.states["/s"] == "failed"
    assert "dotproduct" in (ran.jobs["/s"].error or "")


def test_what_is_not_a_list_is_not_scattered_over(bench: Bench) -> None:
    step = {"run": identity(), "in": {"x": "a"}, "scatter": "x", "out": ["r"]}
    document = workflow({"a": "Any?"}, {"r": {"type": "Any?", "outputSource": "s/r"}}, {"s": step})
    for value in ("text", None):
        ran = bench.run(document, {"a": value})
        assert ran.result.state is RunState.FAILED
        assert "not a list" in (ran.jobs["/s"].error or "")


def test_a_gathered_token_has_the_jobs_tokens_as_its_parts(bench: Bench) -> None:
    ran = scattered("dotproduct", ["1", "2", "3"], ["x", "y", "z"], bench)
    token = ran.out_tokens()["r"]
    assert token.origin is TokenOrigin.GATHERED
    made = {row.id: row.path for row in ran.tokens() if row.job_id is not None and row.path != "/"}
    assert [made[part] for part in ran.parts(token.id)] == ["/s[0]", "/s[1]", "/s[2]"]


def test_elements_of_a_gathered_list_are_the_tokens_it_was_made_of(bench: Bench) -> None:
    steps = {
        "one": {"run": identity(), "in": {"x": "a"}, "scatter": "x", "out": ["r"]},
        "two": {"run": identity(), "in": {"x": "one/r"}, "scatter": "x", "out": ["r"]},
    }
    ran = bench.run(workflow({"a": "int[]"}, {"r": {"type": "Any", "outputSource": "two/r"}}, steps), {"a": [4, 5]})
    assert ran.outputs == {"r": [4, 5]}
    made = {row.path: row.id for row in ran.tokens() if row.job_id}
    used = queries.inputs(ran.database, ran.jobs["/two[1]"].id)["x"]
    assert used.id == made["/one[1]"]


INNER = workflow(
    {"x": "int[]", "y": "string"},
    {"r": {"type": "Any", "outputSource": "t/r"}},
    {"t": {"run": joined("x", "y"), "in": {"x": "x", "y": "y"}, "scatter": "x", "out": ["r"]}},
)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([[1, 2], [], [3]], [["1-k", "2-k"], [], ["3-k"]]),
        ([[]], [[]]),
        ([], []),
    ],
)
def test_scatter_over_a_subworkflow_that_scatters(x: Any, expected: Any, bench: Bench) -> None:
    document = workflow(
        {"x": {"type": {"type": "array", "items": {"type": "array", "items": "int"}}}, "y": "string"},
        {"r": {"type": "Any", "outputSource": "s/r"}},
        {"s": {"run": INNER, "in": {"x": "x", "y": "y"}, "scatter": "x", "out": ["r"]}},
    )
    ran = bench.run(document, {"x": x, "y": "k"})
    assert ran.outputs == {"r": expected}
    inner = [path for path in ran.jobs if path.count("/") == 2]
    assert len(inner) == sum(map(len, x))


def test_nested_crossproduct_over_a_subworkflow(bench: Bench) -> None:
    document = workflow(
        {"x": {"type": {"type": "array", "items": {"type": "array", "items": "int"}}}, "y": "string[]"},
        {"r": {"type": "Any", "outputSource": "s/r"}},
        {
            "s": {
                "run": INNER,
                "in": {"x": "x", "y": "y"},
                "scatter": ["x", "y"],
                "scatterMethod": "nested_crossproduct",
                "out": ["r"],
            }
        },
    )
    ran = bench.run(document, {"x": [[1], [2, 3]], "y": ["p", "q"]})
    assert ran.outputs == {"r": [[["1-p"], ["1-q"]], [["2-p", "3-p"], ["2-q", "3-q"]]]}


def test_commands_are_scattered_each_in_a_directory_of_its_own(bench: Bench) -> None:
    tool = shell(
        {"x": {"type": "string", "inputBinding": {}}}, {"r": {"type": "stdout"}}, "pwd; echo $1", stdout="o.txt"
    )
    document = workflow(
        {"a": "string[]"},
        {"r": {"type": "File[]", "outputSource": "s/r"}},
        {"s": {"run": tool, "in": {"x": "a"}, "scatter": "x", "out": ["r"]}},
    )
    ran = bench.run(document, {"a": ["u", "v", "w"]}, outdir=bench.directory / "out")
    contents = [text(file).split("\n")[:2] for file in ran.outputs["r"]]
    assert [said for _, said in contents] == ["u", "v", "w"]
    assert len({folder for folder, _ in contents}) == 3
    assert [file["basename"] for file in ran.outputs["r"]] == ["o.txt", "o_2.txt", "o_3.txt"]


def test_more_jobs_than_the_window_holds_at_two_levels(bench: Bench) -> None:
    document = workflow(
        {"x": {"type": {"type": "array", "items": {"type": "array", "items": "int"}}}, "y": "string"},
        {"r": {"type": "Any", "outputSource": "s/r"}},
        {"s": {"run": INNER, "in": {"x": "x", "y": "y"}, "scatter": "x", "out": ["r"]}},
    )
    values = [[10 * row + column for column in range(row % 4)] for row in range(150)]
    ran = bench.run(document, {"x": values, "y": "k"})
    assert ran.outputs == {"r": [[f"{value}-k" for value in row] for row in values]}
