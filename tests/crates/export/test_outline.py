"""The workflow of a run as tools, places for them, parameters and links."""

from __future__ import annotations

from typing import Any

from recrate.crates.export.outline import Outline, outline_of
from recrate.provenance.rows import PortRow, StepRow
from recrate.provenance.states import Direction

IN, OUT = Direction.INPUT, Direction.OUTPUT


def step(path: str, kind: str = "command", position: int = 0) -> StepRow:
    name = path.rpartition("/")[2] or "workflow"
    return StepRow(id=path, run_id="run", path=path, name=name, kind=kind, tool=f"tool of {name}", position=position)


def ports(**of: tuple[list[str], list[str]]) -> dict[str, list[PortRow]]:
    """Return ports by step; the names of steps have `_` for `/`."""
    return {
        key.replace("_", "/"): [
            PortRow(step_id="", direction=direction, name=name, type='"File"')
            for direction, names in ((IN, inputs), (OUT, outputs))
            for name in names
        ]
        for key, (inputs, outputs) in of.items()
    }


def node(steps: dict[str, Any], outputs: dict[str, list[str]]) -> dict[str, Any]:
    return {"kind": "workflow", "steps": steps, "outputs": outputs}


def inner(inputs: dict[str, list[str]], body: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"inputs": inputs, "body": body or {"kind": "command"}}


def links(outline: Outline) -> set[tuple[str, str]]:
    owners = [owner for tool in outline.tools for owner in (tool, *tool.places.values())]
    return {(one.source.id, one.target.id) for owner in owners for one in owner.connections}


CHAIN = node({"b": inner({"x": ["a/y"], "flag": ["x"]}), "a": inner({"x": ["x"]})}, {"out": ["b/y"]})
CHAIN_STEPS = [step("/", "workflow"), step("/b", position=1), step("/a", position=2)]
CHAIN_PORTS = ports(_=(["x"], ["out"]), _a=(["x"], ["y"]), _b=(["x"], ["y"]))


def test_links_lead_from_parameter_to_parameter() -> None:
    outline = outline_of(CHAIN_STEPS, CHAIN_PORTS, CHAIN, "w.cwl", {})
    # A port that only `when` uses is none of the tool's, and has no link.
    assert links(outline) == {
        ("#main/inputs/x", "#main/steps/a/run/inputs/x"),
        ("#main/steps/a/run/outputs/y", "#main/steps/b/run/inputs/x"),
        ("#main/steps/b/run/outputs/y", "#main/outputs/out"),
    }


def test_a_step_comes_after_those_that_it_needs() -> None:
    outline = outline_of(CHAIN_STEPS, CHAIN_PORTS, CHAIN, "w.cwl", {})
    assert outline.places["/a"].position < outline.places["/b"].position


def test_steps_in_a_circle_still_have_an_order() -> None:
    circle = node({"a": inner({"x": ["b/y"]}), "b": inner({"x": ["a/y"]})}, {})
    outline = outline_of(CHAIN_STEPS, CHAIN_PORTS, circle, "w.cwl", {})
    assert {place.position for place in outline.places.values()} == {0, 1}


def test_equal_names_in_workflows_are_told_apart() -> None:
    body = node({"say": inner({"x": ["x"]})}, {"y": ["say/y"]})
    structure = node({"one": inner({"x": ["x"]}, body), "two": inner({"x": ["one/y"]}, body)}, {})
    rows = [step("/", "workflow"), *(step(f"/{name}", "workflow") for name in ("one", "two")),
            *(step(f"/{name}/say") for name in ("one", "two"))]  # fmt: skip
    same = (["x"], ["y"])
    outline = outline_of(
        rows, ports(_=(["x"], []), _one=same, _two=same, _one_say=same, _two_say=same), structure, "w.cwl",
        {"/one": "one.cwl", "/two": "two.cwl"},
    )  # fmt: skip
    ids = [one.id for tool in outline.tools for one in (*tool.inputs.values(), *tool.outputs.values())]
    assert len(ids) == len(set(ids)) == 9
    assert [tool.id for tool in outline.tools if tool.is_workflow] == ["w.cwl", "one.cwl", "two.cwl"]
    assert ("#main/steps/one/run/outputs/y", "#main/steps/two/run/inputs/x") in links(outline)


def test_a_tool_alone_shares_its_parameters_with_the_workflow_around_it() -> None:
    outline = outline_of([step("/")], ports(_=(["x"], ["y"])), None, "w.cwl", {})
    (place,) = outline.main.places.values()
    assert place.tool.inputs == outline.main.inputs and not links(outline)
    assert outline.parameter("/", IN, "x") == outline.main.inputs["x"]


def test_a_workflow_of_which_no_structure_is_known_has_its_steps() -> None:
    outline = outline_of(CHAIN_STEPS, CHAIN_PORTS, None, "w.cwl", {})
    assert sorted(outline.places) == ["/a", "/b"] and not links(outline)


def test_names_that_need_escaping_give_ids_of_their_own() -> None:
    rows = [step("/", "workflow"), step("/a b"), step("/a%20b")]
    outline = outline_of(rows, {}, None, "w.cwl", {})
    assert {place.id for place in outline.places.values()} == {"#main/steps/a%20b", "#main/steps/a%2520b"}


def test_a_run_without_steps_has_an_outline() -> None:
    assert outline_of([], {}, None, "w.cwl", {}).main.places == {}
