"""The graph of a run."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.provenance.queries import StepSummary
from recrate.provenance.rows import StepRow
from recrate.provenance.states import JobState
from recrate.views.flow import MOST_PORTS, flow_of, step_look
from recrate.views.placing import Box, Flow

TASK = {"name": "tool", "kind": "command", "inputs": ["x"], "outputs": ["y"]}


def step(sources: dict[str, list[str]], body: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    usual = {"outputs": ["y"], "scatter": [], "conditional": False, "loop": False}
    return {"inputs": sources, "body": body or TASK, **usual, **more}


def workflow(steps: dict[str, Any], inputs: list[str], outputs: dict[str, list[str]]) -> dict[str, Any]:
    return {"name": "main", "kind": "workflow", "inputs": inputs, "outputs": outputs, "steps": steps}


def summary(path: str, counts: dict[JobState, int] | None = None, kind: str = "command") -> StepSummary:
    row = StepRow(id=path, run_id="r", path=path, name=path, kind=kind, tool="tool", position=0)
    return StepSummary(row, counts or {}, 10.0, 12.0)


def laid_out(structure: dict[str, Any], *steps: StepSummary) -> Flow:
    return flow_of(structure, steps, lambda path: f"#{path}")


def named(flow: Flow, label: str) -> Box:
    (box,) = [box for box in flow.boxes if box.label == label]
    return box


CHAIN = workflow({"a": step({"x": ["in"]}), "b": step({"x": ["a/y"]}, scatter=["x"])}, ["in"], {"out": ["b/y"]})


def test_steps_are_boxes_below_what_they_take_values_from() -> None:
    flow = laid_out(
        CHAIN, summary("/a", {JobState.COMPLETED: 1}), summary("/b", {JobState.FAILED: 2, JobState.COMPLETED: 998})
    )
    tops = [named(flow, label).y for label in ("in", "a", "b", "out")]
    assert tops == sorted(tops)
    assert named(flow, "a").detail == "completed · 2.0 s"
    assert named(flow, "b").detail == "2 of 1,000 failed · 2.0 s"
    assert named(flow, "b").look.key == "failed"
    assert named(flow, "b").href == "#/b"
    assert len(flow.arrows) == 3


def test_a_scatter_is_one_box_however_many_jobs_it_has() -> None:
    few = laid_out(CHAIN, summary("/b", {JobState.RUNNING: 2}))
    many = laid_out(CHAIN, summary("/b", {JobState.RUNNING: 100_000}))
    assert len(few.boxes) == len(many.boxes)
    assert named(many, "b").scattered
    assert not named(many, "a").scattered


def test_a_workflow_in_a_step_is_drawn_inside_its_box() -> None:
    inner = workflow({"c": step({"x": ["in"]}), "d": step({"x": ["c/y"]})}, ["in"], {"y": ["d/y"]})
    flow = laid_out(
        workflow({"sub": step({"in": ["in"]}, inner)}, ["in"], {"out": ["sub/y"]}),
        summary("/sub/c", {JobState.CACHED: 3}),
    )
    outer, c, d = named(flow, "sub"), named(flow, "c"), named(flow, "d")
    for box in (c, d):
        assert outer.x < box.x
        assert box.x + box.width < outer.x + outer.width
        assert outer.y < box.y
        assert box.y + box.height < outer.y + outer.height
    assert c.look.key == "cached"
    assert (outer.kind, c.kind) == ("workflow", "step")


def test_a_single_tool_is_a_box_between_its_ports() -> None:
    flow = laid_out(TASK, summary("/", {JobState.COMPLETED: 1}))
    assert [box.label for box in sorted(flow.boxes, key=lambda box: box.y)] == ["x", "tool", "y"]
    assert named(flow, "tool").look.key == "completed"


def test_many_inputs_are_one_box() -> None:
    inputs = [f"i{number}" for number in range(MOST_PORTS + 1)]
    flow = laid_out(workflow({"a": step({name: [name] for name in inputs})}, inputs, {}))
    assert [box.label for box in flow.boxes if box.kind == "input"] == [f"{MOST_PORTS + 1} inputs"]
    assert len(flow.arrows) == 1


def test_what_has_no_jobs_is_not_started() -> None:
    assert step_look(None).detail == "not started"
    assert step_look(summary("/a")).detail == "not started"


def test_the_bar_of_a_step_shows_the_shares_of_its_states() -> None:
    bar = step_look(summary("/a", {JobState.FAILED: 1, JobState.COMPLETED: 3})).bar
    assert [(part.key, part.start, part.width) for part in bar] == [("completed", 0.0, 0.75), ("failed", 0.75, 0.25)]


@st.composite
def structures(draw: st.DrawFn) -> dict[str, Any]:
    names = [f"s{number}" for number in range(draw(st.integers(0, 9)))]
    steps = {}
    for index, name in enumerate(names):
        known = ["in", *(f"{other}/y" for other in names[:index])]
        steps[name] = step({"x": draw(st.lists(st.sampled_from(known), unique=True, max_size=4))})
    return workflow(steps, ["in"], {"out": [f"{name}/y" for name in names[-1:]]})


@settings(max_examples=60, deadline=None)
@given(structures())
def test_no_box_lies_on_another_and_all_are_on_the_picture(structure: dict[str, Any]) -> None:
    flow = laid_out(json.loads(json.dumps(structure)))
    for one, other in combinations(flow.boxes, 2):
        beside = one.x + one.width <= other.x + 1e-6 or other.x + other.width <= one.x + 1e-6
        above = one.y + one.height <= other.y + 1e-6 or other.y + other.height <= one.y + 1e-6
        assert beside or above
    for box in flow.boxes:
        assert box.x >= 0
        assert box.x + box.width <= flow.width + 1e-6
        assert box.y >= 0
        assert box.y + box.height <= flow.height + 1e-6
    for arrow in flow.arrows:
        assert [y for _, y in arrow.points] == sorted(y for _, y in arrow.points)


def test_a_circle_that_no_workflow_has_is_drawn_all_the_same() -> None:
    flow = laid_out(workflow({"a": step({"x": ["b/y"]}), "b": step({"x": ["a/y"]})}, [], {}))
    assert {box.label for box in flow.boxes} == {"a", "b"}
