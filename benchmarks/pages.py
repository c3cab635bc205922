"""How long pages take on a large store:  python -m benchmarks.pages [--runs 1000] [--jobs 500] [--large 10000]

Makes a store of made-up runs, serves it by `recrate ui`, and asks for each page a few times; prints the
shortest times in milliseconds. With `--store PATH` a store that was made before is used again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from recrate.hashing import hash_text
from recrate.provenance import ids
from recrate.provenance.rows import (
    AttemptRow,
    DeploymentRow,
    EventRow,
    FileRow,
    JobRow,
    LocationRow,
    PartRow,
    ReplicaRow,
    Row,
    RunRow,
    StepRow,
    TokenRow,
    UsageRow,
    WorkflowRow,
)
from recrate.provenance.statements import statements
from recrate.provenance.states import (
    AttemptState,
    Direction,
    FileClass,
    JobState,
    Keep,
    ReplicaKind,
    RunState,
    TokenOrigin,
)
from recrate.provenance.store import Store, open_store

WORKFLOW, PLACES = "0" * 20, ("1" * 20, "2" * 20)
LOCAL = 4
"""Attempts under way at a time at each place."""
TIMES = 5
TASK = {"name": "tool", "kind": "command", "inputs": ["x"], "outputs": ["y"]}
STRUCTURE = {
    "name": "main",
    "kind": "workflow",
    "inputs": ["xs"],
    "outputs": {"sum": ["gather/y"]},
    "steps": {
        "work": {
            "inputs": {"x": ["xs"]},
            "outputs": ["y"],
            "scatter": ["x"],
            "conditional": False,
            "loop": False,
            "body": TASK,
        },
        "gather": {
            "inputs": {"x": ["work/y"]},
            "outputs": ["y"],
            "scatter": [],
            "conditional": False,
            "loop": False,
            "body": TASK,
        },
    },
}


def shared_rows() -> list[Row]:
    """Return the rows that all runs refer to."""
    return [
        WorkflowRow(
            id=WORKFLOW,
            name="Scatter and gather",
            language="cwl v1.2",
            entry="file:///w.cwl",
            main_uri="file:///w.cwl",
            structure=json.dumps(STRUCTURE),
        ),
        DeploymentRow(id=PLACES[0], name="cluster", kind="slurm", config="{}"),
        *(
            LocationRow(id=place, deployment_id=PLACES[0], name=f"node{number}", hostname=f"n{number}", cores=64)
            for number, place in enumerate(PLACES)
        ),
    ]


@dataclass(frozen=True)
class MadeUp:
    """A run of so many jobs, each with a file in and a file out; one in a hundred was tried twice."""

    number: int
    jobs: int

    @property
    def run(self) -> str:
        return f"{self.number:016x}"[::-1]

    def rows(self) -> Iterator[Row]:
        """Yield its rows in the order of the tables that refer to each other."""
        run, root = self.run, ids.job_id(self.run, "/")
        started = 1.7e9 + 3600 * self.number
        ended = started + self.jobs / (2 * LOCAL) + 2
        yield RunRow(
            id=run,
            name=f"calm-otter-{self.number}",
            state=RunState.COMPLETED,
            workflow_id=WORKFLOW,
            started=started,
            ended=ended,
            command_line='["recrate","run","w.cwl"]',
            cwd="/home/ada",
            keep=Keep.ALL,
            host="login",
            engine_version="0.1.0",
            python_version="3.11",
            options="{}",
        )
        for position, (path, kind) in enumerate((("/", "workflow"), ("/work", "command"), ("/gather", "command"))):
            yield StepRow(
                id=ids.step_id(run, path),
                run_id=run,
                path=path,
                name=path.strip("/") or "main",
                kind=kind,
                tool="tool",
                position=position,
            )
        yield JobRow(
            id=root,
            run_id=run,
            step_id=ids.step_id(run, "/"),
            path="/",
            state=JobState.COMPLETED,
            started=started,
            ended=ended,
        )
        values = [self._value(f"in{index}") for index in range(self.jobs)]
        given = ids.token_id(run, "/", "xs", "given")
        yield TokenRow(id=given, run_id=run, path="/", port="xs", value=json.dumps(values), origin=TokenOrigin.INPUT)
        yield UsageRow(job_id=root, direction=Direction.INPUT, port="xs", token_id=given)
        made = []
        for index, value in enumerate(values):
            made.append(ids.token_id(run, f"/work[{index}]", "y", "output"))
            yield from self._job(index, value, given, started + index / (2 * LOCAL))
        gathered = ids.token_id(run, "/work", "y", "gathered")
        yield TokenRow(id=gathered, run_id=run, path="/work", port="y", origin=TokenOrigin.GATHERED)
        for position, part in enumerate(made):
            yield PartRow(token_id=gathered, position=position, part_id=part)
        yield from self._one("/gather", "/gather", gathered, ended - 1, 1)
        yield UsageRow(
            job_id=root, direction=Direction.OUTPUT, port="sum", token_id=ids.token_id(run, "/gather", "y", "output")
        )
        for seq in range(1, 2 * self.jobs + 4):
            yield EventRow(run_id=run, seq=seq, kind="Something", body='{"job":"/work[1]"}', instant=started + seq / 20)

    def _value(self, name: str) -> dict[str, object]:
        return {"class": "File", "location": f"file:///data/{name}.txt", "basename": f"{name}.txt", "size": 100}

    def _job(self, index: int, value: dict[str, object], given: str, started: float) -> Iterator[Row]:
        path = f"/work[{index}]"
        element = ids.token_id(self.run, path, "x", "element")
        yield TokenRow(
            id=element,
            run_id=self.run,
            path=path,
            port="x",
            tag=str(index),
            value=json.dumps(value),
            origin=TokenOrigin.DERIVED,
            source_id=given,
        )
        yield self._file(element, f"in{index}.txt", hash_text(f"in{index}"))
        yield from self._one(path, "/work", element, started, 2 if index % 100 == 0 else 1)

    def _one(self, path: str, step: str, token: str, started: float, tries: int) -> Iterator[Row]:
        run, job = self.run, ids.job_id(self.run, path)
        yield JobRow(
            id=job,
            run_id=run,
            step_id=ids.step_id(run, step),
            path=path,
            state=JobState.COMPLETED,
            started=started,
            ended=started + 1,
        )
        yield UsageRow(job_id=job, direction=Direction.INPUT, port="x", token_id=token)
        for number in range(1, tries + 1):
            last = number == tries
            yield AttemptRow(
                id=ids.attempt_id(job, number),
                job_id=job,
                number=number,
                cores=1.0,
                ram=256,
                submitted=started - 0.2,
                state=AttemptState.COMPLETED if last else AttemptState.FAILED,
                location_id=PLACES[int(job[-1], 16) % 2],
                work_directory=f"/work/{run}/{job}.{number}",
                token="t",
                argv='["tool","input.txt"]',
                started=started,
                ended=started + 1,
                exit_code=0 if last else 1,
                cpu_seconds=0.9,
                peak_rss=10_000_000,
            )
        made = ids.token_id(run, path, "y", "output")
        sha256 = hash_text(f"{run}{path}")
        value = {"class": "File", "location": f"file:///work/{job}/out.txt", "basename": "out.txt", "size": 100}
        yield TokenRow(
            id=made, run_id=run, path=path, port="y", value=json.dumps(value), origin=TokenOrigin.OUTPUT, job_id=job
        )
        yield self._file(made, f"out-{self.number}-{path.strip('/')}.txt", sha256)
        where = f"/work/{run}/{job}.{tries}/out/out.txt"
        yield ReplicaRow(
            id=ids.replica_id(run, PLACES[0], where, sha256),
            run_id=run,
            location_id=PLACES[0],
            path=where,
            path_key=ids.path_key(where),
            sha256=sha256,
            size=100,
            kind=ReplicaKind.WORK,
            valid=True,
        )

    def _file(self, token: str, name: str, sha256: str) -> FileRow:
        return FileRow(
            token_id=token,
            pointer="",
            kind=FileClass.FILE,
            basename=name,
            location=f"file:///{name}",
            sha256=sha256,
            size=100,
        )


def fill(store: Store, runs: int, jobs: int, large: int) -> None:
    """Put made-up runs into a store, the last one with more jobs than the others."""
    store.write(*shared_rows())
    for number in range(runs):
        rows = list(MadeUp(number, jobs).rows())
        with store.database.transaction():
            store.database.write(statements(rows))
    store.write(*MadeUp(runs, large).rows())


def addresses(runs: int, jobs: int) -> dict[str, str]:
    """Return the pages that are asked for."""
    small, large = MadeUp(runs // 2, jobs), MadeUp(runs, 0)
    job = ids.job_id(small.run, "/work[7]")
    token = ids.token_id(small.run, "/work[7]", "y", "output")
    return {
        "list of runs": "/",
        "last page of the list": "/?page=100000",
        "runs by text": "/?text=otter-5",
        "a run": f"/runs/{small.run}",
        "the large run": f"/runs/{large.run}",
        "jobs of the large run": f"/runs/{large.run}/jobs",
        "their last page": f"/runs/{large.run}/jobs?page=100000",
        "a job": f"/jobs/{job}",
        "gather job of the large run": f"/jobs/{ids.job_id(large.run, '/gather')}",
        "lineage of a file": f"/tokens/{token}",
        "lineage of the large result": f"/tokens/{ids.token_id(large.run, '/gather', 'y', 'output')}",
        "a content of all runs": f"/contents/{hash_text('in3')}",
        "comparison": f"/compare?first={small.run}&second={MadeUp(1, jobs).run}",
        "comparison with the large run": f"/compare?first={small.run}&second={large.run}",
        "search by hash": f"/search?q={hash_text('in3')[:12]}",
        "search by file name": f"/search?q={urllib.parse.quote('out-5-')}",
        "search by a name of all runs": "/search?q=in3.txt",
        "search for nothing": "/search?q=zzz",
        "report of the large run": f"/reports/{large.run}",
    }


def measure(store: str, runs: int, jobs: int) -> dict[str, float]:
    """Return the shortest time of each page, in milliseconds."""
    words = [sys.executable, "-m", "recrate", "ui", "--port", "0", "--store", store]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ}) as server:
        assert server.stdout is not None
        found = re.search(r"(http://\S+?)/\?token", server.stdout.readline())
        assert found is not None
        try:
            return {
                name: min(_taken(found[1] + path) for _ in range(TIMES)) for name, path in addresses(runs, jobs).items()
            }
        finally:
            server.terminate()


def _taken(url: str) -> float:
    begun = time.perf_counter()
    with urllib.request.urlopen(url, timeout=300) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    """Make the store when it is not there, and measure."""
    parser = argparse.ArgumentParser(description="How long pages take on a large store.")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--store", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.store or Path(folder) / "store.db"
        if not path.exists():
            begun = time.perf_counter()
            with open_store(str(path)) as store:
                fill(store, given.runs, given.jobs, given.large)
            print(f"made in {time.perf_counter() - begun:.0f} s, {path.stat().st_size / 1e6:.0f} MB")
        for name, milliseconds in measure(str(path), given.runs, given.jobs).items():
            print(f"{milliseconds:8.0f} ms  {name}")


if __name__ == "__main__":
    main()
