"""Compare what the store says of contents with what lies on this machine."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

from .database import Database
from .queries.contents import replicas_of, replicas_of_run
from .rows import LocationRow, ReplicaRow
from .statements import Update
from .store import Store

FIRST_PLACES = 20


def check_contents(store: Store, run_id: str) -> list[ReplicaRow]:
    """Mark replicas of a run as no longer valid whose file on this host is gone or has another size.

    Returns those that were valid until now. Contents are not read, and other hosts not asked.
    """
    here = socket.gethostname()
    database = store.database
    locations = {row.id for row in database.rows(LocationRow, "WHERE hostname = ?", (here,))}
    replicas = [row for row in replicas_of_run(database, run_id, valid=True) if row.location_id in locations]
    lost = [row for row in replicas if not _is_there(row)]
    if lost:
        store.write(*(Update(ReplicaRow, (row.id,), {"valid": False}) for row in lost))
    return lost


def path_here(database: Database, sha256: str | None) -> Path | None:
    """Return where a content lies on this machine, None when it is not here or not known. Of a file, its size is
    looked at.

    What is on record for a machine with another name counts last: this one may have been called so.
    """
    if not sha256:
        return None
    here = socket.gethostname()
    # Thousands of jobs may have made the same content: as a rule, one of the first places still has it.
    for most in (FIRST_PLACES, None):
        known = replicas_of(database, sha256, limit=most)
        ordered = sorted(known, key=lambda one: one.location is None or one.location.hostname != here)
        found = next((Path(one.replica.path) for one in ordered if _is_there(one.replica)), None)
        if found is not None or len(known) < FIRST_PLACES:
            return found
    return None


def _is_there(row: ReplicaRow) -> bool:
    try:
        status = os.stat(row.path)
    except (OSError, ValueError):
        return False
    if stat.S_ISREG(status.st_mode):
        return row.size is None or status.st_size == row.size
    return True
