"""The recorder: what it said is on disk is on disk, in order, and a failure is for ever."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storebed.samples import Sample, event_row, run_row

from recrate.errors import StoreFailed
from recrate.provenance import ids, leases
from recrate.provenance.database import Database
from recrate.provenance.recorder import Recorder, Update
from recrate.provenance.rows import EventRow, JobRow, ReplicaRow, RunRow
from recrate.provenance.sqlite import SqliteDatabase
from recrate.provenance.statements import statements
from recrate.provenance.states import JobState, RunState
from recrate.provenance.store import Store

RUN = "1" * 16


def events(store: Store, run: str = RUN) -> list[int]:
    """Return the numbers of the events in the store, read by another connection."""
    reader = store.connect(readonly=True)
    try:
        return [row.seq for row in reader.rows(EventRow, "WHERE run_id = ? ORDER BY seq", (run,))]
    finally:
        reader.close()


def job_row(path: str, state: JobState = JobState.RUNNING, run: str = RUN) -> JobRow:
    return JobRow(id=ids.job_id(run, path), run_id=run, step_id="s", path=path, state=state)


async def recorder_of_a_run(store: Store, run: str = RUN) -> Recorder:
    recorder = Recorder(store, store.acquire(run))
    await recorder.record(run_row(run, state=RunState.RUNNING))
    return recorder


async def test_what_was_recorded_is_there_when_record_returns(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    for seq in range(1, 6):
        await recorder.record(event_row(RUN, seq))
        assert events(store) == list(range(1, seq + 1))
    await recorder.close()


async def test_what_was_put_is_there_with_the_next_record(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    recorder.put(event_row(RUN, 1))
    recorder.put(event_row(RUN, 2), event_row(RUN, 3))
    await recorder.record(event_row(RUN, 4))
    assert events(store) == [1, 2, 3, 4]
    await recorder.close()


async def test_what_was_put_is_there_after_a_while_even_alone(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    recorder.put(event_row(RUN, 1))
    for _ in range(100):
        await asyncio.sleep(0.05)
        if events(store):
            break
    assert events(store) == [1]
    await recorder.close()


@pytest.mark.parametrize("ending", ["flush", "close"])
async def test_what_was_put_is_there_when_the_recorder_ends(store: Store, ending: str) -> None:
    recorder = await recorder_of_a_run(store)
    recorder.put(event_row(RUN, 1))
    await getattr(recorder, ending)()
    assert events(store) == [1]
    await recorder.close()


async def test_callers_at_once_share_transactions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    commit = Database.commit

    def counted(self: Database) -> None:
        commits.append(self)
        commit(self)

    recorder = await recorder_of_a_run(store)
    monkeypatch.setattr(Database, "commit", counted)
    await asyncio.gather(*(recorder.record(event_row(RUN, seq)) for seq in range(1, 1001)))
    monkeypatch.undo()
    assert events(store) == list(range(1, 1001))
    assert len(commits) <= 20
    await recorder.close()


async def test_an_update_finds_the_row_recorded_with_it(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    job = job_row("/a")
    await recorder.record(
        Update(JobRow, (job.id,), {"state": JobState.COMPLETED, "error": "no"}),
        job,
        Update(JobRow, (job.id,), {"error": None, "ended": 3.5}),
    )
    assert store.database.rows(JobRow) == [replace(job, state=JobState.COMPLETED, ended=3.5)]
    await recorder.close()


async def test_rows_come_in_any_order(store: Store) -> None:
    recorder = Recorder(store)
    sample = Sample("5" * 16, "/work")
    rows = [*sample.rows()[::-1], run_row(sample.run)]
    parts = [row for row in rows if type(row).__name__ == "PartRow"]
    await recorder.record(*rows)
    assert store.database.one("SELECT count(*) FROM part") == (len(parts),)
    await recorder.close()


async def test_a_row_whose_id_follows_from_what_it_says_may_be_recorded_again(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    await recorder.record(job_row("/a", JobState.COMPLETED))
    await recorder.record(job_row("/a", JobState.RUNNING))
    assert [row.state for row in store.database.rows(JobRow)] == [JobState.COMPLETED]
    await recorder.close()


async def test_a_content_that_is_back_is_valid_again(store: Store, sample: Sample) -> None:
    recorder = Recorder(store)
    replica = store.database.rows(ReplicaRow)[0]
    gone = Update(ReplicaRow, (replica.id,), {"valid": False})
    await recorder.record(gone, replica)
    assert store.database.row(ReplicaRow, replica.id) == replica
    await recorder.record(replica, gone)
    assert store.database.row(ReplicaRow, replica.id) == replace(replica, valid=False)
    await recorder.close()


async def test_a_caller_that_gives_up_does_not_disturb_the_others(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    given_up = asyncio.ensure_future(recorder.record(event_row(RUN, 1)))
    await asyncio.sleep(0)
    given_up.cancel()
    await recorder.record(event_row(RUN, 2))
    assert events(store) == [1, 2]
    await recorder.close()


# -- failures ------------------------------------------------------------------------------------


async def test_after_a_write_that_failed_everything_fails(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    await recorder.record(event_row(RUN, 1))
    with pytest.raises(StoreFailed):
        await recorder.record(event_row(RUN, 1))
    with pytest.raises(StoreFailed):
        await recorder.record(event_row(RUN, 2))
    with pytest.raises(StoreFailed):
        recorder.put(event_row(RUN, 3))
    with pytest.raises(StoreFailed):
        await recorder.flush()
    await recorder.close()
    assert events(store) == [1]


async def test_all_callers_of_a_batch_that_failed_are_told(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    rows = [event_row(RUN, seq) for seq in (1, 2, 2, 3)]
    outcomes = await asyncio.gather(*(recorder.record(row) for row in rows), return_exceptions=True)
    assert isinstance(outcomes[-1], StoreFailed)
    kept = [row.seq for row, outcome in zip(rows, outcomes, strict=True) if outcome is None]
    assert events(store) == kept
    await recorder.close()


async def test_rows_that_were_put_and_lost_are_not_lost_in_silence(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    recorder.put(event_row("unknown run", 1))
    with pytest.raises(StoreFailed):
        await recorder.close()


async def test_a_mistake_of_ours_leaves_nobody_waiting(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    recorder = await recorder_of_a_run(store)
    wrong: Any = event_row(RUN, 1, body=object())  # type: ignore[arg-type]
    with pytest.raises(StoreFailed):
        await asyncio.wait_for(recorder.record(wrong), 10)
    with pytest.raises(StoreFailed):
        await asyncio.wait_for(recorder.record(event_row(RUN, 1)), 10)
    await asyncio.wait_for(recorder.close(), 10)


async def test_a_store_that_cannot_be_reached_fails_the_first_record(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(self: Store, *, readonly: bool = False) -> Database:
        raise StoreFailed("gone")

    monkeypatch.setattr(Store, "connect", unreachable)
    recorder = Recorder(store)
    with pytest.raises(StoreFailed, match="gone"):
        await asyncio.wait_for(recorder.record(run_row(RUN)), 10)
    await recorder.close()


async def test_a_full_disk_fails_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(store.database, SqliteDatabase):
        pytest.skip("a limit on pages is SQLite's")
    connect = Store.connect

    def limited(self: Store, *, readonly: bool = False) -> Database:
        database = connect(self, readonly=readonly)
        database.execute("PRAGMA max_page_count = 200")
        return database

    monkeypatch.setattr(Store, "connect", limited)
    recorder = await recorder_of_a_run(store)
    with pytest.raises(StoreFailed, match="full"):
        await recorder.record(event_row(RUN, 1, body="x" * 5_000_000))
    await recorder.close()
    monkeypatch.undo()
    assert events(store) == []
    again = Recorder(store)
    await again.record(event_row(RUN, 1))
    await again.close()


async def test_a_closed_recorder_takes_nothing(store: Store) -> None:
    recorder = await recorder_of_a_run(store)
    await recorder.close()
    await recorder.close()
    with pytest.raises(StoreFailed, match="closed"):
        recorder.put(event_row(RUN, 1))


def test_an_update_of_a_column_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="stat"):
        statements([Update(JobRow, ("a",), {"stat": 1})])


# -- leases --------------------------------------------------------------------------------------


async def test_a_controller_that_was_taken_over_writes_nothing_more(store: Store) -> None:
    first = await recorder_of_a_run(store)
    store.database.execute("UPDATE lease SET pid_space = ?, heartbeat = ?", ("elsewhere", 0.0))
    second = Recorder(store, store.acquire(RUN))
    await second.record(event_row(RUN, 1))
    with pytest.raises(StoreFailed, match="taken over"):
        await first.record(event_row(RUN, 2))
    await second.record(event_row(RUN, 3))
    assert events(store) == [1, 3]
    await first.close()
    await second.close()


async def test_an_idle_recorder_gives_signs_of_life(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recrate.provenance.recorder.HEARTBEAT_SECONDS", 0.05)
    recorder = await recorder_of_a_run(store)
    store.database.execute("UPDATE lease SET heartbeat = ?", (0.0,))
    until = time.monotonic() + 10
    while store.database.one("SELECT heartbeat FROM lease") == (0.0,) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    found = store.database.one("SELECT heartbeat FROM lease")
    assert found is not None and store.database.now() - found[0] < leases.PATIENCE_SECONDS
    await recorder.close()


async def test_an_idle_recorder_that_was_taken_over_finds_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recrate.provenance.recorder.HEARTBEAT_SECONDS", 0.05)
    recorder = await recorder_of_a_run(store)
    store.database.execute("UPDATE lease SET number = 7")
    until = time.monotonic() + 10
    failure = None
    while failure is None and time.monotonic() < until:
        await asyncio.sleep(0.02)
        try:
            recorder.put()
        except StoreFailed as error:
            failure = error
    assert failure is not None and "taken over" in failure.problem
    await recorder.close()


# -- several controllers, and their deaths -------------------------------------------------------

WRITE = """
import asyncio, sys
from recrate.provenance.recorder import Recorder
from recrate.provenance.store import open_store
from storebed.samples import event_row, run_row

