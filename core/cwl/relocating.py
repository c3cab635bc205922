"""Files that a document itself names, taken from elsewhere: where the document lay, they may be gone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from ..values import FileValue, map_references
from .process import Input, LoopInput, Process, StepInput, Workflow, WorkflowStep

Place = Callable[[FileValue], FileValue]
"""Returns what stands for a File or Directory object with an absolute `location`."""
P = TypeVar("P", Input, StepInput, LoopInput)
WORKDIR = "InitialWorkDirRequirement"


def relocated(process: Process, place: Place) -> Process:
    """Return a process in which each file in a default, or among what is laid into work directories, is placed."""
    return _process(process, place, {})


def _process(process: Process, place: Place, done: dict[int, Process]) -> Process:
    # By identity, since a process that many steps run must stay one.
    if id(process) in done:
        return done[id(process)]
    changes: dict[str, Any] = {
        "inputs": _defaults(process.inputs, place),
        "requirements": _requirements(process.requirements, place),
        "hints": _requirements(process.hints, place),
    }
    if isinstance(process, Workflow):
        changes["steps"] = tuple(_step(step, place, done) for step in process.steps)
    made = done[id(process)] = replace(process, **changes)
    return made


def _step(step: WorkflowStep, place: Place, done: dict[int, Process]) -> WorkflowStep:
    return replace(
        step,
        run=_process(step.run, place, done),
        inputs=_defaults(step.inputs, place),
        loop=None if step.loop is None else replace(step.loop, inputs=_defaults(step.loop.inputs, place)),
        requirements=_requirements(step.requirements, place),
        hints=_requirements(step.hints, place),
    )


def _defaults(ports: tuple[P, ...], place: Place) -> tuple[P, ...]:
    return tuple(
        replace(port, default=map_references(port.default, place)) if port.has_default else port for port in ports
    )


def _requirements(said: Mapping[str, Any], place: Place) -> dict[str, Any]:
    return {name: map_references(item, place) if name == WORKDIR else item for name, item in said.items()}
