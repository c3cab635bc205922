"""Runs small CWL documents to their end in a store of their own, and checks what the store then says.

What must hold of every run, whatever it does, is checked in `consistent` after each one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recrate import api
from recrate.core.machine.events import decode
from recrate.core.machine.instructions import Outcome
from recrate.core.machine.run import RunMachine
from recrate.core.model import Body
from recrate.core.stored_outputs import read_outputs
from recrate.core.uris import is_placed_uri, split_placed_uri, to_path
from recrate.core.values import walk_references
from recrate.provenance import queries
from recrate.provenance.database import Database
from recrate.provenance.rows import AttemptRow, JobRow, PartRow, ReplicaRow, StepRow, TokenRow
from recrate.provenance.states import AttemptState, FileClass, JobState, RunState, TokenOrigin
from recrate.provenance.store import open_store

CLOCK_GRAIN = 0.02
"""Seconds: the place tells time in hundredths since its boot."""

OUTCOMES = {
    Outcome.COMPLETED: RunState.COMPLETED,
    Outcome.FAILED: RunState.FAILED,
    Outcome.CANCELLED: RunState.CANCELLED,
}


@dataclass(frozen=True)
class Ran:
    """A run that is over, with the body that it carried out."""

    result: api.RunResult
    body: Body
    database: Database

    @property
    def id(self) -> str:
        return self.result.id

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of a run that completed, as it says them."""
        assert self.result.state is RunState.COMPLETED, queries.get_run(self.database, self.id).error
        return self.result.outputs

    @property
    def jobs(self) -> dict[str, JobRow]:
        """The jobs by path."""
        return {row.path: row for row in queries.jobs(self.database, self.id)}

    @property
    def states(self) -> dict[str, str]:
        """The states of jobs by path, without those that completed."""
        return {path: row.state.value for path, row in self.jobs.items() if row.state is not JobState.COMPLETED}

    def attempts(self, path: str) -> list[AttemptRow]:
        return queries.attempts(self.database, self.jobs[path].id)

    def all_attempts(self) -> list[AttemptRow]:
        return list(queries.all_attempts(self.database, self.id))

    def given(self, path: str) -> dict[str, Any]:
        """The values on the input ports of a job."""
        rows = queries.inputs(self.database, self.jobs[path].id)
        return {port: queries.token_value(self.database, row.id) for port, row in rows.items()}

    def made(self, path: str) -> dict[str, Any]:
        """The values on the output ports of a job."""
        rows = queries.outputs(self.database, self.jobs[path])
        return {port: queries.token_value(self.database, row.id) for port, row in rows.items()}

    def out_tokens(self) -> dict[str, TokenRow]:
        return queries.outputs_of_run(self.database, self.id)

    def parts(self, token_id: str) -> list[str]:
        rows = self.database.rows(PartRow, "WHERE token_id = ? ORDER BY position", (token_id,))
        return [row.part_id for row in rows]

    def tokens(self) -> list[TokenRow]:
        return list(queries.all_tokens(self.database, self.id))

    def replicas(self) -> list[ReplicaRow]:
        return list(queries.replicas_of_run(self.database, self.id))


@dataclass
class Bench:
    """Runs documents below one directory, in one store."""

    directory: Path
    _number: int = 0
    _open: list[Any] = field(default_factory=list)

    @property
    def store(self) -> str:
        return str(self.directory / "store.db")

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def options(self, **changes: Any) -> api.RunOptions:
        said = {"store": self.store, "work": self.directory / "work", "containers": "none", "jobs": 4} | changes
        return api.RunOptions(**said)

    def prepare(self, document: dict[str, Any] | Path, inputs: Any, options: api.RunOptions) -> api.Prepared:
        if isinstance(document, dict):
            self._number += 1
            document = self.write(f"doc{self._number}.cwl", document)
        return api.prepare(str(document), inputs, options)

    def run(self, document: dict[str, Any] | Path, inputs: Any = None, **changes: Any) -> Ran:
        """Run a document and check what holds of every run."""
        options = self.options(**changes)
        prepared = self.prepare(document, inputs, options)
        result = self.execute(prepared, options)
        ran = Ran(result, prepared.body, self.database())
        consistent(ran)
        return ran

    def execute(self, prepared: api.Prepared, options: api.RunOptions) -> api.RunResult:
        return asyncio.run(api.execute(prepared, options, api.Silent()))

    def database(self) -> Database:
        store = open_store(self.store)
        self._open.append(store)
        return store.database

    def close(self) -> None:
        for store in self._open:
            store.close()


