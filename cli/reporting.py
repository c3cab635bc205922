"""The command `report`: a run as one page that can be kept and sent."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from typing import Annotated

import typer

from ..errors import UsageError
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


def write_text(path: str, parts: Iterable[str]) -> None:
    """Write a file as a whole or not at all. Raises UsageError when that cannot be."""
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".recrate-", delete=False) as stream:
            try:
                stream.writelines(parts)
                stream.close()
                os.chmod(stream.name, 0o666 & ~_umask())
                os.replace(stream.name, path)
            except BaseException:
                os.unlink(stream.name)
                raise
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
