"""Results of other runs are taken, unless somebody minds, and only when they are what they were."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from recrate.api import RunOptions, RunResult, run
from recrate.core import reuse
from recrate.core.contents import Contents
from recrate.core.layout import Layout
from recrate.core.machine.events import OnError
from recrate.core.plan import CommandPlan, Request, Runtime
from recrate.core.records import image_row
from recrate.core.uris import to_path
from recrate.provenance import queries
from recrate.provenance.removal import collect, forget_results, remove_run
from recrate.provenance.rows import JobRow, RunRow
from recrate.provenance.statements import Update
from recrate.provenance.states import JobState, Keep, RunState
from recrate.provenance.store import Store, open_store
from recrate.runs import resume


def text_of(item: dict[str, Any]) -> str:
    return Path(to_path(item["location"])).read_text()


class Bench:
    """Runs one tool again and again in one store; each execution appends a line to a file outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = folder / "count"
        self.data = folder / "data.txt"
        self.data.write_text("content")

    def run(self, *, cache: bool = True, outdir: Path | None = None, **changes: Any) -> RunResult:
        script = f"echo ran >> {self.count}; cat $1; echo $2"
        tool = {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "baseCommand": ["sh", "-c", script, "sh"],
            "inputs": {
                "data": {"type": "File", "inputBinding": {"position": 1}},
                "word": {"type": "string", "default": "a", "inputBinding": {"position": 2}},
            },
            "outputs": {"out": {"type": "stdout"}},
            "stdout": "out.txt",
            **changes.pop("tool", {}),
        }
        document = self.folder / "tool.cwl"
        document.write_text(json.dumps(tool))
        options = RunOptions(
            store=str(self.folder / "store.db"),
            work=self.folder / "work",
            containers="none",
            cache=cache,
            outdir=outdir,
        )
        return run(document, {"data": self.data, **changes}, options=options)

    @property
    def executions(self) -> int:
        return len(self.count.read_text().splitlines())

    @property
    def store(self) -> Store:
        return open_store(str(self.folder / "store.db"))

    def job(self, result: RunResult) -> JobRow:
        with self.store as store:
            (job,) = queries.jobs(store.database, result.id)
            return job

    def state(self, result: RunResult) -> JobState:
        return self.job(result).state


WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
}


class Flow:
    """Runs workflows of shell scripts in one store; what a script does with `>> $LOG` can be counted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.log.write_text("")

    def tool(self, script: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        bound = {name: {"type": kind, "inputBinding": {}} for name, kind in (inputs or {}).items()}
        return {
            "class": "CommandLineTool",
            "baseCommand": ["sh", "-c", script.replace("$LOG", str(self.log)), "sh"],
            "inputs": bound,
            "outputs": {"o": "stdout"},
            "stdout": "out.txt",
            **more,
        }

    def run(self, document: dict[str, Any], inputs: dict[str, Any], **options: Any) -> RunResult:
        path = self.folder / "flow.cwl"
        path.write_text(json.dumps({"cwlVersion": "v1.2", **document}))
        given = {"store": str(self.folder / "store.db"), "work": self.folder / "work", "containers": "none"}
        return run(path, inputs, options=RunOptions(**(given | options)))

    def states(self, result: RunResult) -> dict[str, str]:
        with open_store(str(self.folder / "store.db")) as store:
            return {job.path: job.state.value for job in queries.jobs(store.database, result.id) if job.path != "/"}

    def done(self) -> list[str]:
        """Return what was done since this was last asked."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return sorted(lines)


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_same_work_is_done_once(bench: Bench) -> None:
    first, second = bench.run(), bench.run()
    assert bench.executions == 1
    assert (bench.state(first), bench.state(second)) == (JobState.COMPLETED, JobState.CACHED)
    assert first.outputs["out"]["checksum"] == second.outputs["out"]["checksum"]


def test_nothing_is_taken_when_it_is_not_wanted(bench: Bench) -> None:
    bench.run()
    assert bench.state(bench.run(cache=False)) is JobState.COMPLETED
    assert bench.executions == 2


def test_an_input_elsewhere_with_the_same_content_is_the_same(bench: Bench) -> None:
    bench.run()
    bench.data = bench.folder / "elsewhere" / "data.txt"
    bench.data.parent.mkdir()
    bench.data.write_text("content")
    assert bench.state(bench.run()) is JobState.CACHED


