"""Pictures of a workflow: SVG (layered, no other program needed), Mermaid and Graphviz's dot.

Steps are drawn, never jobs. Each step is in the layer after the last of those it takes values
from; within a layer steps are ordered by the middle of their upstream steps (the barycentre
heuristic of Sugiyama et al. 1981), swept down and up a few times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from html import escape
from typing import Any

from ..data_classes import dataclass
from .model import Body, describe

CHARACTER_WIDTH = 7.2
BOX_HEIGHT = 34
GAP_X = 28
GAP_Y = 46
MARGIN = 16
SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Node:
    """One box: its identity, what it says, and what kind of thing it stands for."""

    id: str
    label: str
    kind: str
    """`input`, `output`, `step` or `workflow`, or where there are some the `bend` of a long arrow."""


@dataclass(slots=True)
class Graph:
    """Boxes and arrows between them, without doubles, in the order of the document."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], None] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Add a box."""
        self.nodes[node.id] = node

    def connect(self, source: str, target: str) -> None:
        """Add an arrow between two boxes that are there."""
        if source in self.nodes and target in self.nodes:
            self.edges[(source, target)] = None


def graph_of(body: Body) -> Graph:
    """Return the graph of a workflow: its inputs, steps and outputs; of a task: the task alone."""
    return graph_of_structure(describe(body))


def graph_of_structure(structure: Mapping[str, Any]) -> Graph:
    """As `graph_of`, of a body as `model.describe` gives it."""
    graph = Graph()
    for name in structure["inputs"]:
        graph.add(Node(f"in:{name}", name, "input"))
    if structure["kind"] == "workflow":
        _add_steps(graph, structure["steps"], structure["outputs"])
    else:
        graph.add(Node("step:", structure["name"], "step"))
        for name in structure["outputs"]:
            graph.add(Node(f"out:{name}", name, "output"))
            graph.connect("step:", f"out:{name}")
        for name in structure["inputs"]:
            graph.connect(f"in:{name}", "step:")
    return graph


def _add_steps(graph: Graph, steps: Mapping[str, Any], outputs: Mapping[str, Sequence[str]]) -> None:
    for name, step in steps.items():
        kind = "workflow" if step["body"]["kind"] == "workflow" else "step"
        graph.add(Node(f"step:{name}", _label(name, step), kind))
    for name in outputs:
        graph.add(Node(f"out:{name}", name, "output"))
    for name, step in steps.items():
        for sources in step["inputs"].values():
            _connect(graph, sources, f"step:{name}")
    for name, sources in outputs.items():
        _connect(graph, sources, f"out:{name}")


def _label(name: str, step: Mapping[str, Any]) -> str:
    marks = ["×" + ", ".join(step["scatter"])] if step["scatter"] else []
    marks += ["?"] if step["conditional"] else []
    marks += ["↻"] if step["loop"] else []
    return " ".join([name, *marks])


def _connect(graph: Graph, sources: Sequence[str], target: str) -> None:
    for source in sources:
        graph.connect(f"step:{source.rpartition('/')[0]}" if "/" in source else f"in:{source}", target)


def to_dot(graph: Graph, name: str) -> str:
    """Return the graph in the language of Graphviz."""
    shapes = {"input": "ellipse", "output": "ellipse", "step": "box", "workflow": "box3d"}
    lines = [f"digraph {_dot(name)} {{", "  rankdir=TB;", '  node [fontname="sans-serif"];']
    lines += [
        f"  {_dot(node.id)} [label={_dot(node.label)}, shape={shapes[node.kind]}];" for node in graph.nodes.values()
    ]
    lines += [f"  {_dot(source)} -> {_dot(target)};" for source, target in graph.edges]
    return "\n".join([*lines, "}", ""])


