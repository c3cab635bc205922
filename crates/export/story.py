"""All actions of a run, read bit by bit: what was done for each job, step by step, from the inside to the outside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from ...core.machine.paths import plain_path, step_path
from ...data_classes import dataclass
from ...provenance.queries import MetricSummary
from ...provenance.rows import AttemptRow, JobRow, StepRow
from ...provenance.states import JobState, RunState
from . import actions, figures, software
from .draft import Draft
from .graph import Spool
from .jsonld import Entity
from .logs import write_logs
from .metrics import metric_entities
from .outline import ROOT, Outline, Place, Tool
from .record import Record
from .root import title_of
from .source import JobRecord, TokenShape
from .values import value_id

_INDICES = re.compile(r"(?:\[[\d,]*\]|~\d+)+$")


def instance_of(job_path: str) -> str:
    """Return the path of a job without its own indices: which step of which job of a workflow it is of."""
    return _INDICES.sub("", job_path)


def scope_of(instance: str) -> str:
    """Return the path of the job of the workflow that a step instance is in."""
    return instance.rpartition("/")[0] or ROOT


@dataclass(slots=True)
class Story:
    """Writes the actions of a run.

    Attributes:
        acted: ids of the tools that something was done for; complete when all was written.
    """

    record: Record
    draft: Draft
    outline: Outline
    acted: set[str] = field(default_factory=set)
    _scopes: dict[str, int] = field(default_factory=dict)
    """By path of a workflow's job: which of its steps were acted for, as bits, so that many jobs take little."""
    _asked: set[str] = field(default_factory=set)

    def write(self, main_job: JobRecord | None) -> None:
        """Write the actions of all steps, then that of the run as a whole."""
        for step in sorted(self.record.steps, key=lambda row: (row.position, row.path), reverse=True):
            place = self.outline.places.get(step.path)
            if place is not None:
                self._step(step, place)
        self._main(main_job)

    def _main(self, job: JobRecord | None) -> None:
        run, state = self.record.detail.row, self.record.detail.state
        tokens = [] if job is None else [*job.inputs.values(), *job.outputs.values()]
        shapes = self.record.source.shapes(tokens)
        inputs = [] if job is None else self.values(job.inputs, shapes)
        outputs = [] if job is None or state is not RunState.COMPLETED else self.values(job.outputs, shapes)
        images = [software.image_id(one.id) for one in self.record.source.images()]
        main = actions.main_action(
            run,
            state,
            self.outline.main,
            title_of(self.record.detail),
            [*inputs, software.CONFIGURATION],
            outputs,
            self.record.agent,
            images,
        )
        self.draft.head.append(main)
        self.draft.mentions.add_ref(main["@id"])
        controls = self.controls(ROOT)
        if controls:
            name = f"the engine's part in run {run.name}"
            made = actions.organize_action(main["@id"], name, run.started, run.ended, self.record.agent, controls)
            self.draft.head.append(made)
            self.draft.mentions.add_ref(made["@id"])

    def _step(self, step: StepRow, place: Place) -> None:
        with Spool() as objects:
            current, error = None, None
            for batch in self.record.source.jobs(step.id):
                shapes = self.record.source.shapes(_tokens_of(batch))
                variables = self.record.source.variables(
                    row.environment_id for record in batch for row in record.attempts if row.environment_id
                )
                metrics = self.record.source.metrics(row.id for record in batch for row in record.attempts)
                for record in batch:
                    instance = instance_of(record.row.path)
                    if instance != current:
                        self._control(current, place, objects, error)
                        current, error = instance, None
                    error = error or _error_of(record.row)
                    for action in self._actions(record, place.tool, shapes, variables, metrics):
                        self.draft.body.add(action)
                        self.draft.mentions.add_ref(action["@id"])
                        objects.add_ref(action["@id"])
                    for attempt in record.attempts:
                        write_logs(attempt, self.record, self.draft)
            self._control(current, place, objects, error)

    def _control(self, instance: str | None, place: Place, objects: Spool, error: str | None) -> None:
        """Write the ControlAction of a step instance whose jobs are all written, unless nothing was done for it."""
        if instance is not None and objects.count:
            self.acted.add(place.tool.id)
            scope = scope_of(instance) if instance != ROOT else ROOT
            self._scopes[scope] = self._scopes.get(scope, 0) | 1 << self._position(scope, place)
            self.draft.body.add_with(actions.control_action(instance, place.id, error), {"object": objects})
        objects.clear()

    def _places(self, scope: str) -> list[Place]:
        tool = self.outline.tool_at(plain_path(scope)) if scope != ROOT else self.outline.main
        return list(tool.places.values()) if tool is not None else []

    def _position(self, scope: str, place: Place) -> int:
        return self._places(scope).index(place)

    def controls(self, scope: str) -> list[str]:
        """Return the ids of the ControlActions of the steps in a job of a workflow, which are all written."""
        mask = self._scopes.pop(scope, 0)
        names = [place.name for number, place in enumerate(self._places(scope)) if mask >> number & 1]
        if ROOT in self.outline.places:
            return [actions.control_id(ROOT) for _ in names]
        return [actions.control_id(step_path(scope, name)) for name in names]

    def _actions(
        self,
        record: JobRecord,
        tool: Tool,
        shapes: Mapping[str, TokenShape],
        variables: Mapping[str, Sequence[str]],
        metrics: Mapping[str, Sequence[MetricSummary]],
    ) -> Iterator[Entity]:
        inputs = self.values(record.inputs, shapes)
        outputs = self.values(record.outputs, shapes)
        row = record.row
        for attempt in record.attempts:
            own, measured = variables.get(attempt.environment_id or "", ()), metrics.get(attempt.id, ())
            yield actions.attempt_action(
                attempt, row, tool, inputs, outputs, own, self.record.agent, len(record.attempts), measured
            )
            self._figures(attempt, measured)
        if not record.attempts and actions.was_acted(row, tool):
            action = actions.job_action(row, tool, inputs, outputs, self.record.agent)
            yield action
            if tool.is_workflow:
                self._organize(action["@id"], row)

    def _figures(self, attempt: AttemptRow, measured: Sequence[MetricSummary]) -> None:
        identity = actions.attempt_id(attempt)
        for made in metric_entities(identity, measured):
            self.draft.body.add(made)
        for figure in figures.used(attempt):
            self.draft.body.add(figure.entity(actions.usage_id(identity, figure.name)))
        for shared, figure in figures.asked(attempt):
            if shared not in self._asked:
                self._asked.add(shared)
                self.draft.body.add(figure.entity(shared))

    def _organize(self, action: str, row: JobRow) -> None:
        controls = self.controls(row.path)
        if controls:
            name = f"the engine's part in {row.path}"
            self.draft.body.add(
                actions.organize_action(action, name, row.started, row.ended, self.record.agent, controls)
            )
            self.draft.mentions.add_ref(actions.organize_id(action))

    def values(self, tokens: Mapping[str, str], shapes: Mapping[str, TokenShape]) -> list[str]:
        """Return the ids of the entities of some values; those that are null have none."""
        found = []
        for token in tokens.values():
            shape = shapes.get(token)
            if shape is not None and not shape.is_null:
                found.append(self.record.names.id(shape.file) if shape.file else value_id(token))
        return found


def _tokens_of(batch: Iterable[JobRecord]) -> Iterator[str]:
    for record in batch:
        yield from record.inputs.values()
        yield from record.outputs.values()


def _error_of(row: JobRow) -> str | None:
    """Return what to say of a job that failed, for the step that it is of."""
    if row.state not in (JobState.FAILED, JobState.CANCELLED):
        return None
    return f"{row.path}: {row.error or row.reason or row.state.value}"
