"""The graph of a run: the steps of its workflow with the states of their jobs, laid out in layers.

Steps are drawn, never jobs, so that a scatter over any number of items is one box. A workflow in a
step is drawn inside that step's box as long as the whole stays readable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from ..core.drawing import Graph, Node, graph_of_structure, layers
from ..provenance.queries import StepSummary
from ..provenance.states import JobState
from .looks import NOT_STARTED, Look, look, most_telling, words_of
from .spread import spread
from .words import clean, counted, seconds_text, shortened

STEP_WIDTH, STEP_HEIGHT = 204.0, 58.0
PORT_HEIGHT = 30.0
HEAD = 34.0
"""Height of what stands above the steps in the box of a workflow."""
GAP_X, GAP_Y = 22.0, 44.0
PADDING = 16.0
MARGIN = 8.0
BEND_WIDTH = 14.0
CHARACTER = 7.0
LONGEST_LABEL = 25
MOST_PORTS = 8
"""Inputs or outputs; more are drawn as one."""
MOST_STEPS = 400


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the bar of a step: jobs in one state. From 0 to 1."""

    key: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """A step, a workflow with steps inside, or a port of the whole. Lengths are in pixels."""

    id: str
    kind: str
    """`input`, `output`, `step` or `workflow`."""
    label: str
    x: float
    y: float
    width: float
    height: float
    look: Look = NOT_STARTED
    detail: str = ""
    title: str = ""
    href: str = ""
    bar: tuple[Segment, ...] = ()
    scattered: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow through points, from top to bottom."""

    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """The arrow as the path data of SVG."""
        (x, y), *rest = self.points
        parts = [f"M{x:.0f} {y:.0f}"]
        for nx, ny in rest:
            middle = (y + ny) / 2
            straight = (
                f"V{ny:.0f}" if abs(nx - x) < 0.5 else f"C{x:.0f} {middle:.0f} {nx:.0f} {middle:.0f} {nx:.0f} {ny:.0f}"
            )
            parts.append(straight)
            x, y = nx, ny
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole graph; boxes of workflows come before those inside them."""

    width: float
    height: float
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


@dataclass(frozen=True, slots=True)
class StepLook:
    """What the box of a step says."""

    look: Look
    detail: str
    title: str
    bar: tuple[Segment, ...]


def step_look(step: StepSummary | None) -> StepLook:
    """Return how a step looks with the jobs that it has."""
    if step is None or not step.counts:
        return StepLook(NOT_STARTED, NOT_STARTED.word, NOT_STARTED.word, ())
    counts, total = step.counts, sum(step.counts.values())
    shown = most_telling(counts)
    span = "" if step.started is None or step.ended is None else seconds_text(max(0.0, step.ended - step.started))
    under_way = any(counts.get(state) for state in (JobState.RUNNING, JobState.WAITING))
    said = [shown.word if total == 1 else _short_counts(counts, total), "" if under_way else span]
    title = f"{step.row.path}: {step.row.tool}. {words_of(counts)}{f' in {span}' if span else ''}"
    return StepLook(shown, " · ".join(text for text in said if text), clean(title), _bar(counts, total))


def _short_counts(counts: Mapping[JobState, int], total: int) -> str:
    done = counts.get(JobState.COMPLETED, 0) + counts.get(JobState.CACHED, 0)
    failed = counts.get(JobState.FAILED, 0)
    if done == total:
        return counted(total, "job")
    return f"{failed:,} of {total:,} failed" if failed else f"{done:,} of {counted(total, 'job')}"


def _bar(counts: Mapping[JobState, int], total: int) -> tuple[Segment, ...]:
    segments, start = [], 0.0
    for state in JobState:
        if counts.get(state):
            width = counts[state] / total
            segments.append(Segment(look(state).key, start, width))
            start += width
    return tuple(segments)