async def main(url, run, count):
    store = open_store(url)
    lease = store.acquire(run)
    recorder = Recorder(store, lease)
    await recorder.record(run_row(run))
    for seq in range(1, count + 1, 2):
        await asyncio.gather(recorder.record(event_row(run, seq)), recorder.record(event_row(run, seq + 1)))
        print(seq + 1, flush=True)
    await recorder.close()
    lease.release()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def start_writer(store: Store, run: str, count: int) -> subprocess.Popen[str]:
    path = ":".join(entry for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-c", WRITE, store.url.target, run, str(count)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": path},
    )


def test_controllers_write_different_runs_at_once(store: Store) -> None:
    runs = [str(number) * 16 for number in range(1, 5)]
    writers = [start_writer(store, run, 200) for run in runs]
    assert [writer.communicate()[1] for writer in writers] == [""] * 4
    assert all(events(store, run) == list(range(1, 201)) for run in runs)


@pytest.mark.parametrize("after", [1, 7, 40])
def test_a_controller_killed_in_mid_write_loses_nothing_that_it_was_told(store: Store, after: int) -> None:
    writer = start_writer(store, RUN, 1_000_000)
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(after)]
    writer.kill()
    rest, _ = writer.communicate()
    told += [int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    found = events(store)
    assert found == list(range(1, len(found) + 1)), "a hole in the record"
    assert len(found) >= max(told)
    assert store.acquire(RUN).lease.number == 2


# -- any history ---------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "update both"]),
        st.sampled_from(["/a", "/b", "/c"]),
        st.sampled_from(list(JobState)),
        st.integers(0, 3),
    ),
    max_size=12,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=4))
def test_batches_have_the_effect_of_one_change_after_the_other(store: Store, batches: list[Any]) -> None:
    run = ids.new_run_id()
    model: dict[str, JobRow] = {}

    def change(kind: str, path: str, state: JobState, number: int) -> JobRow | Update:
        row = job_row(path, state, run)
        if kind == "insert" or row.id not in model:
            model.setdefault(row.id, row)
            return row
        changes: dict[str, Any] = {"state": state} if kind == "update" else {"state": state, "ended": float(number)}
        model[row.id] = replace(model[row.id], **changes)
        return Update(JobRow, (row.id,), changes)

    async def record() -> None:
        recorder = Recorder(store)
        await recorder.record(run_row(run))
        for batch in batches:
            recorder.put(*(change(*step) for step in batch))
        await recorder.close()

    asyncio.run(record())
    found = {row.id: row for row in store.database.rows(JobRow, "WHERE run_id = ?", (run,))}
    assert found == model
    assert store.database.row(RunRow, run) == run_row(run)
