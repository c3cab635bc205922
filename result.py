"""How a run ended, for scripts and notebooks."""

from __future__ import annotations

from dataclasses import field

from .core.session import Finished
from .core.values import Values
from .data_classes import dataclass
from .errors import RecrateError, RunFailed
from .provenance.states import RunState
from .provenance.store import open_store


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that is over.

    Attributes:
        id: identity of the run in the store.
        name: its readable name.
        state: `completed`, `failed` or `cancelled`.
        outputs: the outputs object of CWL; files have `path` and `location`.
        outdir: where they were delivered, or None.
        seconds: how long it took.
        exit_code: 0, or what a CWL runner exits with (33 for what is not supported); of a run that
            was cancelled 130 after Ctrl-C, else 143.
    """

    id: str
    name: str
    state: RunState
    outputs: Values
    outdir: str | None
    seconds: float
    exit_code: int
    blocked: int = 0
    store: str | None = field(default=None, repr=False, compare=False)
    """Where the run is on record: as in RunOptions."""

    def raise_if_failed(self) -> RunResult:
        """Return the result of a run that completed. Raises RunFailed for any other."""
        if self.state is not RunState.COMPLETED:
            raise RunFailed(f"run {self.name} {self.state.value}", hint=f"see: recrate show {self.id}")
        return self

    def _repr_html_(self) -> str | None:
        """Return the run as notebooks show it; None when its store cannot be read any more."""
        from .views.notebook import run_html

        try:
            with open_store(self.store) as opened:
                return run_html(opened.database, self.id)
        except RecrateError:
            return None


def result_of(finished: Finished, when_cancelled: int, store: str | None) -> RunResult:
    """Return what is told of a run that is over.

    Args:
        finished: how it ended.
        when_cancelled: the exit code of one that was cancelled.
        store: where it is on record.
    """
    exit_code = when_cancelled if finished.state is RunState.CANCELLED else 0
    if finished.state is RunState.FAILED:
        exit_code = next((error.exit_code for error in finished.errors if error.exit_code != 1), 1)
    return RunResult(
        id=finished.id,
        name=finished.name,
        state=finished.state,
        outputs=finished.outputs,
        outdir=finished.outdir,
        seconds=finished.seconds,
        exit_code=exit_code,
        blocked=finished.blocked,
        store=store,
    )
