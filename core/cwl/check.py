"""Static checks of a loaded document: what is wrong is said before anything runs.

Links lead somewhere, their types can fit, steps form no cycle, scatter and conditions are
possible, and the requirements that a feature needs are there. Linear in the size of a workflow.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...errors import DocumentInvalid, Where
from .assignable import can_flow, sink_text
from .expressions import is_expression, needs_javascript
from .process import CommandLineTool, ExpressionTool, LoadedDocument, Process, Workflow, WorkflowStep
from .requirements import JAVASCRIPT, Demands
from .syntax import syntax_problems
from .type_text import type_text
from .types import ANY, ArrayType, Type, UnionType

SCATTER_METHODS = ("dotproduct", "nested_crossproduct", "flat_crossproduct")
LINK_MERGES = ("merge_nested", "merge_flattened")
PICK_VALUES = ("first_non_null", "the_only_non_null", "all_non_null")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a document."""

    text: str
    where: Where | None
    hint: str | None = None


def require_valid(document: LoadedDocument) -> None:
    """Refuse a document with problems. Raises DocumentInvalid with the first, and how many more there are."""
    problems = list(check(document))
    if problems:
        first = problems[0]
        more = f"; {len(problems) - 1} more problems" if len(problems) > 1 else ""
        raise DocumentInvalid(first.text + more, where=first.where, hint=first.hint)


def check(document: LoadedDocument) -> Iterator[Problem]:
    """Yield what is wrong with a document and with all that it runs."""
    pending: list[tuple[Process, Demands]] = [(document.process, Demands())]
    seen: set[int] = set()
    while pending:
        process, around = pending.pop()
        demands = around.inside(process)
        if id(process) not in seen:
            seen.add(id(process))
            yield from check_process(process, demands)
        if isinstance(process, Workflow):
            pending += [(step.run, demands.inside(step)) for step in reversed(process.steps)]


def check_process(process: Process, demands: Demands) -> Iterator[Problem]:
    """Yield what is wrong with one process, leaving out what its steps run."""
    yield from _doubled([port.name for port in process.inputs], "input", process)
    yield from _doubled([port.name for port in process.outputs], "output", process)
    if isinstance(process, Workflow):
        yield from _check_workflow(process, demands)
    elif isinstance(process, (CommandLineTool, ExpressionTool)):
        yield from syntax_problems(process, demands)


def _doubled(names: list[str], what: str, process: Process) -> Iterator[Problem]:
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        yield Problem(f"the {what} {twice!r} stands twice", process.where)


def _check_workflow(workflow: Workflow, demands: Demands) -> Iterator[Problem]:
    sources = _source_types(workflow)
    for step in workflow.steps:
        yield from _check_step(workflow, step, sources, demands)
    for port in workflow.outputs:
        for source in port.link.sources:
            if source not in sources:
                yield _unknown_source(source, sources, port.where)
        if port.link.sources and all(source in sources for source in port.link.sources):
            yield from _check_link(
                port.link.sources,
                port.link.link_merge,
                port.link.pick_value,
                port.link.as_list,
                sources,
                port.type,
                f"output {port.name!r}",
                port.where,
            )
        if len(port.link.sources) > 1 and demands.get("MultipleInputFeatureRequirement") is None:
            yield _needs("several sources of one port", "MultipleInputFeatureRequirement", port.where)
    yield from _cycles(workflow)


def _source_types(workflow: Workflow) -> dict[str, Type]:
    """Return the type of each source of a workflow's links: its inputs, and its steps' outputs."""
    types: dict[str, Type] = {
        port.name: without_null(port.type) if port.has_default else port.type for port in workflow.inputs
    }
    for step in workflow.steps:
        produced = {port.name: port.type for port in step.run.outputs}
        for name in step.outputs:
            if name in produced:
                types[f"{step.name}/{name}"] = _step_output(step, produced[name])
    return types


