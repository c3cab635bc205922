"""Leases: a run belongs to one controller at a time.

A lease has a number that grows with each holder. The holder's recorder checks the number in each
of its transactions, so that a controller that was taken for dead and comes back cannot write.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from ..data_classes import dataclass
from ..errors import RunIsHeld, StoreFailed
from .database import Database
from .processes import Life, Process, life_of, this_process
from .rows import LeaseRow
from .statements import insert_sql, update_sql
from .urls import Dialect

HEARTBEAT_SECONDS = 5.0
"""How often a holder gives a sign of life."""

PATIENCE_SECONDS = 30.0
"""After how long without one a holder on another host is taken for dead."""


class Wish(Enum):
    """What somebody asks of the holder of a lease. The values are those of column `asked`."""

    CANCEL = "cancel"
    """The run is to end now."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write the rows of a run, held by this process."""

    run_id: str
    holder: str
    number: int

    def check(self, database: Database) -> None:
        """Make sure, inside a transaction, that the lease is still held until that ends.

        Raises StoreFailed when another controller has taken it over.
        """
        lock = " FOR SHARE" if database.dialect is Dialect.POSTGRESQL else ""
        held = database.one(f"SELECT number, holder FROM lease WHERE run_id = ?{lock}", (self.run_id,))
        if held != (self.number, self.holder):
            raise StoreFailed(
                f"run {self.run_id} was taken over by another controller, so this one must not write any more"
            )

    def beat(self, database: Database) -> None:
        """Give a sign of life, as a transaction or in one."""
        database.execute(
            "UPDATE lease SET heartbeat = ? WHERE run_id = ? AND number = ?",
            (database.now(), self.run_id, self.number),
        )

    def asked(self, database: Database) -> Wish | None:
        """Return what somebody asks of this holder; what a later version knows is nothing to this one."""
        found = database.one(
            "SELECT asked FROM lease WHERE run_id = ? AND number = ? AND asked = ?",
            (self.run_id, self.number, Wish.CANCEL.value),
        )
        return None if found is None else Wish.CANCEL

    def release(self, database: Database) -> None:
        """Give the lease back; no error when it was taken over."""
        database.execute(
            "UPDATE lease SET holder = ?, heartbeat = ? WHERE run_id = ? AND number = ? AND holder = ?",
            (None, database.now(), self.run_id, self.number, self.holder),
        )


def acquire(database: Database, run_id: str, process: Process | None = None) -> Lease:
    """Take the lease of a run. Raises RunIsHeld, saying by whom, when its holder lives."""
    asking = process or this_process()
    with database.transaction(f"lease {run_id}"):
        held = database.row(LeaseRow, run_id)
        now = database.now()
        if held is not None and is_live(held, asking, now):
            raise RunIsHeld(
                f"run {run_id} is being carried out by process {held.pid} on {held.host}, "
                f"since {datetime.fromtimestamp(held.acquired, UTC):%Y-%m-%d %H:%M:%S} UTC"
            )
        lease = Lease(run_id, secrets.token_hex(8), 1 if held is None else held.number + 1)
        _put(database, lease, asking, now, is_new=held is None)
    return lease


def is_live(lease: LeaseRow, asking: Process, now: float) -> bool:
    """Tell whether a lease is held, as far as the process that asks can see at an instant."""
    if lease.holder is None:
        return False
    life = life_of(holder_of(lease), asking)
    if life is Life.UNKNOWN:
        return now - lease.heartbeat <= PATIENCE_SECONDS
    return life is Life.ALIVE


def holder_of(lease: LeaseRow) -> Process:
    """Return the process that a lease's row names."""
    return Process(lease.host, lease.machine, lease.boot, lease.pid_space, lease.pid, lease.process_start)


def _put(database: Database, lease: Lease, process: Process, now: float, *, is_new: bool) -> None:
    fields: Mapping[str, Any] = {
        "number": lease.number,
        "holder": lease.holder,
        "host": process.host,
        "machine": process.machine,
        "boot": process.boot,
        "pid_space": process.pid_space,
        "pid": process.pid,
        "process_start": process.start,
        "acquired": now,
        "asked": None,
        "heartbeat": now,
    }
    if is_new:
        database.execute(insert_sql(LeaseRow), LeaseRow(run_id=lease.run_id, **fields).values())
    else:
        database.execute(update_sql(LeaseRow, tuple(fields)), (*fields.values(), lease.run_id))
