"""`recrate graph`: a picture of a workflow."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..core.cwl.load import load_document
from .options import NetworkOption


class Picture(Enum):
    """A form of a picture."""

    SVG = "svg"
    MERMAID = "mermaid"
    DOT = "dot"


WorkflowArgument = Annotated[str, typer.Argument(help="CWL document, with #id for one of several processes.")]


def graph(
    workflow: WorkflowArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write (default: standard output).")
    ] = None,
    form: Annotated[
        Picture | None, typer.Option("--format", help="Default: by the ending of the file, else SVG.")
    ] = None,
    enable_net: NetworkOption = False,
) -> None:
    """Draw a workflow: its inputs, steps and outputs."""
    from ..core.cwl.translate import Translator
    from ..core.drawing import graph_of, to_dot, to_mermaid, to_svg

    process = load_document(workflow, allow_network=enable_net).process
    drawn = graph_of(Translator().body(process))
    chosen = form or {".mmd": Picture.MERMAID, ".dot": Picture.DOT}.get(output.suffix if output else "", Picture.SVG)
    title = process.label or process.name
    text = {
        Picture.SVG: lambda: to_svg(drawn, title),
        Picture.MERMAID: lambda: to_mermaid(drawn),
        Picture.DOT: lambda: to_dot(drawn, title),
    }[chosen]()
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
