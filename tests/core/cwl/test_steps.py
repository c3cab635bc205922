"""What happens around the job of a step: valueFrom, when, the next iteration of a loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.process import (
    ExpressionTool,
    LoopInput,
    LoopSpec,
    SourceLink,
    StepInput,
    Workflow,
    WorkflowOutput,
    WorkflowStep,
)
from recrate.core.cwl.steps import CwlStep, CwlWorkflow
from recrate.core.cwl.types import ANY, Primitive
from recrate.errors import ExpressionFailed, InputInvalid, OutputInvalid

TOOL = ExpressionTool(id="file:///t.cwl", version="v1.2", expression="$({})")
SOURCE = SourceLink(("a",))


def code(*inputs: StepInput, **more: Any) -> CwlStep:
    return CwlStep(WorkflowStep("s", TOOL, inputs, (), **more), Evaluator(javascript=True))


def test_inputs_without_expressions_go_through_and_undeclared_ones_do_not() -> None:
    assert code(StepInput("x", SOURCE), StepInput("y", SOURCE)).inputs({"x": 1, "z": 2}) == {"x": 1, "y": None}


def test_value_from_sees_its_own_value_and_those_before_any_was_evaluated() -> None:
    step = code(
        StepInput("x", SOURCE, value_from="$(self + 1)"),
        StepInput("y", SourceLink(), value_from="$(inputs.x)"),
        StepInput("z", SourceLink(), value_from="text"),
    )
    assert step.inputs({"x": 1}) == {"x": 2, "y": 1, "z": "text"}


def test_contents_and_listings_are_there_for_value_from(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("12")
    file = {"class": "File", "location": f"file://{tmp_path}/a", "basename": "a"}
    folder = {"class": "Directory", "location": f"file://{tmp_path}", "basename": "d"}
    step = code(
        StepInput("x", SOURCE, value_from="$(self.contents)", load_contents=True),
        StepInput("y", SOURCE, value_from="$(self.listing[0].basename)", load_listing="shallow_listing"),
    )
    assert step.inputs({"x": file, "y": folder}) == {"x": "12", "y": "a"}


def test_contents_beyond_64_kib_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x" * 65537)
    step = code(StepInput("x", SOURCE, load_contents=True))
    with pytest.raises(InputInvalid, match="64 KiB"):
        step.inputs({"x": {"class": "File", "location": f"file://{tmp_path}/a"}})


def test_a_file_of_a_default_has_its_names() -> None:
    default = {"class": "File", "location": "file:///d/a%20b.txt"}
    step = code(StepInput("x", SourceLink(), default, True, value_from="$(self.basename) $(self.nameroot)"))
    assert step.inputs({"x": default}) == {"x": "a b.txt a b"}
    assert default == {"class": "File", "location": "file:///d/a%20b.txt"}


@pytest.mark.parametrize("when, expected", [("$(inputs.x > 2)", False), ("$(inputs.x > 0)", True), (None, True)])
def test_the_condition_is_of_the_inputs(when: str | None, expected: bool) -> None:
    assert code(StepInput("x", SOURCE), when=when).condition({"x": 1}) is expected


@pytest.mark.parametrize("when", ["$(inputs.x)", "$(null)", "true", "$('true')"])
def test_a_condition_that_is_neither_true_nor_false_is_an_error(when: str) -> None:
    with pytest.raises(ExpressionFailed, match="condition of step 's' gave"):
        code(StepInput("x", SOURCE), when=when).condition({"x": 1})


def looping(*inputs: LoopInput) -> CwlStep:
    return code(StepInput("x", SOURCE), StepInput("y", SOURCE), loop=LoopSpec(inputs, "$(inputs.x < 3)"))


def test_a_loop_goes_on_while_its_own_condition_holds() -> None:
    step = looping(LoopInput("x", SOURCE))
    assert step.condition({"x": 2})
    assert not step.condition({"x": 3})


def test_the_next_iteration_takes_linked_values_defaults_and_expressions() -> None:
    step = looping(
        LoopInput("x", SOURCE),
        LoopInput("y", SOURCE, default=5, has_default=True),
        LoopInput("n", SourceLink(), value_from="$(inputs.x + 1)"),
        LoopInput("m", SOURCE, value_from="$(self + inputs.x)"),
    )
    assert step.iterate({"x": 10, "y": 1}, {"x": 11, "y": None, "m": 100}) == {"x": 11, "y": 5, "n": 11, "m": 110}


def test_a_step_that_does_not_loop_changes_nothing() -> None:
    assert code(StepInput("x", SOURCE)).iterate({"x": 1}, {}) == {}


def workflow(type_: Any) -> CwlWorkflow:
    output = WorkflowOutput("o", type_, SOURCE)
    return CwlWorkflow(Workflow(id="file:///w.cwl", version="v1.2", outputs=(output,)), Evaluator(javascript=False))


def test_outputs_of_a_workflow_are_checked_against_their_types() -> None:
    assert workflow(Primitive("int")).deliver({"o": 3}) == {"o": 3}
    assert workflow(ANY).deliver({"o": None}) == {"o": None}
    with pytest.raises(OutputInvalid, match="output 'o' of the workflow: expected int"):
        workflow(Primitive("int")).deliver({"o": None})
