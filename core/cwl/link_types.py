"""The types at both ends of a link: after scatter, `when`, loops, linkMerge and pickValue.

CWL v1.2 Workflow, sections 4.2 "WorkflowStep" (scatter, conditional execution) and
4.2.1 "WorkflowStepInput" (merging, picking).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .process import SourceLink, Workflow, WorkflowStep
from .types import ANY, NULL, ArrayType, Type, UnionType


def union(types: Iterable[Type]) -> Type:
    """Return the type of what is any one of some types."""
    flat: dict[Type, None] = {}
    for one in types:
        flat.update(dict.fromkeys(one.alternatives if isinstance(one, UnionType) else (one,)))
    alternatives = tuple(flat)
    return alternatives[0] if len(alternatives) == 1 else UnionType(alternatives)


def optional(type_: Type) -> Type:
    """Return a type that also allows null."""
    return union((NULL, type_))


def required(type_: Type) -> Type:
    """Return a type without null, where it allows something else."""
    if not isinstance(type_, UnionType):
        return type_
    return union([one for one in type_.alternatives if one != NULL] or [NULL])


def allows_null(type_: Type) -> bool:
    """Tell whether null is a value of a type."""
    return type_ == NULL or (isinstance(type_, UnionType) and NULL in type_.alternatives)


def nested(type_: Type, depth: int) -> Type:
    """Return lists of lists ... of a type."""
    for _ in range(depth):
        type_ = ArrayType(type_)
    return type_


def source_types(workflow: Workflow) -> dict[str, Type]:
    """Return the type of each source in a workflow: `input` and `step/output`."""
    types = {port.name: required(port.type) if port.has_default else port.type for port in workflow.inputs}
    for step in workflow.steps:
        types.update(step_outputs(step))
    return types


def step_outputs(step: WorkflowStep) -> dict[str, Type]:
    """Return the types of a step's outputs as its workflow sees them, by `step/output`."""
    made = {port.name: port.type for port in step.run.outputs}
    return {f"{step.name}/{name}": _around(step, made[name]) for name in step.outputs if name in made}


def _around(step: WorkflowStep, type_: Type) -> Type:
    if step.loop is not None:
        return ArrayType(type_) if step.loop.output_method == "all_iterations" else optional(type_)
    if step.when is not None:
        type_ = optional(type_)
    depth = len(step.scatter) if step.scatter_method == "nested_crossproduct" else min(1, len(step.scatter))
    return nested(type_, depth)


def linked_type(link: SourceLink, types: Mapping[str, Type]) -> Type:
    """Return the type that comes out of a link whose sources are known, and at least one."""
    given = [types[source] for source in link.sources]
    merges = len(given) > 1 or link.link_merge is not None
    if link.link_merge == "merge_flattened":
        arrived: Type = ArrayType(union(_flattened(one) for one in given))
    elif merges:
        arrived = ArrayType(union(given))
    else:
        arrived = given[0]
    return arrived if link.pick_value is None else _picked(link.pick_value, arrived)


def _flattened(type_: Type) -> Type:
    alternatives = type_.alternatives if isinstance(type_, UnionType) else (type_,)
    return union(one.items if isinstance(one, ArrayType) else one for one in alternatives)


def _picked(method: str, type_: Type) -> Type:
    """Return the type that pickValue leaves of a list; of what is no list it leaves it all."""
    alternatives = type_.alternatives if isinstance(type_, UnionType) else (type_,)
    items = [required(one.items) for one in alternatives if isinstance(one, ArrayType)]
    if not items:
        return required(type_)
    return ArrayType(union(items)) if method == "all_non_null" else union(items)


def sink_type(step: WorkflowStep, name: str, has_default: bool) -> Type | None:
    """Return the type that a link to a step's input must have; None when the process has no such input.

    A default makes a null harmless, and a scattered input takes lists.
    """
    port = next((port for port in step.run.inputs if port.name == name), None)
    depth = step.scatter.count(name)
    if port is None:
        return nested(optional(ANY), depth) if depth else None
    type_ = optional(port.type) if port.has_default or (has_default and not depth) else port.type
    type_ = nested(type_, depth)
    return optional(type_) if depth and has_default else type_
