"""From where to where values flow in a body, whatever its nesting: between its tasks, its inputs and its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..data_classes import dataclass
from .machine.paths import step_path
from .model import Body, Link, Task, Workflow


class Origin(NamedTuple):
    """Where a value may come from: an output port of a task, or when `task` is None an input of the whole."""

    task: str | None
    """Path without indices."""
    port: str


Origins = Mapping[str, frozenset[Origin]]
"""By port: where its values may come from."""
NOWHERE: frozenset[Origin] = frozenset()


@dataclass(frozen=True, slots=True)
class TaskFlow:
    """A task, with where its inputs come from, and what decides beside whether or how often it runs."""

    task: Task
    inputs: Origins
    guards: frozenset[Origin] = NOWHERE

    @property
    def origins(self) -> frozenset[Origin]:
        """All that it depends on directly."""
        return self.guards.union(*self.inputs.values())


def flow_of(body: Body) -> dict[str, TaskFlow]:
    """Return the tasks in a body by path."""
    return dict(_tasks(body, "/", {name: frozenset({Origin(None, name)}) for name in body.inputs}, NOWHERE))


def origins_of_outputs(body: Body) -> Origins:
    """Return where the outputs of a body come from."""
    return {port: _made_by(body, "/", port) for port in body.outputs}


def downstream(flow: Mapping[str, TaskFlow], tasks: Iterable[str]) -> frozenset[str]:
    """Return some tasks and all that depend on what they make."""
    found, grows = set(tasks), True
    while grows:
        more = {path for path, each in flow.items() if path not in found and _tasks_of(each.origins) & found}
        grows = bool(more)
        found |= more
    return frozenset(found)


def _tasks_of(origins: Iterable[Origin]) -> set[str]:
    return {origin.task for origin in origins if origin.task is not None}


def _tasks(body: Body, path: str, given: Origins, guards: frozenset[Origin]) -> Iterator[tuple[str, TaskFlow]]:
    if isinstance(body, Task):
        yield path, TaskFlow(body, given, guards)
        return
    for name, step in body.steps.items():
        origins = {port: _of_link(link, body, path, given) for port, link in step.inputs.items()}
        decides = step.conditional or step.loop is not None or bool(step.scatter)
        inner = guards.union(*origins.values()) if decides and isinstance(step.body, Workflow) else guards
        yield from _tasks(step.body, step_path(path, name), origins, inner)


def _of_link(link: Link, body: Workflow, path: str, given: Origins) -> frozenset[Origin]:
    found: set[Origin] = set()
    for port in link.sources:
        if port.step is None:
            found |= given.get(port.name, NOWHERE)
        else:
            found |= _made_by(body.steps[port.step].body, step_path(path, port.step), port.name)
    return frozenset(found)


def _made_by(body: Body, path: str, port: str) -> frozenset[Origin]:
    """Return the output ports of tasks whose values may lie on an output port of a body."""
    if isinstance(body, Task):
        return frozenset({Origin(path, port)})
    return _of_link(body.outputs[port], body, path, {})
