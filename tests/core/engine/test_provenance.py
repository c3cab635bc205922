"""What the store says of a run: jobs, tokens, attempts, lineage; and of several runs in one store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from recrate import api
from recrate.provenance import ids, queries
from recrate.provenance.rows import StepRow
from recrate.provenance.states import AttemptState, JobState, RunState, TokenOrigin

from .bench import Bench, Ran, consistent, expression, identity, shell, text, workflow

SPLIT = expression(
    {"f": {"type": "File", "loadContents": True}},
    {"words": "string[]"},
    "${return {words: inputs.f.contents.trim().split(' ')};}",
)
COUNT = shell(
    {"word": {"type": "string", "inputBinding": {}}}, {"o": "stdout"}, 'printf %s "$1" | wc -c', stdout="n.txt"
)
SUM = shell({"parts": {"type": "File[]", "inputBinding": {}}}, {"o": "stdout"}, 'shift 0; cat "$@" | tr -d " "')


def pipeline() -> dict[str, Any]:
    return workflow(
        {"f": "File"},
        {"o": {"type": "File", "outputSource": "sum/o"}},
        {
            "split": {"run": SPLIT, "in": {"f": "f"}, "out": ["words"]},
            "count": {"run": COUNT, "in": {"word": "split/words"}, "scatter": "word", "out": ["o"]},
            "sum": {"run": SUM, "in": {"parts": "count/o"}, "out": ["o"]},
        },
    )


def run_pipeline(bench: Bench, words: str = "a bbb cc", **changes: Any) -> Ran:
    return bench.run(pipeline(), {"f": bench.write("words.txt", words)}, **changes)


def test_lineage_leads_from_an_output_to_the_input(bench: Bench) -> None:
    ran = run_pipeline(bench, outdir=bench.directory / "out")
    assert text(ran.outputs["o"]).split() == ["1", "3", "2"]
    produced = queries.producers(ran.database, ran.outputs["o"]["path"])
    assert [item.job.path for item in produced if item.job] == ["/sum"]
    lineage = queries.upstream(ran.database, [produced[0].token.id])
    assert {job.path for job in lineage.jobs.values()} == {"/split", "/count[0]", "/count[1]", "/count[2]", "/sum"}
    roots = [token for token in lineage.tokens.values() if token.origin is TokenOrigin.INPUT]
    assert [(token.path, token.port) for token in roots] == [("/", "f")]


def test_lineage_leads_from_the_input_to_outputs(bench: Bench) -> None:
    ran = run_pipeline(bench)
    source = next(token for token in ran.tokens() if token.origin is TokenOrigin.INPUT)
    lineage = queries.downstream(ran.database, [source.id])
    assert {"/split", "/count[1]", "/sum"} <= {job.path for job in lineage.jobs.values()}
    assert ran.out_tokens()["o"].id in lineage.tokens


def test_one_element_of_a_scatter_leads_to_its_job_alone(bench: Bench) -> None:
    ran = run_pipeline(bench)
    made = queries.outputs(ran.database, ran.jobs["/count[1]"])["o"]
    lineage = queries.upstream(ran.database, [made.id])
    assert {job.path for job in lineage.jobs.values()} == {"/split", "/count[1]"}


def test_a_gathered_input_has_the_jobs_outputs_as_parts(bench: Bench) -> None:
    ran = run_pipeline(bench)
    used = queries.inputs(ran.database, ran.jobs["/sum"].id)["parts"]
    assert used.origin is TokenOrigin.GATHERED
    made = [queries.outputs(ran.database, ran.jobs[f"/count[{index}]"])["o"].id for index in range(3)]
    assert ran.parts(used.id) == made


def test_attempts_say_what_ran_where_and_how_it_ended(bench: Bench) -> None:
    ran = run_pipeline(bench)
    (attempt,) = ran.attempts("/count[1]")
    assert attempt.state is AttemptState.COMPLETED
    assert json.loads(attempt.argv or "")[-1] == "bbb"
    assert attempt.exit_code == 0
    assert Path(attempt.stdout or "").name == "n.txt"
    detail = queries.attempt_detail(ran.database, attempt)
    assert detail.location is not None and detail.location.hostname
    assert detail.environment["HOME"] == "$(runtime.outdir)"
    assert attempt.work_directory.startswith(f"{bench.directory}/work/{ran.id}/")


def test_equal_environments_are_one_row(bench: Bench) -> None:
    ran = run_pipeline(bench)
    assert len({attempt.environment_id for attempt in ran.all_attempts()}) == 1


def test_steps_count_their_jobs(bench: Bench) -> None:
    ran = run_pipeline(bench)
    counts = {step.row.path: dict(step.counts) for step in queries.steps(ran.database, ran.id)}
    done = JobState.COMPLETED
    assert counts == {"/": {done: 1}, "/split": {done: 1}, "/count": {done: 3}, "/sum": {done: 1}}


def test_ids_follow_from_the_run_and_the_path(bench: Bench) -> None:
    ran = run_pipeline(bench)
    for path, job in ran.jobs.items():
        assert job.id == ids.job_id(ran.id, path)
        for attempt in queries.attempts(ran.database, job.id):
            assert attempt.id == ids.attempt_id(job.id, attempt.number)
    for row in ran.database.rows(StepRow, "WHERE run_id = ?", (ran.id,)):
        assert row.id == ids.step_id(ran.id, row.path)


def test_two_runs_of_the_same_have_the_same_paths_and_nothing_in_common(bench: Bench) -> None:
    one, two = run_pipeline(bench), run_pipeline(bench)
    assert set(one.jobs) == set(two.jobs)
    assert {(row.path, row.port, row.origin) for row in one.tokens()} == {
        (row.path, row.port, row.origin) for row in two.tokens()
    }
    assert not {row.id for row in one.tokens()} & {row.id for row in two.tokens()}
    assert one.result.name != two.result.name


def test_runs_at_once_in_one_store_do_not_mix(bench: Bench) -> None:
    options = [bench.options(outdir=bench.directory / f"out{number}") for number in range(3)]
    words = ["a bb", "ccc dddd e", "ff"]
    prepared = [
        bench.prepare(pipeline(), {"f": bench.write(f"w{number}.txt", said)}, options[number])
        for number, said in enumerate(words)
    ]

    async def together() -> list[api.RunResult]:
        runs = [api.execute(one, said, api.Silent()) for one, said in zip(prepared, options, strict=True)]
        return list(await asyncio.gather(*runs))

    results = asyncio.run(together())
    for result, one, expected in zip(results, prepared, (["1", "2"], ["3", "4", "1"], ["2"]), strict=True):
        ran = Ran(result, one.body, bench.database())
        consistent(ran)
        assert text(ran.outputs["o"]).split() == expected
    summaries = queries.list_runs(bench.database())
    assert {summary.id for summary in summaries} == {result.id for result in results}
    assert {summary.state for summary in summaries} == {RunState.COMPLETED}


def test_inputs_are_on_record_as_they_were_given(bench: Bench) -> None:
    ran = run_pipeline(bench)
    given = json.loads(queries.get_run(ran.database, ran.id).inputs or "")
    assert given["f"]["class"] == "File"


def test_a_value_that_passes_several_workflows_keeps_its_token(bench: Bench) -> None:
    inner = workflow(
        {"x": "Any"}, {"r": {"type": "Any", "outputSource": "t/r"}},
        {"t": {"run": identity(), "in": {"x": "x"}, "out": ["r"]}},
    )  # fmt: skip
    del inner["cwlVersion"]
    document = workflow(
        {"x": "string"}, {"r": {"type": "Any", "outputSource": "s/r"}},
        {"s": {"run": inner, "in": {"x": "x"}, "out": ["r"]}},
    )  # fmt: skip
    ran = bench.run(document, {"x": "v"})
    given = {path: queries.inputs(ran.database, ran.jobs[path].id)["x"].id for path in ("/", "/s", "/s/t")}
    assert len(set(given.values())) == 1
    made = {path: queries.outputs(ran.database, ran.jobs[path])["r"].id for path in ("/", "/s", "/s/t")}
    assert len(set(made.values())) == 1
