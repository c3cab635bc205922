"""Boxes and arrows in layers: where each stands, whatever it stands for.

Boxes that follow on each other are in layers from top to bottom (`core.drawing.layers`). An arrow
over several layers is led through each of them by a bend, which takes room as boxes do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from itertools import pairwise

from ..core.drawing import Graph, Node, layers
from ..data_classes import dataclass
from .looks import NOT_STARTED, Look
from .spread import spread

GAP_X, GAP_Y = 22.0, 44.0
MARGIN = 8.0
BEND_WIDTH = 14.0


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
    """`input`, `output`, `step`, `workflow` or `value`."""
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
            curve = f"C{x:.0f} {middle:.0f} {nx:.0f} {middle:.0f} {nx:.0f} {ny:.0f}"
            parts.append(f"V{ny:.0f}" if abs(nx - x) < 0.5 else curve)
            x, y = nx, ny
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Flow:
    """The whole graph; boxes of workflows come before those inside them."""

    width: float
    height: float
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]


@dataclass(slots=True)
class Drawing:
    """What was laid out so far of one workflow, with its own corner at (0, 0)."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)

    def take(self, other: Drawing, x: float, y: float) -> None:
        """Put another drawing into this one."""
        self.boxes += [replace(box, x=box.x + x, y=box.y + y) for box in other.boxes]
        self.arrows += [Arrow(tuple((px + x, py + y) for px, py in arrow.points)) for arrow in other.arrows]


def laid_out(graph: Graph, box_of: Callable[[Node], Box], margin: float = 0.0) -> tuple[dict[str, Box], Drawing]:
    """Return the boxes of a graph with their places, and a drawing of their arrows.

    Args:
        graph: what is drawn.
        box_of: makes the box of a node, of its size and at any place.
        margin: around the whole.
    """
    bent, chains = with_bends(graph)
    bend = Box("", "bend", "", 0, 0, BEND_WIDTH, 0)
    boxes = {name: bend if node.kind == "bend" else box_of(node) for name, node in bent.nodes.items()}
    placed, drawing = place(bent, boxes, margin)
    drawing.arrows = [arrow_through([placed[name] for name in chain]) for chain in chains]
    return {name: placed[name] for name in graph.nodes}, drawing


def flow_of_graph(graph: Graph, box_of: Callable[[Node], Box]) -> Flow:
    """Return a graph whose boxes have nothing inside."""
    placed, drawing = laid_out(graph, box_of, MARGIN)
    return Flow(drawing.width + 2 * MARGIN, drawing.height + 2 * MARGIN, list(placed.values()), drawing.arrows)


def with_bends(graph: Graph) -> tuple[Graph, list[list[str]]]:
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


def place(graph: Graph, boxes: Mapping[str, Box], margin: float) -> tuple[dict[str, Box], Drawing]:
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
    return placed, Drawing(right - left, max(0.0, y - GAP_Y - margin))


def arrow_through(boxes: Sequence[Box]) -> Arrow:
    """Return the arrow from the first box to the last, through those between."""
    points = []
    for index, box in enumerate(boxes):
        middle = box.x + box.width / 2
        if index:
            points.append((middle, box.y))
        if index < len(boxes) - 1:
            points.append((middle, box.y + box.height))
    return Arrow(tuple(points))
