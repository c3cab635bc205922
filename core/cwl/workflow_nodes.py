"""Workflows: from normalised nodes to steps, links and loops (CWL v1.2 Workflow Description)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...data_classes import dataclass
from .problems import Problem
from .process import (
    LoopInput,
    LoopSpec,
    Process,
    SourceLink,
    StepInput,
    Workflow,
    WorkflowOutput,
    WorkflowStep,
)
from .process_nodes import Builder
from .requirement_nodes import LOOP, build_requirements, loop_node
from .tree import Map, Node, where_of
from .type_nodes import build_secondary_files, short_name, text_of

RunOf = Callable[[Map, str], Process]
"""Returns the process that a step node with the given name runs."""

_OUTPUT_METHODS = {"last": "last_iteration", "all": "all_iterations"}


def build_workflow(builder: Builder, run_of: RunOf) -> Workflow:
    """Return a workflow with its steps."""
    common = builder.common()
    steps = builder.unique("steps", "step")
    names = _Names(
        builder.id.partition("#")[2],
        frozenset(item.name for item in common["inputs"]),
        frozenset(short_name(step["id"]) for step in steps),
    )
    maker = _Maker(builder, names, run_of)
    return Workflow(
        outputs=tuple(maker.output(item) for item in builder.unique("outputs", "output")),
        steps=tuple(maker.step(item) for item in steps),
        **common,
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """What a source of a workflow may refer to."""

    fragment: str
    inputs: frozenset[str]
    steps: frozenset[str]

    def resolve(self, source: str) -> str:
        """Return `input` or `step/output` of a source, written in short or with the ids around it."""
        name = source.rpartition("#")[2]
        inside = name.removeprefix(f"{self.fragment}/") if self.fragment else name
        candidates = (inside, name) if "#" in source else (name, inside)
        for one in candidates:
            if one in self.inputs or (one.count("/") == 1 and one.partition("/")[0] in self.steps):
                return one
        head, _, last = name.rpartition("/")
        step = head.rpartition("/")[2]
        if step in self.steps:
            return f"{step}/{last}"
        return last if head and "#" in source and last in self.inputs else name


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of one workflow."""

    builder: Builder
    names: _Names
    run_of: RunOf

    def output(self, node: Map) -> WorkflowOutput:
        """Return an output parameter."""
        fmt = self.builder.format_of(node)
        return WorkflowOutput(
            name=short_name(node["id"]),
            type=self.builder.type_of(node),
            link=self.link(node, "outputSource"),
            secondary_files=build_secondary_files(node.get("secondaryFiles")),
            format=fmt,
            streamable=bool(node.get("streamable")),
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )

    def link(self, node: Map, key: str) -> SourceLink:
        """Return the link of a step input or an output."""
        source: Node = node.get(key)
        listed = [] if source is None else source if isinstance(source, list) else [source]
        sources = tuple(self.names.resolve(one) for one in listed)
        return SourceLink(sources, isinstance(source, list), node.get("linkMerge"), node.get("pickValue"))

    def step(self, node: Map) -> WorkflowStep:
        """Return a step and the process it runs."""
        builder, name = self.builder, short_name(node["id"])
        requirements = build_requirements(node.get("requirements"), builder.problems)
        hints = build_requirements(node.get("hints"), builder.problems)
        loop = self._loop(node, name)
        scatter = node.get("scatter")
        return WorkflowStep(
            name=name,
            run=self.run_of(node, name),
            inputs=self._inputs(node, name),
            outputs=tuple(short_name(one if isinstance(one, str) else one["id"]) for one in node["out"]),
            scatter=tuple(map(short_name, [scatter] if isinstance(scatter, str) else scatter or ())),
            scatter_method=node.get("scatterMethod"),
            when=None if loop is not None else node.get("when"),
            loop=loop,
            requirements={key: item for key, item in requirements.items() if key != LOOP},
            hints={key: item for key, item in hints.items() if key != LOOP},
            label=node.get("label"),
            doc=text_of(node.get("doc")),
            where=where_of(node),
        )

    def _inputs(self, node: Map, step: str) -> tuple[StepInput, ...]:
        made: dict[str, StepInput] = {}
        for item in node["in"]:
            one = self._input(item)
            if one.name in made:
                text = f"two inputs of step {step!r} are called {one.name!r}"
                self.builder.problems.append(Problem(text, where_of(item, "id")))
            made[one.name] = one
        return tuple(made.values())

    def _input(self, node: Map) -> StepInput:
        return StepInput(
            name=short_name(node["id"]),
            link=self.link(node, "source"),
            **self.builder.default_of(node),
            value_from=node.get("valueFrom"),
            load_contents=bool(node.get("loadContents")),
            load_listing=node.get("loadListing"),
            label=node.get("label"),
            where=where_of(node),
        )

    def _loop(self, node: Map, step: str) -> LoopSpec | None:
        """Return the loop of a step: that of CWL v1.3, or the extension `cwltool:Loop`."""
        extension = loop_node(node.get("requirements"), node.get("hints"))
        if extension is None and node.get("loop") is None:
            return None
        holder, when = (node, "when") if extension is None else (extension, "loopWhen")
        self._check_loop(node, step, extension)
        method = holder.get("outputMethod") or "last_iteration"
        return LoopSpec(
            inputs=tuple(self._loop_input(item) for item in holder["loop"]),
            when=holder.get(when) or "",
            output_method=_OUTPUT_METHODS.get(method, method),
            where=where_of(holder),
        )

    def _check_loop(self, node: Map, step: str, extension: Map | None) -> None:
        """CWL v1.3 Workflow, LoopWorkflowStep: `when` is a must; and the rules of the extension."""
        forbidden = ["scatter"] if extension is None else ["scatter", "when"]
        for key in forbidden:
            if node.get(key) is not None:
                text = f"step {step!r} loops, and so it cannot have {key!r}"
                self.builder.problems.append(Problem(text, where_of(node, key)))
        if extension is None and node.get("when") is None:
            text = f"step {step!r} loops, but has no condition"
            self.builder.problems.append(Problem(text, where_of(node, "loop"), "add `when`"))

    def _loop_input(self, node: Map) -> LoopInput:
        key = "outputSource" if "outputSource" in node else "loopSource"
        source: Node = node.get(key)
        sources: list[Any] = [] if source is None else source if isinstance(source, list) else [source]
        return LoopInput(
            name=short_name(node["id"]),
            link=SourceLink(
                tuple(map(short_name, sources)), isinstance(source, list), node.get("linkMerge"), node.get("pickValue")
            ),
            **self.builder.default_of(node),
            value_from=node.get("valueFrom"),
            where=where_of(node),
        )
