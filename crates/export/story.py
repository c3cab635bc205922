"""All actions of a run, read bit by bit: what was done for each job, step by step, from the inside to the outside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...core.machine.state import plain_path, step_path
from ...provenance.rows import AttemptRow, JobRow, StepRow
from ...provenance.states import JobState
from . import actions, figures
from .graph import Spool
from .jsonld import Entity
from .names import FileNames
from .outline import ROOT, Outline, Place, Tool
from .source import JobRecord, Source, TokenShape
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
    """Writes the actions of a run to a spool.

    Attributes:
        body: takes the entities.
        mentions: takes references to what the root mentions.
        acted: ids of the tools that something was done for; complete when all was written.
    """

    source: Source
    outline: Outline
    names: FileNames
    agent: str | None
    body: Spool
    mentions: Spool
    acted: set[str] = field(default_factory=set)
    _scopes: dict[str, int] = field(default_factory=dict)
    """By path of a workflow's job: which of its steps were acted for, as bits, so that many jobs take little."""
    _asked: set[str] = field(default_factory=set)

    def tell(self, steps: Sequence[StepRow]) -> Iterator[AttemptRow]:
        """Write the actions of all steps but the workflow itself; yield each attempt once it was written."""
        for step in sorted(steps, key=lambda row: (row.position, row.path), reverse=True):
            place = self.outline.places.get(step.path)
            if place is not None:
                yield from self._step(step, place)

    def _step(self, step: StepRow, place: Place) -> Iterator[AttemptRow]:
        with Spool() as objects:
            current, error = None, None
            for batch in self.source.jobs(step.id):
                shapes = self.source.shapes(_tokens_of(batch))
                variables = self.source.variables(
                    row.environment_id for record in batch for row in record.attempts if row.environment_id
                )
                for record in batch:
                    instance = instance_of(record.row.path)
                    if instance != current:
                        self._control(current, place, objects, error)
                        current, error = instance, None
                    error = error or _error_of(record.row)
                    for action in self._actions(record, place.tool, shapes, variables):
                        self.body.add(action)
                        self.mentions.add_ref(action["@id"])
                        objects.add_ref(action["@id"])
                    yield from record.attempts
            self._control(current, place, objects, error)

    def _control(self, instance: str | None, place: Place, objects: Spool, error: str | None) -> None:
        """Write the ControlAction of a step instance whose jobs are all written, unless nothing was done for it."""
        if instance is not None and objects.count:
            self.acted.add(place.tool.id)
            scope = scope_of(instance) if instance != ROOT else ROOT
            self._scopes[scope] = self._scopes.get(scope, 0) | 1 << self._position(scope, place)
            self.body.add_with(actions.control_action(instance, place.id, error), {"object": objects})
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
    ) -> Iterator[Entity]:
        inputs = self.values(record.inputs, shapes)
        outputs = self.values(record.outputs, shapes)
        row = record.row
        for attempt in record.attempts:
            own = variables.get(attempt.environment_id or "", ())
            yield actions.attempt_action(attempt, row, tool, inputs, outputs, own, self.agent, len(record.attempts))
            self._figures(attempt)
        if not record.attempts and actions.was_acted(row, tool):
            action = actions.job_action(row, tool, inputs, outputs, self.agent)
            yield action
            if tool.is_workflow:
                self._organize(action["@id"], row)

    def _figures(self, attempt: AttemptRow) -> None:
        identity = actions.attempt_id(attempt)
        for figure in figures.used(attempt):
            self.body.add(figure.entity(actions.usage_id(identity, figure.name)))
        for shared, figure in figures.asked(attempt):
            if shared not in self._asked:
                self._asked.add(shared)
                self.body.add(figure.entity(shared))

    def _organize(self, action: str, row: JobRow) -> None:
        controls = self.controls(row.path)
        if controls:
            name = f"the engine's part in {row.path}"
            self.body.add(actions.organize_action(action, name, row.started, row.ended, self.agent, controls))
            self.mentions.add_ref(actions.organize_id(action))

    def values(self, tokens: Mapping[str, str], shapes: Mapping[str, TokenShape]) -> list[str]:
        """Return the ids of the entities of some values; those that are null have none."""
        found = []
        for token in tokens.values():
            shape = shapes.get(token)
            if shape is not None and not shape.is_null:
                found.append(self.names.id(shape.file) if shape.file else value_id(token))
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


def log_files(row: AttemptRow) -> Iterator[tuple[str, str]]:
    """Yield the names and paths of what an attempt printed, where that is no output and not empty."""
    for name, path in (("stdout", row.stdout), ("stderr", row.stderr)):
        if path is not None and path == f"{row.work_directory}/{name}":
            try:
                if os.path.getsize(path):
                    yield name, path
            except OSError:
                continue
