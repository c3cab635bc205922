"""What somebody with the token may have done: a run ended, a run gone on with."""

from __future__ import annotations

import os
import subprocess
import sys

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..errors import UsageError
from ..provenance import queries
from ..provenance.asking import ask_to_cancel
from ..provenance.queries import Kind
from ..provenance.states import RunState
from ..provenance.store import VARIABLE, open_store
from ..runs import cancel as end_run
from .pages import CAN_BE_RESUMED, connections

CANCEL_SECONDS = 5.0


def cancel(request: Request) -> Response:
    """Ask the controller of a run to end it; a run whose controller is gone is ended here."""
    url: str = request.app.state.connections.store.url.target
    with open_store(url) as store:
        run_id = queries.resolve(store.database, Kind.RUN, request.path_params["run"])
        asked = ask_to_cancel(store, run_id)
    if asked.state is RunState.INTERRUPTED:
        end_run(run_id, store=url, seconds=CANCEL_SECONDS)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


def resume(request: Request) -> Response:
    """Go on with a run in a process of its own, which outlives this one."""
    with connections(request).reading() as database:
        run_id = queries.resolve(database, Kind.RUN, request.path_params["run"])
        row, state = queries.current_state(database, run_id)
    if state not in CAN_BE_RESUMED:
        raise UsageError(f"run {row.name} is {state.value}: it cannot be gone on with")
    start_resume(run_id, request.app.state.connections.store.url.target, row.cwd, row.work_directory)
    return RedirectResponse(f"/runs/{run_id}", status_code=303)


def start_resume(run_id: str, store: str, cwd: str, work_directory: str | None) -> subprocess.Popen[bytes]:
    """Start `recrate resume`; what it prints goes to a log beside the work directory of the run."""
    log = f"{work_directory}.log" if work_directory and os.path.isdir(os.path.dirname(work_directory)) else os.devnull
    with open(log, "ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", __package__.partition(".")[0], "resume", run_id],
            cwd=cwd if os.path.isdir(cwd) else None,
            env={**os.environ, VARIABLE: store},  # the address may hold a password: others see arguments
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
