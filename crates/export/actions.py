"""What was done, as actions (Provenance Run Crate, section "Representing the workflow run").

An attempt is a CreateAction, and so is a job that came to none: an expression, a workflow inside
the workflow, a result that was taken from elsewhere. All those of one step are the object of one
ControlAction, also failed ones; all of these, of one workflow, that of an OrganizeAction.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from enum import Enum

from ...provenance.queries import MetricSummary
from ...provenance.rows import AttemptRow, JobRow, RunRow
from ...provenance.states import AttemptState, JobState, RunState
from . import figures
from .jsonld import Entity, clean, entity, escaped, instant, ref, refs
from .metrics import metric_id
from .outline import Tool
from .places import COMPLETED, FAILED, location_id
from .software import ENGINE, image_id

_UNTOLD: Mapping[Enum, str] = {
    AttemptState.CANCELLED: "it was cancelled",
    AttemptState.LOST: "its place lost it",
    JobState.CANCELLED: "it was cancelled",
    RunState.CANCELLED: "it was cancelled",
    RunState.FAILED: "a step failed",
    JobState.FAILED: "a step in it failed",
}
_ENDED_WELL: frozenset[Enum] = frozenset(
    {AttemptState.COMPLETED, JobState.COMPLETED, JobState.CACHED, RunState.COMPLETED}
)
_NEVER = frozenset({JobState.SKIPPED, JobState.CANCELLED, JobState.WAITING, JobState.RUNNING})
"""States of a job without an attempt in which nothing was done for it; not so for workflows."""


def attempt_id(row: AttemptRow) -> str:
    """Return the `@id` of the action of an attempt."""
    return f"#attempt/{escaped(row.id)}"


def job_action_id(row: JobRow) -> str:
    """Return the `@id` of the action of a job that came to no attempt."""
    return f"#job/{escaped(row.id)}"


def main_action_id(run: RunRow) -> str:
    """Return the `@id` of the action that the run as a whole is."""
    return f"#run/{escaped(run.id)}"


def earlier_id(run_id: str) -> str:
    """Return the `@id` of a run that is in another crate: one that this one was derived from or compared with."""
    return f"#run-before/{escaped(run_id)}"


def control_id(instance: str) -> str:
    """Return the `@id` of the ControlAction of a step in one job of its workflow."""
    return f"#step{'/'.join(map(escaped, instance.split('/')))}"


def organize_id(action: str) -> str:
    """Return the `@id` of the OrganizeAction whose result is an action."""
    return f"{action}/engine"


def was_acted(row: JobRow, tool: Tool) -> bool:
    """Tell whether something was done for a job that came to no attempt."""
    return row.state not in (_NEVER if not tool.is_workflow else {JobState.SKIPPED, JobState.WAITING})


def ending(state: AttemptState | JobState | RunState, error: str | None) -> Mapping[str, str]:
    """Return how an action ended, in the literal forms that the validator knows."""
    if state in _ENDED_WELL:
        return {"actionStatus": COMPLETED}
    return {
        "actionStatus": FAILED,
        "error": clean(error or _UNTOLD.get(state, "its end is not on record")),
    }


def _kind(results: Sequence[str], ended: Mapping[str, str]) -> str:
    # Who completes without any result has not created anything (Process Run Crate).
    return "CreateAction" if results or "error" in ended else "ActivateAction"


def command_text(row: AttemptRow) -> str:
    """Return the command of an attempt as one would type it."""
    if row.shell is not None:
        return row.shell
    return shlex.join(json.loads(row.argv)) if row.argv else "a command that is not on record"


def attempt_action(
    row: AttemptRow,
    job: JobRow,
    tool: Tool,
    inputs: Sequence[str],
    outputs: Sequence[str],
    variables: Sequence[str],
    agent: str | None,
    count: int,
    metrics: Sequence[MetricSummary] = (),
) -> Entity:
    """Return the action of an attempt; `count` is how many its job has, `variables` are names of its environment."""
    results = outputs if row.state is AttemptState.COMPLETED else ()
    ended = ending(row.state, row.error)
    identity = attempt_id(row)
    name = job.path if count == 1 else f"{job.path}, attempt {row.number}"
    return entity(
        identity,
        _kind(results, ended),
        name=clean(name),
        description=clean(command_text(row)),
        instrument=ref(tool.id),
        agent=ref(agent) if agent else None,
        object=refs(inputs),
        result=refs(results),
        startTime=instant(row.started or row.submitted),
        endTime=instant(row.ended),
        **ended,
        location=ref(location_id(row.location_id)),
        containerImage=ref(image_id(row.image_id)) if row.image_id else None,
        environment=refs(variable_id(row.environment_id, one) for one in variables) if row.environment_id else None,
        resourceUsage=refs(usage_id(identity, figure.name) for figure in figures.used(row)),
        resourceRequest=refs(one for one, _ in figures.asked(row)),
        metric=refs(metric_id(identity, one.name) for one in metrics),
        jobPath=clean(job.path),
        attemptNumber=row.number,
        attemptReason=clean(row.reason) if row.reason else None,
        exitCode=row.exit_code,
        signal=row.signal,
        nativeId=clean(row.native_id) if row.native_id else None,
    )


def variable_id(environment_id: str, name: str) -> str:
    """Return the `@id` of a variable of an environment."""
    return f"#environment/{escaped(environment_id)}/{escaped(name)}"


def usage_id(action: str, figure: str) -> str:
    """Return the `@id` of a figure of what an action used."""
    return f"{action}/{figure}"


def job_action(row: JobRow, tool: Tool, inputs: Sequence[str], outputs: Sequence[str], agent: str | None) -> Entity:
    """Return the action of a job that came to no attempt."""
    ended = ending(row.state, row.error)
    results = outputs if "error" not in ended else ()
    said = {
        "workflow": "a workflow in the workflow",
        "expression": "an expression, evaluated by the engine",
    }.get(tool.kind, "a command that was not started")
    if row.state is JobState.CACHED:
        said = f"not executed: {row.reason or 'its result was there already'}"
    return entity(
        job_action_id(row),
        _kind(results, ended),
        name=clean(row.path),
        description=clean(said),
        instrument=ref(tool.id),
        agent=ref(agent) if agent else None,
        object=refs(inputs),
        result=refs(results),
        startTime=instant(row.started),
        endTime=instant(row.ended),
        **ended,
        jobPath=clean(row.path),
        cachedFrom=row.cached_from,
    )


def main_action(
    run: RunRow,
    state: RunState,
    tool: Tool,
    title: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    agent: str | None,
    images: Sequence[str],
) -> Entity:
    """Return the action that the run as a whole is. `inputs` has the file with its configuration, too."""
    error = run.error
    if state is RunState.INTERRUPTED:
        error = "its controller was gone before the end"
    ended = ending(state, error)
    return entity(
        main_action_id(run),
        _kind(outputs, ended),
        name=clean(f"run {run.name} of {title}"),
        description=clean(shlex.join(json.loads(run.command_line) or ["recrate"])),
        instrument=ref(tool.id),
        agent=ref(agent) if agent else None,
        object=refs(inputs),
        result=refs(outputs),
        startTime=instant(run.started),
        endTime=instant(run.ended),
        **ended,
        containerImage=refs(images),
        wasDerivedFrom=ref(earlier_id(run.parent_id)) if run.parent_id else None,
    )


def organize_action(
    result: str, name: str, start: float | None, end: float | None, agent: str | None, controls: Sequence[str] = ()
) -> Entity:
    """Return the action of the engine that brought a workflow about; `controls` those of its steps."""
    return entity(
        organize_id(result),
        "OrganizeAction",
        name=clean(name),
        instrument=ref(ENGINE),
        agent=ref(agent) if agent else None,
        object=refs(controls),
        result=ref(result),
        startTime=instant(start),
        endTime=instant(end),
    )


def control_action(instance: str, place: str, error: str | None) -> Entity:
    """Return the action of a step in one job of its workflow, but for its `object`; `error` when it failed."""
    ended = {"actionStatus": FAILED, "error": clean(error)} if error else {"actionStatus": COMPLETED}
    name = clean(f"step {instance}")
    return entity(control_id(instance), "ControlAction", name=name, instrument=ref(place), **ended)
