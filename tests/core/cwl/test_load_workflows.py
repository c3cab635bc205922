"""Workflows as dataclasses: sources, nested processes, versions, loops."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.core.cwl.process import CommandLineTool, LoopInput, SourceLink, Workflow
from recrate.errors import Unsupported

from .loading import EMPTY_TOOL, TOOL, load, load_workflow, refusal, write

ECHO = TOOL + "inputs: {x: Any?, y: Any?}\noutputs: {o: {type: Any, outputBinding: {outputEval: $(1)}}}\n"


@pytest.fixture(autouse=True)
def echo(tmp_path: Path) -> None:
    write(tmp_path, ECHO, "t.cwl")


SOURCES = ["a", "s/o", "#a", "#s/o", "#main/a", "#main/s/o", "doc.cwl#main/s/o"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_is_found_in_all_its_spellings(tmp_path: Path, source: str) -> None:
    text = f"""\
        cwlVersion: v1.2
        $graph:
        - class: Workflow
          id: '#main'
          inputs: [{{id: '#main/a', type: Any}}]
          outputs: [{{id: '#main/r', type: Any, outputSource: '{source}'}}]
          steps:
          - {{id: '#main/s', run: t.cwl, in: [{{id: '#main/s/x', source: '#main/a'}}], out: ['#main/s/o']}}
    """
    workflow = load(tmp_path, text)
    assert isinstance(workflow, Workflow)
    assert workflow.outputs[0].link.sources == ("s/o" if source.endswith("o") else "a",)
    step = workflow.steps[0]
    assert (step.name, step.outputs, step.inputs[0].name) == ("s", ("o",), "x")
    assert step.inputs[0].link == SourceLink(("a",))


def test_sources_of_a_workflow_in_a_step_are_its_own(tmp_path: Path) -> None:
    text = """\
        inputs: {a: Any}
        outputs: []
        steps:
          s:
            in: {b: a}
            out: [r]
            run:
              class: Workflow
              inputs: {b: Any}
              outputs: {r: {type: Any, outputSource: s/o}}
              steps: {s: {run: t.cwl, in: {x: b}, out: [o]}}
    """
    inner = load_workflow(tmp_path, text).steps[0].run
    assert isinstance(inner, Workflow)
    assert inner.outputs[0].link.sources == ("s/o",) and inner.steps[0].inputs[0].link.sources == ("b",)
    assert inner.id.endswith("doc.cwl#s") and inner.version == "v1.2"


def test_everything_of_a_step_arrives(tmp_path: Path) -> None:
    text = """\
        inputs: {a: 'Any[]', b: Any}
        outputs: {r: {type: Any, outputSource: [s/o, b], linkMerge: merge_flattened, pickValue: all_non_null}}
        steps:
          s:
            run: t.cwl
            label: one
            doc: two
            scatter: x
            scatterMethod: dotproduct
            when: $(true)
            in:
              x: [a]
              y: {source: [a, b], linkMerge: merge_nested, pickValue: first_non_null, default: 0, valueFrom: $(self)}
              z: {loadContents: true, loadListing: no_listing, label: three, default: null}
            out: [{id: o}]
            requirements: {ScatterFeatureRequirement: {}}
            hints: {WorkReuse: {enableReuse: false}}
    """
    workflow = load_workflow(tmp_path, text)
    assert workflow.outputs[0].link == SourceLink(("s/o", "b"), True, "merge_flattened", "all_non_null")
    step = workflow.steps[0]
    x, y, z = step.inputs
    assert x.link == SourceLink(("a",), as_list=True)
    assert y.link == SourceLink(("a", "b"), True, "merge_nested", "first_non_null")
    assert (y.default, y.has_default, y.value_from) == (0, True, "$(self)")
    assert (z.load_contents, z.load_listing, z.label, z.has_default) == (True, "no_listing", "three", False)
    assert (step.scatter, step.scatter_method, step.when, step.label, step.doc) == (
        ("x",),
        "dotproduct",
        "$(true)",
        "one",
        "two",
    )
    assert list(step.requirements) == ["ScatterFeatureRequirement"] and list(step.hints) == ["WorkReuse"]


def test_steps_and_their_inputs_have_different_names(tmp_path: Path) -> None:
    one = "run: t.cwl, in: [], out: []"
    text = f"inputs: []\noutputs: []\nsteps: [{{id: s, {one}}}, {{id: '#x/s', {one}}}]\n"
    assert refusal(tmp_path, f"cwlVersion: v1.2\nclass: Workflow\n{text}").problem == "two steps are called 's'"
    text = "inputs: []\noutputs: []\nsteps: [{id: s, run: t.cwl, in: [{id: x}, {id: x}], out: []}]\n"
    assert "two inputs of step 's'" in refusal(tmp_path, f"cwlVersion: v1.2\nclass: Workflow\n{text}").problem


# --- what a step runs ---------------------------------------------------------------------------


def steps(*runs: str, more: str = "") -> str:
    lines = [f"  s{number}: {{run: {run}, in: [], out: []}}\n" for number, run in enumerate(runs)]
    return "inputs: []\noutputs: []\nsteps:\n" + "".join(lines) + more


def test_a_tool_that_many_steps_run_is_built_once(tmp_path: Path) -> None:
    one, two = load_workflow(tmp_path, steps("t.cwl", "./t.cwl")).steps
    assert one.run is two.run


def test_a_step_may_run_one_of_several_processes(tmp_path: Path) -> None:
    operation = "{class: Operation, inputs: [], outputs: [], id: %s}"
    graph = f"cwlVersion: v1.2\n$graph: [{operation % 'p'}, {operation % 'main'}]\n"
    write(tmp_path, graph, "many.cwl")
    one, two = load_workflow(tmp_path, steps("many.cwl#p", "many.cwl")).steps
    assert (one.run.name, two.run.name) == ("p", "main")


def test_a_step_may_run_an_imported_process(tmp_path: Path) -> None:
    write(tmp_path, EMPTY_TOOL.replace("v1.2", "v1.1"), "sub/old.cwl")
    process = load_workflow(tmp_path, steps("{$import: sub/old.cwl}")).steps[0].run
    assert isinstance(process, CommandLineTool) and process.version == "v1.1"


def test_versions_may_be_mixed(tmp_path: Path) -> None:
    write(tmp_path, EMPTY_TOOL.replace("v1.2", "v1.0"), "old.cwl")
    write(tmp_path, EMPTY_TOOL.partition("\n")[2], "unsaid.cwl")
    inline = "{class: Operation, inputs: [], outputs: []}"
    workflow = load_workflow(tmp_path, steps("t.cwl", "old.cwl", "unsaid.cwl", inline))
    assert [step.run.version for step in workflow.steps] == ["v1.2", "v1.0", "v1.2", "v1.2"]


def test_ontologies_of_a_workflow_hold_for_its_tools(tmp_path: Path) -> None:
    workflow = load(tmp_path, "$schemas: [o.ttl]\ncwlVersion: v1.2\nclass: Workflow\n" + steps("t.cwl"))
    assert isinstance(workflow, Workflow)
    assert workflow.steps[0].run.schemas == (f"file://{tmp_path}/o.ttl",)


def test_named_types_of_the_workflow_around_are_known_inside(tmp_path: Path) -> None:
    inline = "{class: Operation, inputs: {a: colour}, outputs: []}"
    more = "requirements: {SchemaDefRequirement: {types: [{name: colour, type: enum, symbols: [red]}]}}\n"
    process = load_workflow(tmp_path, steps(inline, more=more)).steps[0].run
    assert process.inputs[0].type.symbols == ("red",)  # type: ignore[union-attr]


def test_a_workflow_that_runs_itself_is_refused_with_the_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps("doc.cwl"), "other.cwl")
    error = refusal(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps("other.cwl"))
    assert error.render() == "other.cwl:6:13: this process runs itself: doc.cwl > other.cwl > doc.cwl"


def test_workflows_that_explode_are_refused(tmp_path: Path) -> None:
    for number in range(30):
        run = f"w{number + 1}.cwl" if number < 29 else "t.cwl"
        write(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps(run, run), f"w{number}.cwl")
    error = refusal(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps("w0.cwl"))
    assert "steps, more than" in error.problem


def test_workflows_too_deep_in_each_other_are_refused(tmp_path: Path) -> None:
    for number in range(60):
        write(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps(f"w{number + 1}.cwl"), f"w{number}.cwl")
    assert "in each other more than" in refusal(tmp_path, "$import: w0.cwl\n").problem


@pytest.mark.parametrize("run", ["none.cwl", "'t.cwl#none'", "'#none'", "[t.cwl]", "3", "https://w.org/t.cwl"])
def test_a_process_that_is_not_to_be_had_is_reported_at_the_step(tmp_path: Path, run: str) -> None:
    error = refusal(tmp_path, "cwlVersion: v1.2\nclass: Workflow\n" + steps(run))
    assert str(error.where).endswith("doc.cwl:6:13")


# --- loops --------------------------------------------------------------------------------------

LOOP_1_3 = """\
    inputs: {a: int}
    outputs: {r: {type: Any, outputSource: s/o}}
    steps:
      s:
        run: t.cwl
        in: {x: a, y: a}
        out: [o]
        when: $(inputs.x < 3)
        loop: {x: o, y: {outputSource: [o], default: 1, valueFrom: $(self), linkMerge: merge_nested}}
        outputMethod: all_iterations
