"""The graph of a run: the steps of its workflow with the states of their jobs, laid out in layers.

Steps are drawn, never jobs, so that a scatter over any number of items is one box. A workflow in a
step is drawn inside that step's box as long as the whole stays readable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.drawing import Graph, Node, graph_of_structure
from ..data_classes import dataclass
from ..provenance.queries import StepSummary
from ..provenance.states import JobState
from .looks import NOT_STARTED, UNDER_WAY, Look, look, most_telling, words_of
from .placing import MARGIN, Box, Drawing, Flow, Segment, laid_out
from .words import clean, counted, seconds_text, shortened

STEP_WIDTH, STEP_HEIGHT = 204.0, 58.0
PORT_HEIGHT = 30.0
HEAD = 34.0
"""Height of what stands above the steps in the box of a workflow."""
PADDING = 16.0
CHARACTER = 7.0
LONGEST_LABEL = 25
MOST_PORTS = 8
"""Inputs or outputs; more are drawn as one."""
MOST_STEPS = 400


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
    under_way = any(counts.get(state) for state in UNDER_WAY)
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

    def scope(self, structure: Mapping[str, Any], path: str, *, outermost: bool = False) -> Drawing:
        """Lay out the steps of one workflow, and its ports when it is the outermost one."""
        graph = _with_few_ports(graph_of_structure(structure)) if outermost else _steps_alone(structure)
        inner = {name: self._inside(structure, name, path) for name in graph.nodes}
        steps = structure.get("steps", {})
        placed, drawing = laid_out(
            graph,
            lambda node: self._box(node, steps.get(node.id.removeprefix("step:"), {}), path, inner.get(node.id)),
            MARGIN if outermost else 0.0,
        )
        for name, box in placed.items():
            drawing.boxes.append(box)
            inside = inner[name]
            if inside is not None:
                drawing.take(inside, box.x + PADDING, box.y + HEAD)
        return drawing

    def _inside(self, structure: Mapping[str, Any], node: str, path: str) -> Drawing | None:
        name = node.removeprefix("step:")
        body = structure.get("steps", {}).get(name, {}).get("body", {}) if node.startswith("step:") else {}
        if not self.nested or body.get("kind") != "workflow":
            return None
        return self.scope(body, f"{path.rstrip('/')}/{name}")

    def _box(self, node: Node, step: Mapping[str, Any], path: str, inside: Drawing | None) -> Box:
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
