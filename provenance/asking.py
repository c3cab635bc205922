"""Asking the controller of a run for something: the wish is written down, and the controller is woken."""

from __future__ import annotations

import signal
import time

from ..data_classes import dataclass
from .leases import Wish, holder_of
from .processes import signal_process, this_process
from .queries.runs import current_state, get_run, run_state
from .rows import LeaseRow, RunRow
from .states import RunState
from .store import Store

POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a wish.

    Attributes:
        run: the row of the run.
        state: where the run is: the wish is on record only when it is RUNNING.
        woken: its controller was woken and reacts at once; others see the wish at their next sign of life.
    """

    run: RunRow
    state: RunState
    woken: bool = False


def ask_to_cancel(store: Store, run_id: str, *, wakes: bool = True) -> Asked:
    """Ask the controller of a run to end it. Raises UsageError when there is no such run, StoreFailed.

    Without `wakes` it is not signalled, as it must not be when it is a thread of this process.
    """
    database, asking = store.database, this_process()
    with database.transaction(f"lease {run_id}"):
        lease = database.row(LeaseRow, run_id)
        run = get_run(database, run_id)
        state = run_state(run, lease, asking, database.now())
        if lease is None or state is not RunState.RUNNING:
            return Asked(run, state)
        is_new = database.execute(
            "UPDATE lease SET asked = ? WHERE run_id = ? AND number = ? AND asked IS NULL",
            (Wish.CANCEL.value, run_id, lease.number),
        )
    # Only the first wish wakes the controller: a second signal would end the run without grace.
    return Asked(run, state, wakes and bool(is_new) and signal_process(holder_of(lease), signal.SIGTERM, asking))


def wait_for_end(store: Store, run_id: str, seconds: float) -> tuple[RunRow, RunState]:
    """Return the row and state of a run when nobody carries it out any more, or after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        row, state = current_state(store.database, run_id)
        if state is not RunState.RUNNING or time.monotonic() >= until:
            return row, state
        time.sleep(POLL_SECONDS)
