"""Loops: the extension `cwltool:Loop` and those of CWL v1.3."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.provenance import queries
from recrate.provenance.states import RunState

from .bench import Bench, Ran, expression, shell, text, workflow

COUNT = expression({"i": "int", "by": "int?"}, {"o": "int"}, "${return {o: inputs.i + (inputs.by || 1)};}")


def looping(form: str, loop: Any, when: str, method: str, **step: Any) -> dict[str, Any]:
    """Return the fields of a step that loops, in one of the two forms."""
    if form == "v1.3":
        return {"loop": loop, "when": when, "outputMethod": f"{method}_iteration{'s' * (method == 'all')}", **step}
    said = {"class": "cwltool:Loop", "loop": loop, "loopWhen": when, "outputMethod": method}
    return {"requirements": [said], **step}


def loop_workflow(form: str, inputs: Any, outputs: Any, steps: Any) -> dict[str, Any]:
    """Return a workflow whose steps loop in one of the two forms."""
    if form == "v1.3":
        return workflow(inputs, outputs, steps, version="v1.3.0-dev1")
    return workflow(inputs, outputs, steps, **{"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}})


def counted(bench: Bench, form: str, method: str, start: int, to: int) -> Ran:
    step = {"run": COUNT, "in": {"i": "start", "to": "to"}, "out": ["o"]}
    said = looping(form, {"i": "o"}, "$(inputs.i < inputs.to)", method, **step)
    document = loop_workflow(
        form, {"start": "int", "to": "int"}, {"o": {"type": "Any?", "outputSource": "s/o"}}, {"s": said}
    )
    return bench.run(document, {"start": start, "to": to})


FORMS = pytest.mark.parametrize("form", ["extension", "v1.3"])


@FORMS
@pytest.mark.parametrize(
    ("method", "start", "expected"),
    [("last", 1, 4), ("all", 1, [2, 3, 4]), ("last", 3, 4), ("all", 3, [4]), ("last", 4, None), ("all", 4, [])],
)
def test_a_loop_counts(form: str, method: str, start: int, expected: Any, bench: Bench) -> None:
    ran = counted(bench, form, method, start, 4)
    assert ran.outputs == {"o": expected}
    turns = 4 - start
    done = {path for path in ran.jobs if path not in ran.states and path != "/"}
    assert done == {f"/s~{index}" for index in range(turns)}
    assert ran.states == {f"/s~{turns}": "skipped"}


@FORMS
def test_each_turn_has_what_it_was_given_on_record(form: str, bench: Bench) -> None:
    ran = counted(bench, form, "all", 1, 4)
    assert [ran.given(f"/s~{index}")["i"] for index in range(3)] == [1, 2, 3]
    assert [ran.made(f"/s~{index}")["o"] for index in range(3)] == [2, 3, 4]


@FORMS
def test_each_turn_comes_from_the_one_before(form: str, bench: Bench) -> None:
    ran = counted(bench, form, "last", 1, 4)
    lineage = queries.upstream(ran.database, [ran.out_tokens()["o"].id])
    assert {job.path for job in lineage.jobs.values()} == {"/s~0", "/s~1", "/s~2"}


def one_loop(form: str, run: Any, ins: Any, loop: Any, when: str, method: str, inputs: Any) -> dict[str, Any]:
    said = looping(form, loop, when, method, run=run, **{"in": ins}, out=["o"])
    return loop_workflow(form, inputs, {"o": {"type": "Any?", "outputSource": "s/o"}}, {"s": said})


def source(form: str, name: Any, **fields: Any) -> dict[str, Any]:
    """Return a loop input that comes from an output, in one of the two forms."""
    return {("outputSource" if form == "v1.3" else "loopSource"): name, **fields}


@FORMS
def test_value_from_of_a_loop_sees_the_inputs_of_the_turn_that_ended(form: str, bench: Bench) -> None:
    loop = {"i": source(form, "o"), "by": {"valueFrom": "$(inputs.by * 2)"}}
    document = one_loop(form, COUNT, {"i": "i", "by": "by"}, loop, "$(inputs.i < 20)", "all", {"i": "int", "by": "int"})
    assert bench.run(document, {"i": 0, "by": 1}).outputs == {"o": [1, 3, 7, 15, 31]}


@FORMS
def test_value_from_of_the_step_is_evaluated_before_the_first_turn_only(form: str, bench: Bench) -> None:
    ins = {"i": {"source": "i", "valueFrom": "$(self * 10)"}}
    document = one_loop(form, COUNT, ins, {"i": "o"}, "$(inputs.i < 13)", "all", {"i": "int"})
    assert bench.run(document, {"i": 1}).outputs == {"o": [11, 12, 13]}


TWO = expression(
    {"i": "int", "l": "Any?"},
    {"o": "int", "odd": "int?", "even": "int?"},
    "${var o = inputs.i + 1; return {o: o, odd: o % 2 ? o : null, even: o % 2 ? null : o};}",
)


@FORMS
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"pickValue": "first_non_null"}, [None, 1, 2]),
        ({"pickValue": "the_only_non_null"}, [None, 1, 2]),
        ({"pickValue": "all_non_null"}, [None, [1], [2]]),
        ({"linkMerge": "merge_nested"}, [None, [1, None], [None, 2]]),
        ({"linkMerge": "merge_flattened", "pickValue": "all_non_null"}, [None, [1], [2]]),
        ({"linkMerge": "merge_nested", "valueFrom": "$(self.length)"}, [None, 2, 2]),
    ],
)
def test_several_sources_of_a_loop_input(form: str, fields: Any, expected: Any, bench: Bench) -> None:
    loop = {"i": source(form, "o"), "l": source(form, ["odd", "even"], **fields)}
    said = looping(
        form, loop, "$(inputs.i < 3)", "all", run=TWO, **{"in": {"i": "i", "l": "l"}}, out=["o", "odd", "even"]
    )
    document = loop_workflow(
        form, {"i": "int", "l": "Any?"}, {"o": {"type": "Any?", "outputSource": "s/o"}}, {"s": said}
    )
    ran = bench.run(document, {"i": 0})
    assert [ran.given(f"/s~{index}")["l"] for index in range(3)] == expected


@FORMS
def test_a_default_of_a_loop_input_takes_the_place_of_null(form: str, bench: Bench) -> None:
    loop = {"i": source(form, "o"), "l": source(form, "odd", default="none")}
    said = looping(
        form, loop, "$(inputs.i < 3)", "last", run=TWO, **{"in": {"i": "i", "l": "l"}}, out=["o", "odd", "even"]
    )
    document = loop_workflow(
        form, {"i": "int", "l": "Any?"}, {"o": {"type": "Any?", "outputSource": "s/o"}}, {"s": said}
    )
    ran = bench.run(document, {"i": 0})
    assert [ran.given(f"/s~{index}")["l"] for index in range(3)] == [None, 1, "none"]


@FORMS
def test_a_loop_over_a_subworkflow(form: str, bench: Bench) -> None:
    inner = workflow(
        {"i": "int"},
        {"o": {"type": "int", "outputSource": "b/o"}},
        {
            "a": {"run": COUNT, "in": {"i": "i"}, "out": ["o"]},
            "b": {"run": COUNT, "in": {"i": "a/o"}, "out": ["o"]},
        },
        version="v1.3.0-dev1" if form == "v1.3" else "v1.2",
    )
    del inner["cwlVersion"]
    document = one_loop(form, inner, {"i": "i"}, {"i": "o"}, "$(inputs.i < 5)", "all", {"i": "int"})
    ran = bench.run(document, {"i": 0})
    assert ran.outputs == {"o": [2, 4, 6]}
    assert "/s~2/b" in ran.jobs
    assert ran.jobs["/s~2/b"].tag == "2"


@FORMS
def test_a_loop_hands_files_on(form: str, bench: Bench) -> None:
    tool = shell(
        {"f": {"type": "File", "inputBinding": {}}, "n": "int"},
        {"o": {"type": "File", "outputBinding": {"glob": "grown.txt"}}},
        'cat "$1" >grown.txt; echo more >>grown.txt',
    )
    loop = {"f": source(form, "o"), "n": {"valueFrom": "$(inputs.n + 1)"}}
    document = one_loop(form, tool, {"f": "f", "n": "n"}, loop, "$(inputs.n < 3)", "last", {"f": "File", "n": "int"})
    ran = bench.run(document, {"f": bench.write("a.txt", "begin\n"), "n": 0}, outdir=bench.directory / "out")
    assert text(ran.outputs["o"]) == "begin\nmore\nmore\nmore\n"
    lineage = queries.upstream(ran.database, [ran.out_tokens()["o"].id])
    assert {job.path for job in lineage.jobs.values()} == {"/s~0", "/s~1", "/s~2"}
    assert any(token.path == "/" and token.port == "f" for token in lineage.tokens.values())


@FORMS
def test_a_loop_inside_a_scattered_subworkflow(form: str, bench: Bench) -> None:
    inner = one_loop(form, COUNT, {"i": "i"}, {"i": "o"}, "$(inputs.i < 3)", "all", {"i": "int"})
    del inner["cwlVersion"]
    document = loop_workflow(
        form,
        {"l": "int[]"},
        {"o": {"type": "Any", "outputSource": "w/o"}},
        {"w": {"run": inner, "in": {"i": "l"}, "scatter": "i", "out": ["o"]}},
    )
    ran = bench.run(document, {"l": [1, 5, 2]})
    assert ran.outputs == {"o": [[2, 3], [], [3]]}
    assert ran.jobs["/w[0]/s~1"].tag == "0.1"


@FORMS
def test_a_turn_that_fails_ends_the_loop(form: str, bench: Bench) -> None:
    tool = shell(
        {"i": {"type": "int", "inputBinding": {}}},
        {"o": {"type": "int", "outputBinding": {"outputEval": "$(inputs.i + 1)"}}},
        'test "$1" -lt 2',
    )
    document = one_loop(form, tool, {"i": "i"}, {"i": "o"}, "$(inputs.i < 9)", "all", {"i": "int"})
    ran = bench.run(document, {"i": 0})
    assert ran.result.state is RunState.FAILED
    assert ran.states == {"/": "failed", "/s~2": "failed"}


@FORMS
def test_an_expression_for_the_next_turn_that_fails_fails_the_turn(form: str, bench: Bench) -> None:
    loop = {"i": source(form, "o", valueFrom="$(nothing.here)")}
    document = one_loop(form, COUNT, {"i": "i"}, loop, "$(inputs.i < 9)", "all", {"i": "int"})
    ran = bench.run(document, {"i": 0})
    assert ran.result.state is RunState.FAILED
    assert ran.states["/s~0"] == "failed"


@FORMS
def test_inputs_of_a_loop_that_its_tool_does_not_have(form: str, bench: Bench) -> None:
    """They serve the condition and other expressions, and change from turn to turn as well."""
    loop = {"i": source(form, "o"), "left": {"valueFrom": "$(inputs.left - 1)"}}
    document = one_loop(
        form, COUNT, {"i": "i", "left": "left"}, loop, "$(inputs.left > 0)", "all", {"i": "int", "left": "int"}
    )
    assert bench.run(document, {"i": 0, "left": 2}).outputs == {"o": [1, 2]}
