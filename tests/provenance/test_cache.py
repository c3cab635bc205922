"""Results that may be taken, as each kind of database tells of them."""

from __future__ import annotations

from dataclasses import replace

from storebed.samples import Sample

from recrate.provenance import queries
from recrate.provenance.removal import forget_results
from recrate.provenance.rows import JobRow, ReplicaRow
from recrate.provenance.statements import Update
from recrate.provenance.states import JobState
from recrate.provenance.store import Store

NOBODY = "0" * 16


def keyed(store: Store, sample: Sample, path: str, **changes: object) -> None:
    store.write(Update(JobRow, (sample.job(path),), {"inputs_hash": "key", **changes}))


def attempts(store: Store, path: str, run_id: str = NOBODY) -> list[str]:
    return [found.attempt_id for found in queries.candidates(store.database, "key", path, run_id)]


def test_candidates_are_what_other_runs_completed(store: Store, sample: Sample) -> None:
    keyed(store, sample, "/count[0]")
    keyed(store, sample, "/count[1]")
    keyed(store, sample, "/sum", state=JobState.FAILED)
    assert attempts(store, "/count[0]", sample.run) == []
    assert attempts(store, "/count[0]") == [sample.attempt("/count[0]"), sample.attempt("/count[1]", 2)]
    assert attempts(store, "/count[1]") == [sample.attempt("/count[1]", 2), sample.attempt("/count[0]")]


def test_the_run_with_the_newest_result_comes_first(store: Store, sample: Sample) -> None:
    other = Sample.stored_in(store, "6" * 16, started=1.0)
    keyed(store, sample, "/sum", ended=1002.0)
    keyed(store, other, "/sum", ended=1001.0)
    keyed(store, other, "/count[0]", ended=1003.0)
    found = [other.attempt("/sum"), other.attempt("/count[0]"), sample.attempt("/sum")]
    assert attempts(store, "/sum") == found


def test_a_result_that_was_taken_is_one_result_and_counts_its_hits(store: Store, sample: Sample) -> None:
    other = Sample.stored_in(store, "6" * 16, name="other")
    keyed(store, sample, "/sum", ended=1002.0)
    keyed(store, other, "/sum", ended=1003.0, state=JobState.CACHED, cached_from=sample.attempt("/sum"))
    assert attempts(store, "/sum") == [sample.attempt("/sum")]
    (listed,) = queries.cached_results(store.database)
    assert (listed.run_id, listed.path, listed.tool, listed.hits, listed.size) == (sample.run, "/sum", "tool", 1, 5)
    (held,) = queries.cached_results(store.database, other.run)
    assert (held.run_id, held.attempt_id) == (other.run, sample.attempt("/sum"))
    assert queries.taken_by(store.database, other.run) == {sample.attempt("/sum")}


def test_forgetting_changes_nothing_but_the_keys(store: Store, sample: Sample) -> None:
    other = Sample.stored_in(store, "6" * 16)
    before = queries.get_job(store.database, sample.job("/sum"))
    for run in (sample, other):
        keyed(store, run, "/sum")
    assert forget_results(store, sample.run) == 1
    assert attempts(store, "/sum") == [other.attempt("/sum")]
    assert forget_results(store) == 1
    assert (attempts(store, "/sum"), queries.get_job(store.database, sample.job("/sum"))) == ([], before)


def test_what_is_forgotten_is_forgotten_with_whoever_took_it(store: Store, sample: Sample) -> None:
    other = Sample.stored_in(store, "6" * 16)
    keyed(store, sample, "/sum")
    keyed(store, other, "/sum", state=JobState.CACHED, cached_from=sample.attempt("/sum"))
    keyed(store, other, "/count[0]")
    forget_results(store, sample.run)
    assert attempts(store, "/sum") == [other.attempt("/count[0]")]


def test_a_file_is_kept_while_another_run_says_so(store: Store, sample: Sample) -> None:
    (row,) = store.database.rows(ReplicaRow, "WHERE path = ?", (sample.out("/sum"),))
    mine = replace(row, id="a" * 20, run_id=NOBODY)
    assert queries.unclaimed(store.database, [row, mine]) == [mine]
    assert queries.is_kept(store.database, mine)
    assert not queries.is_kept(store.database, row)
    store.write(Update(ReplicaRow, (row.id,), {"valid": False}))
    assert queries.unclaimed(store.database, [row]) == [row]
    assert not queries.is_kept(store.database, mine)
