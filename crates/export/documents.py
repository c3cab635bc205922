"""The files that a crate has beside the data: the workflow as written, its picture, a README, how the run was made."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...core.drawing import graph_of_structure, to_svg
from ...core.uris import is_file_uri, to_path
from ...provenance.queries import RunDetail
from ...provenance.rows import DeploymentRow, DocumentRow, StepRow
from ...redaction import Redactor
from .jsonld import clean, day
from .names import safe_name
from .options import ExportOptions
from .outline import Outline, Parameter
from .root import summary_of, title_of

ORIGINAL = "workflow/original"
INNER = "workflow/steps"
README = "README.md"
DIAGRAM = "workflow/diagram.svg"


def original_paths(documents: Sequence[DocumentRow]) -> dict[str, str]:
    """Return where in the crate each document of a workflow lies, by URI: as they lay to each other."""
    local = {row.uri: to_path(row.uri) for row in documents if is_file_uri(row.uri)}
    common = os.path.commonpath([os.path.dirname(path) for path in local.values()]) if local else "/"
    made: dict[str, str] = {}
    for row in documents:
        if row.uri in local:
            names = os.path.relpath(local[row.uri], common).split("/")
        else:
            parts = urlsplit(row.uri)
            names = ["web", parts.netloc, *parts.path.split("/")]
        made[row.uri] = _unlike("/".join([ORIGINAL, *(safe_name(name) for name in names if name)]), made.values())
    return made


def inner_paths(workflows: Sequence[StepRow]) -> dict[str, str]:
    """Return where in the crate the documents of workflows within the workflow lie, by path of the step."""
    made: dict[str, str] = {}
    for row in workflows:
        name = "/".join(safe_name(name) for name in row.path.split("/") if name)
        made[row.path] = _unlike(f"{INNER}/{name}.cwl", made.values())
    return made


def _unlike(path: str, taken: Collection[str]) -> str:
    """Return a path that no file system takes for one of others: this one, or with a number."""
    others = {other.casefold() for other in taken}
    stem, ending = os.path.splitext(path)
    number = 1
    while path.casefold() in others:
        number += 1
        path = f"{stem}_{number}{ending}"
    return path


def diagram_of(structure: Mapping[str, Any], title: str) -> bytes:
    """Return the picture of a workflow as SVG."""
    return to_svg(graph_of_structure(structure), title).encode()


def configuration_of(detail: RunDetail, deployments: Sequence[DeploymentRow], redactor: Redactor) -> bytes:
    """Return how the run was made as JSON: the engine's options, and the places as configured."""
    row = detail.row
    said = {
        "run": {"id": row.id, "name": row.name, "state": detail.state.value},
        "engine": {"version": row.engine_version, "python": row.python_version},
        "command_line": json.loads(row.command_line),
        "options": json.loads(row.options),
        "deployments": {
            one.id: {"name": one.name, "kind": one.kind, "config": json.loads(one.config), "wraps": one.wraps}
            for one in deployments
        },
    }
    return json.dumps(redactor.value(said), indent=2, ensure_ascii=True).encode() + b"\n"


def readme_of(detail: RunDetail, options: ExportOptions, outline: Outline) -> bytes:
    """Return the README of the crate, in Markdown."""
    lines = [f"# {_plain(options.name or f'{title_of(detail)}: run {detail.row.name}')}", ""]
    lines += [_plain(options.description or summary_of(detail)), ""]
    lines += _table(_facts(detail, options))
    lines += _ports("Inputs", outline.main.inputs) + _ports("Outputs", outline.main.outputs)
    lines += _CONTENTS
    return "\n".join([*lines, ""]).encode()


def _facts(detail: RunDetail, options: ExportOptions) -> Iterator[tuple[str, str]]:
    row = detail.row
    yield "Workflow", title_of(detail)
    yield "Run", f"{row.name} ({row.id})"
    yield "State", detail.state.value
    if row.error:
        yield "Error", row.error
    yield "Day", day(row.started)
    if row.ended is not None:
        yield "Took", f"{row.ended - row.started:.1f} s"
    yield "Engine", f"Recrate {row.engine_version}"
    if options.authors:
        yield "Authors", ", ".join(person.name for person in options.authors)
    yield "License", options.license or "none was given"


def _table(facts: Iterator[tuple[str, str]]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {_plain(text)} |" for name, text in facts), ""]


def _ports(title: str, ports: Mapping[str, Parameter]) -> list[str]:
    if not ports:
        return []
    said = {port.name: f": {_plain(port.description)}" if port.description else "" for port in ports.values()}
    return [f"## {title}", "", *(f"- **{_plain(name)}**{text}" for name, text in said.items()), ""]


def _plain(text: str) -> str:
    """Return a text so that Markdown takes it for nothing else."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>|#" else char for char in " ".join(clean(text).split()))


_CONTENTS = """## What is where

- `ro-crate-metadata.json`: all that is known of the run, as a Workflow Run RO-Crate
- `workflow/`: the workflow in one document, as its authors wrote it (`original/`), and its diagram
- `inputs/`, `outputs/`, `intermediate/`: the files of the run, by content
- `logs/`: what commands printed
- `recrate/`: how the run was made, and its record as rows, from which `recrate import` restores it in full
""".splitlines()