def _step_output(step: WorkflowStep, type_: Type) -> Type:
    if step.loop is not None:
        return ArrayType(type_) if step.loop.output_method.startswith("all") else optional(type_)
    if step.when is not None:
        type_ = optional(type_)
    depth = len(step.scatter) if step.scatter_method == "nested_crossproduct" else min(1, len(step.scatter))
    for _ in range(depth):
        type_ = ArrayType(type_)
    return type_


def optional(type_: Type) -> Type:
    """Return a type that also allows null."""
    from .types import NULL

    rest = type_.alternatives if isinstance(type_, UnionType) else (type_,)
    return UnionType((NULL, *(item for item in rest if item != NULL)))


def without_null(type_: Type) -> Type:
    """Return a type that does not allow null, where it allows something else."""
    from .types import NULL

    if not isinstance(type_, UnionType):
        return type_
    rest = tuple(item for item in type_.alternatives if item != NULL)
    return rest[0] if len(rest) == 1 else UnionType(rest) if rest else type_


def _check_step(
    workflow: Workflow, step: WorkflowStep, sources: Mapping[str, Type], demands: Demands
) -> Iterator[Problem]:
    inner = demands.inside(step)
    yield from _check_features(step, inner)
    produced = {port.name for port in step.run.outputs}
    for name in step.outputs:
        if name not in produced:
            yield Problem(
                f"step {step.name!r} has no output {name!r}: {step.run.name!r} makes {_listed(produced)}",
                step.where,
                _near(name, produced),
            )
    given = {item.name: item for item in step.inputs}
    for name in step.scatter:
        if name not in given:
            yield Problem(
                f"step {step.name!r} scatters over {name!r}, which is none of its inputs",
                step.where,
                _near(name, given),
            )
    for item in step.inputs:
        unknown = [source for source in item.link.sources if source not in sources]
        for source in unknown:
            yield _unknown_source(source, sources, item.where)
        if not unknown:
            yield from _check_step_input(step, item.name, sources)
    for port in step.run.inputs:
        if port.name not in given and not port.has_default and not _allows_null(port.type):
            yield Problem(
                f"step {step.name!r} gives no value for {port.name!r}, which {step.run.name!r} needs",
                step.where,
                _near(port.name, given),
            )


def _check_step_input(step: WorkflowStep, name: str, sources: Mapping[str, Type]) -> Iterator[Problem]:
    item = next(item for item in step.inputs if item.name == name)
    sink = next((port for port in step.run.inputs if port.name == name), None)
    if sink is None or item.value_from is not None or not item.link.sources:
        return
    type_: Type = optional(sink.type) if sink.has_default or item.has_default else sink.type
    if name in step.scatter:
        type_ = ArrayType(type_)
    yield from _check_link(
        item.link.sources,
        item.link.link_merge,
        item.link.pick_value,
        item.link.as_list,
        sources,
        type_,
        f"input {name!r} of step {step.name!r}",
        item.where,
    )


def _check_link(
    names: tuple[str, ...],
    merge: str | None,
    pick: str | None,
    as_list: bool,
    sources: Mapping[str, Type],
    sink: Type,
    what: str,
    where: Where | None,
) -> Iterator[Problem]:
    if merge is not None and merge not in LINK_MERGES:
        yield Problem(f"unknown linkMerge {merge!r}", where, f"known: {', '.join(LINK_MERGES)}")
        return
    if pick is not None and pick not in PICK_VALUES:
        yield Problem(f"unknown pickValue {pick!r}", where, f"known: {', '.join(PICK_VALUES)}")
        return
    merged = len(names) > 1 or (as_list and merge is not None)
    if pick is not None and pick != "all_non_null":
        merged = False
    for name in names:
        source = without_null(sources[name]) if pick is not None else sources[name]
        wanted = sink_item(sink, merge) if merged else [sink]
        if pick == "all_non_null" and not merged:
            wanted = [sink, *sink_item(sink, merge)]
        if not any(can_flow(source, item) for item in wanted):
            yield Problem(f"{what} takes {sink_text(wanted)}, but {name!r} is {type_text(sources[name])}", where)


