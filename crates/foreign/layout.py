"""The steps of a run of others: each with a path, as the store names them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from urllib.parse import unquote

from ...data_classes import dataclass
from ..graph import Entity
from ..read import Crate
from .runs import WORKFLOW, Foreign

_ODD = re.compile(r"[\[\]~/\\\s\x00-\x1f\x7f-\x9f]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|\d+")
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Place:
    """A step: where it is in the workflow, the step itself and what it runs, as far as the crate says."""

    path: str
    step: Entity | None
    tool: Entity | None

    @property
    def kind(self) -> str:
        """The kind of step, as the store calls it."""
        if self.path == "/" or (self.tool is not None and self.tool.is_a(WORKFLOW)):
            return "workflow"
        return "command"

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path.rpartition("/")[2]


@dataclass(slots=True)
class Layout:
    """The steps of one run, by path."""

    crate: Crate
    places: dict[str, Place] = field(default_factory=dict)
    _by_step: dict[str, str] = field(default_factory=dict)
    _by_tool: dict[str, str] = field(default_factory=dict)

    def path_of(self, step: Entity | None, tool: Entity | None) -> str:
        """Return the path of the step that an action belongs to; a new one when the crate does not describe it."""
        if step is not None and step.id in self._by_step:
            return self._by_step[step.id]
        if step is None and tool is not None and tool.id in self._by_tool:
            return self._by_tool[tool.id]
        return self._add("/", step, tool)

    def _add(self, above: str, step: Entity | None, tool: Entity | None) -> str:
        known = step or tool
        base = f"{above.rstrip('/')}/{name_of(known) if known is not None else 'step'}"
        path, number = base, 2
        while path in self.places:
            path, number = f"{base}_{number}", number + 1
        self.places[path] = Place(path, step, tool)
        if step is not None:
            self._by_step.setdefault(step.id, path)
        if tool is not None:
            self._by_tool.setdefault(tool.id, path)
        return path

    def describe(self, workflow: Entity, above: str = "/", outer: tuple[str, ...] = ()) -> None:
        """Add the steps that a workflow describes, and those of the workflows in it."""
        if workflow.id in outer or len(outer) >= _DEEPEST:
            return
        for step in sorted(self.crate.related(workflow, "step"), key=_position):
            tool = next(iter(self.crate.related(step, "workExample")), None)
            path = self._add(above, step, tool)
            if tool is not None:
                self.describe(tool, path, (*outer, workflow.id))


def layout_of(crate: Crate, run: Foreign) -> Layout:
    """Return the steps of a run, the workflow itself as `/`."""
    layout = Layout(crate)
    layout.places["/"] = Place("/", None, run.workflow)
    if run.workflow is not None:
        layout.describe(run.workflow)
    return layout


def name_of(entity: Entity) -> str:
    """Return a name for what has none of its own: the last part of its id, or what it is called."""
    tail = unquote(entity.id.rstrip("/#")).replace("#", "/").rpartition("/")[2]
    if not tail or _UUID.search(tail):
        tail = entity.text("name", "alternateName") or tail
    return clean(tail)


def clean(text: str) -> str:
    """Return a text that can be a name in a path."""
    return _ODD.sub("_", text).strip("_.") or "unnamed"


def _position(step: Entity) -> tuple[float, str]:
    text = step.text("position") or ""
    return (int(text) if text.isdecimal() and len(text) < 10 else float("inf"), step.id)


def parameters(crate: Crate, owner: Entity | None, side: str) -> Iterator[Entity]:
    """Yield the FormalParameters of a workflow or tool: its `input` or its `output`."""
    if owner is not None:
        yield from crate.related(owner, side)
