"""What pages ask of the store, in each kind of database."""

from __future__ import annotations

from storebed.samples import PLACE, Sample

from recrate.provenance import queries
from recrate.provenance.states import AttemptState, Direction, JobState
from recrate.provenance.store import Store


def test_attempts_and_states_are_told_in_few_columns(store: Store, sample: Sample) -> None:
    attempts = sorted(queries.timed_attempts(store.database, sample.run), key=lambda one: (one.path, one.number))
    assert [(one.path, one.number, one.state, one.location_id) for one in attempts] == [
        ("/count[0]", 1, AttemptState.COMPLETED, PLACE),
        ("/count[1]", 1, AttemptState.FAILED, PLACE),
        ("/count[1]", 2, AttemptState.COMPLETED, PLACE),
        ("/sum", 1, AttemptState.COMPLETED, PLACE),
    ]
    states = list(queries.job_states(store.database, sample.run))
    assert sorted(states, key=str).count((sample.step("/count"), JobState.COMPLETED)) == 2


def test_what_attempts_took_is_summed_up_by_step(store: Store, sample: Sample) -> None:
    use = queries.step_use(store.database, sample.run)
    count = use[sample.step("/count")]
    assert (count.attempts, count.failed, count.cpu_seconds) == (3, 1, None)
    assert sample.step("/") not in use


def test_attempts_of_several_jobs_come_at_once(store: Store, sample: Sample) -> None:
    found = queries.attempts_of(store.database, [sample.job("/count[1]"), sample.job("/sum"), "nothing"])
    assert {job: [row.number for row in rows] for job, rows in found.items()} == {
        sample.job("/count[1]"): [1, 2],
        sample.job("/sum"): [1],
    }


def test_ports_have_the_beginnings_of_their_values(store: Store, sample: Sample) -> None:
    (head,) = queries.ports_of_job(store.database, sample.job("/"), Direction.INPUT, most=10)
    assert (head.port, len(head.text or ""), head.length > 100) == ("files", 10, True)
    (made,) = queries.made_by_job(store.database, sample.run, sample.job("/sum"), most=5)
    assert made == queries.token_head(store.database, made.id, most=5)
    assert queries.token_head(store.database, "nothing", most=5) is None


def test_files_are_listed_up_to_a_number_those_in_parts_included(store: Store, sample: Sample) -> None:
    given, gathered = sample.token("/", "files", "given"), sample.token("/count", "out", "gathered")
    for token in (given, gathered):
        assert [len(queries.first_files(store.database, token, limit=limit)) for limit in (1, 2, 9)] == [1, 2, 2]
    assert queries.count_parts(store.database, gathered) == 2
    assert queries.count_files(store.database, given) == 2
    assert queries.first_parts(store.database, gathered, limit=1) == [sample.token("/count[0]", "out", "output")]


def test_places_images_and_replicas_of_a_run_are_found(store: Store, sample: Sample) -> None:
    assert [row.name for row in queries.locations_of_run(store.database, sample.run)] == ["local"]
    assert [row.name for row in queries.images_of_run(store.database, sample.run)] == ["alpine"]
    replicas = queries.replicas_in_run(store.database, sample.run, [sample.sha("/sum"), "nothing"])
    assert {row.path for row in replicas[sample.sha("/sum")]} == {sample.out("/sum"), "/home/me/out/result.txt"}


def test_what_did_not_happen_is_counted_as_nothing(store: Store, sample: Sample) -> None:
    assert queries.count_transfers(store.database, sample.run) == 0
    assert queries.transfers(store.database, sample.run, limit=5) == []
    assert queries.transfer_sums(store.database, sample.run) == []
    assert queries.failed_jobs(store.database, sample.run, limit=5) == []
