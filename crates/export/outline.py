"""The workflow of a run as tools, places for them, and parameters, each with its `@id`.

It is made of the rows of steps and ports and of the structure that is stored with a workflow, so
that it is there for runs of which no text is. Each step has a tool of its own, also where several
run the same: only so does a connection say from which step to which it leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from ...data_classes import dataclass
from ...provenance.rows import PortRow, StepRow
from ...provenance.states import Direction
from .jsonld import escaped

ROOT = "/"
MAIN = "#main"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A port of a tool; `type` is the JSON of its type in the workflow's language, None when not known."""

    id: str
    name: str
    type: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A link from one parameter to another."""

    id: str
    source: Parameter
    target: Parameter


@dataclass(slots=True)
class Tool:
    """Something that steps run: a command, an expression, or a workflow with steps of its own.

    Attributes:
        base: what the ids of all that belongs to it begin with.
        path: path of the step that runs it.
        connections: the links to the outputs of a workflow.
    """

    id: str
    base: str
    name: str
    kind: str
    path: str
    inputs: dict[str, Parameter] = field(default_factory=dict)
    outputs: dict[str, Parameter] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)

    @property
    def is_workflow(self) -> bool:
        """Whether it is made of steps."""
        return self.kind == "workflow"

    def parameter(self, direction: Direction, name: str) -> Parameter | None:
        """Return the parameter for a port, None when it has no such port."""
        return (self.inputs if direction is Direction.INPUT else self.outputs).get(name)


@dataclass(slots=True)
class Place:
    """A step: the place for a tool in a workflow. `position` grows from a step to those that need it."""

    id: str
    name: str
    tool: Tool
    position: int = 0
    connections: list[Connection] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outline:
    """All tools and places of a run.

    Attributes:
        main: the workflow itself; of a single tool that was run: a workflow of this one step.
        tools: the main one first.
        places: by path of a step; of a single tool under the path `/`.
        step_paths: by id of a step: its path.
    """

    main: Tool
    tools: Sequence[Tool]
    places: Mapping[str, Place]
    step_paths: Mapping[str, str]

    def tool_at(self, path: str) -> Tool | None:
        """Return the tool that the step at a path runs."""
        place = self.places.get(path)
        if place is not None:
            return place.tool
        return self.main if path == ROOT else None

    def parameter(self, step_id: str, direction: Direction, name: str) -> Parameter | None:
        """Return the parameter for a port of a step, None when there is none."""
        tool = self.tool_at(self.step_paths.get(step_id, ""))
        return None if tool is None else tool.parameter(direction, name)


def outline_of(
    steps: Sequence[StepRow],
    ports: Mapping[str, Sequence[PortRow]],
    structure: Mapping[str, Any] | None,
    document: str,
    inner: Mapping[str, str],
) -> Outline:
    """Return the outline of a run.

    Args:
        steps: those of the run; one has the path `/`.
        ports: by id of a step.
        structure: of the workflow, as `core.model.describe` gives it; None when it is not known.
        document: `@id` of the main workflow, which is a file.
        inner: by path of a step that is a workflow: the `@id` of its file.
    """
    return _Builder(ports, structure or {}, document, inner).outline(steps)


@dataclass(slots=True)
class _Builder:
    ports: Mapping[str, Sequence[PortRow]]
    structure: Mapping[str, Any]
    document: str
    inner: Mapping[str, str]
    tools: list[Tool] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)

    def outline(self, steps: Sequence[StepRow]) -> Outline:
        """Build everything, from the outside to the inside."""
        ordered = sorted(steps, key=lambda row: (row.path != ROOT, row.position, row.path))
        by_path = {row.path: row for row in ordered}
        main = Tool(self.document, MAIN, "workflow", "workflow", ROOT)
        self.tools.append(main)
        root = by_path.get(ROOT)
        if root is not None:
            main.name = root.tool
            self._ports(main, root)
            if root.kind != "workflow":
                self._single(main, root)
        for row in ordered:
            above = row.path.rpartition("/")[0]
            parent = self.places[above].tool if above in self.places else main if not above else None
            if row.path != ROOT and parent is not None:
                self._place(parent, row)
        for tool, node in self._nodes(main, self.structure):
            self._connect(tool, node)
        return Outline(main, self.tools, self.places, {row.id: row.path for row in ordered})

    def _single(self, main: Tool, row: StepRow) -> None:
        """Make a workflow of one step of a tool that was run alone; both have the same parameters."""
        tool = Tool(f"{MAIN}/tool", f"{MAIN}/tool", row.tool, row.kind, ROOT, main.inputs, main.outputs)
        self.tools.append(tool)
        main.places[row.name] = self.places[ROOT] = Place(f"{MAIN}/step", row.name, tool)

    def _place(self, parent: Tool, row: StepRow) -> None:
        inside = f"{parent.base}/steps/{escaped(row.name)}"
        base = f"{inside}/run"
        tool = Tool(self.inner.get(row.path, base), base, row.tool, row.kind, row.path)
        self._ports(tool, row)
        self.tools.append(tool)
        parent.places[row.name] = self.places[row.path] = Place(inside, row.name, tool)

    def _ports(self, tool: Tool, row: StepRow) -> None:
        for port in self.ports.get(row.id, ()):
            ports = tool.inputs if port.direction is Direction.INPUT else tool.outputs
            identity = f"{tool.base}/{port.direction.value}s/{escaped(port.name)}"
            ports[port.name] = Parameter(identity, port.name, port.type, port.description)

    def _nodes(self, tool: Tool, node: Mapping[str, Any]) -> Iterator[tuple[Tool, Mapping[str, Any]]]:
        """Yield each workflow with its node of the structure."""
        pending = [(tool, node)]
        while pending:
            current, at = pending.pop()
            if isinstance(at.get("steps"), Mapping):
                yield current, at
                for name, step in at["steps"].items():
                    if name in current.places:
                        pending.append((current.places[name].tool, step.get("body") or {}))

    def _connect(self, tool: Tool, node: Mapping[str, Any]) -> None:
        for name, step in node["steps"].items():
            place = tool.places.get(name)
            if place is not None:
                place.connections += self._links(tool, place.id, place.tool.inputs, step.get("inputs") or {})
        tool.connections += self._links(tool, tool.base, tool.outputs, node.get("outputs") or {})
        for position, name in enumerate(_in_order(node["steps"], list(tool.places))):
            if name in tool.places:
                tool.places[name].position = position

    def _links(
        self, tool: Tool, base: str, targets: Mapping[str, Parameter], links: Mapping[str, Sequence[str]]
    ) -> Iterator[Connection]:
        """Yield the links whose both ends are parameters; a port that only `when` uses is none."""
        for port, sources in links.items():
            target = targets.get(port)
            for number, source in enumerate(sources):
                step, slash, name = source.rpartition("/")
                place = tool.places.get(step)
                begin = tool.inputs.get(name) if not slash else place.tool.outputs.get(name) if place else None
                if begin is not None and target is not None:
                    yield Connection(f"{base}/connections/{escaped(port)}/{number}", begin, target)


def _in_order(steps: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Return the names of steps so that each comes after those whose outputs it takes."""
    needs: dict[str, dict[str, None]] = {name: {} for name in names}
    for name, step in steps.items():
        for sources in (step.get("inputs") or {}).values():
            for source in sources:
                above = source.rpartition("/")[0]
                if above in needs and name in needs:
                    needs[name][above] = None
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError:
        return list(names)
