"""What the store keeps of a CWL document: its texts, its structure, its steps and their ports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ...data_classes import dataclass
from ...hashing import canonical_json, digest_bytes
from ...provenance import ids
from ...provenance.rows import DocumentRow, PortRow, SoftwareRow, StepRow, WorkflowRow
from ...provenance.states import Direction
from ..machine.paths import step_path
from ..model import Body, describe
from .process import CommandLineTool, ExpressionTool, LoadedDocument, Operation, Process, Workflow
from .requirements import Demands, software
from .type_text import type_json

KINDS = {CommandLineTool: "command", ExpressionTool: "expression", Operation: "operation", Workflow: "workflow"}


@dataclass(frozen=True, slots=True)
class Described:
    """The rows of a workflow, which are the same for each of its runs, and those of one run's steps."""

    workflow_id: str
    rows: Sequence[Any]
    run_rows: Callable[[str], list[Any]]


def describe_document(document: LoadedDocument, body: Body) -> Described:
    """Return what the store keeps of a document."""
    process = document.process
    digests = {uri: digest_bytes(content).sha256 for uri, content in document.sources.items()}
    workflow_id = ids.workflow_id(process.id, digests)
    row = WorkflowRow(
        id=workflow_id,
        name=process.label or process.name,
        language=f"cwl {process.version}",
        entry=process.id,
        main_uri=process.id.partition("#")[0],
        structure=canonical_json(describe(body)),
    )
    documents = [
        DocumentRow(
            workflow_id=workflow_id, uri=uri, sha256=digests[uri], text=content.decode("utf-8", "surrogateescape")
        )
        for uri, content in document.sources.items()
    ]
    return Described(workflow_id, [row, *documents], lambda run_id: list(_run_rows(process, run_id)))


def _run_rows(process: Process, run_id: str) -> Iterator[Any]:
    pending: list[tuple[str, str, Process]] = [("/", process.name, process)]
    position = 0
    while pending:
        path, name, current = pending.pop()
        yield from _step_rows(current, run_id, path, name, position)
        position += 1
        if isinstance(current, Workflow):
            pending += [(step_path(path, step.name), step.name, step.run) for step in reversed(current.steps)]


def _step_rows(process: Process, run_id: str, path: str, name: str, position: int) -> Iterator[Any]:
    step_id = ids.step_id(run_id, path)
    yield StepRow(
        id=step_id,
        run_id=run_id,
        path=path,
        name=name,
        kind=KINDS[type(process)],
        tool=process.label or process.name,
        place=str(process.where) if process.where else None,
        position=position,
    )
    for direction, ports in ((Direction.INPUT, process.inputs), (Direction.OUTPUT, process.outputs)):
        for port in ports:
            yield PortRow(
                step_id=step_id,
                direction=direction,
                name=port.name,
                type=canonical_json(type_json(port.type)),
                description=port.label or port.doc,
            )
    for package in software(Demands(process.requirements, process.hints)):
        version = ", ".join(str(text) for text in package["version"])
        url = next(iter(package["specs"]), None)
        yield SoftwareRow(run_id=run_id, role=path, name=str(package["package"]), version=version, url=url)
