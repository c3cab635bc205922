"""The command `report`: a run as one page that can be kept and sent."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..core.replacing import write_text
from ..provenance import queries
from ..provenance.queries import Kind
from ..views.report import report as pages
from .options import RunArgument, StoreOption, reading
from .render import printable

STANDARD_OUTPUT = "-"


def report(
    run: RunArgument,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write it (default: RUN.html); - prints it."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a run as one HTML file: graph, course, jobs, logs, figures. It needs no network to be looked at."""
    with reading(store) as database:
        run_id = queries.resolve(database, Kind.RUN, run)
        parts = pages(database, run_id)
        if output == STANDARD_OUTPUT:
            sys.stdout.writelines(parts)
            return
        path = output or f"{queries.get_run(database, run_id).name}.html"
        write_text(path, parts)
    print(printable(path))
