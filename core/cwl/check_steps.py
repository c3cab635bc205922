"""Static checks of a workflow: its steps, links, types and circles (CWL v1.2 Workflow, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...data_classes import dataclass
from ...errors import Where
from .assignable import Fit, fit
from .link_types import allows_null, linked_type, nested, optional, sink_type, source_types
from .problems import Problem, Severity, did_you_mean
from .process import LoopInput, LoopSpec, SourceLink, StepInput, Workflow, WorkflowStep
from .syntax import JAVASCRIPT, step_syntax_problems
from .type_text import type_text
from .types import ANY, Type

SCATTER = "ScatterFeatureRequirement"
SUBWORKFLOW = "SubworkflowFeatureRequirement"
MULTIPLE = "MultipleInputFeatureRequirement"
STEP_EXPRESSION = "StepInputExpressionRequirement"
FEATURES = frozenset({SCATTER, SUBWORKFLOW, MULTIPLE, STEP_EXPRESSION, JAVASCRIPT})


def check_workflow(
    workflow: Workflow, features: frozenset[str], around: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    """Yield what is wrong with a workflow; `around` has the features that hold for each step."""
    links = _Links(source_types(workflow))
    for step in workflow.steps:
        yield from _check_step(step, links)
        yield from _check_features(step, around[step.name])
        yield from step_syntax_problems(step, workflow.version, javascript=JAVASCRIPT in around[step.name])
    for port in workflow.outputs:
        what = f"output {port.name!r}"
        yield from links.check(port.link, port.type, what, port.where)
        if len(port.link.sources) > 1 and MULTIPLE not in features:
            yield _needs(f"{what} has several sources, which", MULTIPLE, port.where)
        if not port.link.sources and not allows_null(port.type):
            yield Problem(f"{what} has no source", port.where, None, Severity.WARNING)
    yield from _check_circles(workflow)


@dataclass(frozen=True, slots=True)
class _Links:
    """The sources that a workflow has, and their types."""

    types: Mapping[str, Type]

    def check(self, link: SourceLink, sink: Type | None, what: str, where: Where | None) -> Iterator[Problem]:
        """Yield what is wrong with a link; without `sink` its type does not matter."""
        unknown = [source for source in link.sources if source not in self.types]
        for source in unknown:
            yield self._unknown(source, what, where)
        if unknown or sink is None or not link.sources:
            return
        arriving = linked_type(link, self.types)
        how = fit(arriving, sink)
        if how is Fit.ALWAYS:
            return
        sources = " and ".join(repr(source) for source in link.sources[:3]) + (", ..." if link.sources[3:] else "")
        verb = "is" if len(link.sources) == 1 else "together are"
        text = f"{what} takes {type_text(sink)}, but {sources} {verb} {type_text(arriving)}"
        yield Problem(text, where, None, Severity.ERROR if how is Fit.NEVER else Severity.WARNING)

    def _unknown(self, source: str, what: str, where: Where | None) -> Problem:
        step, slash, output = source.rpartition("/")
        beside = [name for name in self.types if name.startswith(f"{step}/")] if slash else []
        if beside:
            outputs = [name.rpartition("/")[2] for name in beside]
            hint = did_you_mean(output, outputs) or f"it has {', '.join(outputs[:8])}"
            return Problem(f"{what} comes from {source!r}, but step {step!r} has no such output", where, hint)
        kind = "output of a step" if slash else "input of the workflow"
        return Problem(f"{what} comes from {source!r}, which is no {kind}", where, did_you_mean(source, self.types))


def _check_step(step: WorkflowStep, links: _Links) -> Iterator[Problem]:
    given = {item.name: item for item in step.inputs}
    made = {port.name for port in step.run.outputs}
    for name in step.outputs:
        if name not in made:
            hint = did_you_mean(name, made) or (f"it has {', '.join(sorted(made)[:8])}" if made else None)
            text = f"step {step.name!r} gives out {name!r}, but {step.run.name!r} has no such output"
            yield Problem(text, step.where, hint)
    for item in step.inputs:
        what = f"input {item.name!r} of step {step.name!r}"
        yield from links.check(item.link, _sink(step, item), what, item.where)
    for port in step.run.inputs:
        if port.has_default or allows_null(port.type) or _is_fed(given.get(port.name)):
            continue
        text = f"step {step.name!r} has no value for {port.name!r}, which {step.run.name!r} needs"
        yield Problem(text, step.where, did_you_mean(port.name, set(given) - {port.name}))
    yield from _check_scatter(step, given)
    if step.loop is not None:
        yield from _check_loop(step, step.loop, given)


def _sink(step: WorkflowStep, item: StepInput) -> Type | None:
    """Return the type that must arrive; `valueFrom` makes another value of it, but only after scatter."""
    if item.value_from is None:
        return sink_type(step, item.name, item.has_default)
    depth = step.scatter.count(item.name)
    return nested(optional(ANY), depth) if depth else None


def _is_fed(item: StepInput | None) -> bool:
    return item is not None and (
        bool(item.link.sources) or item.link.as_list or item.has_default or item.value_from is not None
    )


def _check_scatter(step: WorkflowStep, given: Mapping[str, StepInput]) -> Iterator[Problem]:
    for name in dict.fromkeys(step.scatter):
        item = given.get(name)
        if item is None:
            text = f"step {step.name!r} scatters over {name!r}, which is none of its inputs"
            yield Problem(text, step.where, did_you_mean(name, given))
        elif not item.link.sources and not item.has_default:
            text = f"step {step.name!r} scatters over {name!r}, which has no source and no default"
            yield Problem(text, item.where)
    if len(step.scatter) > 1 and step.scatter_method is None:
        yield Problem(f"step {step.name!r} scatters over several inputs, but has no scatterMethod", step.where)


def _check_loop(step: WorkflowStep, loop: LoopSpec, given: Mapping[str, StepInput]) -> Iterator[Problem]:
    for item in loop.inputs:
        if item.name not in given:
            text = f"the loop of step {step.name!r} changes {item.name!r}, which is none of its inputs"
            yield Problem(text, item.where, did_you_mean(item.name, given))
        for source in item.link.sources:
            if source not in step.outputs:
                text = f"the loop of step {step.name!r} takes {source!r}, which is none of its outputs"
                yield Problem(text, item.where, did_you_mean(source, step.outputs))


def _check_features(step: WorkflowStep, features: frozenset[str]) -> Iterator[Problem]:
    if isinstance(step.run, Workflow) and SUBWORKFLOW not in features:
        yield _needs(f"step {step.name!r} runs a workflow, which", SUBWORKFLOW, step.where)
    if step.scatter and SCATTER not in features:
        yield _needs(f"step {step.name!r} scatters, which", SCATTER, step.where)
    changing: list[StepInput | LoopInput] = [*step.inputs, *(step.loop.inputs if step.loop is not None else ())]
    for item in changing:
        if item.value_from is not None and STEP_EXPRESSION not in features:
            yield _needs(f"valueFrom in step {step.name!r}", STEP_EXPRESSION, item.where)
        if len(item.link.sources) > 1 and MULTIPLE not in features:
            yield _needs(f"several sources in step {step.name!r}", MULTIPLE, item.where)


def _needs(feature: str, requirement: str, where: Where | None) -> Problem:
    verb = "need" if feature.startswith("several") else "needs"
    return Problem(f"{feature} {verb} {requirement}", where, "add it to the requirements of the workflow")


# -- circles -----------------------------------------------------------------------------------


def _check_circles(workflow: Workflow) -> Iterator[Problem]:
    """Yield a problem that names the steps when some wait for one another."""
    waits = {step.name: _upstream(step) for step in workflow.steps}
    stuck = _never_ready({name: [one for one in found if one in waits] for name, found in waits.items()})
    if not stuck:
        return
    first = next(step for step in workflow.steps if step.name in stuck)
    way: dict[str, None] = {}
    name = first.name
    while name not in way:
        way[name] = None
        name = next(one for one in waits[name] if one in stuck)
    circle = list(way)[list(way).index(name) :]
    where = next(step.where for step in workflow.steps if step.name == name)
    yield Problem(f"steps that wait for one another can never start: {_shown([*circle, name])}", where)


def _shown(circle: list[str]) -> str:
    names = circle if len(circle) <= 8 else [*circle[:6], "...", circle[-1]]
    return " waits for ".join(names)


def _upstream(step: WorkflowStep) -> list[str]:
    sources = (source for item in step.inputs for source in item.link.sources)
    return list(dict.fromkeys(source.rpartition("/")[0] for source in sources if "/" in source))


def _never_ready(waits: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the names that wait for themselves, or for such ones."""
    left = {name: len(list(found)) for name, found in waits.items()}
    after: dict[str, list[str]] = {name: [] for name in waits}
    for name, found in waits.items():
        for one in found:
            after[one].append(name)
    ready = [name for name, count in left.items() if not count]
    while ready:
        for name in after[ready.pop()]:
            left[name] -= 1
            if not left[name]:
                ready.append(name)
    return {name for name, count in left.items() if count}