"""
LOOP_EXTENSION = """\
    $namespaces: {cwltool: 'http://commonwl.org/cwltool#'}
    cwlVersion: v1.2
    class: Workflow
    inputs: {a: int}
    outputs: {r: {type: Any, outputSource: s/o}}
    steps:
      s:
        run: t.cwl
        in: {x: a, y: a}
        out: [o]
        requirements:
          cwltool:Loop:
            loopWhen: $(inputs.x < 3)
            loop: {x: o, y: {loopSource: [o], default: 1, valueFrom: $(self), linkMerge: merge_nested}}
            outputMethod: all
"""


@pytest.mark.parametrize("text", ["v1.3", "v1.3.0-dev1", LOOP_EXTENSION])
def test_both_forms_of_a_loop_give_the_same(tmp_path: Path, text: str) -> None:
    workflow = load(tmp_path, text) if text == LOOP_EXTENSION else load_workflow(tmp_path, LOOP_1_3, text)
    assert isinstance(workflow, Workflow)
    step = workflow.steps[0]
    assert step.loop is not None and step.when is None and not step.requirements
    assert (step.loop.when, step.loop.output_method) == ("$(inputs.x < 3)", "all_iterations")
    x, y = step.loop.inputs
    assert (x.name, x.link, x.has_default) == ("x", SourceLink(("o",)), False)
    assert isinstance(y, LoopInput) and y.link == SourceLink(("o",), True, "merge_nested")
    assert (y.default, y.has_default, y.value_from) == (1, True, "$(self)")


def test_a_loop_gives_its_last_iteration_unless_said_otherwise(tmp_path: Path) -> None:
    workflow = load_workflow(tmp_path, LOOP_1_3.replace("outputMethod: all_iterations", "label: x"), "v1.3")
    assert workflow.steps[0].loop is not None and workflow.steps[0].loop.output_method == "last_iteration"


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("when: $(inputs.x < 3)", "label: x", "has no condition"),
        ("outputMethod", "scatter: x\n        outputMethod", "cannot have 'scatter'"),
        ("all_iterations", "each", "must be one of last_iteration, all_iterations"),
        ("outputSource: [o]", "loopSource: [o]", "unknown field 'loopSource'"),
    ],
)
def test_a_loop_of_v1_3_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = "    cwlVersion: v1.3\n    class: Workflow\n" + LOOP_1_3.replace(old, new)
    assert problem in refusal(tmp_path, text).problem


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("        out: [o]", "        out: [o]\n        when: $(true)", "cannot have 'when'"),
        ("        out: [o]", "        out: [o]\n        scatter: x", "cannot have 'scatter'"),
        ("outputMethod: all", "outputMethod: both", "must be one of last, all"),
        ("loopWhen: $(inputs.x < 3)", "label: x", "unknown field 'label'"),
    ],
)
def test_a_loop_extension_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert problem in refusal(tmp_path, LOOP_EXTENSION.replace(old, new)).problem


def test_there_is_no_loop_field_before_v1_3(tmp_path: Path) -> None:
    error = refusal(tmp_path, "    cwlVersion: v1.2\n    class: Workflow\n" + LOOP_1_3)
    assert "unknown field 'loop'" in error.problem and "since v1.3" in (error.hint or "")


def test_process_generators_are_unsupported(tmp_path: Path) -> None:
    text = """\
        $namespaces: {cwltool: 'http://commonwl.org/cwltool#'}
        cwlVersion: v1.2
        class: cwltool:ProcessGenerator
        inputs: []
        outputs: []
        run: t.cwl
    """
    assert isinstance(refusal(tmp_path, text), Unsupported)
