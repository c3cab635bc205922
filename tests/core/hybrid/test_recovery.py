"""Places that are lost in mid-run, for a while or for good: the right result, by as few jobs as can be."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from recrate.core import placement, sites, transport
from recrate.core.binding import Target
from recrate.core.model import Body
from recrate.provenance.rows import ReplicaRow
from recrate.provenance.states import AttemptState, RunState, TransferState
from recrate.runs import resume_async

from ...elsewhere.program import begun, installed, write_file
from ..engine.bench import Ran, shell, text, workflow
from .fields import Fields, ran_at, transfers

MAKE = shell({"n": {"type": "int", "inputBinding": {}}}, {"o": "stdout"}, 'echo "made $1"', stdout="made.txt")
COPY = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$1"', stdout="copy.txt")
SLOW = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'sleep 1; cat "$1"', stdout="copy.txt")
BOTH = (Target("east"), Target("west"))


def chain(*tools: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow that makes a file in `make`, and hands it from `s0` to `s1` and on."""
    steps: dict[str, Any] = {"make": {"run": MAKE, "in": {"n": "n"}, "out": ["o"]}}
    last = "make"
    for number, tool in enumerate(tools):
        steps[f"s{number}"] = {"run": tool, "in": {"f": f"{last}/o"}, "out": ["o"]}
        last = f"s{number}"
    return workflow({"n": "int"}, {"o": {"type": "File", "outputSource": f"{last}/o"}}, steps)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places that do not answer are given up soon."""
    monkeypatch.setattr(sites, "PATIENCE_SECONDS", 0.6)
    monkeypatch.setattr(sites, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(sites, "LONGEST_WAIT", 0.1)
    monkeypatch.setattr(placement, "PATIENCE_SECONDS", 3.0)
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)


def when(path: Callable[[], Any], act: Callable[[], None]) -> threading.Thread:
    """Do something as soon as something is there."""

    def run() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not path():
            time.sleep(0.01)
        act()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def started(fields: Fields, place: str) -> Callable[[], bool]:
    """Tell whether the job `sleep 1` has begun at a place."""
    return lambda: any(
        any(script.parent.glob("claim*")) and "sleep 1" in script.read_text()
        for script in fields.path(place).glob("work/*/*/script")
    )


def test_a_link_that_is_cut_for_a_while_loses_nothing_and_nothing_runs_twice(fields: Fields) -> None:
    def cut() -> None:
        fields.cut("east")
        time.sleep(0.3)
        fields.mend("east")

    watching = when(started(fields, "east"), cut)
    ran = fields.run(chain(SLOW), {"n": 1}, fields.binding({"/": "east"}))
    watching.join()
    assert text(ran.outputs["o"]) == "made 1\n"
    assert len(ran.attempts("/s0")) == 1


def test_a_place_that_is_lost_for_good_has_its_jobs_done_elsewhere(fields: Fields) -> None:
    def lose() -> None:
        fields.cut("east")

    watching = when(started(fields, "east"), lose)
    ran = fields.run(chain(SLOW), {"n": 1}, fields.binding({"/make": BOTH, "/s0": BOTH}))
    watching.join()
    assert text(ran.outputs["o"]) == "made 1\n"
    assert ran_at(ran, "/s0") == ["east", "west"]
    assert ran_at(ran, "/make") == ["east", "west"]  # what only the lost place had is made again
    again = ran.attempts("/make")[1]
    assert again.reason is not None and again.state is AttemptState.COMPLETED


def test_what_another_place_has_too_is_not_made_again(fields: Fields) -> None:
    """The file of `make` is on the controller, since an earlier job of the run was done here."""
    watching = when(started(fields, "east"), lambda: fields.cut("east"))
    binding = fields.binding({"/make": "east", "/s0": "local", "/s1": BOTH})
    ran = fields.run(chain(COPY, SLOW), {"n": 1}, binding)
    watching.join()
    assert text(ran.outputs["o"]) == "made 1\n"
    assert ran_at(ran, "/make") == ["east"] and len(ran.attempts("/s0")) == 1


def test_a_work_directory_that_is_wiped_is_noticed_and_its_data_are_made_again(fields: Fields) -> None:
    """The directory of `make` goes while a later job, which does not need it, runs elsewhere."""

    def wipe() -> None:
        for made in fields.path("east").glob("work/*/*/out/made.txt"):
            shutil.rmtree(made.parent.parent)

    tool = shell(
        {"f": {"type": "File", "inputBinding": {}}, "g": "File"},
        {"o": "stdout"},
        'sleep 1; cat "$1"',
        stdout="copy.txt",
    )
    steps = {
        "make": {"run": MAKE, "in": {"n": "n"}, "out": ["o"]},
        "wait": {"run": SLOW, "in": {"f": "f"}, "out": ["o"]},
        "use": {
            "run": {**tool, "baseCommand": COPY["baseCommand"]},
            "in": {"f": "make/o", "g": "wait/o"},
            "out": ["o"],
        },
    }
    document = workflow({"n": "int", "f": "File"}, {"o": {"type": "File", "outputSource": "use/o"}}, steps)
    given = fields.bench.write("given.txt", "x")
    watching = when(started(fields, "west"), wipe)
    binding = fields.binding({"/make": "east", "/wait": "west", "/use": "west"})
    ran = fields.run(document, {"n": 5, "f": {"class": "File", "path": str(given)}}, binding)
    watching.join()
    assert text(ran.outputs["o"]) == "made 5\n"
    assert len(ran.attempts("/make")) == 2 and len(ran.attempts("/wait")) == 1
    lost = ran.database.rows(ReplicaRow, "WHERE run_id = ? AND valid = ?", (ran.id, False))
    assert any(row.path.endswith("made.txt") for row in lost)


def test_a_run_that_was_interrupted_goes_on_where_its_places_are(fields: Fields) -> None:
    """The controller goes while a job runs elsewhere; the next one awaits that very job."""
    binding = fields.binding({"/make": "east", "/s0": "west"})
    body = _interrupted(fields, binding, started(fields, "west"), 3)
    result = asyncio.run(resume_async("last", store=fields.bench.store))
    ran = Ran(result, body, fields.bench.database())
    assert result.state is RunState.COMPLETED
    assert text(ran.outputs["o"]) == "made 3\n"
    assert [len(ran.attempts(path)) for path in ("/make", "/s0")] == [1, 1]


def test_a_run_goes_on_without_a_place_that_is_gone_meanwhile(fields: Fields) -> None:
    binding = fields.binding({"/make": BOTH, "/s0": BOTH})
    body = _interrupted(fields, binding, started(fields, "east"), 3)
    fields.cut("east")
    result = asyncio.run(resume_async("last", store=fields.bench.store))
    ran = Ran(result, body, fields.bench.database())
    assert result.state is RunState.COMPLETED, [job.error for job in ran.jobs.values()]
    assert text(ran.outputs["o"]) == "made 3\n"
    assert ran_at(ran, "/s0")[-1] == "west"
    assert not [row for row in transfers(ran) if row.state is TransferState.INTENDED]


def _interrupted(fields: Fields, binding: Any, ready: Callable[[], bool], n: int) -> Body:
    """Carry out a run in a process of its own, and kill that when a job has begun; return what it carries out."""
    bench = fields.bench
    document = bench.write("main.cwl", chain(SLOW))
    settings = bench.write("inputs.yml", {"n": n})
    file = write_file(bench.directory / "binding.yml", binding, str(document), str(settings))
    words = ["--store", bench.store, "--work", str(bench.directory / "work"), "--outdir", "out", "--no-cache"]
    environment = installed(fields.top / "installed")
    controller = begun(environment, "run", "-q", str(file), *words, cwd=bench.directory)
    deadline = time.monotonic() + 60
    while not ready() and time.monotonic() < deadline and controller.poll() is None:
        time.sleep(0.02)
    controller.kill()
    controller.wait()
    assert ready()
    return bench.prepare(document, {"n": n}, bench.options()).body
