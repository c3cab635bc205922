"""The workflow model: steps and ports, in no workflow language's terms.

A body is either a `Task` (one job) or a `Workflow` (steps that are linked by ports). A `Step`
is a place for a body inside a workflow: its links say where each of its input ports takes its
values from, and `scatter`, `conditional` and `loop` say how many jobs come of it. What only a
language front end can do (evaluate its expressions, build its command lines, collect its
outputs) it attaches as `code`, behind the three protocols at the end of this module.

An instance of a body is a job. Its path names it within a run: the names of the steps that
lead to it, `[3]` or `[3,1]` after a scattered step, `~2` after a step that loops:
`/fold[3]/train~2`. The outermost body is the job `/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Protocol

from ..connectors.base import WorkTree
from ..data_classes import dataclass
from ..errors import Where
from .plan import CommandPlan, Request, Runtime
from .values import Value, Values


class ScatterMethod(Enum):
    """How the elements of several scattered ports are combined."""

    DOTPRODUCT = "dotproduct"
    NESTED_CROSSPRODUCT = "nested_crossproduct"
    FLAT_CROSSPRODUCT = "flat_crossproduct"


class LinkMerge(Enum):
    """How the values of several sources of one port become one list."""

    NESTED = "merge_nested"
    FLATTENED = "merge_flattened"


class PickValue(Enum):
    """Which of the values of a link are taken when some are null."""

    FIRST_NON_NULL = "first_non_null"
    THE_ONLY_NON_NULL = "the_only_non_null"
    ALL_NON_NULL = "all_non_null"


class LoopOutput(Enum):
    """What a loop gives on its output ports."""

    LAST = "last_iteration"
    ALL = "all_iterations"


@dataclass(frozen=True, slots=True)
class Port:
    """An output port of a step, or with `step` None an input port of the workflow itself."""

    step: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    """Where a port takes its value from.

    `as_list` is true when the sources were written as a list, so that one source gives a list
    of one when `merge` is set. `default` replaces a null, when `has_default`.
    """

    sources: tuple[Port, ...] = ()
    as_list: bool = False
    merge: LinkMerge | None = None
    pick: PickValue | None = None
    default: Value = None
    has_default: bool = False
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A step that repeats while its condition holds.

    `links` gives, for the input ports that change, the output ports of the previous iteration
    (as `Port(None, name)`) from which the next value comes.
    """

    output: LoopOutput
    links: Mapping[str, Link]


@dataclass(frozen=True, slots=True)
class Task:
    """A body that is carried out as one job."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: TaskCode
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Workflow:
    """A body made of steps. `outputs` says where each output port takes its value from."""

    name: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, Link]
    steps: Mapping[str, Step]
    code: WorkflowCode
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A place for a body in a workflow. `inputs` has a link for each input port of the step,
    also for those that the body does not have (expressions may use them)."""

    name: str
    inputs: Mapping[str, Link]
    outputs: tuple[str, ...]
    body: Task | Workflow
    code: StepCode
    scatter: tuple[str, ...] = ()
    method: ScatterMethod = ScatterMethod.DOTPRODUCT
    conditional: bool = False
    loop: Loop | None = None
    where: Where | None = None
    upstream: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        names = {port.step for link in self.inputs.values() for port in link.sources if port.step is not None}
        object.__setattr__(self, "upstream", frozenset(names))


Body = Task | Workflow


class WorkflowCode(Protocol):
    """What a language does for a workflow."""

    def accept(self, inputs: Values) -> Values:
        """Check the values given to the input ports and complete them (defaults, secondary files).

        Raises InputInvalid.
        """
        ...

    def deliver(self, outputs: Values) -> Values:
        """Check and complete the values of the output ports. Raises OutputInvalid."""
        ...


class StepCode(Protocol):
    """What a language does for a step, job by job."""

    @property
    def uses_javascript(self) -> bool:
        """True when evaluation may take long, so that the engine keeps it off its event loop."""
        ...

    def inputs(self, values: Values) -> Values:
        """Return the values for the body's input ports (`valueFrom`). Raises ExpressionFailed."""
        ...

    def condition(self, values: Values) -> bool:
        """Tell whether the job runs (`when`, of values after `inputs`). Raises ExpressionFailed."""
        ...

    def iterate(self, previous: Values, linked: Values) -> Values:
        """Return what changes in the next iteration of a loop.

        `previous` are the inputs of the iteration that ended, `linked` the values that came in
        through the loop's links. Raises ExpressionFailed.
        """
        ...


class TaskCode(Protocol):
    """What a language does for a task."""

    kind: str
    """`command`, `expression` or `operation`."""

    @property
    def uses_javascript(self) -> bool:
        """As `StepCode.uses_javascript`."""
        ...

    @property
    def signature(self) -> str:
        """What beside the plan of a command decides about its outputs: how they are described."""
        ...

    def accept(self, inputs: Values) -> Values:
        """As `WorkflowCode.accept`."""
        ...

    def evaluate(self, inputs: Values) -> Values:
        """Return the outputs of a task of kind `expression`. Raises ExpressionFailed, OutputInvalid."""
        ...

    def request(self, inputs: Values) -> Request:
        """Return what a task of kind `command` asks of a place before a place is known."""
        ...

    def plan(self, inputs: Values, request: Request, runtime: Runtime) -> CommandPlan:
        """Return all that one attempt needs. Raises ExpressionFailed, InputInvalid."""
        ...

    def collect(self, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Return the outputs that an attempt left in its output directory. Raises OutputInvalid."""
        ...


def describe(body: Body) -> dict[str, Any]:
    """Return the structure of a body as JSON (names, links, nesting), for drawings and records."""
    if isinstance(body, Task):
        return {"name": body.name, "kind": body.code.kind, "inputs": list(body.inputs), "outputs": list(body.outputs)}
    return {
        "name": body.name,
        "kind": "workflow",
        "inputs": list(body.inputs),
        "outputs": {name: _sources(link) for name, link in body.outputs.items()},
        "steps": {
            name: {
                "inputs": {port: _sources(link) for port, link in step.inputs.items()},
                "outputs": list(step.outputs),
                "scatter": list(step.scatter),
                "conditional": step.conditional,
                "loop": step.loop is not None,
                "body": describe(step.body),
            }
            for name, step in body.steps.items()
        },
    }


def _sources(link: Link) -> list[str]:
    return [f"{port.step}/{port.name}" if port.step else port.name for port in link.sources]
