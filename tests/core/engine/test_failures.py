"""What a failure stops, what it leaves to go on, and what is tried again."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from recrate import api
from recrate.core.machine.events import OnError
from recrate.core.observer import Notice, Progress
from recrate.provenance import queries
from recrate.provenance.states import AttemptState, JobState, RunState

from .bench import Bench, Ran, consistent, expression, identity, shell, text, workflow

PASS = shell({"n": {"type": "int", "inputBinding": {}}}, {"o": "stdout"}, 'echo "$1"; test "$1" -ne 1')


def branches() -> dict[str, Any]:
    """Return a workflow of a branch that fails and one that does not, each of two steps."""
    return workflow(
        {},
        {"o": {"type": "Any?", "outputSource": "good2/o"}},
        {
            "bad": {"run": PASS, "in": {"n": {"default": 1}}, "out": ["o"]},
            "after": {"run": identity(), "in": {"x": "bad/o"}, "out": ["r"]},
            "good": {"run": PASS, "in": {"n": {"default": 2}}, "out": ["o"]},
            "good2": {"run": PASS, "in": {"n": {"default": 3}, "wait": "good/o"}, "out": ["o"]},
        },
    )


def test_what_does_not_depend_on_a_failure_goes_on_when_asked(bench: Bench) -> None:
    ran = bench.run(branches(), on_error=OnError.CONTINUE)
    assert ran.result.state is RunState.FAILED
    assert ran.states == {"/": "failed", "/bad": "failed"}
    assert set(ran.jobs) == {"/", "/bad", "/good", "/good2"}
    assert ran.result.blocked == 1


def test_a_failure_stops_what_has_not_begun(bench: Bench) -> None:
    document = workflow(
        {}, {},
        {"s": {"run": PASS, "in": {"n": {"default": [1, *range(2, 100)]}}, "scatter": "n", "out": ["o"]}},
    )  # fmt: skip
    ran = bench.run(document, jobs=1)
    assert ran.result.state is RunState.FAILED
    assert ran.states["/s[0]"] == "failed"
    assert len(ran.jobs) < 90


def test_all_of_a_scatter_is_tried_when_asked(bench: Bench) -> None:
    scattered = {"run": PASS, "in": {"n": {"default": [0, 1, 2]}}, "scatter": "n", "out": ["o"]}
    ran = bench.run(workflow({}, {}, {"s": scattered}), on_error=OnError.CONTINUE)
    assert ran.states == {"/": "failed", "/s[1]": "failed"}
    assert text_of_attempt(ran, "/s[2]") == "2\n"


def text_of_attempt(ran: Ran, path: str) -> str:
    return Path(ran.attempts(path)[-1].stdout or "").read_text()


def test_a_failure_deep_inside_fails_the_workflows_around_it(bench: Bench) -> None:
    inner = workflow(
        {"n": "int"},
        {"o": {"type": "Any", "outputSource": "t/o"}},
        {"t": {"run": PASS, "in": {"n": "n"}, "out": ["o"]}},
    )
    del inner["cwlVersion"]
    step = {"run": inner, "in": {"n": "l"}, "scatter": "n", "out": ["o"]}
    document = workflow({"l": "int[]"}, {"o": {"type": "Any", "outputSource": "s/o"}}, {"s": step})
    ran = bench.run(document, {"l": [0, 1, 2]}, on_error=OnError.CONTINUE)
    assert ran.states == {"/": "failed", "/s[1]": "failed", "/s[1]/t": "failed"}
    assert ran.jobs["/s[1]"].error is None


def test_what_a_failed_command_did_is_on_record(bench: Bench) -> None:
    tool = shell({}, {}, "echo out; echo err >&2; exit 3")
    ran = bench.run(workflow({}, {}, {"s": {"run": tool, "in": {}, "out": []}}))
    attempt = ran.attempts("/s")[0]
    assert (attempt.state, attempt.exit_code, attempt.ending) == (AttemptState.FAILED, 3, "EXITED")
    assert "3" in (attempt.error or "")
    assert Path(attempt.stderr or "").read_text() == "err\n"
    assert ran.jobs["/s"].error == attempt.error
    assert ran.result.exit_code == 1


def test_a_signal_is_on_record(bench: Bench) -> None:
    tool = shell({}, {}, "kill -9 $$")
    ran = bench.run(workflow({}, {}, {"s": {"run": tool, "in": {}, "out": []}}))
    assert ran.attempts("/s")[0].signal == 9


def flaky(bench: Bench, fails: int, **fields: Any) -> dict[str, Any]:
    """Return a workflow of a command that ends with 75 so many times before it does not."""
    counter = bench.directory / "counter"
    script = f'echo x >>{counter}; n=$(wc -l <{counter}); test $n -gt {fails} || exit 75; echo "$n"'
    tool = shell({}, {"o": "stdout"}, script, **fields)
    return workflow({}, {"o": {"type": "File", "outputSource": "s/o"}}, {"s": {"run": tool, "in": {}, "out": ["o"]}})


@pytest.mark.parametrize("fields", [{"temporaryFailCodes": [75]}, {}])
def test_a_failed_attempt_is_tried_again(fields: Any, bench: Bench) -> None:
    ran = bench.run(flaky(bench, 2, **fields), retries=2)
    assert text(ran.outputs["o"]).strip() == "3"
    attempts = ran.attempts("/s")
    assert [attempt.number for attempt in attempts] == [1, 2, 3]
    assert [attempt.exit_code for attempt in attempts] == [75, 75, 0]
    assert [attempt.state.value for attempt in attempts] == ["failed", "failed", "completed"]
    assert ran.states == {}
    assert ran.jobs["/s"].error is None


def test_retries_end(bench: Bench) -> None:
    ran = bench.run(flaky(bench, 5, temporaryFailCodes=[75]), retries=1)
    assert ran.result.state is RunState.FAILED
    assert [attempt.exit_code for attempt in ran.attempts("/s")] == [75, 75]
    assert ran.states == {"/": "failed", "/s": "failed"}


def test_what_would_fail_again_is_not_tried_again(bench: Bench) -> None:
    tool = shell({}, {"o": {"type": "File", "outputBinding": {"glob": "none"}}}, "true")
    document = workflow(
        {}, {"o": {"type": "File", "outputSource": "s/o"}}, {"s": {"run": tool, "in": {}, "out": ["o"]}}
    )
    ran = bench.run(document, retries=3)
    assert ran.result.state is RunState.FAILED
    assert len(ran.attempts("/s")) == 1


@pytest.mark.parametrize(
    ("fields", "code", "state"),
    [
        ({"successCodes": [0, 4]}, 4, RunState.COMPLETED),
        ({"successCodes": [4]}, 0, RunState.COMPLETED),
        ({"permanentFailCodes": [0]}, 0, RunState.FAILED),
        ({"temporaryFailCodes": [9]}, 9, RunState.FAILED),
    ],
)
def test_exit_codes_mean_what_the_tool_says(fields: Any, code: int, state: RunState, bench: Bench) -> None:
    tool = shell({}, {}, f"exit {code}", cwlVersion="v1.2", **fields)
    ran = bench.run(tool)
    assert ran.result.state is state
    assert ran.attempts("/")[0].exit_code == code


def test_an_expression_that_fails_fails_its_job(bench: Bench) -> None:
    bad = expression({}, {"r": "int"}, "${return {r: nothing.at.all};}")
    ran = bench.run(workflow({}, {}, {"s": {"run": bad, "in": {}, "out": ["r"]}}))
    assert ran.states == {"/": "failed", "/s": "failed"}
    assert "nothing" in (ran.jobs["/s"].error or "")
    assert ran.all_attempts() == []


def test_an_output_of_the_wrong_type_fails_the_job(bench: Bench) -> None:
    bad = expression({}, {"r": "int"}, "${return {r: 'text'};}")
    ran = bench.run(workflow({}, {}, {"s": {"run": bad, "in": {}, "out": ["r"]}}))
    assert ran.states == {"/": "failed", "/s": "failed"}


def test_a_job_that_cannot_be_planned_fails(bench: Bench) -> None:
    tool = shell({}, {}, "true", requirements={"ResourceRequirement": {"ramMin": 1 << 40}})
    ran = bench.run(workflow({}, {}, {"s": {"run": tool, "in": {}, "out": []}}))
    assert ran.states == {"/": "failed", "/s": "failed"}
    assert "memory" in (ran.jobs["/s"].error or "")


def test_a_time_limit_ends_a_job(bench: Bench) -> None:
    tool = shell({}, {}, "sleep 60", requirements={"ToolTimeLimit": {"timelimit": 1}})
    ran = bench.run(workflow({}, {}, {"s": {"run": tool, "in": {}, "out": []}}))
    assert ran.attempts("/s")[0].ending == "TIMED_OUT"
    assert ran.result.seconds < 20


def test_a_run_that_is_cancelled_ends_its_jobs_and_says_so(bench: Bench) -> None:
    tool = shell({}, {}, "sleep 60")
    inner = workflow({}, {}, {"t": {"run": tool, "in": {}, "out": []}})
    del inner["cwlVersion"]
    document = workflow({}, {}, {"s": {"run": inner, "in": {}, "out": []}})
    options = bench.options()
    prepared = bench.prepare(document, None, options)
    result = asyncio.run(_cancelled_when_it_runs(prepared, options))
    ran = Ran(result, prepared.body, bench.database())
    consistent(ran)
    assert result.state is RunState.CANCELLED
    assert result.seconds < 30
    assert ran.states == {"/": "cancelled", "/s": "cancelled", "/s/t": "cancelled"}
    assert ran.attempts("/s/t")[0].state is AttemptState.CANCELLED


async def _cancelled_when_it_runs(prepared: api.Prepared, options: api.RunOptions) -> api.RunResult:
    class Watcher:
        def notify(self, progress: Progress) -> None:
            if progress.notice is Notice.JOB_STARTED:
                asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGINT)

    return await api.execute(prepared, options, Watcher())


def test_jobs_that_did_not_begin_are_not_on_record(bench: Bench) -> None:
    ran = bench.run(branches(), on_error=OnError.CONTINUE)
    assert "/after" not in ran.jobs
    assert queries.run_detail(ran.database, ran.id).counts == {JobState.FAILED: 1, JobState.COMPLETED: 2}