@pytest.mark.parametrize("change", ["content", "value", "output", "environment"])
def test_what_differs_is_run(bench: Bench, change: str) -> None:
    bench.run()
    if change == "content":
        bench.data.write_text("other")
    changes: dict[str, Any] = {"word": "b"} if change == "value" else {}
    if change == "output":
        changes["tool"] = {"outputs": {"out": {"type": "File", "outputBinding": {"glob": "*.txt"}}}}
    if change == "environment":
        changes["tool"] = {"requirements": {"EnvVarRequirement": {"envDef": {"X": "1"}}}}
    assert bench.state(bench.run(**changes)) is JobState.COMPLETED
    assert bench.executions == 2


def test_a_tool_that_forbids_it_is_run_each_time(bench: Bench) -> None:
    tool = {"requirements": {"WorkReuse": {"enableReuse": False}}}
    bench.run(tool=tool)
    bench.run(tool=tool)
    assert bench.executions == 2


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_result_that_is_no_longer_what_it_was_is_made_again(bench: Bench, damage: str) -> None:
    first = bench.run()
    path = Path(to_path(first.outputs["out"]["location"]))
    if damage == "gone":
        path.unlink()
    else:
        path.write_text("forged!")
    again = bench.run()
    assert bench.state(again) is JobState.COMPLETED
    assert text_of(again.outputs["out"]) == "contenta\n"
    assert bench.executions == 2


def test_an_older_result_is_taken_when_the_newest_is_damaged(bench: Bench) -> None:
    bench.run()
    second = bench.run(cache=False)
    Path(to_path(second.outputs["out"]["location"])).unlink()
    third = bench.run()
    assert bench.state(third) is JobState.CACHED
    assert bench.executions == 2


def test_what_a_run_that_goes_on_has_completed_is_taken(bench: Bench) -> None:
    first = bench.run()
    with bench.store as store:
        store.write(Update(RunRow, (first.id,), {"state": RunState.RUNNING, "ended": None}))
    assert bench.state(bench.run()) is JobState.CACHED


def key_of(bench: Bench, image_id: str | None, **request: Any) -> str | None:
    directory = str(bench.folder / "attempt ☃")
    layout = Layout.of(directory, None)
    runtime = Runtime(layout.outdir, layout.tmpdir, layout.inputs)
    plan = CommandPlan(("cat", f"{layout.inputs}/x"), {}, Request(**request), runtime, {})
    with bench.store as store:
        return reuse.Reuse(store, Contents(), "0" * 16).key(plan, layout, "outputs", image_id)


def test_another_digest_of_an_image_is_another_work(bench: Bench) -> None:
    images = [image_row("debian", "12", f"sha256:{digit * 64}", "linux/amd64", "docker").id for digit in "ab"]
    keys = [key_of(bench, image) for image in (*images, None, images[0])]
    assert len(set(keys)) == 3
    assert keys[0] == keys[3]


def test_what_changes_its_inputs_in_place_is_never_taken(bench: Bench) -> None:
    assert key_of(bench, None) is not None
    assert key_of(bench, None, inplace_update=True) is None


def test_of_two_results_that_differ_the_newest_is_taken(flow: Flow) -> None:
    tool = flow.tool("echo x >> $LOG; wc -l < $LOG")
    texts = []
    for cache in (False, False, True, True):
        result = flow.run(tool, {}, cache=cache)
        texts.append(text_of(result.outputs["o"]).strip())
    assert texts == ["1", "2", "2", "2"]


def test_the_record_says_whose_result_was_taken(bench: Bench) -> None:
    first, second, third = bench.run(), bench.run(), bench.run()
    with bench.store as store:
        (made,) = queries.attempts(store.database, bench.job(first).id)
    for result, giver in ((second, first), (third, second)):
        job = bench.job(result)
        assert (job.cached_from, job.reason) == (made.id, f"its result was taken from run {giver.name}")
        assert job.inputs_hash == bench.job(first).inputs_hash


def test_outputs_that_were_taken_are_delivered(bench: Bench) -> None:
    bench.run(outdir=bench.folder / "one")
    shutil.rmtree(bench.folder / "one")
    second = bench.run(outdir=bench.folder / "two")
    assert bench.state(second) is JobState.CACHED
    assert (bench.folder / "two" / "out.txt").read_text() == "contenta\n"


