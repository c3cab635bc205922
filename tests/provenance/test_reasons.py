"""Why a job ran."""

from __future__ import annotations

import json

from storebed.samples import Sample

from recrate.provenance import queries
from recrate.provenance.queries import Aspect
from recrate.provenance.rows import AttemptRow, EnvironmentRow, ImageRow, JobRow, TokenRow
from recrate.provenance.statements import Update
from recrate.provenance.states import JobState
from recrate.provenance.store import Store


def two_runs(store: Store) -> tuple[Sample, Sample]:
    """Return two runs of one workflow in which the inputs of the jobs differ in their content."""
    return Sample.stored_in(store, "5" * 16), Sample.stored_in(store, "6" * 16, started=2000.0)


def give(store: Store, sample: Sample, value: object) -> None:
    """Change what was given to the job `/count[0]`."""
    token = sample.token("/count[0]", "x", "element")
    store.write(Update(TokenRow, (token,), {"value": json.dumps(value)}))


def test_the_earlier_job_is_the_newest_that_completed(store: Store) -> None:
    first, second = two_runs(store)
    third = Sample.stored_in(store, "7" * 16, started=3000.0)
    asked = third.job("/count[0]")
    found = queries.earlier_job(store.database, asked)
    assert found is not None and found.id == second.job("/count[0]")
    store.write(Update(JobRow, (second.job("/count[0]"),), {"state": JobState.FAILED}))
    found = queries.earlier_job(store.database, asked)
    assert found is not None and found.id == first.job("/count[0]")
    assert queries.earlier_job(store.database, first.job("/count[0]")) is None


def test_the_same_content_at_another_place_is_no_change(store: Store) -> None:
    first, second = two_runs(store)
    for number, sample in enumerate((first, second)):
        location = f"file:///elsewhere/{number}"
        give(store, sample, {"class": "File", "basename": "a", "location": location, "sha256": "ab", "size": 3})
    assert queries.changes(store.database, first.job("/count[0]"), second.job("/count[0]")) == []


def test_another_content_is_a_change_of_the_port(store: Store) -> None:
    first, second = two_runs(store)
    [change] = queries.changes(store.database, first.job("/count[0]"), second.job("/count[0]"))
    assert (change.aspect, change.name) == (Aspect.INPUT, "x")
    assert change.before != change.after and change.before and change.after
    assert str(change) == f"input x changed: {change.before} -> {change.after}"


def test_a_secondary_file_counts(store: Store) -> None:
    first, second = two_runs(store)
    for sample, sha in ((first, "1"), (second, "2")):
        index = {"class": "File", "basename": "a.idx", "sha256": sha}
        give(store, sample, {"class": "File", "basename": "a", "sha256": "ab", "secondaryFiles": [index]})
    assert len(queries.changes(store.database, first.job("/count[0]"), second.job("/count[0]"))) == 1


def test_short_values_are_shown_as_they_are(store: Store) -> None:
    first, second = two_runs(store)
    give(store, first, 1)
    give(store, second, "one")
    [change] = queries.changes(store.database, first.job("/count[0]"), second.job("/count[0]"))
    assert (change.before, change.after) == ("1", '"one"')


def test_environment_and_image_are_compared(store: Store) -> None:
    first, second = two_runs(store)
    for sample in (first, second):
        give(store, sample, 1)
    store.write(
        EnvironmentRow(id="other", variables='{"PATH":"/bin","LANG":"C"}'),
        ImageRow(id="other", name="alpine", engine="docker", tag="3"),
        Update(AttemptRow, (second.attempt("/count[0]"),), {"environment_id": "other", "image_id": "other"}),
    )
    found = queries.changes(store.database, first.job("/count[0]"), second.job("/count[0]"))
    assert [(change.aspect, change.name, change.before, change.after) for change in found] == [
        (Aspect.ENVIRONMENT, "LANG", None, "C"),
        (Aspect.IMAGE, "", "sha256:" + "9" * 64, "alpine:3"),
    ]