def _dot(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid flowchart."""
    brackets = {"input": ("([", "])"), "output": ("([", "])"), "step": ("[", "]"), "workflow": ("[[", "]]")}
    names = {identity: f"n{number}" for number, identity in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    for node in graph.nodes.values():
        opening, closing = brackets[node.kind]
        lines.append(f'  {names[node.id]}{opening}"{_mermaid(node.label)}"{closing}')
    lines += [f"  {names[source]} --> {names[target]}" for source, target in graph.edges]
    return "\n".join([*lines, ""])


def _mermaid(text: str) -> str:
    return "".join(char if char.isalnum() or char in " _-.,×?↻/" else f"#{ord(char)};" for char in text)


def layers(graph: Graph) -> list[list[str]]:
    """Return the boxes by layer, each in its order from left to right."""
    upstream: dict[str, list[str]] = {name: [] for name in graph.nodes}
    downstream: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        upstream[target].append(source)
        downstream[source].append(target)
    depth = _depths(graph, upstream, downstream)
    rows: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in graph.nodes:
        rows[depth[name]].append(name)
    for _ in range(SWEEPS):
        _sweep(rows, upstream)
        _sweep(rows[::-1], downstream)
    return rows


def _depths(
    graph: Graph, upstream: Mapping[str, Sequence[str]], downstream: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Return the layer of each box; inputs and bends stand right above what uses them first."""
    depth = dict.fromkeys(graph.nodes, 0)
    missing = {name: len(sources) for name, sources in upstream.items()}
    ready = [name for name, count in missing.items() if count == 0]
    while ready:
        name = ready.pop()
        for target in downstream[name]:
            depth[target] = max(depth[target], depth[name] + 1)
            missing[target] -= 1
            if missing[target] == 0:
                ready.append(target)
    for name, node in graph.nodes.items():
        if node.kind in ("input", "bend") and downstream[name]:
            depth[name] = min(depth[target] for target in downstream[name]) - 1
    return depth


def _sweep(rows: Sequence[list[str]], neighbours: Mapping[str, Sequence[str]]) -> None:
    position: dict[str, float] = {}
    for row in rows:
        middle = {
            name: sum(known) / len(known)
            for name in row
            if (known := [position[other] for other in neighbours[name] if other in position])
        }
        current = {name: (index + 0.5) / len(row) for index, name in enumerate(row)}
        row.sort(key=lambda name: middle.get(name, current[name]))
        position.update({name: (index + 0.5) / len(row) for index, name in enumerate(row)})


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


def to_svg(graph: Graph, title: str) -> str:
    """Return the graph as an SVG that stands alone and follows a light or dark scheme."""
    boxes, width, height = _placed(graph)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
        _STYLE,
    ]
    parts += [_arrow(boxes[source], boxes[target]) for source, target in graph.edges]
    parts += [_drawn(node, boxes[name]) for name, node in graph.nodes.items()]
    return "\n".join([*parts, "</svg>", ""])


_STYLE = """<style>
text{font:13px ui-sans-serif,system-ui,sans-serif;fill:#1c2733;text-anchor:middle}
rect{fill:#eef3f8;stroke:#5b7c99}
.input rect,.output rect{fill:#f7f4ea;stroke:#a08f5a}
.workflow rect{fill:#e6efe6;stroke:#5f8a5f;stroke-width:2}
path{fill:none;stroke:#8796a5}.head{fill:#8796a5;stroke:none}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}rect{fill:#1d2936;stroke:#7fa3c4}
.input rect,.output rect{fill:#2c281b;stroke:#b8a66a}
.workflow rect{fill:#1f2d1f;stroke:#7fae7f}}
</style>"""


def _placed(graph: Graph) -> tuple[dict[str, _Box], float, float]:
    rows = layers(graph)
    widths = {name: max(60.0, len(node.label) * CHARACTER_WIDTH + 24) for name, node in graph.nodes.items()}
    lengths = [sum(widths[name] for name in row) + GAP_X * (len(row) - 1) for row in rows]
    total = max(lengths, default=0.0) + 2 * MARGIN
    boxes: dict[str, _Box] = {}
    for index, row in enumerate(rows):
        x = (total - lengths[index]) / 2
        for name in row:
            boxes[name] = _Box(x, MARGIN + index * (BOX_HEIGHT + GAP_Y), widths[name])
            x += widths[name] + GAP_X
    return boxes, total, 2 * MARGIN + len(rows) * (BOX_HEIGHT + GAP_Y) - GAP_Y


def _arrow(source: _Box, target: _Box) -> str:
    x1, y1, x2, y2 = source.middle, source.y + BOX_HEIGHT, target.middle, target.y
    bend = (y1 + y2) / 2
    head = f"M{x2:.1f},{y2:.1f}l-4,-7h8z"
    return (
        f'<path d="M{x1:.1f},{y1:.1f}C{x1:.1f},{bend:.1f} {x2:.1f},{bend:.1f} {x2:.1f},{y2 - 6:.1f}"/>'
        f'<path class="head" d="{head}"/>'
    )


def _drawn(node: Node, box: _Box) -> str:
    round_corners = BOX_HEIGHT / 2 if node.kind in ("input", "output") else 5
    return (
        f'<g class="{node.kind}"><rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{BOX_HEIGHT}" rx="{round_corners:g}"/>'
        f'<text x="{box.middle:.1f}" y="{box.y + BOX_HEIGHT / 2 + 4.5:.1f}">{escape(node.label)}</text></g>'
    )
