"""`recrate run --detach`: the run goes on in the background, and the foreground says how it began."""

from __future__ import annotations

import asyncio
import os
import sys

from ..api import Prepared, RunOptions, execute, work_directory
from ..core.detaching import Background, TellsStart, detach
from ..errors import RecrateError
from ..provenance import queries
from ..provenance.ids import new_run_id
from . import progress
from .options import reading, store_at
from .render import print_json
from .results import report


def run_detached(prepared: Prepared, options: RunOptions, *, quiet: bool, json: bool) -> int:
    """Carry out a run in the background; return an exit code once it is on record, or cannot be."""
    with store_at(options.store):
        run_id = new_run_id()
    if not (quiet or json):
        for text in prepared.warnings:
            print(f"recrate: warning: {text}", file=sys.stderr)
    side = detach(os.path.join(work_directory(options), f"{run_id}.log"))
    if isinstance(side, Background):
        return _carry_out(prepared, options, run_id, side)
    failure = side.wait()
    if failure is not None:
        print(f"recrate: {failure.text}", file=sys.stderr)
        return failure.exit_code
    with reading(options.store) as database:
        name = queries.get_run(database, run_id).name
    if json:
        print_json({"id": run_id, "name": name, "log": side.log})
        return 0
    print(f"run {name} ({run_id}) goes on in the background")
    if not quiet:
        print(f"log: {side.log}")
        print(f"next: recrate attach {name}    recrate cancel {name}    recrate show {name}")
    return 0


def _carry_out(prepared: Prepared, options: RunOptions, run_id: str, side: Background) -> int:
    """Carry out a run and report it to the log."""
    observer = TellsStart(side, progress.observer())
    try:
        result = asyncio.run(execute(prepared, options, observer, run_id))
    except RecrateError as error:
        if side.failed(error):
            return error.exit_code
        raise
    return report(result, options.store, quiet=False, json=False, audit=options.audit)
