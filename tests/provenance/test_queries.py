"""Questions about runs, jobs, tokens and contents."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from storebed.samples import IMAGE, PLACE, WORKFLOW, Sample, file_value, run_row

from recrate.errors import UsageError
from recrate.provenance import queries
from recrate.provenance.queries import Kind
from recrate.provenance.rows import TokenRow
from recrate.provenance.statements import Update
from recrate.provenance.states import AttemptState, JobState, RunState, TokenOrigin
from recrate.provenance.store import Store


def paths(rows: object) -> list[str]:
    return sorted(row.path for row in rows)  # type: ignore[attr-defined]


# -- runs ----------------------------------------------------------------------------------------


def test_runs_are_listed_oldest_first(store: Store) -> None:
    store.write(run_row("b" * 16, started=2.0), run_row("a" * 16, started=3.0), run_row("c" * 16, started=1.0))
    assert [run.id[0] for run in queries.list_runs(store.database)] == ["c", "b", "a"]
    assert [run.id[0] for run in queries.list_runs(store.database, newest=2)] == ["b", "a"]


def test_a_run_that_nobody_carries_out_any_more_was_interrupted(store: Store) -> None:
    store.write(run_row("a" * 16, state=RunState.RUNNING), run_row("b" * 16, state=RunState.RUNNING, started=2000.0))
    lease = store.acquire("b" * 16)
    assert [run.state for run in queries.list_runs(store.database)] == [RunState.INTERRUPTED, RunState.RUNNING]
    lease.release()
    assert [run.state for run in queries.list_runs(store.database)] == [RunState.INTERRUPTED] * 2
    assert queries.run_detail(store.database, "b" * 16).state is RunState.INTERRUPTED


def test_the_detail_of_a_run_has_its_steps_in_order_with_the_numbers_of_their_jobs(
    store: Store, sample: Sample
) -> None:
    detail = queries.run_detail(store.database, sample.run)
    assert detail.workflow is not None and detail.workflow.id == WORKFLOW
    assert [(step.row.path, step.counts) for step in detail.steps] == [
        ("/", {JobState.COMPLETED: 1}),
        ("/count", {JobState.COMPLETED: 2}),
        ("/sum", {JobState.COMPLETED: 1}),
    ]
    assert detail.counts == {JobState.COMPLETED: 3}
    assert (detail.steps[1].started, detail.steps[1].ended) == (1001.0, 1002.0)
    assert [row.name for row in detail.software] == ["recrate"]


def test_documents_and_ports_are_found(store: Store, sample: Sample) -> None:
    assert [row.text for row in queries.documents(store.database, WORKFLOW)] == ["cwlVersion: v1.2\n"]
    [port] = queries.ports(store.database, sample.run)[sample.step("/count")]
    assert port.name == "x"


def test_a_run_that_is_not_there_is_a_mistake_of_the_user(store: Store) -> None:
    with pytest.raises(UsageError, match="no run"):
        queries.run_detail(store.database, "f" * 16)


# -- jobs ----------------------------------------------------------------------------------------


def test_the_detail_of_a_job_has_its_attempts_and_tokens(store: Store, sample: Sample) -> None:
    detail = queries.job_detail(store.database, sample.job("/count[1]"))
    assert detail.step is not None and detail.step.path == "/count"
    assert [(attempt.row.number, attempt.row.error) for attempt in detail.attempts] == [(1, "it failed"), (2, None)]
    first = detail.attempts[0]
    assert first.argv == ["wc"] and first.environment == {"PATH": "/bin"}
    assert first.image is not None and first.image.id == IMAGE
    assert first.location is not None and first.location.id == PLACE
    assert first.deployment is not None and first.deployment.kind == "local"
    assert detail.inputs["x"].id == sample.token("/count[1]", "x", "element")
    assert detail.outputs["out"].id == sample.token("/count[1]", "out", "output")


def test_the_outputs_of_a_workflow_are_the_tokens_of_its_steps(store: Store, sample: Sample) -> None:
    detail = queries.job_detail(store.database, sample.job("/"))
    made = sample.token("/sum", "out", "output")
    assert {port: row.id for port, row in detail.outputs.items()} == {"total": made}
    assert {port: row.id for port, row in queries.outputs_of_run(store.database, sample.run).items()} == {"total": made}


def test_jobs_are_chosen_by_step_and_state_and_paged(store: Store, sample: Sample) -> None:
    found = queries.jobs(store.database, sample.run)
    assert paths(found) == ["/", "/count[0]", "/count[1]", "/sum"]
    assert paths(queries.jobs(store.database, sample.run, step_id=sample.step("/count"))) == ["/count[0]", "/count[1]"]
    assert queries.jobs(store.database, sample.run, states=[JobState.FAILED]) == []
    page = queries.jobs(store.database, sample.run, states=[JobState.COMPLETED], limit=2, offset=1)
    assert page == found[1:3]


def test_open_attempts_are_those_without_an_end(store: Store, sample: Sample) -> None:
    from recrate.provenance.rows import AttemptRow

    assert queries.open_attempts(store.database, sample.run) == []
    store.write(Update(AttemptRow, (sample.attempt("/sum"),), {"state": AttemptState.INTENDED}))
    assert [row.id for row in queries.open_attempts(store.database, sample.run)] == [sample.attempt("/sum")]


def test_a_failed_attempt_that_was_tried_again_is_not_the_last(store: Store, sample: Sample) -> None:
    assert queries.last_attempts(store.database, sample.run, [AttemptState.FAILED]) == []
    done = queries.last_attempts(store.database, sample.run, [AttemptState.COMPLETED])
    assert {job.path: row.number for job, row in done} == {"/count[0]": 1, "/count[1]": 2, "/sum": 1}
    assert len(list(queries.all_attempts(store.database, sample.run))) == 4


# -- tokens --------------------------------------------------------------------------------------


def test_a_token_put_together_of_others_has_their_values(store: Store, sample: Sample) -> None:
    whole = sample.token("/count", "out", "gathered")
    values = [file_value(sample.out("/count[0]", 1), sample.sha("/count[0]"))]
    values.append(file_value(sample.out("/count[1]", 2), sample.sha("/count[1]")))
    detail = queries.token_detail(store.database, whole)
    assert detail.value == values
    assert [file.sha256 for file in detail.files] == [value["sha256"] for value in values]
    assert [usage.job_id for usage in detail.usages] == [sample.job("/sum")]


def test_a_token_may_be_null_and_is_not_a_list(store: Store, sample: Sample) -> None:
    row = TokenRow(id="ab", run_id=sample.run, path="/", port="n", value="null", origin=TokenOrigin.INPUT)
    store.write(row)
    assert queries.token_value(store.database, "ab") is None


def test_tokens_within_tokens_are_put_together(store: Store, sample: Sample) -> None:
    from recrate.provenance.rows import PartRow

    def token(name: str, value: object = ...) -> TokenRow:
        text = None if value is ... else json.dumps(value)
        origin = TokenOrigin.GATHERED
        return TokenRow(id=name, run_id=sample.run, path="/", port=name, value=text, origin=origin)

    store.write(token("a"), token("b"), token("c"), token("d", 1))
    store.write(*(PartRow(token_id=one, position=at, part_id=two) for one, at, two in [("a", 0, "b"), ("a", 1, "c")]))
    store.write(PartRow(token_id="b", position=0, part_id="d"), PartRow(token_id="b", position=1, part_id="d"))
    assert queries.token_values(store.database, ["a", "d"]) == {"a": [[1, 1], []], "d": 1}
    assert len(list(queries.all_tokens(store.database, sample.run))) == 11


def test_a_value_of_a_token_that_is_not_there_is_a_mistake(store: Store) -> None:
    with pytest.raises(UsageError, match="no token"):
        queries.token_value(store.database, "f" * 20)


def test_events_come_in_order_and_from_where_one_stopped(store: Store, sample: Sample) -> None:
    assert [event.seq for event in queries.events(store.database, sample.run)] == [1, 2, 3, 4, 5]
    assert [event.seq for event in queries.events(store.database, sample.run, after=3)] == [4, 5]
    assert queries.last_event(store.database, sample.run) == 5
    assert queries.last_event(store.database, "unknown") == 0


# -- contents ------------------------------------------------------------------------------------


def test_a_content_lies_wherever_a_valid_replica_says(store: Store, sample: Sample) -> None:
    sha = sample.sha("/sum")
    placed = queries.replicas_of(store.database, sha)
    assert [item.replica.path for item in placed] == sorted([sample.out("/sum"), "/home/me/out/result.txt"])
    assert all(item.location is not None and item.location.hostname == "here" for item in placed)
    for item in placed:
        store.write(replace(item.replica, valid=False))
    assert not queries.is_available(store.database, sha)
    assert queries.replicas_of(store.database, sha) == []
    assert len(queries.replicas_of(store.database, sha, valid=False)) == 2


def test_many_contents_are_asked_about_at_once(store: Store, sample: Sample) -> None:
    unknown = [f"{number:064x}" for number in range(1200)]
    found = list(queries.replicas_of_many(store.database, [*unknown, sample.sha("/sum")]))
    assert found == queries.replicas_of(store.database, sample.sha("/sum"))
    assert list(queries.replicas_of_many(store.database, [])) == []


def test_what_lies_at_a_path_is_found_by_the_path(store: Store, sample: Sample) -> None:
    [placed] = queries.replicas_at(store.database, sample.out("/sum"))
    assert placed.replica.sha256 == sample.sha("/sum")
    assert queries.replicas_at(store.database, "/nowhere") == []
    assert len(list(queries.replicas_of_run(store.database, sample.run, valid=True))) == 6


# -- lineage -------------------------------------------------------------------------------------


def test_the_producer_of_a_content_is_the_job_that_made_it(store: Store, sample: Sample) -> None:
    for wanted in (sample.sha("/sum"), sample.out("/sum"), "/home/me/out/result.txt"):
        [made] = queries.producers(store.database, wanted)
        assert made.job is not None and made.job.path == "/sum"
        assert made.file is not None and made.file.basename == "result.txt"
    [made] = queries.producers(store.database, sample.token("/count[1]", "out", "output"))
    assert made.job is not None and made.job.path == "/count[1]"


def test_of_a_content_that_no_job_made_it_is_said_how_it_came_in(store: Store, sample: Sample) -> None:
    found = queries.producers(store.database, sample.sha("/data/0.txt"))
    assert sample.token("/", "files", "given") in {item.token.id for item in found}
    assert all(item.job is None for item in found)


def test_the_newest_run_that_made_a_content_comes_first(store: Store, sample: Sample) -> None:
    again = Sample.stored_in(store, "6" * 16, started=5000.0)
    files = [row for row in sample.rows() if type(row).__name__ == "FileRow"]
    sha = sample.sha("/sum")
    copied = next(row for row in files if getattr(row, "sha256", None) == sha)
    store.write(replace(copied, token_id=again.token("/sum", "out", "output"), pointer="/other"))
    assert [item.token.run_id for item in queries.producers(store.database, sha)] == [again.run, sample.run]


@pytest.mark.parametrize("wanted", ["0" * 64, "/nowhere", "0" * 20])
def test_what_nobody_made_is_a_mistake(store: Store, wanted: str) -> None:
    with pytest.raises(UsageError):
        queries.producers(store.database, wanted)


def test_lineage_leads_back_to_what_was_given(store: Store, sample: Sample) -> None:
    found = queries.upstream(store.database, [sample.token("/sum", "out", "output")])
    assert paths(found.jobs.values()) == ["/count[0]", "/count[1]", "/sum"]
    assert len(found.tokens) == 7
    assert (sample.token("/count[0]", "x", "element"), sample.token("/", "files", "given")) in found.derived
    part = queries.upstream(store.database, [sample.token("/count[0]", "out", "output")])
    assert paths(part.jobs.values()) == ["/count[0]"]


def test_lineage_leads_on_to_what_was_made(store: Store, sample: Sample) -> None:
    found = queries.downstream(store.database, [sample.token("/count[0]", "x", "element")])
    assert paths(found.jobs.values()) == ["/count[0]", "/sum"]
    assert sample.token("/sum", "out", "output") in found.tokens
    assert sample.token("/count[1]", "out", "output") not in found.tokens
    everything = queries.downstream(store.database, [sample.token("/", "files", "given")])
    assert paths(everything.jobs.values()) == ["/", "/count[0]", "/count[1]", "/sum"]


def test_lineage_that_is_too_large_is_refused(store: Store, sample: Sample) -> None:
    with pytest.raises(UsageError, match="more than 3"):
        queries.upstream(store.database, [sample.token("/sum", "out", "output")], most=3)


def test_lineage_in_a_circle_ends(store: Store, sample: Sample) -> None:
    given = sample.token("/", "files", "given")
    store.write(Update(TokenRow, (given,), {"source_id": sample.token("/sum", "out", "output")}))
    assert len(queries.upstream(store.database, [given]).tokens) == 7


# -- names ---------------------------------------------------------------------------------------


def test_any_unique_beginning_of_an_id_is_enough(store: Store, sample: Sample) -> None:
    job = sample.job("/sum")
    assert queries.resolve(store.database, Kind.JOB, job[:8]) == job
    assert queries.resolve(store.database, Kind.RUN, "5") == sample.run
    token = sample.token("/sum", "out", "output")
    found = queries.resolve_any(store.database, token[:10])
    assert (found.kind, found.id) == (Kind.TOKEN, token)


def test_a_beginning_of_a_run_and_of_what_is_in_it_means_the_run(store: Store, sample: Sample) -> None:
    assert sample.job("/sum").startswith(sample.run[:4])
    found = queries.resolve_any(store.database, sample.run[:4])
    assert (found.kind, found.id) == (Kind.RUN, sample.run)


@pytest.mark.parametrize("text", ["calm-otter-42", "calm", "last"])
def test_a_run_is_known_by_its_name(store: Store, sample: Sample, text: str) -> None:
    assert queries.resolve(store.database, Kind.RUN, text) == sample.run


def test_a_job_is_known_by_its_run_and_path(store: Store, sample: Sample) -> None:
    for run in ("calm-otter-42", "55"):
        assert queries.resolve(store.database, Kind.JOB, f"{run}/count[1]") == sample.job("/count[1]")
    assert queries.resolve(store.database, Kind.JOB, "calm/") == sample.job("/")


def test_a_beginning_of_several_things_is_refused_with_a_list(store: Store) -> None:
    store.write(*(run_row(f"ab{number}" + "0" * 13, name=f"n-{number}") for number in range(6)))
    with pytest.raises(UsageError, match=r"more than one run: run ab0.* \(n-0\), .*\.\.\."):
        queries.resolve(store.database, Kind.RUN, "ab")
    assert queries.resolve(store.database, Kind.RUN, "ab3") == "ab3" + "0" * 13


def test_a_whole_name_is_not_confused_with_the_beginning_of_another(store: Store) -> None:
    store.write(run_row("a" * 16, name="calm-otter-4"), run_row("b" * 16, name="calm-otter-42"))
    assert queries.resolve(store.database, Kind.RUN, "calm-otter-4") == "a" * 16


@pytest.mark.parametrize("text", ["zzz", "f", "", "%", "calm_otter", "no/such"])
def test_a_text_that_means_nothing_is_refused(store: Store, sample: Sample, text: str) -> None:
    with pytest.raises(UsageError):
        queries.resolve(store.database, Kind.ATTEMPT if text == "" else Kind.RUN, text)