def test_an_input_that_only_an_output_refers_to_counts(flow: Flow) -> None:
    tool = flow.tool("echo x >> $LOG") | {
        "inputs": {"word": "string"},
        "outputs": {"o": {"type": "string", "outputBinding": {"outputEval": "$(inputs.word)"}}},
    }
    del tool["stdout"]
    assert [flow.run(tool, {"word": word}).outputs["o"] for word in ("a", "b", "a")] == ["a", "b", "a"]
    assert len(flow.done()) == 2


def test_a_scatter_is_taken_as_a_whole(flow: Flow) -> None:
    document = scatter(flow.tool("echo $1 >> $LOG; echo $1", {"x": "string"}))
    words = {"xs": ["a", "b", "c", "b"]}
    first = flow.run(document, words)
    assert flow.done() == ["a", "b", "b", "c"]
    second = flow.run(document, words)
    assert (flow.done(), set(flow.states(second).values())) == ([], {"cached"})
    contents = [[text_of(item) for item in result.outputs["o"]] for result in (first, second)]
    assert contents[0] == contents[1] == ["a\n", "b\n", "c\n", "b\n"]


def scatter(tool: dict[str, Any]) -> dict[str, Any]:
    return WORKFLOW | {
        "inputs": {"xs": "string[]"},
        "outputs": {"o": {"type": "File[]", "outputSource": "s/o"}},
        "steps": {"s": {"run": tool, "scatter": "x", "in": {"x": "xs"}, "out": ["o"]}},
    }


def test_ten_draws_are_ten_draws_also_when_they_are_taken(flow: Flow) -> None:
    document = scatter(flow.tool("echo x >> $LOG; head -c 8 /dev/urandom | od -An -tx1", {"x": "string"}))
    draws = []
    for count in (10, 10, 12):
        result = flow.run(document, {"xs": ["same"] * count}, jobs=4)
        draws.append([text_of(item) for item in result.outputs["o"]])
    assert len(set(draws[0])) == 10
    assert draws[1] == draws[0]
    assert len(set(draws[2])) == 12
    assert draws[2][:10] == draws[0]
    assert len(flow.done()) == 10 + 0 + 2


def test_a_changed_byte_runs_only_what_depends_on_it(flow: Flow) -> None:
    for name in ("a", "b"):
        (flow.folder / name).write_text(f"{name}1")
    copy = flow.tool("echo copy $(cat $1) >> $LOG; cat $1", {"f": "File"})
    length = flow.tool("echo count $(cat $1) >> $LOG; wc -c < $1", {"f": "File"})
    end = flow.tool("echo end $(cat $1) >> $LOG; cat $1", {"f": "File"})
    document = WORKFLOW | {
        "inputs": {"a": "File", "b": "File"},
        "outputs": {"o": {"type": "File", "outputSource": "end/o"}},
        "steps": {
            "one": {"run": copy, "in": {"f": "a"}, "out": ["o"]},
            "other": {"run": copy, "in": {"f": "b"}, "out": ["o"]},
            "length": {"run": length, "in": {"f": "one/o"}, "out": ["o"]},
            "end": {"run": end, "in": {"f": "length/o"}, "out": ["o"]},
        },
    }
    inputs = {"a": flow.folder / "a", "b": flow.folder / "b"}
    flow.run(document, inputs)
    assert flow.done() == ["copy a1", "copy b1", "count a1", "end 2"]
    (flow.folder / "a").write_text("a2")
    changed = flow.run(document, inputs)
    assert flow.done() == ["copy a2", "count a2"]  # the length is the same, so that `end` has nothing new
    assert flow.states(changed) == {"/one": "completed", "/other": "cached", "/length": "completed", "/end": "cached"}


def test_what_a_failed_run_completed_is_taken(flow: Flow) -> None:
    ok = flow.tool("echo ok >> $LOG; echo ok")
    bad = flow.tool("echo bad >> $LOG; test -e $(dirname $LOG)/cure")
    document = WORKFLOW | {
        "inputs": {},
        "outputs": {"o": {"type": "File", "outputSource": "ok/o"}},
        "steps": {"ok": {"run": ok, "in": {}, "out": ["o"]}, "bad": {"run": bad, "in": {}, "out": ["o"]}},
    }
    assert flow.run(document, {}, on_error=OnError.CONTINUE).state is RunState.FAILED
    assert flow.done() == ["bad", "ok"]
    (flow.folder / "cure").touch()
    assert flow.run(document, {}).state is RunState.COMPLETED
    assert flow.done() == ["bad"]


