"""A job records numbers of itself: they are in the store with its attempt, and nothing else changes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from testbed import containers

from recrate import api
from recrate.core.observer import Notice, Progress, Silent
from recrate.provenance import queries
from recrate.provenance.rows import MetricRow
from recrate.provenance.states import RunState

from .bench import Bench, Ran, shell, text

TRAIN = """for i in 1 2; do echo '{"loss": 0.'$i', "step": '$i'}' >>"$RECRATE_METRICS"; done; echo done"""


def tool(script: str, **more: Any) -> dict[str, Any]:
    return {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, script, stdout="o.txt"), **more}


def metrics(ran: Ran, number: int = 1) -> list[tuple[str, int | None, float | None]]:
    rows = ran.database.rows(MetricRow, "WHERE attempt_id = ? ORDER BY position", (ran.attempts("/")[number - 1].id,))
    return [(row.name, row.step, row.value) for row in rows]


def test_what_a_job_writes_is_recorded_with_its_attempt(bench: Bench) -> None:
    ran = bench.run(tool(TRAIN))
    assert metrics(ran) == [("loss", 1, 0.1), ("loss", 2, 0.2)]
    assert text(ran.outputs["o"]) == "done\n"
    assert ran.attempts("/")[0].warning is None


def test_the_file_is_no_output(bench: Bench) -> None:
    ran = bench.run(tool(TRAIN + "; ls -A"))
    assert text(ran.outputs["o"]) == "done\no.txt\n"


def test_a_job_that_fails_has_recorded_how_far_it_came(bench: Bench) -> None:
    ran = bench.run(tool(TRAIN + "; exit 1"))
    assert ran.result.state is RunState.FAILED
    assert metrics(ran) == [("loss", 1, 0.1), ("loss", 2, 0.2)]


def test_each_attempt_has_its_own(bench: Bench) -> None:
    count = bench.directory / "count"
    script = (
        f"""echo x >>{count}; echo '{{"try": '$(wc -l <{count})'}}' >>"$RECRATE_METRICS"; [ $(wc -l <{count}) = 2 ]"""
    )
    ran = bench.run(tool(script), retries=1)
    assert [metrics(ran, number) for number in (1, 2)] == [[("try", None, 1.0)], [("try", None, 2.0)]]


def test_lines_that_cannot_be_read_are_a_warning_and_no_failure(bench: Bench) -> None:
    heard: list[str] = []

    class Hearing(Silent):
        def notify(self, progress: Progress) -> None:
            if progress.notice is Notice.WARNING:
                heard.append(progress.text)

    options = bench.options()
    prepared = bench.prepare(
        tool("""echo junk >"$RECRATE_METRICS"; echo '{"f1": 1}' >>"$RECRATE_METRICS" """), None, options
    )
    ran = Ran(asyncio.run(api.execute(prepared, options, Hearing())), prepared.body, bench.database())
    said = "a line of its metrics cannot be read: line 1: it is no JSON"
    assert ran.result.state is RunState.COMPLETED and metrics(ran) == [("f1", None, 1.0)]
    assert ran.attempts("/")[0].warning == said
    assert heard == [f"/ #1: {said}"]


@pytest.mark.parametrize("made", ["mkdir", "mkfifo", "ln -s /etc/passwd"])
def test_what_is_no_plain_file_is_not_read(bench: Bench, made: str) -> None:
    ran = bench.run(tool(f'{made} "$RECRATE_METRICS"'))
    assert ran.result.state is RunState.COMPLETED and metrics(ran) == []
    assert ran.attempts("/")[0].warning == "its metrics cannot be read: it is no plain file"


def test_a_tool_may_have_the_variable_for_itself(bench: Bench) -> None:
    own = {"requirements": {"EnvVarRequirement": {"envDef": {"RECRATE_METRICS": "mine"}}}}
    ran = bench.run(tool('printf %s "$RECRATE_METRICS"', **own))
    assert text(ran.outputs["o"]) == "mine"


def test_a_secret_is_masked_in_what_is_recorded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRATE_SECRETS", "MINE")
    monkeypatch.setenv("MINE", "hunter2")
    ran = bench.run(tool("""echo '{"of hunter2": 1}' >"$RECRATE_METRICS" """))
    assert metrics(ran) == [("of ***", None, 1.0)]


def test_the_environment_is_the_same_for_all_attempts(bench: Bench) -> None:
    first, second = bench.run(tool(TRAIN), cache=False), bench.run(tool(TRAIN), cache=False)
    (one,), (two,) = first.attempts("/"), second.attempts("/")
    assert one.environment_id == two.environment_id
    detail = queries.attempt_detail(first.database, one)
    assert detail.environment["RECRATE_METRICS"] == "$(runtime.tmpdir)/metrics.jsonl"


def test_a_job_in_a_container_writes_them_to_a_path_of_its_own(bench: Bench) -> None:
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(containers.podman())
        except containers.Unavailable as reason:
            pytest.skip(str(reason))
        stack.enter_context(containers.given(engine))
        engine.import_image("localhost/lab/busybox:1", "busybox")
        image = {"requirements": {"DockerRequirement": {"dockerImageId": "localhost/lab/busybox:1"}}}
        ran = bench.run(tool('echo "$RECRATE_METRICS"; ' + TRAIN, **image), containers=engine.program)
    assert text(ran.outputs["o"]) == "/tmp/metrics.jsonl\ndone\n"
    assert metrics(ran) == [("loss", 1, 0.1), ("loss", 2, 0.2)]
