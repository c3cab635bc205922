"""From a loaded CWL document to the engine's workflow model."""

from __future__ import annotations

from dataclasses import replace

from ...data_classes import dataclass
from ..model import Body, Link, LinkMerge, Loop, LoopOutput, PickValue, Port, ScatterMethod, Step, Task
from ..model import Workflow as WorkflowBody
from .expression_task import CwlExpression
from .javascript import DEFAULT_LIMITS, Limits
from .process import (
    CommandLineTool,
    ExpressionTool,
    LoopSpec,
    Operation,
    Process,
    SourceLink,
    StepInput,
    Workflow,
    WorkflowStep,
)
from .requirements import Demands, evaluator_for
from .secrets import secret_inputs
from .steps import CwlStep, CwlWorkflow
from .task import CwlOperation, CwlTool
from .types import Requirements


@dataclass(frozen=True, slots=True)
class Translator:
    """Translates processes.

    Args:
        default_image: container image for tools that name none.
        limits: what one evaluation of an expression may use.
    """

    default_image: str | None = None
    limits: Limits = DEFAULT_LIMITS

    def body(self, process: Process, requirements: Requirements | None = None) -> Body:
        """Return the body of the process that is run, under the requirements of a job file."""
        demands = Demands(limits=self.limits).inside(process).overridden(requirements or {})
        if isinstance(process, Workflow):
            return self._workflow(process, demands, secret_inputs(process))
        return self._task(process, demands)

    def _inner(self, step: WorkflowStep, around: Demands, secrets: frozenset[str]) -> Body:
        """Return the body of a step; `secrets` are its inputs that the workflow around it keeps secret."""
        demands = around.inside(step.run)
        if isinstance(step.run, Workflow):
            return self._workflow(step.run, demands, secrets | secret_inputs(step.run))
        return self._task(step.run, demands, secrets)

    def _task(
        self,
        process: CommandLineTool | ExpressionTool | Operation,
        demands: Demands,
        secrets: frozenset[str] = frozenset(),
    ) -> Task:
        if self.default_image is not None and demands.get("DockerRequirement") is None:
            hint = {"DockerRequirement": {"dockerPull": self.default_image}}
            demands = demands.overridden(hint)
        code: CwlTool | CwlExpression | CwlOperation
        if isinstance(process, ExpressionTool):
            code = CwlExpression(process, demands)
        elif isinstance(process, Operation):
            code = CwlOperation(process, demands)
        else:
            code = CwlTool(process, demands, secrets)
        return Task(
            name=process.name,
            inputs=tuple(port.name for port in process.inputs),
            outputs=tuple(port.name for port in process.outputs),
            code=code,
            where=process.where,
        )

    def _workflow(self, workflow: Workflow, demands: Demands, secrets: frozenset[str]) -> WorkflowBody:
        return WorkflowBody(
            name=workflow.name,
            inputs=tuple(port.name for port in workflow.inputs),
            outputs={port.name: _link(port.link) for port in workflow.outputs},
            steps={step.name: self._step(step, demands, workflow.version, secrets) for step in workflow.steps},
            code=CwlWorkflow(workflow, evaluator_for(demands, workflow.version)),
            where=workflow.where,
        )

    def _step(self, step: WorkflowStep, around: Demands, version: str, secrets: frozenset[str]) -> Step:
        demands = around.inside(step)
        hidden = frozenset(item.name for item in step.inputs if not secrets.isdisjoint(item.link.sources))
        return Step(
            name=step.name,
            inputs={item.name: _input_link(item) for item in step.inputs},
            outputs=step.outputs,
            body=self._inner(step, demands, hidden),
            code=CwlStep(step, evaluator_for(demands, version)),
            scatter=step.scatter,
            method=ScatterMethod(step.scatter_method) if step.scatter_method else ScatterMethod.DOTPRODUCT,
            conditional=step.when is not None and step.loop is None,
            loop=_loop(step.loop) if step.loop is not None else None,
            where=step.where,
        )


def _input_link(item: StepInput) -> Link:
    return _link(item.link, item.default, has_default=item.has_default)


def _link(link: SourceLink, default: object = None, *, has_default: bool = False) -> Link:
    """Return a link; merging by name makes a list of a single source, too (WorkflowStepInput, `merge_nested`)."""
    return Link(
        sources=tuple(_port(source) for source in link.sources),
        as_list=link.as_list or link.link_merge is not None,
        merge=LinkMerge(link.link_merge) if link.link_merge else _implied_merge(link),
        pick=PickValue(link.pick_value) if link.pick_value else None,
        default=default,
        has_default=has_default,
    )


def _implied_merge(link: SourceLink) -> LinkMerge | None:
    return LinkMerge.NESTED if len(link.sources) > 1 else None


def _port(source: str) -> Port:
    step, slash, name = source.rpartition("/")
    return Port(step if slash else None, name)


def _loop(loop: LoopSpec) -> Loop:
    """Return a loop, whose links lead to the outputs of the step itself."""
    links = {item.name: _own_link(item.link) for item in loop.inputs if item.link.sources}
    return Loop(LoopOutput(loop.output_method), links)


def _own_link(link: SourceLink) -> Link:
    sources = tuple(Port(None, source.rpartition("/")[2]) for source in link.sources)
    return replace(_link(link), sources=sources)