# -- what holds of every run -------------------------------------------------------------------


def consistent(ran: Ran) -> None:
    """Check what must hold of the record of any run that is over."""
    replays(ran)
    row = queries.get_run(ran.database, ran.id)
    assert row.state is ran.result.state
    assert row.ended is not None and row.ended >= row.started
    if ran.result.state is RunState.COMPLETED:
        assert row.outputs is not None
        assert read_outputs(row.outputs) == ran.result.outputs
        _outputs_are_tokens(ran)
    _jobs_are_over(ran)
    for attempt in ran.all_attempts():
        _is_told(attempt, ran.database)
    unknown = [row for row in ran.all_attempts() if row.ending == "EXITED" and row.peak_rss is None]
    assert len(unknown) <= _lost_answers(ran)
    _tokens_hang_together(ran)
    _files_are_known(ran)
    directories = [attempt.work_directory for attempt in ran.all_attempts()]
    assert len(directories) == len(set(directories))


def replays(ran: Ran) -> None:
    """The stored events alone lead another machine to the same end."""
    stored = list(queries.events(ran.database, ran.id))
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    machine = RunMachine.replay(ran.body, (decode(event.kind, json.loads(event.body)) for event in stored))
    assert machine.outcome is not None
    if ran.result.state is not RunState.FAILED or machine.outcome is not Outcome.COMPLETED:
        assert OUTCOMES[machine.outcome] is ran.result.state


def _outputs_are_tokens(ran: Ran) -> None:
    tokens = ran.out_tokens()
    assert set(tokens) == set(ran.result.outputs)
    for name, token in tokens.items():
        assert _shape(queries.token_value(ran.database, token.id)) == _shape(ran.result.outputs[name])


def _shape(value: Any) -> Any:
    """A value without what delivery may change: where files lie, their names, and whether listings are shown."""
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        if value.get("class") == "File":
            return ("File", _checksum(value))
        if value.get("class") == "Directory":
            return ("Directory",)
        return {name: _shape(item) for name, item in value.items()}
    return value


def _checksum(file: dict[str, Any]) -> str:
    if file.get("location") is None:
        return "sha1$" + hashlib.sha1(file["contents"].encode()).hexdigest()
    return str(file["checksum"])


def _jobs_are_over(ran: Ran) -> None:
    steps = {row.id: row for row in ran.database.rows(StepRow, "WHERE run_id = ?", (ran.id,))}
    for path, job in ran.jobs.items():
        assert job.state not in (JobState.RUNNING, JobState.WAITING), path
        assert job.ended is not None and job.started is not None and job.started <= job.ended, path
        assert job.step_id in steps, path
        if job.state is JobState.FAILED and steps[job.step_id].kind != "workflow":
            assert job.error, path
        if job.state is JobState.COMPLETED:
            _has_ports(ran, job)


def _has_ports(ran: Ran, job: JobRow) -> None:
    body = body_at(ran.body, job.path)
    assert set(body.inputs) <= set(queries.inputs(ran.database, job.id)), job.path
    assert set(body.outputs) == set(queries.outputs(ran.database, job)), job.path
    attempts = queries.attempts(ran.database, job.id)
    if getattr(body, "code", None) is not None and getattr(body.code, "kind", "") == "command":
        assert attempts and attempts[-1].state is AttemptState.COMPLETED, job.path


def body_at(body: Body, path: str) -> Any:
    """Return the body of the job at a path."""
    from recrate.core.records import plain_path

    for name in plain_path(path).strip("/").split("/"):
        if name:
            body = body.steps[name].body  # type: ignore[union-attr]
    return body


def _lost_answers(ran: Ran) -> int:
    """Return how many answers chaos took that alone had the peak memory of a job too short to be sampled."""
    asked = "SELECT count(*) FROM event WHERE run_id = ? AND kind = 'ChaosStruck' AND body LIKE '%answer to the wait%'"
    found = ran.database.one(asked, (ran.id,))
    assert found is not None
    return int(found[0])