@pytest.mark.parametrize("cache", [True, False])
def test_a_resumed_run_takes_results_as_it_was_told_to(flow: Flow, cache: bool) -> None:
    first = flow.tool("echo first >> $LOG; test -e $(dirname $LOG)/cure")
    then = flow.tool("echo then >> $LOG; echo then", {"f": "File"})
    document = WORKFLOW | {
        "inputs": {},
        "outputs": {"o": {"type": "File", "outputSource": "then/o"}},
        "steps": {
            "first": {"run": first, "in": {}, "out": ["o"]},
            "then": {"run": then, "in": {"f": "first/o"}, "out": ["o"]},
        },
    }
    failed = flow.run(document, {}, cache=cache)
    (flow.folder / "cure").touch()
    flow.run(document, {}, cache=False)
    flow.done()
    resumed = resume(failed.id, store=str(flow.folder / "store.db"))
    assert resumed.state is RunState.COMPLETED
    assert flow.done() == ([] if cache else ["first", "then"])


def test_a_result_outlives_the_run_that_made_it_while_another_one_has_it(bench: Bench) -> None:
    first = bench.run()
    bench.run()
    with bench.store as store:
        remove_run(store, first.id)
        collect(store)
    assert bench.state(bench.run()) is JobState.CACHED
    assert bench.executions == 1


def test_a_result_goes_with_its_run_when_nobody_else_has_it(bench: Bench) -> None:
    first = bench.run()
    with bench.store as store:
        remove_run(store, first.id)
        collect(store)
    assert bench.state(bench.run()) is JobState.COMPLETED


@pytest.mark.parametrize("moment", ["before it is claimed", "after it was claimed"])
def test_what_is_removed_at_the_same_time_is_not_taken_and_what_is_taken_is_not_removed(
    bench: Bench, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.run()
    with bench.store as store:
        store.write(Update(RunRow, (first.id,), {"keep": Keep.NONE}))

    def tidied(function: Any) -> Any:
        def called(*arguments: Any) -> Any:
            answer = function(*arguments)
            with bench.store as store:
                collect(store)
            return answer

        return called

    if moment == "before it is claimed":
        monkeypatch.setattr(reuse, "is_intact", tidied(reuse.is_intact))
    else:
        monkeypatch.setattr(reuse.Reuse, "_is_kept", tidied(reuse.Reuse._is_kept))
    second = bench.run()
    monkeypatch.undo()
    taken = moment == "after it was claimed"
    assert bench.state(second) is (JobState.CACHED if taken else JobState.COMPLETED)
    assert text_of(second.outputs["out"]) == "contenta\n"
    with bench.store as store:
        held = list(queries.replicas_of_run(store.database, second.id, valid=True))
    assert all(os.path.exists(row.path) for row in held)


def test_a_value_that_held_a_secret_is_not_taken(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = flow.tool("echo x >> $LOG; printf hunter2") | {
        "outputs": {"o": {"type": "string", "outputBinding": {"glob": "out.txt", "loadContents": True,
                                                             "outputEval": "$(self[0].contents)"}}},
    }  # fmt: skip
    monkeypatch.setenv("RECRATE_SECRETS", "WORD")
    monkeypatch.setenv("WORD", "hunter2")
    assert [flow.run(tool, {}).outputs["o"] for _ in range(2)] == ["hunter2", "hunter2"]
    monkeypatch.delenv("RECRATE_SECRETS")
    assert flow.run(tool, {}).outputs["o"] == "hunter2"


def test_after_results_were_forgotten_everything_runs_again(bench: Bench) -> None:
    first, _ = bench.run(), bench.run()
    with bench.store as store:
        assert forget_results(store) == 1
    assert bench.state(bench.run()) is JobState.COMPLETED
    assert bench.job(first).state is JobState.COMPLETED
    assert bench.executions == 2


def test_results_of_one_run_are_forgotten_with_whoever_took_them(bench: Bench) -> None:
    first, _, other = bench.run(), bench.run(), bench.run(word="b")
    with bench.store as store:
        assert forget_results(store, first.id) == 1
        assert [result.run_id for result in queries.cached_results(store.database)] == [other.id]
    assert bench.state(bench.run()) is JobState.COMPLETED
    assert bench.state(bench.run(word="b")) is JobState.CACHED
