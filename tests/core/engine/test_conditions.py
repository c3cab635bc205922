"""Conditional steps, with each kind of scatter, and `pickValue` on step inputs and workflow outputs."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.provenance.states import JobState, RunState

from .bench import Bench, identity, joined, workflow


def conditional(version: str = "v1.2", **output: Any) -> dict[str, Any]:
    """Return a workflow of two steps with conditions, whose outputs are picked from."""
    steps = {
        "a": {"run": identity(), "in": {"x": "x", "go": "first"}, "when": "$(inputs.go)", "out": ["r"]},
        "b": {
            "run": identity(),
            "in": {"x": {"source": "x", "valueFrom": "$(self + 100)"}, "go": "second"},
            "when": "$(inputs.go)",
            "out": ["r"],
        },
    }
    inputs = {"x": "int", "first": "boolean", "second": "boolean"}
    return workflow(inputs, {"r": {"type": "Any?", **output}}, steps, version=version)


def test_a_skipped_job_gives_null_and_is_on_record(bench: Bench) -> None:
    ran = bench.run(conditional(outputSource="a/r"), {"x": 1, "first": False, "second": True})
    assert ran.outputs == {"r": None}
    assert ran.states == {"/a": "skipped"}
    assert ran.jobs["/a"].reason


@pytest.mark.parametrize(
    ("pick", "first", "second", "expected"),
    [
        ("first_non_null", True, True, 1),
        ("first_non_null", False, True, 101),
        ("the_only_non_null", True, False, 1),
        ("the_only_non_null", False, True, 101),
        ("all_non_null", True, True, [1, 101]),
        ("all_non_null", False, True, [101]),
        ("all_non_null", False, False, []),
    ],
)
def test_workflow_outputs_pick(pick: str, first: bool, second: bool, expected: Any, bench: Bench) -> None:
    document = conditional(outputSource=["a/r", "b/r"], pickValue=pick)
    assert bench.run(document, {"x": 1, "first": first, "second": second}).outputs == {"r": expected}


@pytest.mark.parametrize(
    ("pick", "both"), [("first_non_null", False), ("the_only_non_null", False), ("the_only_non_null", True)]
)
def test_nothing_right_to_pick_fails_the_run(pick: str, both: bool, bench: Bench) -> None:
    document = conditional(outputSource=["a/r", "b/r"], pickValue=pick)
    ran = bench.run(document, {"x": 1, "first": both, "second": both})
    assert ran.result.state is RunState.FAILED
    assert ran.jobs["/"].state is JobState.FAILED
    assert pick in (ran.jobs["/"].error or "")


@pytest.mark.parametrize(
    ("pick", "first", "second", "expected"),
    [
        ("first_non_null", False, True, 101),
        ("the_only_non_null", True, False, 1),
        ("all_non_null", True, True, [1, 101]),
        ("all_non_null", False, False, []),
    ],
)
def test_step_inputs_pick(pick: str, first: bool, second: bool, expected: Any, bench: Bench) -> None:
    document = conditional(outputSource="c/r")
    document["steps"]["c"] = {
        "run": identity(),
        "in": {"x": {"source": ["a/r", "b/r"], "pickValue": pick}},
        "out": ["r"],
    }
    ran = bench.run(document, {"x": 1, "first": first, "second": second})
    assert ran.outputs == {"r": expected}
    assert ran.given("/c") == {"x": expected}


def test_a_step_whose_inputs_cannot_be_picked_fails(bench: Bench) -> None:
    document = conditional(outputSource="c/r")
    link = {"source": ["a/r", "b/r"], "pickValue": "the_only_non_null"}
    document["steps"]["c"] = {"run": identity(), "in": {"x": link}, "out": ["r"]}
    ran = bench.run(document, {"x": 1, "first": True, "second": True})
    assert ran.result.state is RunState.FAILED
    assert ran.states["/c"] == "failed"


def test_a_default_takes_the_place_of_a_skipped_value(bench: Bench) -> None:
    document = conditional(outputSource="c/r")
    document["steps"]["c"] = {"run": identity(), "in": {"x": {"source": "a/r", "default": 7}}, "out": ["r"]}
    assert bench.run(document, {"x": 1, "first": False, "second": True}).outputs == {"r": 7}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("flat_crossproduct", [None, "1-y", None, "2-y"]),
        ("nested_crossproduct", [[None, "1-y"], [None, "2-y"]]),
        ("dotproduct", [None, "2-y"]),
    ],
)
def test_a_condition_holds_job_by_job(method: str, expected: Any, bench: Bench) -> None:
    step = {
        "run": joined("a", "b"),
        "in": {"a": "a", "b": "b"},
        "scatter": ["a", "b"],
        "scatterMethod": method,
        "when": "$(inputs.b != 'x')",
        "out": ["r"],
    }
    document = workflow({"a": "int[]", "b": "string[]"}, {"r": {"type": "Any", "outputSource": "s/r"}}, {"s": step})
    ran = bench.run(document, {"a": [1, 2], "b": ["x", "y"]})
    assert ran.outputs == {"r": expected}
    assert set(ran.states.values()) == {"skipped"}
    token = ran.out_tokens()["r"]
    made = {row.id: row.path for row in ran.tokens()}
    if method != "nested_crossproduct":
        assert all(made[part] in ran.jobs for part in ran.parts(token.id))


def test_all_non_null_of_a_scattered_conditional_output(bench: Bench) -> None:
    step = {"run": identity(), "in": {"x": "a"}, "scatter": "x", "when": "$(inputs.x > 1)", "out": ["r"]}
    output = {"type": "Any", "outputSource": "s/r", "pickValue": "all_non_null"}
    document = workflow({"a": "int[]"}, {"r": output}, {"s": step})
    assert bench.run(document, {"a": [1, 2, 3]}).outputs == {"r": [2, 3]}
    assert bench.run(document, {"a": [1]}).outputs == {"r": []}
    assert bench.run(document, {"a": []}).outputs == {"r": []}


def test_a_skipped_subworkflow_runs_nothing_inside(bench: Bench) -> None:
    inner = workflow(
        {"x": "int"}, {"r": {"type": "Any", "outputSource": "t/r"}},
        {"t": {"run": identity(), "in": {"x": "x"}, "out": ["r"]}},
    )  # fmt: skip
    step = {"run": inner, "in": {"x": "a"}, "scatter": "x", "when": "$(inputs.x > 1)", "out": ["r"]}
    document = workflow({"a": "int[]"}, {"r": {"type": "Any", "outputSource": "s/r"}}, {"s": step})
    ran = bench.run(document, {"a": [1, 2]})
    assert ran.outputs == {"r": [None, 2]}
    assert set(ran.jobs) == {"/", "/s[0]", "/s[1]", "/s[1]/t"}


def test_a_condition_that_is_neither_true_nor_false_fails_the_job(bench: Bench) -> None:
    step = {"run": identity(), "in": {"x": "a"}, "when": "$(inputs.x)", "out": ["r"]}
    document = workflow({"a": "int"}, {"r": {"type": "Any?", "outputSource": "s/r"}}, {"s": step})
    ran = bench.run(document, {"a": 1})
    assert ran.result.state is RunState.FAILED
    assert "condition" in (ran.jobs["/s"].error or "")


def test_the_condition_sees_values_after_value_from(bench: Bench) -> None:
    step = {
        "run": identity(),
        "in": {"x": {"source": "a", "valueFrom": "$(self + 1)"}},
        "when": "$(inputs.x == 2)",
        "out": ["r"],
    }
    document = workflow({"a": "int"}, {"r": {"type": "Any?", "outputSource": "s/r"}}, {"s": step})
    assert bench.run(document, {"a": 1}).outputs == {"r": 2}
    assert bench.run(document, {"a": 2}).outputs == {"r": None}
