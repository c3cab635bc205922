"""An audit of one file costs what there is to tell of it, however large the store is.

The store has 100,000 tokens; with RECRATE_SCALE=10 in the environment it has 1,000,000.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator

import pytest

from benchmarks.pages import PLACES, MadeUp, shared_rows
from recrate.core.audit import Audit, audit
from recrate.hashing import hash_text
from recrate.provenance import ids
from recrate.provenance.rows import ReplicaRow, Row, TransferRow
from recrate.provenance.states import ReplicaKind, TransferState
from recrate.provenance.store import Store, open_store
from recrate.views.audit import lines

JOBS = 500
RUNS = 100 * int(os.environ.get("RECRATE_SCALE", "1"))
LIMIT_SECONDS = 0.1
RUN = MadeUp(0x1111, JOBS)
COPIED = (
    "run", "step", "port", "job", "attempt", "token", "part", "file", "usage", "transfer", "replica",
)  # fmt: skip
OF_THE_RUN = {
    "id", "run_id", "step_id", "job_id", "token_id", "source_id", "part_id", "attempt_id", "sha256",
}  # fmt: skip
"""Columns that begin with the digits that all ids of a run have in common, or are made to."""


def moved(run: str) -> Iterator[Row]:
    """Yield the rows that say that each input was moved from one place to the other."""
    for index in range(JOBS):
        sha256 = hash_text(f"in{index}")
        yield TransferRow(
            id=ids.replica_id(run, "transfer", str(index), None), run_id=run, source_location_id=PLACES[0],
            source_path="/a", target_location_id=PLACES[1], target_path="/b", method="stream", number=1,
            state=TransferState.COMPLETED, bytes=100, sha256=sha256, started=1.0, ended=2.0,
        )  # fmt: skip
        yield ReplicaRow(
            id=ids.replica_id(run, PLACES[1], "/b", sha256), run_id=run, location_id=PLACES[1], path="/b",
            path_key=ids.path_key("/b"), sha256=sha256, size=100, kind=ReplicaKind.COPY, valid=True,
        )  # fmt: skip


def copy_run(connection: sqlite3.Connection, count: int) -> None:
    """Copy the run that is there so many times, under ids that begin with other digits."""
    connection.execute("PRAGMA synchronous = OFF")
    for table in COPIED:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        said = ", ".join(
            f"iif({name} IS NULL, NULL, printf('%04x', k) || substr({name}, 5))" if name in OF_THE_RUN else name
            for name in columns
        )
        numbers = "WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ?) "
        connection.execute(f"INSERT INTO {table} {numbers} SELECT {said} FROM n, {table}", (count,))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("scale") / "store.db"
    with_one = open_store(str(path))
    with_one.write(*shared_rows())
    with_one.write(*RUN.rows(), *moved(RUN.run))
    with_one.close()
    with sqlite3.connect(path) as connection:
        copy_run(connection, RUNS)
    store = open_store(str(path))
    yield store
    store.close()


def result_of(number: int, path: str) -> str:
    """Return the hash of what a job made in a copy of the run."""
    return f"{number:04x}{hash_text(f'{RUN.run}{path}')[4:]}"


def told(found: Audit) -> list[str]:
    return [f"{text} {dict(facts)}" for _, text, facts in lines(found)]


def test_the_store_is_large(large: Store) -> None:
    (tokens,) = large.database.one("SELECT count(*) FROM token") or (0,)
    assert tokens > RUNS * JOBS * 2


def test_an_audit_of_one_file_is_quick(large: Store) -> None:
    spent = []
    for number in range(RUNS // 2, RUNS // 2 + 5):
        sha256 = result_of(number, "/work[7]")
        begun = time.perf_counter()
        shown = told(audit(large.database, sha256))
        spent.append(time.perf_counter() - begun)
        assert "'step': '/work[7]'" in shown[0] and "'moved': 'node0:/a -> node1:/b" in shown[1]
    assert min(spent) <= LIMIT_SECONDS, spent


def test_no_question_of_an_audit_reads_a_whole_table(large: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []
    fetch = type(large.database).fetch

    def noted(database: object, sql: str, values: object = ()) -> object:
        asked.append((sql, values))
        return fetch(database, sql, values)  # type: ignore[arg-type]

    monkeypatch.setattr(type(large.database), "fetch", noted)
    audit(large.database, result_of(3, "/gather"))
    monkeypatch.undo()
    assert len(asked) > 5
    for sql, values in dict(asked).items():
        plan = large.database.query(f"EXPLAIN QUERY PLAN {sql}", values)  # type: ignore[arg-type]
        assert not [step for *_, step in plan if str(step).startswith("SCAN")], (sql, plan)
