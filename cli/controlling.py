"""Commands about a run that another process carries out: `attach`, `cancel`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .. import runs
from ..provenance.states import RunState
from . import progress
from .options import JsonOption, RunArgument, StoreOption
from .render import print_json
from .results import report

INTERRUPTED = 130


def attach(
    run: RunArgument,
    store: StoreOption = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    json: JsonOption = False,
) -> None:
    """Watch a run that another process carries out until it is over; Ctrl-C stops watching alone."""
    try:
        result = runs.attach(run, store=store, observer=progress.observer(quiet=quiet or json))
    except KeyboardInterrupt:
        print(f"recrate: the run goes on; watch it again: recrate attach {run}", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(report(result, store, quiet=quiet, json=json))


def cancel(
    run: RunArgument,
    store: StoreOption = None,
    wait: Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for its end.")] = 60,
    json: JsonOption = False,
) -> None:
    """End a run that another process carries out, as Ctrl-C does there; of a run that is over, say so."""
    cancelled = runs.cancel(run, store=store, seconds=wait)
    if json:
        print_json(cancelled)
    else:
        print(_sentence(cancelled, wait))
    raise typer.Exit(1 if cancelled.state is RunState.RUNNING else 0)


def _sentence(cancelled: runs.Cancelled, waited: float) -> str:
    name, state = cancelled.name, cancelled.state
    if cancelled.was_over:
        return f"run {name} is over already: {state.value}"
    if state is RunState.RUNNING:
        return f"run {name} still goes on: it was asked to end, but did not within {waited:g} s; recrate attach {name}"
    if state is RunState.CANCELLED:
        return f"run {name} is cancelled; go on with: recrate resume {name}"
    return f"run {name} {state.value} before it could be cancelled"