def sink_item(sink: Type, merge: str | None) -> list[Type]:
    """Return the types that one of several sources may have: an item of the list, or part of it."""
    if sink == ANY:
        return [ANY]
    found: list[Type] = []
    for item in sink.alternatives if isinstance(sink, UnionType) else (sink,):
        if item == ANY:
            found.append(ANY)
        if isinstance(item, ArrayType):
            found.append(item.items)
            if merge == "merge_flattened":
                found.append(item)
    return found


def _check_features(step: WorkflowStep, demands: Demands) -> Iterator[Problem]:
    if isinstance(step.run, Workflow) and demands.get("SubworkflowFeatureRequirement") is None:
        yield _needs("a workflow as a step", "SubworkflowFeatureRequirement", step.where)
    if step.scatter and demands.get("ScatterFeatureRequirement") is None:
        yield _needs("scatter", "ScatterFeatureRequirement", step.where)
    if step.scatter_method is not None and step.scatter_method not in SCATTER_METHODS:
        yield Problem(
            f"unknown scatterMethod {step.scatter_method!r}", step.where, f"known: {', '.join(SCATTER_METHODS)}"
        )
    elif len(step.scatter) > 1 and step.scatter_method is None:
        yield Problem(f"step {step.name!r} scatters over several inputs and names no scatterMethod", step.where)
    if step.loop is not None and step.scatter:
        yield Problem(f"step {step.name!r} scatters and loops: put one of both into a workflow of its own", step.where)
    for item in step.inputs:
        if item.value_from is not None and demands.get("StepInputExpressionRequirement") is None:
            yield _needs("valueFrom in a step", "StepInputExpressionRequirement", item.where)
        if len(item.link.sources) > 1 and demands.get("MultipleInputFeatureRequirement") is None:
            yield _needs("several sources of one port", "MultipleInputFeatureRequirement", item.where)
    texts = [step.when, *(item.value_from for item in step.inputs)]
    if any(needs_javascript(text) for text in texts if is_expression(text)) and demands.get(JAVASCRIPT) is None:
        yield _needs(f"an expression in step {step.name!r}", JAVASCRIPT, step.where)


def _needs(feature: str, requirement: str, where: Where | None) -> Problem:
    return Problem(f"{feature} needs {requirement}", where, "add it to the requirements of the workflow")


def _unknown_source(source: str, sources: Mapping[str, Type], where: Where | None) -> Problem:
    return Problem(f"the source {source!r} is neither an input nor an output of a step", where, _near(source, sources))


def _near(name: str, known: object) -> str | None:
    found = difflib.get_close_matches(name, [str(item) for item in known], 1)  # type: ignore[attr-defined]
    return f"did you mean {found[0]!r}?" if found else None


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _allows_null(type_: Type) -> bool:
    return isinstance(type_, UnionType) and type_ != without_null(type_)


def _cycles(workflow: Workflow) -> Iterator[Problem]:
    """Yield a problem when steps wait for each other, with their names."""
    upstream = {
        step.name: {source.partition("/")[0] for item in step.inputs for source in item.link.sources if "/" in source}
        for step in workflow.steps
    }
    waiting = {name: {one for one in found if one in upstream} for name, found in upstream.items()}
    dependents: dict[str, list[str]] = {name: [] for name in waiting}
    for name, found in waiting.items():
        for one in found:
            dependents[one].append(name)
    ready = [name for name, found in waiting.items() if not found]
    while ready:
        name = ready.pop()
        for dependent in dependents[name]:
            waiting[dependent].discard(name)
            if not waiting[dependent]:
                ready.append(dependent)
        del waiting[name]
    if waiting:
        first = next(step for step in workflow.steps if step.name in waiting)
        path = _cycle(first.name, waiting)
        yield Problem(f"these steps wait for each other: {' > '.join(path)}", first.where)


def _cycle(start: str, waiting: Mapping[str, set[str]]) -> list[str]:
    path, name = [start], start
    while True:
        name = sorted(waiting[name])[0]
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)
