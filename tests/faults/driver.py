"""Drives controllers that are killed, and looks at what they leave behind."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recrate.core.retries import RESUMED
from recrate.provenance import queries
from recrate.provenance.rows import AttemptRow, JobRow, RunRow
from recrate.provenance.states import AttemptState, JobState, RunState
from recrate.provenance.store import open_store

CONTROLLER = Path(__file__).with_name("controller.py")
PATIENCE = 120.0
"""Seconds that a controller may take at most: the runs here last about one."""


@dataclass
class Server:
    """A process that runs controllers: see `controller.py`."""

    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(CONTROLLER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        assert ready, f"a controller neither ended nor was killed within {PATIENCE} s: {command}"
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert answer["status"] in (0, -signal.SIGKILL), f"a controller failed by itself: {answer}"
        return answer

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # a controller of it hangs: that test has failed
            self.process.kill()


@dataclass
class Bed:
    """A directory with a store, in which one document is run and its controller is killed."""

    server: Server
    directory: Path
    document: Path
    inputs: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def store(self) -> str:
        return str(self.directory / "store.db")

    @property
    def effects(self) -> Path:
        """What jobs append a line to, outside of their directories."""
        return self.directory / "effects"

    def run(self, **kill: Any) -> dict[str, Any]:
        """Run the document; `kill` says when the controller dies: commit=N, after=BOOL or seconds=S."""
        said = {
            "store": self.store,
            "work": str(self.directory / "work"),
            "outdir": str(self.directory / "out"),
            "containers": "none",
            "jobs": 4,
        }
        return self.server.ask(
            do="run", document=str(self.document), inputs=self.inputs, options=said | self.options, **kill
        )

    def resume(self, run: str = "last", **kill: Any) -> dict[str, Any]:
        """Go on with the run."""
        return self.server.ask(do="resume", run=run, options={"store": self.store}, **kill)

    def lines(self) -> Counter[str]:
        """How often each job had its effect."""
        return Counter(self.effects.read_text().splitlines() if self.effects.exists() else [])

    def has_run(self) -> bool:
        """Tell whether a run is on record."""
        with open_store(self.store) as store:
            return bool(store.database.rows(RunRow))

    def check_closed(self) -> None:
        """Nothing is left open in the record of a run that completed."""
        with open_store(self.store) as store:
            database = store.database
            (run,) = database.rows(RunRow)
            assert run.state is RunState.COMPLETED and run.ended is not None
            done = (JobState.COMPLETED, JobState.SKIPPED, JobState.CACHED)
            open_jobs = [job for job in database.rows(JobRow) if job.state not in done or job.ended is None]
            assert not open_jobs, open_jobs
            running = (AttemptState.INTENDED, AttemptState.RUNNING)
            attempts = database.rows(AttemptRow)
            open_attempts = [row for row in attempts if row.state in running or row.ended is None]
            assert not open_attempts, open_attempts
            good = Counter(row.job_id for row in attempts if row.state is AttemptState.COMPLETED and _is_due(row))
            assert all(number == 1 for number in good.values()), "a job was carried out twice"
            for token in queries.outputs_of_run(database, run.id).values():
                queries.token_value(database, token.id)


def _is_due(row: AttemptRow) -> bool:
    """Tell whether an attempt is a job's first or follows on one that failed, and not one that restores data."""
    return row.reason is None or row.reason.startswith(("attempt ", RESUMED))


def contents(value: Any) -> Any:
    """Return outputs without where they lie."""
    if isinstance(value, list):
        return [contents(item) for item in value]
    if isinstance(value, dict):
        if value.get("class") == "File":
            return [value["basename"], value["checksum"]]
        return {name: contents(item) for name, item in value.items()}
    return value
