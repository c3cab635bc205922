"""Workflows: from nodes to steps, links and loops (CWL v1.2 Workflow Description, section 4)."""

from __future__ import annotations

from typing import Any

from ...errors import DocumentInvalid
from .build import Base, _format, build_process, default_of, short
from .build_requirements import build_requirements
from .build_types import build_secondary_files, entries, text_of
from .fields import check_fields, need
from .process import LoopInput, LoopSpec, Process, SourceLink, StepInput, Workflow, WorkflowOutput, WorkflowStep
from .tree import Map, Node, where_of
from .types import Requirements


def build_workflow(base: Base) -> Workflow:
    """Return a workflow with all that its steps run."""
    node = base.node
    need(node, "Workflow", "steps")
    outputs = tuple(_output(base, name, item) for name, item in entries(node["outputs"], "id", "type", node, "outputs"))
    steps = tuple(_step(base, name, item) for name, item in entries(node["steps"], "id", None, node, "steps"))
    return Workflow(outputs=outputs, steps=steps, **base.common())


def _output(base: Base, name: str, node: Map) -> WorkflowOutput:
    check_fields(node, "WorkflowOutputParameter", base.context.version)
    return WorkflowOutput(
        name=short(name),
        type=base.type(node, name),
        link=_link(node, "outputSource"),
        secondary_files=build_secondary_files(node.get("secondaryFiles"), node),
        format=_format(node.get("format")),
        streamable=bool(node.get("streamable")),
        label=node.get("label"),
        doc=text_of(node.get("doc")),
        where=where_of(node),
    )


def _link(node: Map, key: str) -> SourceLink:
    found = node.get(key)
    sources = [] if found is None else found if isinstance(found, list) else [found]
    return SourceLink(
        sources=tuple(_source(str(source)) for source in sources),
        as_list=isinstance(found, list),
        link_merge=node.get("linkMerge"),
        pick_value=node.get("pickValue"),
    )


def _source(text: str) -> str:
    """Return `input` or `step/output` of a source, which may be written with its document and workflow."""
    if "#" not in text:
        return text
    parts = text.rpartition("#")[2].split("/")
    return "/".join(parts[1:]) if len(parts) > 1 else parts[0]


def _step(base: Base, name: str, node: Map) -> WorkflowStep:
    version = base.context.version
    check_fields(node, "WorkflowStep", version)
    need(node, "WorkflowStep", "in", "out", "run")
    step = short(name)
    requirements = build_requirements(node.get("requirements"), node, "requirements", base.context)
    hints = build_requirements(node.get("hints"), node, "hints", base.context)
    scatter = node.get("scatter") or []
    return WorkflowStep(
        name=step,
        run=_run(base, step, node),
        inputs=tuple(_input(base, key, item) for key, item in entries(node["in"], "id", "source", node, "in")),
        outputs=tuple(_out(item, node) for item in node["out"] or ()),
        scatter=tuple(short(str(item)) for item in (scatter if isinstance(scatter, list) else [scatter])),
        scatter_method=node.get("scatterMethod"),
        when=node.get("when"),
        loop=_loop(node, requirements, hints),
        requirements=requirements,
        hints=hints,
        label=node.get("label"),
        doc=text_of(node.get("doc")),
        where=where_of(node),
    )


def _run(base: Base, step: str, node: Map) -> Process:
    run = node["run"]
    if isinstance(run, str):
        return base.context.run(run, where_of(node, "run"))
    if isinstance(run, Map):
        if "cwlVersion" in run and "$graph" not in run:
            inner = base.context.loader.inline(run, base.context)
            return build_process(run, inner.inside(step))
        return build_process(run, base.context.inside(step))
    raise DocumentInvalid("'run' must be a process or refer to one", where=where_of(node, "run"))


def _out(item: Node, node: Map) -> str:
    if isinstance(item, Map) and isinstance(item.get("id"), str):
        return short(item["id"])
    if isinstance(item, str):
        return short(item)
    raise DocumentInvalid("'out' must be a list of names", where=where_of(node, "out"))


def _input(base: Base, name: str, node: Map) -> StepInput:
    check_fields(node, "WorkflowStepInput", base.context.version)
    return StepInput(
        name=short(name),
        link=_link(node, "source"),
        default=default_of(node, node.uri),
        has_default="default" in node,
        value_from=node.get("valueFrom"),
        load_contents=bool(node.get("loadContents")),
        load_listing=node.get("loadListing"),
        label=node.get("label"),
        where=where_of(node),
    )


def _loop(node: Map, requirements: Requirements, hints: Requirements) -> LoopSpec | None:
    """Return the loop of CWL 1.3, or that of the `cwltool:Loop` extension."""
    extension: Any = requirements.get("cwltool:Loop") or hints.get("cwltool:Loop")
    if "loop" not in node and extension is None:
        return None
    if extension is not None:
        if "scatter" in node or "when" in node:
            raise DocumentInvalid("a step that loops can have no scatter and no when", where=where_of(node))
        when, method = (
            extension.get("loopWhen"),
            {"last": "last_iteration", "all": "all_iterations"}.get(
                str(extension.get("outputMethod", "last")), "last_iteration"
            ),
        )
        inputs = _plain_loop_inputs(extension.get("loop"), node)
    else:
        when, method = node.get("when"), str(node.get("outputMethod", "last_iteration"))
        inputs = tuple(
            _loop_input(key, item) for key, item in entries(node["loop"], "id", "outputSource", node, "loop")
        )
    if when is None:
        raise DocumentInvalid("a loop needs a condition", where=where_of(node), hint="add when")
    return LoopSpec(inputs=inputs, when=str(when), output_method=method, where=where_of(node))


def _loop_input(name: str, node: Map) -> LoopInput:
    key = next((key for key in ("loopSource", "outputSource", "source") if key in node), "loopSource")
    return LoopInput(
        name=short(name),
        link=_link(node, key),
        default=default_of(node, node.uri),
        has_default="default" in node,
        value_from=node.get("valueFrom"),
        where=where_of(node),
    )


def _plain_loop_inputs(loop: Any, node: Map) -> tuple[LoopInput, ...]:
    """Return the inputs of a `cwltool:Loop`, which is plain data already."""
    items = loop.items() if isinstance(loop, dict) else [(str(item.get("id", "")), item) for item in loop or ()]
    found = []
    for name, item in items:
        body = item if isinstance(item, dict) else {"loopSource": item}
        holder = Map(node.uri, node.line, node.column)
        for key, value in body.items():
            holder.put(key, value, (node.line, node.column, node.line, node.column))
        found.append(_loop_input(name, holder))
    return tuple(found)