@dataclass(slots=True)
class _Drawing:
    """What was laid out so far of one workflow, with its own corner at (0, 0)."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def take(self, other: _Drawing, x: float, y: float) -> None:
        """Put another drawing into this one."""
        self.boxes += [replace(box, x=box.x + x, y=box.y + y) for box in other.boxes]
        self.arrows += [Arrow(tuple((px + x, py + y) for px, py in arrow.points)) for arrow in other.arrows]


def flow_of(structure: Mapping[str, Any], steps: Sequence[StepSummary], href: Callable[[str], str]) -> Flow:
    """Return the graph of a run.

    Args:
        structure: of its workflow, as `core.model.describe` gives it.
        steps: with their jobs.
        href: from the path of a step to where it is shown.
    """
    planner = _Planner({step.row.path: step for step in steps}, href, nested=len(steps) <= MOST_STEPS)
    drawing = planner.scope(structure, "/", outermost=True)
    return Flow(drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN, drawing.boxes, drawing.arrows)


@dataclass(frozen=True, slots=True)
class _Planner:
    steps: Mapping[str, StepSummary]
    href: Callable[[str], str]
    nested: bool

    def scope(self, structure: Mapping[str, Any], path: str, *, outermost: bool = False) -> _Drawing:
        """Lay out the steps of one workflow, and its ports when it is the outermost one."""
        graph = _with_few_ports(graph_of_structure(structure)) if outermost else _steps_alone(structure)
        inner = {name: self._inside(structure, name, path) for name in graph.nodes}
        bent, chains = _with_bends(graph)
        steps = structure.get("steps", {})
        boxes = {
            name: self._box(node, steps.get(name.removeprefix("step:"), {}), path, inner.get(name))
            for name, node in bent.nodes.items()
        }
        placed, drawing = _place(bent, boxes, MARGIN if outermost else 0.0)
        for name in graph.nodes:
            drawing.boxes.append(placed[name])
            inside = inner[name]
            if inside is not None:
                drawing.take(inside, placed[name].x + PADDING, placed[name].y + HEAD)
        drawing.arrows[:0] = [_arrow([placed[name] for name in chain]) for chain in chains]
        return drawing

    def _inside(self, structure: Mapping[str, Any], node: str, path: str) -> _Drawing | None:
        name = node.removeprefix("step:")
        body = structure.get("steps", {}).get(name, {}).get("body", {}) if node.startswith("step:") else {}
        if not self.nested or body.get("kind") != "workflow":
            return None
        return self.scope(body, f"{path.rstrip('/')}/{name}")

    def _box(self, node: Node, step: Mapping[str, Any], path: str, inside: _Drawing | None) -> Box:
        if node.kind == "bend":
            return Box(node.id, "bend", "", 0, 0, BEND_WIDTH, 0)
        if node.kind in ("input", "output"):
            return _port(node)
        name = node.id.removeprefix("step:") or node.label
        label = shortened(clean(name), LONGEST_LABEL) + _marks(step)
        step_path = path if node.id == "step:" else f"{path.rstrip('/')}/{name}"
        shown = step_look(self.steps.get(step_path))
        width, height = STEP_WIDTH, STEP_HEIGHT
        if inside is not None:
            width, height = max(STEP_WIDTH, inside.width + 2 * PADDING), inside.height + HEAD + PADDING
        return Box(
            node.id, "workflow" if inside is not None else "step", label, 0, 0, width, height, shown.look,
            shown.detail, shown.title, self.href(step_path), shown.bar, scattered=bool(step.get("scatter")),
        )  # fmt: skip


def _port(node: Node) -> Box:
    label = shortened(clean(node.label), LONGEST_LABEL)
    width = max(64.0, len(label) * CHARACTER + 30)
    title = f"{node.kind} {clean(node.label)}"
    return Box(node.id, node.kind, label, 0, 0, width, PORT_HEIGHT, title=title, href=f"#{node.kind}s")


def _marks(step: Mapping[str, Any]) -> str:
    return (" ?" if step.get("conditional") else "") + (" ↻" if step.get("loop") else "")


def _steps_alone(structure: Mapping[str, Any]) -> Graph:
    whole = graph_of_structure(structure)
    graph = Graph({name: node for name, node in whole.nodes.items() if node.kind in ("step", "workflow")})
    for source, target in whole.edges:
        graph.connect(source, target)
    return graph


def _with_few_ports(graph: Graph) -> Graph:
    """Return a graph in which many inputs, or many outputs, are one box."""
    renamed: dict[str, str] = {}
    for kind in ("input", "output"):
        names = [name for name, node in graph.nodes.items() if node.kind == kind]
        if len(names) > MOST_PORTS:
            renamed |= dict.fromkeys(names, f"{kind}s")
    few = Graph()
    for name, node in graph.nodes.items():
        if name in renamed:
            count = sum(other == renamed[name] for other in renamed.values())
            node = Node(renamed[name], f"{count} {node.kind}s", node.kind)
        few.add(node)
    for source, target in graph.edges:
        few.connect(renamed.get(source, source), renamed.get(target, target))
    return few


def _with_bends(graph: Graph) -> tuple[Graph, list[list[str]]]:
    """Return a graph in which each arrow leads to the next layer, and the boxes along each arrow of `graph`."""
    depth = {name: index for index, row in enumerate(layers(graph)) for name in row}
    chains = []
    # A bend is placed from what follows it: in each chain the last one has to come first.
    bent = Graph()
    for number, (source, target) in enumerate(graph.edges):
        bends = [f"bend:{number}:{at}" for at in range(depth[source] + 1, depth[target])]
        for name in reversed(bends):
            bent.add(Node(name, "", "bend"))
        chains.append([source, *bends, target])
    bent.nodes.update(graph.nodes)
    for chain in chains:
        for above, below in pairwise(chain):
            bent.connect(above, below)
    return bent, chains


def _place(graph: Graph, boxes: Mapping[str, Box], margin: float) -> tuple[dict[str, Box], _Drawing]:
    """Return the boxes with their places, and a drawing of the size of them all."""
    rows = layers(graph)
    bends = {name for name, box in boxes.items() if box.kind == "bend"}
    middles = spread(rows, {name: box.width for name, box in boxes.items()}, graph.edges, GAP_X, bends)
    left = min((middles[name] - box.width / 2 for name, box in boxes.items()), default=0.0)
    right = max((middles[name] + box.width / 2 for name, box in boxes.items()), default=0.0)
    placed: dict[str, Box] = {}
    y = margin
    for row in rows:
        height = max((boxes[name].height for name in row), default=0.0)
        for name in row:
            box = boxes[name]
            top = y if box.kind == "bend" else y + (height - box.height) / 2
            tall = height if box.kind == "bend" else box.height
            placed[name] = replace(box, x=middles[name] - left - box.width / 2 + margin, y=top, height=tall)
        y += height + GAP_Y
    return placed, _Drawing(right - left, max(0.0, y - GAP_Y - margin))


def _arrow(boxes: Sequence[Box]) -> Arrow:
    points = []
    for index, box in enumerate(boxes):
        middle = box.x + box.width / 2
        if index:
            points.append((middle, box.y))
        if index < len(boxes) - 1:
            points.append((middle, box.y + box.height))
    return Arrow(tuple(points))
