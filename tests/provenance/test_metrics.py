"""Numbers that jobs recorded, asked of both databases."""

from __future__ import annotations

from storebed.samples import Sample

from recrate.provenance import queries
from recrate.provenance.store import Store


def test_numbers_are_summed_up_by_attempt_and_name(store: Store) -> None:
    sample = Sample.stored_in(store)
    attempt = sample.attempt("/sum", 1)
    ((found, (loss,)),) = queries.metric_summaries(store.database, [attempt, sample.attempt("/count[0]", 1)]).items()
    assert (found, loss.name, loss.count) == (attempt, "loss", 2)
    assert loss.last.value is None and loss.least == loss.greatest == queries.metrics(store.database, attempt)[0]


def test_jobs_that_recorded_something_are_found_by_run_and_by_what_they_were_given(store: Store) -> None:
    sample = Sample.stored_in(store)
    database = store.database
    ((job, attempt),) = queries.jobs_with_metrics(database, sample.run, most=5)
    assert (job.path, attempt) == ("/sum", sample.attempt("/sum", 1))
    assert queries.jobs_with_metrics(database, "0" * 16) == []
    assert queries.measured_users(database, sample.sha("/sum")) == []
    database.execute(
        "UPDATE usage SET token_id = ? WHERE job_id = ?", (sample.token("/count[0]", "out", "output"), job.id)
    )
    assert queries.measured_users(database, sample.sha("/count[0]")) == [(job, attempt)]


def test_a_job_whose_result_was_taken_has_the_numbers_of_that(store: Store) -> None:
    sample = Sample.stored_in(store)
    database = store.database
    attempt = sample.attempt("/sum", 1)
    database.execute(
        "UPDATE job SET state = 'CACHED', cached_from = ? WHERE id = ?", (attempt, sample.job("/count[1]"))
    )
    assert [(job.path, of) for job, of in queries.jobs_with_metrics(database, sample.run)] == [
        ("/count[1]", attempt),
        ("/sum", attempt),
    ]
