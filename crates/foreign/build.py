"""The rows of a run that others carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import Any

from ...core.machine.events import AttemptEnded, AttemptStarted, Event, Failure, encode
from ...core.records import tag_of
from ...core.values import to_json
from ...data_classes import dataclass
from ...hashing import canonical_json
from ...provenance import ids
from ...provenance.names import name_for
from ...provenance.rows import (
    AttemptRow,
    EventRow,
    JobRow,
    PortRow,
    Row,
    RunRow,
    StepRow,
    WorkflowRow,
)
from ...provenance.states import AttemptState, Direction, JobState, Keep, RunState
from ..graph import Entity
from ..keeping import Kept
from ..read import Crate
from ..rows import WRITTEN, key_of
from . import things
from .flow import Acted, Flow
from .instants import instant, span
from .layout import Layout, layout_of, parameters
from .runs import Foreign
from .values import Values

_FAILED = "FailedActionStatus"
_UNDER_WAY = ("ActiveActionStatus", "PotentialActionStatus")
_ORDER = {table: number for number, table in enumerate(WRITTEN)}


def foreign_rows(crate: Crate, run: Foreign, kept: Sequence[Kept], place: Callable[[str], str]) -> list[Row]:
    """Return the rows of a run, in the order of tables and keys.

    Args:
        crate: the crate that tells of it.
        run: the run.
        kept: the files of the crate.
        place: says where a file of the crate is, by its path in it.
    """
    values = Values(crate, {file.path: file for file in kept}, place)
    builder = _Builder(crate, run, values, layout_of(crate, run))
    builder.build()
    rows = things.unique(builder.rows)
    return sorted(rows, key=lambda row: (_ORDER[type(row)], *key_of(row)))


@dataclass(frozen=True, slots=True)
class _Job:
    """A job, and the actions that tried to carry it out, oldest first."""

    path: str
    attempts: tuple[Entity, ...]

    @property
    def last(self) -> Entity:
        return self.attempts[-1]


@dataclass(slots=True)
class _Builder:
    crate: Crate
    run: Foreign
    values: Values
    layout: Layout
    rows: list[Row] = field(default_factory=list)
    _tools: dict[str, Entity] = field(default_factory=dict)

    def build(self) -> None:
        """Make all rows."""
        jobs = list(self._jobs())
        self._run_row(jobs)
        self._step_rows()
        self._job_rows(_Job("/", (self.run.action,) if self.run.action else ()), with_attempts=not jobs)
        for job in jobs:
            self._job_rows(job, with_attempts=True)
        whole = Acted("/", self.run.action, self.run.workflow)
        flow = Flow(self.crate, self.run.id, self.values)
        flow.follow(whole, [Acted(job.path, job.last, self._tool(job)) for job in jobs])
        self.rows += flow.rows
        self._event_rows(jobs)
        self.rows += things.software_rows(self.crate, self.run, self._tools)

    # -- jobs ------------------------------------------------------------------------------------

    def _jobs(self) -> Iterator[_Job]:
        by_path: dict[str, list[tuple[Entity, ...]]] = {}
        for control in self.run.controls:
            tool = next(iter(self.crate.related(control.actions[0], "instrument")), None)
            path = self.layout.path_of(control.step, tool)
            if tool is not None:
                self._tools.setdefault(path, tool)
            by_path.setdefault(path, []).extend(_tries(control.actions))
        for path, tries in by_path.items():
            ordered = sorted(tries, key=lambda actions: span(actions[0])[0] or 0.0)
            for index, actions in enumerate(ordered):
                yield _Job(path if len(ordered) == 1 else f"{path}[{index}]", actions)

    def _job_rows(self, job: _Job, *, with_attempts: bool) -> None:
        identity = ids.job_id(self.run.id, job.path)
        action = job.attempts[-1] if job.attempts else None
        spans = [span(each) for each in job.attempts]
        row = JobRow(
            id=identity,
            run_id=self.run.id,
            step_id=ids.step_id(self.run.id, job.path.partition("[")[0] or "/"),
            path=job.path,
            tag=tag_of(job.path),
            state=_job_state(action),
            started=min((start for start, _ in spans if start is not None), default=None),
            ended=max((end for _, end in spans if end is not None), default=None),
            reason=_told(action),
            error=_error(action),
        )
        self.rows.append(row)
        if with_attempts:
            for number, each in enumerate(job.attempts, 1):
                self._attempt_rows(identity, number, each)

    def _attempt_rows(self, job_id: str, number: int, action: Entity) -> None:
        deployment, location = things.location_rows(self.crate, action)
        image, environment = things.image_row(self.crate, action), things.environment_row(self.crate, action)
        started, ended = span(action)
        self.rows += [deployment, location, *(row for row in (image, environment) if row is not None)]
        self.rows.append(
            AttemptRow(
                id=ids.attempt_id(job_id, number),
                job_id=job_id,
                number=number,
                state=_attempt_state(action),
                location_id=location.id,
                work_directory="",
                token="",
                environment_id=environment.id if environment else None,
                image_id=image.id if image else None,
                started=started,
                ended=ended,
                exit_code=things.exit_code(action),
                error=_error(action),
                **things.usage(self.crate, action),
            )
        )

    # -- the run and its steps -------------------------------------------------------------------

    def _tool(self, job: _Job) -> Entity | None:
        return next(iter(self.crate.related(job.last, "instrument")), None)

    def _run_row(self, jobs: Sequence[_Job]) -> None:
        action, workflow = self.run.action, self.run.workflow
        rows = things.workflow_rows(self.crate, workflow, self.values) if workflow is not None else []
        agent = things.agent_row(self.crate, action, *(job.last for job in jobs))
        _, location = things.location_rows(self.crate, action)
        started, ended = self._span(jobs)
        self.rows += [*rows, *([agent] if agent else [])]
        engine = self.run.engine
        self.rows.append(
            RunRow(
                id=self.run.id,
                name=name_for(self.run.id),
                state=_run_state([action] if action is not None else [job.last for job in jobs]),
                workflow_id=next((row.id for row in rows if isinstance(row, WorkflowRow)), None),
                agent_id=agent.id if agent else None,
                started=started,
                ended=ended,
                command_line="[]",
                cwd="",
                keep=Keep.ALL,
                host="" if location.name == things.UNKNOWN else location.name,
                engine_version=(engine.text("version", "softwareVersion") or "") if engine is not None else "",
                python_version="",
                options="{}",
                inputs=to_json(self._values(action, "object")),
                outputs=to_json(self._values(action, "result")),
                error=_error(action),
            )
        )

    def _span(self, jobs: Sequence[_Job]) -> tuple[float, float | None]:
        actions = [*([self.run.action] if self.run.action else []), *(each for job in jobs for each in job.attempts)]
        starts = [at for action in actions for at in span(action) if at is not None]
        published = instant(self.crate.root.text("datePublished")) or 0.0
        ends = [end for action in actions if (end := span(action)[1]) is not None]
        return min(starts, default=published), max(ends, default=None)

    def _values(self, action: Entity | None, side: str) -> dict[str, Any]:
        if action is None:
            return {}
        owner_side = "input" if side == "object" else "output"
        slots = self.values.slots(action.refs(side), self.run.workflow, owner_side)
        return {slot.port: self.values.of(slot) for slot in slots}

    def _step_rows(self) -> None:
        for position, place in enumerate(self.layout.places.values()):
            step_id = ids.step_id(self.run.id, place.path)
            tool = place.tool
            name = (tool.text("name") if tool is not None else None) or (tool.id if tool is not None else place.name)
            self.rows.append(
                StepRow(
                    id=step_id,
                    run_id=self.run.id,
                    path=place.path,
                    name=place.name or name,
                    kind=place.kind,
                    tool=name,
                    position=position,
                )
            )
            for direction, side in ((Direction.INPUT, "input"), (Direction.OUTPUT, "output")):
                for parameter in parameters(self.crate, tool, side):
                    self.rows.append(_port_row(step_id, direction, parameter))

    # -- the story -------------------------------------------------------------------------------

    def _event_rows(self, jobs: Sequence[_Job]) -> None:
        """Make the story: when attempts started and ended, as far as that is known."""
        begun, over = self._span(jobs)
        told: list[tuple[float, Event]] = []
        whole = [_Job("/", (self.run.action,))] if self.run.action and not jobs else []
        for job in (*whole, *jobs):
            for number, action in enumerate(job.attempts, 1):
                started, ended = span(action)
                failure = Failure.PERMANENT if _status(action) == _FAILED else None
                told.append((begun if started is None else started, AttemptStarted(job.path, number)))
                told.append((ended or over or begun, AttemptEnded(job.path, number, failure)))
        for seq, (at, event) in enumerate(sorted(told, key=lambda item: item[0]), 1):
            kind, body = encode(event)
            self.rows.append(EventRow(run_id=self.run.id, seq=seq, kind=kind, body=to_json(body), instant=at))


def _tries(actions: Sequence[Entity]) -> list[tuple[Entity, ...]]:
    """Return the actions of a step by job: one that failed and one with the same inputs after it are tries of one."""
    found: list[list[Entity]] = []
    open_tries: dict[frozenset[str], list[Entity]] = {}
    for action in sorted(actions, key=lambda each: span(each)[0] or 0.0):
        inputs = frozenset(action.refs("object"))
        earlier = open_tries.pop(inputs, None)
        if earlier is None:
            earlier = []
            found.append(earlier)
        earlier.append(action)
        if _status(action) == _FAILED:
            open_tries[inputs] = earlier
    return [tuple(tries) for tries in found]


def _status(action: Entity) -> str:
    """Return how an action says it ended; one that says nothing has completed (Process Run Crate)."""
    return (action.text("actionStatus") or "CompletedActionStatus").rpartition("/")[2]


def _job_state(action: Entity | None) -> JobState:
    status = _status(action) if action is not None else ""
    return JobState.FAILED if status == _FAILED else JobState.CANCELLED if status in _UNDER_WAY else JobState.COMPLETED


def _attempt_state(action: Entity) -> AttemptState:
    status = _status(action)
    return (
        AttemptState.FAILED
        if status == _FAILED
        else AttemptState.LOST
        if status in _UNDER_WAY
        else AttemptState.COMPLETED
    )


def _run_state(actions: Sequence[Entity]) -> RunState:
    found = {_status(action) for action in actions}
    if _FAILED in found:
        return RunState.FAILED
    return RunState.CANCELLED if found & set(_UNDER_WAY) else RunState.COMPLETED


def _error(action: Entity | None) -> str | None:
    return action.text("error") if action is not None and _status(action) == _FAILED else None


def _told(action: Entity | None) -> str | None:
    return action.text("description") if action is not None else None


def _port_row(step_id: str, direction: Direction, parameter: Entity) -> PortRow:
    name = parameter.text("name") or parameter.id.rpartition("/")[2]
    kinds = [str(kind).rpartition("/")[2] for kind in parameter.all("additionalType")]
    return PortRow(
        step_id=step_id,
        direction=direction,
        name=name,
        type=canonical_json(kinds[0] if len(kinds) == 1 else kinds) if kinds else None,
        description=parameter.text("description"),
    )
