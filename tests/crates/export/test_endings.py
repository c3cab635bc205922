"""Crates of runs that ended otherwise than they should, or went on after that: each is valid, and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cratebed.checking import checked, shown

import recrate
from recrate.crates.export.lines import LINES
from recrate.provenance.rows import AttemptRow
from recrate.provenance.store import open_store
from recrate.runs import cancel

from .conftest import COPY, SAY, Crate, Exporter, Runner, names, output, tool, workflow

COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"


def action_of_the_run(crate: Crate) -> dict[str, Any]:
    return next(one for one in crate.graph.values() if one["@id"].startswith("#run/") and "instrument" in one)


def attempts(crate: Crate) -> list[dict[str, Any]]:
    return [one for one in crate.graph.values() if "attemptNumber" in one]


@pytest.fixture
def exported(export: Exporter) -> Callable[[], Crate]:
    """Exports the last run on both lines and validates them; returns the crate of the first."""

    def both() -> Crate:
        crates = [export(line=line, license="CC0-1.0") for line in LINES.values()]
        reports = [checked(crate.path) for crate in crates]
        assert not any(report.issues for report in reports), shown(reports)
        return crates[0]

    return both


@pytest.fixture
def started(tmp_path: Path) -> Callable[[int], subprocess.Popen[bytes]]:
    """Starts a run of a tool that sleeps, and waits until it does."""

    def start(seconds: int) -> subprocess.Popen[bytes]:
        document = {"cwlVersion": "v1.2", **tool(f"sleep {seconds}; echo $1", {"text": "string"}, {"out": "stdout"})}
        (tmp_path / "tool.cwl").write_text(json.dumps(document))
        places = ["--store", "store.db", "--work", "work"]
        command = [sys.executable, "-m", "recrate", "run", "tool.cwl", "--set", "text=x", "--quiet", *places]
        process = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, "RECRATE_DOCUMENT_CACHE": ""})
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not running(tmp_path / "store.db"):
            time.sleep(0.05)
        return process

    return start


def running(path: Path) -> bool:
    if not path.exists():
        return False
    with open_store(str(path)) as store:
        return any(row.native_id for row in store.database.rows(AttemptRow))


def test_a_run_that_was_cancelled(
    started: Callable[[int], subprocess.Popen[bytes]], exported: Callable[[], Crate], tmp_path: Path
) -> None:
    process = started(60)
    cancel("last", store=str(tmp_path / "store.db"))
    process.wait(30)
    crate = exported()
    assert action_of_the_run(crate)["error"] == "it was cancelled"
    (attempt,) = attempts(crate)
    assert attempt["actionStatus"] == FAILED and attempt["error"] and "endTime" in attempt


def test_a_run_whose_controller_was_killed(
    started: Callable[[int], subprocess.Popen[bytes]], exported: Callable[[], Crate]
) -> None:
    process = started(2)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    crate = exported()
    assert action_of_the_run(crate)["error"] == "its controller was gone before the end"
    (attempt,) = attempts(crate)
    assert attempt["error"] == "its end is not on record" and "endTime" not in attempt


def test_a_run_that_was_gone_on_with(run: Runner, exported: Callable[[], Crate], tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    broken = tool(f"[ -e {flag} ] && echo now", {}, {"out": "stdout"})
    run(workflow({}, {"out": output("File", "try/out")}, {"try": {"run": broken, "in": {}, "out": ["out"]}}))
    flag.touch()
    recrate.resume("last", store=str(tmp_path / "store.db"))
    crate = exported()
    assert [one["actionStatus"] for one in attempts(crate)] == [FAILED, COMPLETED]
    assert action_of_the_run(crate)["actionStatus"] == COMPLETED


def test_a_run_that_had_a_lost_file_made_again(run: Runner, exported: Callable[[], Crate], tmp_path: Path) -> None:
    remove = tool(f"find {tmp_path}/work -name said.txt -delete; echo gone", {"after": "File"}, {"out": "stdout"})
    count = tool("wc -c < $1", {"file": "File"}, {"out": "stdout"})
    steps = {
        "make": {"run": SAY, "in": {"text": "text"}, "out": ["out"]},
        "count": {"run": count, "in": {"file": "make/out"}, "out": ["out"]},
        "lose": {"run": remove, "in": {"after": "count/out"}, "out": ["out"]},
        "use": {"run": {**COPY, "inputs": {**COPY["inputs"], "after": "File"}, "stdout": "used.txt"},
                "in": {"file": "make/out", "after": "lose/out"}, "out": ["out"]},
    }  # fmt: skip
    run(workflow({"text": "string"}, {"out": output("File", "use/out")}, steps), {"text": "x"})
    crate = exported()
    first, second = crate.at(crate.named("step /make")["object"])
    assert (first["attemptNumber"], second["attemptNumber"]) == (1, 2)
    assert second["attemptReason"] and first["result"] == second["result"]
    assert names(crate.at(second["result"])) == ["said.txt"]


def test_a_run_whose_results_were_taken_from_another(run: Runner, exported: Callable[[], Crate]) -> None:
    for cache in (False, True):
        run(SAY, {"text": "x"}, cache=cache)
    crate = exported()
    assert not attempts(crate)
    (action,) = [one for one in crate.graph.values() if "cachedFrom" in one]
    assert crate.at(action["result"]) and crate.root["conformsTo"]
