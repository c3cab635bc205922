"""Where values come from: merged links, `valueFrom`, defaults, null, and what passes through unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from recrate.provenance import queries
from recrate.provenance.states import TokenOrigin

from .bench import Bench, Ran, identity, joined, shell, text, workflow


def linked(bench: Bench, link: Any, values: dict[str, Any], *, types: Any = None, **step: Any) -> Ran:
    """Run one step whose input `x` has this link, among inputs of any kind."""
    document = workflow(
        types or dict.fromkeys(values, "Any?"),
        {"r": {"type": "Any?", "outputSource": "s/r"}},
        {"s": {"run": identity(), "in": {"x": link}, "out": ["r"], **step}},
    )
    return bench.run(document, values)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ({"source": ["a", "b"]}, [[1, 2], 3]),
        ({"source": ["a", "b"], "linkMerge": "merge_nested"}, [[1, 2], 3]),
        ({"source": ["a", "b"], "linkMerge": "merge_flattened"}, [1, 2, 3]),
        ({"source": ["a"], "linkMerge": "merge_nested"}, [[1, 2]]),
        ({"source": ["a"], "linkMerge": "merge_flattened"}, [1, 2]),
        ({"source": ["b"], "linkMerge": "merge_nested"}, [3]),
        ({"source": ["b"], "linkMerge": "merge_flattened"}, [3]),
        ({"source": "b", "linkMerge": "merge_nested"}, [3]),
        ({"source": ["a"]}, [1, 2]),
        ({"source": ["b", "b"]}, [3, 3]),
    ],
)
def test_merging(link: Any, expected: Any, bench: Bench) -> None:
    ran = linked(bench, link, {"a": [1, 2], "b": 3})
    assert ran.outputs == {"r": expected}
    assert ran.given("/s") == {"x": expected}


def test_workflow_outputs_merge_too(bench: Bench) -> None:
    document = workflow(
        {"a": "int[]", "b": "int[]"},
        {
            "nested": {"type": "Any", "outputSource": ["a", "b"]},
            "flat": {"type": "Any", "outputSource": ["a", "b"], "linkMerge": "merge_flattened"},
            "one": {"type": "Any", "outputSource": ["a"], "linkMerge": "merge_nested"},
        },
        {},
    )
    assert bench.run(document, {"a": [1], "b": [2, 3]}).outputs == {
        "nested": [[1], [2, 3]],
        "flat": [1, 2, 3],
        "one": [[1]],
    }


def test_scatter_over_merged_sources(bench: Bench) -> None:
    link = {"source": ["a", "b"], "linkMerge": "merge_flattened"}
    assert linked(bench, link, {"a": [1, 2], "b": [3]}, scatter="x").outputs == {"r": [1, 2, 3]}
    link = {"source": ["a", "b"]}
    assert linked(bench, link, {"a": [1, 2], "b": [3]}, scatter="x").outputs == {"r": [[1, 2], [3]]}


def test_value_from_sees_elements_of_a_scatter_and_other_inputs_as_they_came(bench: Bench) -> None:
    step = {
        "run": joined("a", "b"),
        "in": {
            "a": {"source": "a", "valueFrom": "$(self * 10)"},
            "b": {"source": "b", "valueFrom": "$(inputs.a + '/' + self)"},
        },
        "scatter": "a",
        "out": ["r"],
    }
    document = workflow({"a": "int[]", "b": "string"}, {"r": {"type": "Any", "outputSource": "s/r"}}, {"s": step})
    ran = bench.run(document, {"a": [1, 2], "b": "k"})
    assert ran.outputs == {"r": ["10-1/k", "20-2/k"]}
    assert ran.given("/s[1]") == {"a": 20, "b": "2/k"}


def test_value_from_comes_after_merging(bench: Bench) -> None:
    link = {"source": ["a", "b"], "linkMerge": "merge_flattened", "valueFrom": "$(self.length)"}
    assert linked(bench, link, {"a": [1, 2], "b": 3}).outputs == {"r": 3}


def test_a_value_that_an_expression_made_is_derived_from_what_it_was_made_of(bench: Bench) -> None:
    ran = linked(bench, {"source": "a", "valueFrom": "$(self + 1)"}, {"a": 1})
    used = queries.inputs(ran.database, ran.jobs["/s"].id)["x"]
    assert used.origin is TokenOrigin.DERIVED
    assert queries.get_token(ran.database, used.source_id or "").origin is TokenOrigin.INPUT


@pytest.mark.parametrize("given", [{}, {"a": None}])
def test_defaults_of_the_workflow_the_step_and_the_tool(given: dict[str, Any], bench: Bench) -> None:
    tool = joined("a", "b", "c")
    tool["inputs"]["c"] = {"type": "string", "default": "tool"}
    document = workflow(
        {"a": {"type": "string", "default": "workflow"}, "b": "string?"},
        {"r": {"type": "Any", "outputSource": "s/r"}},
        {"s": {"run": tool, "in": {"a": "a", "b": {"source": "b", "default": "step"}}, "out": ["r"]}},
    )
    assert bench.run(document, given).outputs == {"r": "workflow-step-tool"}
    assert bench.run(document, {"a": "x", "b": "y"}).outputs == {"r": "x-y-tool"}


def test_a_default_of_the_step_alone_needs_no_source(bench: Bench) -> None:
    assert linked(bench, {"default": [1, {"k": None}]}, {}).outputs == {"r": [1, {"k": None}]}


def test_null_is_a_value(bench: Bench) -> None:
    ran = linked(bench, "a", {"a": None})
    assert ran.outputs == {"r": None}
    assert ran.given("/s") == {"x": None}


@pytest.mark.parametrize("value", [False, 0, 0.5, "", [], {}, [None], {"k": [1]}, -(2**53), "line\nbreak ü"])
def test_values_pass_unchanged(value: Any, bench: Bench) -> None:
    ran = linked(bench, "a", {"a": value})
    assert ran.outputs == {"r": value}
    assert type(ran.outputs["r"]) is type(value)


def test_inputs_of_the_step_that_its_tool_does_not_have_serve_expressions(bench: Bench) -> None:
    step = {
        "run": identity(),
        "in": {"x": {"source": "a", "valueFrom": "$(self + inputs.extra)"}, "extra": "b"},
        "out": ["r"],
    }
    document = workflow({"a": "int", "b": "int"}, {"r": {"type": "Any", "outputSource": "s/r"}}, {"s": step})
    ran = bench.run(document, {"a": 1, "b": 2})
    assert ran.outputs == {"r": 3}


def test_workflow_inputs_pass_through_to_outputs(bench: Bench) -> None:
    (bench.directory / "in").mkdir()
    file = bench.write("in/a.txt", "hello")
    document = workflow(
        {"f": "File", "n": "int", "d": "Directory"},
        {
            "f": {"type": "File", "outputSource": "f"},
            "n": {"type": "int", "outputSource": "n"},
            "d": {"type": "Directory", "outputSource": "d"},
        },
        {},
    )
    ran = bench.run(document, {"f": file, "n": 4, "d": file.parent}, outdir=bench.directory / "out")
    assert ran.outputs["n"] == 4
    assert text(ran.outputs["f"]) == "hello"
    assert ran.outputs["f"]["path"] == str(bench.directory / "out" / "a.txt")
    assert [item["basename"] for item in ran.outputs["d"]["listing"]] == ["a.txt"]
    assert file.read_text() == "hello"
    token = ran.out_tokens()["f"]
    assert token.origin is TokenOrigin.INPUT


def test_one_workflow_input_on_many_ports_is_one_token(bench: Bench) -> None:
    tool = joined("a", "b")
    document = workflow(
        {"v": "string"},
        {"r": {"type": "Any", "outputSource": "s/r"}},
        {"s": {"run": tool, "in": {"a": "v", "b": "v"}, "out": ["r"]}},
    )
    ran = bench.run(document, {"v": "k"})
    used = queries.inputs(ran.database, ran.jobs["/s"].id)
    assert used["a"].id == used["b"].id


def test_a_tool_runs_without_a_workflow(bench: Bench) -> None:
    tool = shell({"x": {"type": "int", "inputBinding": {}}}, {"r": "stdout"}, 'echo "$1"', cwlVersion="v1.2")
    ran = bench.run(tool, {"x": 3})
    assert text(ran.outputs["r"]) == "3\n"
    assert set(ran.jobs) == {"/"}
    assert ran.given("/") == {"x": 3}


def test_steps_without_inputs_and_outputs_run(bench: Bench) -> None:
    tool = shell({}, {}, "true")
    ran = bench.run(workflow({}, {}, {"s": {"run": tool, "in": {}, "out": []}}))
    assert ran.outputs == {}
    assert [attempt.exit_code for attempt in ran.all_attempts()] == [0]


def test_a_workflow_without_steps_completes(bench: Bench) -> None:
    assert bench.run(workflow({}, {}, {})).outputs == {}


@pytest.mark.parametrize("made", ["[true]", "[1.5]", "[[1]]", "({k: 1})"])
def test_what_a_step_made_of_a_value_is_on_record_with_its_types(made: str, bench: Bench) -> None:
    ran = linked(bench, {"source": "a", "valueFrom": f"${{return {made};}}"}, {"a": [1]})
    assert json.dumps(ran.given("/s")["x"]) == json.dumps(ran.outputs["r"])
    assert ran.given("/")["a"] == [1]
