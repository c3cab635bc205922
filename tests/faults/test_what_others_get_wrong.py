"""What was seen to go wrong in another engine with the same model, each with the outcome that is right.

A controller that is killed leaves nothing behind to go on from: see `test_kills`. A second run on
the store fails: see `test_stores`. That "two retries" mean one: see `tests/core/engine/test_retries`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from recrate.provenance.rows import ReplicaRow
from recrate.provenance.store import open_store

from .documents import INPUTS, everything
from .driver import Bed

MakeBed = Callable[..., Bed]


def test_a_controller_that_is_killed_has_left_its_rows(make_bed: MakeBed) -> None:
    bed = make_bed(everything, INPUTS)
    bed.run(commit=20)
    with open_store(bed.store) as store:
        for table in ("run", "job", "attempt", "token", "event"):
            found = store.database.one(f"SELECT count(*) FROM {table}")
            assert found is not None and found[0] > 0, table


def test_a_run_that_was_recovered_can_be_looked_at_in_all_ways(make_bed: MakeBed) -> None:
    bed = make_bed(everything, INPUTS)
    bed.run(commit=20)
    assert bed.resume()["state"] == "completed"
    for words in (["show"], ["show", "--json"], ["log"], ["log", "--at", "10"], ["why", "--json"]):
        command = [sys.executable, "-m", "recrate", words[0], "last", *words[1:], "--store", bed.store]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode == 0 or words[0] == "why", done.stderr


def test_going_on_copies_nothing(make_bed: MakeBed) -> None:
    """Checkpoints elsewhere copy files, and then the copies: here what is on record is where it is."""
    bed = make_bed(everything, INPUTS)
    answer = bed.run(commit=12)
    while answer["status"] != 0:
        answer = bed.resume(commit=9)
    files = [path for path in Path(bed.directory / "work").rglob("out/*") if path.is_file()]
    with open_store(bed.store) as store:
        replicas = store.database.rows(ReplicaRow, "WHERE kind = 'WORK'")
        assert store.database.one("SELECT count(*) FROM transfer") == (0,)
    made = {row.path for row in replicas}
    assert len(made) == len(replicas)
    assert made <= {str(path) for path in files}