def _is_told(attempt: AttemptRow, database: Database) -> None:
    assert attempt.state not in (AttemptState.INTENDED, AttemptState.RUNNING)
    assert attempt.ended is not None and attempt.ending is not None
    assert attempt.argv or attempt.shell
    detail = queries.attempt_detail(database, attempt)
    is_here = detail.deployment is not None and detail.deployment.kind == "local"
    assert {"HOME", "TMPDIR", *(["PATH"] if is_here else [])} <= set(detail.environment)
    if attempt.ending == "EXITED":
        assert attempt.exit_code is not None or attempt.signal is not None
        assert attempt.started is not None and attempt.started <= attempt.ended
        assert attempt.cpu_seconds is not None and attempt.cpu_seconds >= 0
        assert attempt.peak_rss is None or attempt.peak_rss > 0
        assert attempt.native_id
        assert attempt.submitted is not None and attempt.submitted <= attempt.ended + CLOCK_GRAIN


def _tokens_hang_together(ran: Ran) -> None:
    rows = {row.id: row for row in ran.tokens()}
    jobs = {job.id for job in ran.jobs.values()}
    for row in rows.values():
        assert row.source_id is None or row.source_id in rows, row
        assert row.job_id is None or row.job_id in jobs, row
        if row.value is None:
            assert set(ran.parts(row.id)) <= set(rows), row
        queries.token_value(ran.database, row.id)
    for job in ran.jobs.values():
        assert {row.id for row in queries.inputs(ran.database, job.id).values()} <= set(rows)


def _files_are_known(ran: Ran) -> None:
    """Each file of this machine in a token has its hashes, and a replica that holds what it says."""
    replicas = {(row.path, row.sha256): row for row in ran.replicas()}
    for row in ran.tokens():
        if row.origin is TokenOrigin.DEFAULT:
            continue  # As the document has it; what the job was given of it is a token of its own.
        for file in queries.files_of(ran.database, row.id):
            if file.location is None or not file.location.startswith("file://"):
                continue
            assert file.sha256, (row, file)
            if file.kind is FileClass.FILE:
                assert file.sha1 and file.size is not None, (row, file)
            path = _path_of(file.location)
            assert (path, file.sha256) in replicas, (row, file)
    for replica in ran.replicas():
        if replica.valid and Path(replica.path).is_file():
            content = Path(replica.path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == replica.sha256
            assert len(content) == replica.size
        elif replica.valid:
            assert Path(replica.path).is_dir(), replica


def _path_of(location: str) -> str:
    return split_placed_uri(location)[1] if is_placed_uri(location) else to_path(location)


def files(value: Any) -> Iterator[dict[str, Any]]:
    return walk_references(value)


# -- small documents ----------------------------------------------------------------------------


def text(file: dict[str, Any]) -> str:
    """Return the content of a delivered file."""
    return Path(file["path"] if "path" in file else to_path(file["location"])).read_text()


def expression(inputs: Any, outputs: Any, code: str, **fields: Any) -> dict[str, Any]:
    """Return an ExpressionTool."""
    return {
        "class": "ExpressionTool",
        "requirements": {"InlineJavascriptRequirement": {}},
        "inputs": inputs,
        "outputs": outputs,
        "expression": code,
        **fields,
    }


def shell(inputs: Any, outputs: Any, script: str, **fields: Any) -> dict[str, Any]:
    """Return a CommandLineTool that runs `sh -c SCRIPT`; inputs are arguments only where they have a binding."""
    return {
        "class": "CommandLineTool",
        "inputs": inputs,
        "outputs": outputs,
        "baseCommand": ["sh", "-c", script, "script"],
        **fields,
    }


def workflow(inputs: Any, outputs: Any, steps: Any, *, version: str = "v1.2", **fields: Any) -> dict[str, Any]:
    """Return a Workflow that may use everything."""
    allowed = {
        "ScatterFeatureRequirement": {},
        "SubworkflowFeatureRequirement": {},
        "StepInputExpressionRequirement": {},
        "MultipleInputFeatureRequirement": {},
        "InlineJavascriptRequirement": {},
    }
    return {
        "cwlVersion": version,
        "class": "Workflow",
        "requirements": allowed | fields.pop("requirements", {}),
        "inputs": inputs,
        "outputs": outputs,
        "steps": steps,
        **fields,
    }


def joined(*names: str) -> dict[str, Any]:
    """Return a tool that joins its inputs, which may be null, as text: `a-b`."""
    code = "${return {r: [" + ", ".join(f"inputs.{name}" for name in names) + "].join('-')};}"
    return expression(dict.fromkeys(names, "Any?"), {"r": "string"}, code)


def identity(kind: Any = "Any?", out: Any = "Any?") -> dict[str, Any]:
    """Return a tool whose output `r` is its input `x`."""
    return expression({"x": kind}, {"r": out}, "${return {r: inputs.x};}")
