"""Attempts that follow on failed ones, in runs of real commands."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from recrate import api
from recrate.connectors.base import Ended, Ending, Figures, Handle
from recrate.connectors.local import LocalConnector
from recrate.core.observer import Notice, Progress
from recrate.core.places import MIB
from recrate.core.settings import Settings
from recrate.errors import UsageError
from recrate.provenance import queries
from recrate.provenance.states import AttemptState, JobState, RunState
from recrate.provenance.store import open_store
from recrate.runs import resume

from .bench import Bench, Ran, consistent, shell, text, workflow

NOW = "delay=0"


def failing(bench: Bench, times: int, how: str = "exit 75", name: str = "counter", **fields: Any) -> dict[str, Any]:
    """Return a tool that fails so many times before it prints which attempt it is and what it was given."""
    counter = bench.directory / name
    script = f'echo x >>{counter}; n=$(wc -l <{counter}); test $n -gt {times} || {{ {how}; }}; echo $n "$@"'
    return shell({}, {"o": "stdout"}, script, **fields)


def alone(tool: dict[str, Any]) -> dict[str, Any]:
    step = {"run": tool, "in": {}, "out": ["o"]}
    return workflow({}, {"o": {"type": "File", "outputSource": "s/o"}}, {"s": step})


def errors(ran: Ran, path: str = "/s") -> list[str | None]:
    return [attempt.error for attempt in ran.attempts(path)]


def endings(ran: Ran, path: str) -> list[str]:
    return [attempt.state.value for attempt in ran.attempts(path)]


def test_each_attempt_says_its_cause_and_what_is_next(bench: Bench) -> None:
    ran = bench.run(alone(failing(bench, 2)), retry=[f"2,{NOW}"])
    assert text(ran.outputs["o"]) == "3\n"
    assert errors(ran) == ["exit code 75; next: attempt 2", "exit code 75; next: attempt 3", None]
    assert [row.reason for row in ran.attempts("/s")] == [None, "attempt 1 failed", "attempt 2 failed"]
    assert ran.states == {} and ran.jobs["/s"].error is None


def test_so_many_retries_are_one_attempt_more(bench: Bench) -> None:
    ran = bench.run(alone(failing(bench, 9)), retries=2, retry=[f"/s:2,{NOW}"])
    assert ran.result.state is RunState.FAILED
    assert errors(ran) == ["exit code 75; next: attempt 2", "exit code 75; next: attempt 3", "exit code 75"]
    assert ran.jobs["/s"].error == "exit code 75"
    assert ran.states == {"/": "failed", "/s": "failed"}


def test_each_step_can_have_limits_of_its_own(bench: Bench) -> None:
    inner = workflow({}, {}, {"t": {"run": failing(bench, 9, name="t"), "in": {}, "out": []}})
    del inner["cwlVersion"]
    steps = {
        "a": {"run": failing(bench, 9, name="a"), "in": {}, "out": []},
        "b": {"run": failing(bench, 9, name="b"), "in": {}, "out": []},
        "w": {"run": inner, "in": {}, "out": []},
    }
    ran = bench.run(
        workflow({}, {}, steps), on_error=api.OnError.CONTINUE, retries=0, retry=[f"/b:2,{NOW}", f"w:1,{NOW}"]
    )
    assert [len(ran.attempts(path)) for path in ("/a", "/b", "/w/t")] == [1, 3, 2]


@pytest.mark.parametrize(
    "how, fields, kind",
    [
        ("exit 3", {}, "exit"),
        ("kill -9 $$", {}, "signal"),
        ("exit 75", {"temporaryFailCodes": [75]}, "temporary"),
        ("sleep 60", {"requirements": {"ToolTimeLimit": {"timelimit": 1}}}, "time"),
    ],
)
def test_a_limit_is_about_the_kinds_of_failure_that_it_names(how: str, fields: Any, kind: str, bench: Bench) -> None:
    others = "+".join({"exit", "signal", "temporary", "memory", "time", "lost"} - {kind})
    tool = alone(failing(bench, 1, how, **fields))
    assert bench.run(tool, retry=[f"5,on={others},{NOW}"]).result.state is RunState.FAILED
    (bench.directory / "counter").unlink()
    ran = bench.run(tool, retry=[f"1,on={kind},{NOW}"])
    assert endings(ran, "/s") == ["failed", "completed"]


def test_a_permanent_fail_code_is_never_tried_again(bench: Bench) -> None:
    ran = bench.run(alone(failing(bench, 1, permanentFailCodes=[75])), retries=3)
    assert errors(ran) == ["exit code 75"]


def test_a_signal_that_stands_for_a_code_that_is_known_is_this_code(bench: Bench) -> None:
    ran = bench.run(alone(failing(bench, 1, "kill -9 $$", temporaryFailCodes=[137])), retry=[f"1,on=temporary,{NOW}"])
    assert endings(ran, "/s") == ["failed", "completed"]
    assert ran.attempts("/s")[1].reason == "attempt 1 failed with one of its temporaryFailCodes"


def test_a_lost_place_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, {1: Ended(Ending.LOST, message="the node went away")})
    ran = bench.run(alone(failing(bench, 0)), retry=[f"1,on=lost,{NOW}"])
    assert ran.attempts("/s")[0].state is AttemptState.LOST
    assert errors(ran) == ["the node went away; next: attempt 2", None]


def test_what_waits_takes_its_time_and_holds_no_cores(bench: Bench) -> None:
    begun = time.time()
    steps = {
        "s": {"run": failing(bench, 2, name="s"), "in": {}, "out": ["o"]},
        "t": {"run": shell({}, {}, "sleep 0.1"), "in": {}, "out": []},
    }
    ran = bench.run(workflow({}, {}, steps), jobs=1, retry=["2,delay=1,factor=1.5"])
    first, second, third = ran.attempts("/s")
    assert 0.5 <= (second.submitted or 0) - (first.ended or 0) < 5
    assert 0.75 <= (third.submitted or 0) - (second.ended or 0) < 5
    assert "; next: attempt 2, in " in (first.error or "")
    assert (ran.attempts("/t")[0].ended or 0) < (third.submitted or 0)
    assert time.time() - begun < 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_wait_ends_at_once_when_the_run_is_cancelled(number: signal.Signals, bench: Bench) -> None:
    options = bench.options(retry=["1,delay=200"])
    prepared = bench.prepare(alone(failing(bench, 9)), None, options)
    result = asyncio.run(_cancelled_while_it_waits(prepared, options, number))
    ran = Ran(result, prepared.body, bench.database())
    consistent(ran)
    assert result.state is RunState.CANCELLED
    assert result.seconds < 20
    assert ran.states == {"/": "cancelled", "/s": "cancelled"}
    assert len(ran.attempts("/s")) == 1
    (bench.directory / "counter").write_text("x\n" * 9)
    assert resume(ran.id, store=bench.store).state is RunState.COMPLETED
    assert [row.reason for row in ran.attempts("/s")] == [None, "the run was resumed"]


async def _cancelled_while_it_waits(
    prepared: api.Prepared, options: api.RunOptions, number: signal.Signals
) -> api.RunResult:
    class Watcher:
        def notify(self, progress: Progress) -> None:
            if progress.notice is Notice.ATTEMPT_FAILED and progress.attempt == 1:
                asyncio.get_running_loop().call_later(0.3, os.kill, os.getpid(), number)

    return await api.execute(prepared, options, Watcher())


def test_a_wait_ends_at_once_when_another_job_fails_for_good(bench: Bench) -> None:
    steps = {
        "s": {"run": failing(bench, 9), "in": {}, "out": []},
        "bad": {"run": shell({}, {}, "sleep 1; exit 1"), "in": {}, "out": []},
    }
    ran = bench.run(workflow({}, {}, steps), retry=["/s:1,delay=200"])
    assert ran.result.seconds < 20
    assert ran.states == {"/": "failed", "/s": "cancelled", "/bad": "failed"}


def test_a_job_that_waits_for_its_next_attempt_has_not_failed(bench: Bench) -> None:
    seen: list[JobState] = []

    class Watcher:
        def notify(self, progress: Progress) -> None:
            if progress.notice is Notice.ATTEMPT_FAILED:
                asyncio.get_running_loop().call_later(0.3, self.look, progress.job_id)

        def look(self, job: str) -> None:
            seen.append(queries.get_job(bench.database(), job).state)

    options = bench.options(retry=["1,delay=2"])
    prepared = bench.prepare(alone(failing(bench, 1)), None, options)
    assert asyncio.run(api.execute(prepared, options, Watcher())).state is RunState.COMPLETED
    assert seen == [JobState.RUNNING]


# -- more memory, more time ---------------------------------------------------------------------


def ends(monkeypatch: pytest.MonkeyPatch, by_number: dict[int, Ended]) -> None:
    """Let attempts of some numbers end in a way that no test can bring about."""
    wait = LocalConnector.wait

    async def waited(self: LocalConnector, location: str, handle: Handle) -> Ended:
        ended = await wait(self, location, handle)
        return by_number.get(int(handle.directory.rpartition(".")[2].partition("-")[0]), ended)

    monkeypatch.setattr(LocalConnector, "wait", waited)


def out_of_memory(peak: int) -> Ended:
    return Ended(Ending.OUT_OF_MEMORY, 137, 9, Figures(peak_rss=peak * MIB))


def test_what_ran_out_of_memory_is_given_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, {1: out_of_memory(61), 2: out_of_memory(127)})
    tool = failing(
        bench,
        0,
        requirements={"ResourceRequirement": {"ramMin": 64}, "InlineJavascriptRequirement": {}},
        arguments=["$(runtime.ram)"],
    )
    ran = bench.run(alone(tool), retry=[f"3,on=memory,{NOW}"])
    assert text(ran.outputs["o"]) == "3 256\n"
    attempts = ran.attempts("/s")
    assert [row.ram for row in attempts] == [64, 128, 256]
    assert errors(ran) == [
        "killed by the kernel for want of memory: peak 61 of 64 MiB; next: attempt 2 with 128 MiB",
        "killed by the kernel for want of memory: peak 127 of 128 MiB; next: attempt 3 with 256 MiB",
        None,
    ]
    assert [row.reason for row in attempts] == [
        None,
        "attempt 1 ran out of memory: 128 MiB instead of 64",
        "attempt 2 ran out of memory: 256 MiB instead of 128",
    ]


def test_the_factor_of_memory_is_the_steps_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    ends(monkeypatch, {1: out_of_memory(61)})
    tool = failing(bench, 0, requirements={"ResourceRequirement": {"ramMin": 64}})
    ran = bench.run(alone(tool), retry=["1,memory=4", f"/s:1,memory=1.5,{NOW}"])
    assert [row.ram for row in ran.attempts("/s")] == [64, 96]


def test_no_job_gets_more_memory_than_there_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from recrate.core import places

    capacity = places.capacity_of
    monkeypatch.setattr(places, "capacity_of", lambda *said: replace(capacity(*said), ram=100))
    ends(monkeypatch, {1: out_of_memory(61), 2: out_of_memory(100), 3: out_of_memory(100)})
    tool = failing(bench, 0, requirements={"ResourceRequirement": {"ramMin": 64}})
    ran = bench.run(alone(tool), retry=[f"2,{NOW}"])
    assert [row.ram for row in ran.attempts("/s")] == [64, 100, 100]
    spent = "killed by the kernel for want of memory: peak 100 of 100 MiB; that is all the memory that this place has"
    assert errors(ran)[1:] == [f"{spent}; next: attempt 3", spent]
    assert ran.result.state is RunState.FAILED


def test_what_ran_out_of_time_is_given_more_when_asked(bench: Bench) -> None:
    tool = failing(bench, 9, "sleep 2", requirements={"ToolTimeLimit": {"timelimit": 1}})
    ran = bench.run(alone(tool), retry=[f"1,on=time,time=20,{NOW}"])
    assert [row.time_limit for row in ran.attempts("/s")] == [1, 20]
    first, second = ran.attempts("/s")
    assert (first.error or "").startswith("ended after its time limit of 1 s")
    assert (first.error or "").endswith("; next: attempt 2 with a limit of 20 s")
    assert second.reason == "attempt 1 ended after its time limit: 20 s instead of 1 s"


# -- what was said is kept ----------------------------------------------------------------------


def test_a_run_that_is_resumed_has_its_policies_and_what_it_learnt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, {1: out_of_memory(61), 2: out_of_memory(190)})
    tool = failing(bench, 2, requirements={"ResourceRequirement": {"ramMin": 64}})
    ran = bench.run(alone(tool), retry=[f"/s:1,on=memory,memory=3,{NOW}", "/s:2,on=exit,delay=0.1"])
    assert ran.result.state is RunState.FAILED
    settings = Settings.of(queries.get_run(ran.database, ran.id))
    assert [(limit.limit, limit.step) for limit in settings.limits] == [(1, "/s"), (2, "/s")]
    assert json.loads(json.dumps(settings.policies.as_json())) == settings.policies.as_json()
    assert resume(ran.id, store=bench.store).state is RunState.COMPLETED
    attempts = ran.attempts("/s")
    assert [row.ram for row in attempts] == [64, 192, 576]
    assert attempts[-1].reason == "the run was resumed: 576 MiB instead of 64"


def test_what_waited_when_its_controller_was_killed_is_tried_again_at_once(bench: Bench) -> None:
    document = bench.write("doc.cwl", alone(failing(bench, 1)))
    options = ["--store", bench.store, "--work", str(bench.directory / "work"), "--outdir", str(bench.directory)]
    command = [sys.executable, "-m", "recrate", "run", str(document), "--retry", "1,delay=200", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as controller:
        assert controller.stderr is not None
        assert any("next: attempt 2" in line for line in controller.stderr)
        latest = time.monotonic() + 30
        while not _is_on_record(bench) and time.monotonic() < latest:
            time.sleep(0.05)
        controller.kill()
    begun = time.monotonic()
    assert resume("last", store=bench.store).state is RunState.COMPLETED
    assert time.monotonic() - begun < 30
    with open_store(bench.store) as store:
        rows = list(queries.all_attempts(store.database, _run(bench)))
    assert [(row.number, row.reason) for row in rows] == [(1, None), (2, "the run was resumed")]


def _run(bench: Bench) -> str:
    with open_store(bench.store) as store:
        return queries.resolve(store.database, queries.Kind.RUN, "last")


def _is_on_record(bench: Bench) -> bool:
    with open_store(bench.store) as store:
        return any(row.ended is not None for row in queries.all_attempts(store.database, _run(bench)))


@pytest.mark.parametrize("rule", ["/x:1", "1,on=never", "1,speed=2"])
def test_a_rule_that_is_wrong_is_told_before_anything_is_on_record(rule: str, bench: Bench) -> None:
    with pytest.raises(UsageError, match="--retry"):
        bench.run(alone(failing(bench, 1)), retry=[rule])
    assert not os.path.exists(bench.store)


def test_a_job_that_removes_its_own_input_is_believed_in_the_end(bench: Bench) -> None:
    make = shell({}, {"o": "stdout"}, "echo x")
    remove = shell(
        {"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'rm "$(readlink -f "$1")"; echo removed'
    )
    steps = {
        "make": {"run": make, "in": {}, "out": ["o"]},
        "remove": {"run": remove, "in": {"f": "make/o"}, "out": ["o"]},
    }
    ran = bench.run(workflow({}, {"o": {"type": "File", "outputSource": "remove/o"}}, steps))
    assert text(ran.outputs["o"]) == "removed\n"
    assert endings(ran, "/remove") == ["failed", "failed", "completed"]
    assert errors(ran, "/remove")[0] == "its inputs were removed while it ran"
