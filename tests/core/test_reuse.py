"""Results of earlier jobs are taken when asked for, and only when they are what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recrate.api import RunOptions, RunResult, run
from recrate.core.uris import to_path
from recrate.provenance import queries
from recrate.provenance.states import JobState
from recrate.provenance.store import open_store


class Bench:
    """Runs one tool again and again in one store; each execution appends a line to a file outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = folder / "count"
        self.data = folder / "data.txt"
        self.data.write_text("content")

    def run(self, *, reuse: bool = True, **changes: Any) -> RunResult:
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
            store=str(self.folder / "store.db"), work=self.folder / "work", containers="none", reuse=reuse
        )
        return run(document, {"data": self.data, **changes}, options=options)

    @property
    def executions(self) -> int:
        return len(self.count.read_text().splitlines())

    def state(self, result: RunResult) -> JobState:
        with open_store(str(self.folder / "store.db")) as store:
            (job,) = queries.jobs(store.database, result.id)
            return job.state


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_same_work_is_done_once(bench: Bench) -> None:
    first, second = bench.run(), bench.run()
    assert bench.executions == 1
    assert (bench.state(first), bench.state(second)) == (JobState.COMPLETED, JobState.CACHED)
    assert first.outputs["out"]["checksum"] == second.outputs["out"]["checksum"]


def test_nothing_is_taken_unless_asked_for(bench: Bench) -> None:
    bench.run()
    assert bench.state(bench.run(reuse=False)) is JobState.COMPLETED
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
    assert Path(to_path(again.outputs["out"]["location"])).read_text() == "contenta\n"
    assert bench.executions == 2
