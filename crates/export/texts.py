"""What the texts of a CWL workflow say beyond the rows of the store: the packed document, defaults, formats."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from ...core.cwl.load import load_document
from ...core.cwl.pack import pack, pack_with_names
from ...core.cwl.process import Process, Workflow
from ...core.machine.paths import step_path
from ...data_classes import dataclass
from ...errors import RecrateError
from ...provenance.rows import DocumentRow, WorkflowRow
from ...provenance.states import Direction
from .jsonld import escaped
from .outline import ROOT
from .parameters import Port


@dataclass(frozen=True, slots=True)
class ToolText:
    """What the text of a process says about it."""

    label: str | None = None
    description: str | None = None
    ports: Mapping[tuple[Direction, str], Port] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Texts:
    """What was read from the texts of a workflow.

    Attributes:
        packed: by path of a step that is a workflow, and of the main process: one document of all that it runs.
        fragments: by path of a step: how its process is called in the document of the main one.
        tools: by path of a step.
        problem: why the texts could not be used.
    """

    packed: Mapping[str, bytes] = field(default_factory=dict)
    fragments: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, ToolText] = field(default_factory=dict)
    problem: str | None = None

    def url(self, path: str, document: str) -> str:
        """Return where in the document of the main process that of a step is described."""
        fragment = self.fragments.get(path)
        return f"{document}#{escaped(fragment)}" if fragment else document


def read_texts(workflow: WorkflowRow | None, documents: Sequence[DocumentRow]) -> Texts:
    """Read the texts of a workflow. What cannot be read is not there: a crate is written in any case."""
    if workflow is None or not documents or not workflow.language.startswith("cwl"):
        return Texts()
    texts = {row.uri: row.text.encode("utf-8", "surrogateescape") for row in documents}
    try:
        document = load_document(workflow.entry, texts=texts)
        packed = pack_with_names(document)
    except RecrateError as error:
        return Texts(problem=error.render())
    found = dict(_processes(document.process))
    inner = {path: pack(replace(document, process=one)) for path, one in found.items() if isinstance(one, Workflow)}
    return Texts(
        packed={path: as_json(one) for path, one in {**inner, ROOT: packed.document}.items()},
        fragments={path: packed.names[one.id] for path, one in found.items() if one.id in packed.names},
        tools={path: _tool(one) for path, one in found.items()},
    )


def as_json(value: Any) -> bytes:
    """Return a document as it is written into a crate."""
    return json.dumps(value, indent=2, ensure_ascii=True).encode() + b"\n"


def _processes(process: Process) -> Iterator[tuple[str, Process]]:
    pending: list[tuple[str, Process]] = [(ROOT, process)]
    while pending:
        path, current = pending.pop()
        yield path, current
        if isinstance(current, Workflow):
            pending += [(step_path(path, step.name), step.run) for step in current.steps]


def _tool(process: Process) -> ToolText:
    ports: dict[tuple[Direction, str], Port] = {}
    for one in process.inputs:
        ports[Direction.INPUT, one.name] = Port(
            one.default if one.has_default else None, _formats(one.format), bool(one.secondary_files), one.doc
        )
    for other in process.outputs:
        ports[Direction.OUTPUT, other.name] = Port(None, _formats(other.format), bool(other.secondary_files), other.doc)
    return ToolText(process.label, process.doc, ports)


def _formats(said: Any) -> tuple[str, ...]:
    items = said if isinstance(said, (tuple, list)) else [said]
    return tuple(item for item in items if isinstance(item, str) and "$" not in item)
