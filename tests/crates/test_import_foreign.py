"""Crates of other engines: what they say is on record, and can be asked for like any run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cratebed import foreign
from cratebed.building import folder, head, ref
from cratebed.foreign import SAMPLES, entity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.crates.importing import Imported, import_crate
from recrate.crates.rows import row_lines
from recrate.errors import CrateInvalid, UsageError
from recrate.hashing import digest_bytes
from recrate.provenance import ids, queries
from recrate.provenance.queries import Kind
from recrate.provenance.rows import AttemptRow, ImageRow, JobRow, StepRow, TokenRow
from recrate.provenance.states import AttemptState, Direction, JobState, RunState, TokenOrigin
from recrate.provenance.store import Store, open_store
from recrate.runs import resume


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "data" / "store.db")) as opened:
        yield opened


def imported(store: Store, make: Any, tmp_path: Path) -> Imported:
    (done,) = import_crate(str(make(tmp_path / "crate")), store)
    return done


def jobs_of(store: Store, run: str) -> dict[str, JobRow]:
    return {job.path: job for job in queries.jobs(store.database, run)}


def attempts_at(store: Store, run: str, path: str) -> list[AttemptRow]:
    return queries.attempts(store.database, ids.job_id(run, path))


def value_on(store: Store, run: str, path: str, port: str, direction: Direction = Direction.INPUT) -> Any:
    token = queries.tokens.used_by(store.database, ids.job_id(run, path), direction)[port]
    return queries.token_value(store.database, token.id)


@pytest.mark.parametrize("make", SAMPLES.values(), ids=SAMPLES)
def test_each_can_be_looked_at_and_is_there_once(make: Any, store: Store, tmp_path: Path) -> None:
    done = imported(store, make, tmp_path)
    (again,) = import_crate(str(tmp_path / "crate"), store)
    assert (done.is_new, again.is_new) == (True, False) and again.run_id == done.run_id
    database = store.database
    detail = queries.run_detail(database, done.run_id)
    assert detail.crate is not None and not detail.crate.is_own
    assert detail.workflow is not None or make is foreign.process_run
    assert json.loads(detail.crate.profiles)
    assert queries.resolve(database, Kind.RUN, detail.row.name) == done.run_id
    for job in queries.jobs(database, done.run_id):
        queries.job_detail(database, job.id)
    for token in list(queries.all_tokens(database, done.run_id)):
        queries.upstream(database, [token.id])
        queries.token_detail(database, token.id)
    assert b"".join(row_lines(database, done.run_id))


@pytest.mark.parametrize("make", [foreign.runcrate, foreign.runcrate_old, foreign.line_06])
def test_steps_jobs_and_tries_of_a_provenance_run_crate(make: Any, store: Store, tmp_path: Path) -> None:
    run = imported(store, make, tmp_path).run_id
    steps = store.database.rows(StepRow, "WHERE run_id = ? ORDER BY position", (run,))
    assert [(step.path, step.kind, step.tool) for step in steps] == [
        ("/", "workflow", "packed.cwl"),
        ("/say", "command", "say.cwl"),
        ("/join", "command", "join.cwl"),
    ]
    jobs = jobs_of(store, run)
    assert list(jobs) == ["/", "/say[0]", "/say[1]", "/join"]
    assert {job.state for job in jobs.values()} == {JobState.COMPLETED}
    failed, done = attempts_at(store, run, "/say[1]")
    assert (failed.state, failed.error, failed.exit_code) == (AttemptState.FAILED, "out of paper", 7)
    assert (done.state, done.number) == (AttemptState.COMPLETED, 2)
    assert done.ended is not None and done.started is not None and done.ended - done.started == pytest.approx(1.0)


def test_values_flow_from_step_to_step(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.runcrate, tmp_path).run_id
    (made,) = queries.producers(store.database, digest_bytes(b"a\nb\n").sha256)
    assert made.job is not None and made.job.path == "/join"
    before = queries.upstream(store.database, [made.token.id])
    assert {job.path for job in before.jobs.values()} == {"/join", "/say[0]", "/say[1]"}
    given = {(token.path, token.port) for token in before.tokens.values() if token.origin is TokenOrigin.INPUT}
    assert given == {("/", "words"), ("/", "n")}
    (words,) = (token for token in before.tokens.values() if token.port == "words")
    after = queries.downstream(store.database, [words.id])
    assert {job.path for job in after.jobs.values()} >= {"/say[0]", "/say[1]", "/join"}
    assert value_on(store, run, "/", "n") == 3
    assert [part["basename"] for part in value_on(store, run, "/join", "parts")] == ["said.txt", "said.txt"]
    outputs = queries.outputs_of_run(store.database, run)
    assert outputs["total"].id == made.token.id


def test_people_images_environments_and_software(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.runcrate, tmp_path)
    detail = queries.run_detail(store.database, done.run_id)
    assert detail.agent is not None
    assert (detail.agent.name, detail.agent.affiliation) == ("Ada", "Analytical Engines")
    assert detail.agent.orcid == "https://orcid.org/0000-0001-2345-6789"
    assert detail.crate is not None and detail.crate.producer == "cwltool 3.1"
    packages = {(item.role, item.name): item.version for item in detail.software}
    assert packages == {("engine", "cwltool 3.1"): "3.1", ("/say", "coreutils"): "9.1"}
    (attempt,) = attempts_at(store, done.run_id, "/say[0]")
    found = queries.attempt_detail(store.database, attempt)
    assert found.image is not None and found.image.name == "docker.io/library/debian"
    assert (found.image.tag, found.image.digest) == ("12", "sha256:" + "ab" * 32)
    assert found.environment == {"LC_ALL": "C"} and attempt.peak_rss == 12_000_000
    assert detail.workflow is not None and detail.workflow.language == "cwl v1.2"
    (document,) = queries.documents(store.database, detail.workflow.id)
    assert document.text == foreign.CWL


def test_the_story_is_told_from_times(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.runcrate, tmp_path).run_id
    told = [(event.kind, json.loads(event.body).get("job")) for event in queries.events(store.database, run)]
    assert told[0] == ("AttemptStarted", "/say[0]") and told[-1] == ("AttemptEnded", "/join")
    assert len(told) == 8


def test_wfexs_has_collections_folders_and_remote_files(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.wfexs, tmp_path).run_id
    main = value_on(store, run, "/", "ref")
    assert main["basename"] == "ref.fa" and [item["basename"] for item in main["secondaryFiles"]] == ["ref.fa.fai"]
    assert main["location"].startswith("file:///") and main["sha256"] == digest_bytes(b">a\n").sha256
    reads = value_on(store, run, "/", "reads")
    assert reads["location"] == "https://example.org/reads.fq.gz" and reads["size"] == 1_000_000
    stats = value_on(store, run, "/", "stats", Direction.OUTPUT)
    assert [item["basename"] for item in stats["listing"]] == ["one.txt", "deep"]
    assert queries.replicas_of(store.database, digest_bytes(b"2").sha256)
    assert [image.engine for image in store.database.rows(ImageRow)] == ["apptainer"]


def test_sapporo_failed_with_an_exit_code(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.sapporo, tmp_path)
    assert done.state is RunState.FAILED and done.crate is not None
    assert done.crate.producer == "cwltool 3.1.20240909164951"
    (attempt,) = attempts_at(store, done.run_id, "/")
    assert (attempt.exit_code, attempt.error) == (1, "step failed")
    assert queries.get_run(store.database, done.run_id).error == "step failed"
    (image,) = store.database.rows(ImageRow)
    assert (image.name, image.tag) == ("quay.io/commonwl/cwltool", "3.1")


def test_galaxy_has_a_list_and_a_number(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.galaxy, tmp_path).run_id
    assert [item["basename"] for item in value_on(store, run, "/", "reads")] == ["in_1.txt", "in_2.txt"]
    assert value_on(store, run, "/", "k") == 21
    assert queries.get_run(store.database, run).ended == pytest.approx(1706839382.123456)


def test_nextflow_tasks_are_linked_by_what_stayed_in_the_work_directory(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.nextflow, tmp_path)
    (made,) = queries.producers(store.database, digest_bytes(b"1\n").sha256)
    assert {job.path for job in queries.upstream(store.database, [made.token.id]).jobs.values()} == {"/SAY", "/COUNT"}
    assert done.crate is not None and done.crate.producer == "Nextflow 24.10.0"


def test_compss_data_that_stayed_elsewhere_have_no_location_here(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.compss, tmp_path).run_id
    inputs = value_on(store, run, "/", "inputs")
    assert inputs["class"] == "Directory" and "location" not in inputs
    assert inputs["listing"][0]["basename"] == "A.0.0"
    for token in queries.all_tokens(store.database, run):
        assert "file:" not in (token.value or "")
    detail = queries.run_detail(store.database, run)
    assert detail.row.host == "cluster" and detail.agent is not None and detail.agent.name == "Raul"
    assert "runcompss" in (jobs_of(store, run)["/"].reason or "")


def test_tools_without_a_workflow_execution_make_one_run(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.snakemake, tmp_path)
    (made,) = queries.producers(store.database, digest_bytes(b"I").sha256)
    lineage = queries.upstream(store.database, [made.token.id])
    assert {job.path for job in lineage.jobs.values()} == {"/rule-copy", "/rule-upper"}
    run = queries.get_run(store.database, done.run_id)
    assert run.ended is not None and run.ended - run.started == pytest.approx(4.0)


def test_autosubmit_says_that_it_was_not_done(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.autosubmit, tmp_path)
    assert done.state is RunState.CANCELLED
    assert value_on(store, done.run_id, "/", "DEFAULT.EXPID") == "a000"


def test_a_process_run_has_the_names_that_tools_saw(store: Store, tmp_path: Path) -> None:
    run = imported(store, foreign.process_run, tmp_path).run_id
    (attempt,) = attempts_at(store, run, "/www.imagemagick.org")
    assert attempt.state is AttemptState.COMPLETED
    (token,) = store.database.rows(TokenRow, "WHERE origin = ?", (TokenOrigin.INPUT,))
    value = json.loads(token.value or "null")
    assert value["basename"] == "in put.jpg" and value["sha256"] == digest_bytes(b"in").sha256


def test_an_imported_run_is_not_gone_on_with(store: Store, tmp_path: Path) -> None:
    done = imported(store, foreign.sapporo, tmp_path)
    with pytest.raises(UsageError, match="was imported"):
        resume(done.run_id, store=str(tmp_path / "data" / "store.db"))


def test_two_executions_are_two_runs(store: Store, tmp_path: Path) -> None:
    graph = [
        *head(["w"], mainEntity=ref("w")),
        *foreign.workflow("w", "Galaxy"),
        *(
            entity(f"#run{day}", "CreateAction", instrument=ref("w"), startTime=f"2026-01-0{day}T00:00:00Z",
                   endTime=f"2026-01-0{day}T01:00:00Z")
            for day in (1, 2)
        ),
        entity("#tool", "SoftwareApplication", name="tool"),
        entity("#job", "CreateAction", instrument=ref("#tool"), startTime="2026-01-02T00:30:00Z"),
    ]  # fmt: skip
    one, other = import_crate(str(folder(tmp_path / "crate", graph, {"w": "x"})), store)
    assert one.notes and set(jobs_of(store, one.run_id)) == {"/"}
    assert set(jobs_of(store, other.run_id)) == {"/", "/tool"}


def test_a_crate_without_a_run_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(CrateInvalid, match="tells of no run"):
        import_crate(str(folder(tmp_path / "crate", head())), store)


def test_the_same_metadata_with_other_files_is_refused(store: Store, tmp_path: Path) -> None:
    imported(store, foreign.galaxy, tmp_path)
    (tmp_path / "crate" / "datasets" / "out_3.txt").write_text("other")
    with pytest.raises(CrateInvalid, match="a crate with other files"):
        import_crate(str(tmp_path / "crate"), store)


def test_markup_in_names_is_shown_as_text(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from recrate.cli.app import run_app

    name = "[red]<script>alert(1)</script>\x1b[31m\u202e"
    graph = [
        *head(["w"], mainEntity=ref("w")),
        *foreign.workflow("w", name),
        entity("#engine", "SoftwareApplication", name=name),
        entity("#run", "CreateAction", name=name, instrument=ref("w"), agent=ref("#engine"), object=ref("#x"),
               description=name),
        entity("#x", "PropertyValue", name=name, value=name),
    ]  # fmt: skip
    where = ["--store", str(tmp_path / "data" / "store.db")]
    assert run_app(["import", str(folder(tmp_path / "crate", graph, {"w": "x"})), *where]) == 0
    for command in (["runs"], ["show", "last"], ["log", "last"]):
        assert run_app([*command, *where]) == 0
    shown = capsys.readouterr().out
    assert "[red]<script>" in shown and "\x1b[31m" not in shown and "\u202e" not in shown


IDS = st.sampled_from(["./", "w", "#run", "#tool", "#step", "#p", "x.txt", "d/", "https://example.org/x", "#nobody"])
TYPES = st.sampled_from(
    ["CreateAction", "ControlAction", "OrganizeAction", "File", "Dataset", "Collection", "PropertyValue",
     "FormalParameter", "HowToStep", "SoftwareApplication", "ComputationalWorkflow", "Person", "ContainerImage",
     "ParameterConnection", "Place"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["instrument", "object", "result", "step", "workExample", "exampleOfWork", "hasPart", "mainEntity", "value",
     "agent", "containerImage", "environment", "location", "input", "output", "startTime", "actionStatus", "name",
     "position", "sourceParameter", "targetParameter", "resourceUsage", "exitCode", "programmingLanguage",
     "additionalType", "alternateName", "contentSize", "sha1", "multipleValues", "error"]
)  # fmt: skip
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4) | st.just("1e400")
VALUES = st.lists(IDS.map(ref) | PLAIN, max_size=3) | IDS.map(ref) | PLAIN | st.just("2026-01-01")
ENTITIES = st.builds(lambda kinds, said: {"@type": kinds, **said}, st.lists(TYPES, max_size=2),
                     st.dictionaries(NAMES, VALUES, max_size=6))  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.dictionaries(IDS.filter(lambda text: text != "./"), ENTITIES, min_size=3, max_size=8))
def test_any_graph_is_imported_or_refused(said: dict[str, Any], store: Store, tmp_path: Path) -> None:
    said["#run"] = {"instrument": ref("w"), **said.get("#run", {}), "@type": ["CreateAction"]}
    graph = [*head(mainEntity=ref("w")), *({"@id": identity, **each} for identity, each in said.items())]
    crate = folder(tmp_path / "crate", graph, {"w": "x", "x.txt": "x", "d/y": "y"})
    try:
        done = import_crate(str(crate), store)
    except CrateInvalid as refused:
        said_of_it = refused.render()
        if not said_of_it.isprintable():
            raise
        return
    for run in done:
        for token in list(queries.all_tokens(store.database, run.run_id)):
            queries.token_detail(store.database, token.id)
            queries.upstream(store.database, [token.id])
        queries.run_detail(store.database, run.run_id)
        list(row_lines(store.database, run.run_id))
