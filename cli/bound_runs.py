"""`recrate run` with a binding file: the workflows in it, one after the other, or another workflow on its places."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..api import RunOptions
from ..binding.file import BindingFile, load_binding_file
from ..binding.rules import Wishes
from ..binding.sniffing import is_binding_file
from ..core.cwl.problems import Severity
from ..core.machine.events import OnError
from ..errors import UsageError
from ..provenance.states import Keep
from ..provenance.store import VARIABLE

Run = Callable[[str, str | None, RunOptions], int]
"""Makes one run of a workflow with a job file, and returns its exit code."""


def run_bound(workflow: str, job: str | None, options: RunOptions, run: Run) -> int:
    """Make the runs that a binding file asks for; return the exit code of the first that did not go well.

    Raises DocumentInvalid, UsageError.
    """
    on = options.on
    if on is not None:
        if is_binding_file(workflow):
            raise UsageError(f"{workflow!r} is a binding file itself", hint="leave --on out, or name a CWL document")
        file = load_binding_file(on.partition("#")[0])
        _tell_oddities(file)
        return run(workflow, job, with_wishes(options, file.wishes))
    file = load_binding_file(workflow)
    _tell_oddities(file)
    if not file.workflows:
        raise UsageError(f"{workflow!r} has no workflows", hint="recrate run --on FILE workflow.cwl")
    wanted = with_wishes(options, file.wishes)
    code = 0
    for entry in file.workflows.values():
        own = replace(wanted, binding=entry.binding, outdir=_outdir(wanted, entry.name, len(file.workflows)))
        code = run(entry.file, job or entry.settings, own) or code
    return code


def _outdir(options: RunOptions, name: str, workflows: int) -> Any:
    """Return the output directory of one workflow: one of its own below the common one, when there are several."""
    if workflows == 1 or options.outdir is None:
        return options.outdir
    return Path(options.outdir) / name


def with_wishes(options: RunOptions, wishes: Wishes) -> RunOptions:
    """Return options with what a binding file says, where the command line says nothing."""
    changes: dict[str, Any] = {}
    if options.store is None and not os.environ.get(VARIABLE) and wishes.store is not None:
        if "://" not in wishes.store:
            Path(wishes.store).parent.mkdir(parents=True, exist_ok=True)
        print(f"the store is {wishes.store}; other commands need --store to find it", file=sys.stderr)
        changes["store"] = wishes.store
    if options.retries == 0 and wishes.retries is not None:
        changes["retries"] = wishes.retries
    if not options.retry and wishes.retry:
        changes["retry"] = wishes.retry
    if options.on_error is OnError.STOP and wishes.on_error is not None:
        changes["on_error"] = OnError(wishes.on_error)
    if options.keep is Keep.ALL and wishes.keep is not None:
        changes["keep"] = Keep(wishes.keep)
    return replace(options, **changes)


def _tell_oddities(file: BindingFile) -> None:
    """Print in one line each what has no effect, or is not supported; a step that needs it fails when it is reached."""
    for problem in file.problems:
        if problem.severity is not Severity.ERROR:
            print(problem, file=sys.stderr)
