"""Rows of made-up runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from recrate.provenance import ids
from recrate.provenance.rows import (
    AttemptRow,
    DeploymentRow,
    DocumentRow,
    EnvironmentRow,
    EventRow,
    FileRow,
    ImageRow,
    JobRow,
    LocationRow,
    MetricRow,
    PartRow,
    PortRow,
    ReplicaRow,
    RepositoryRow,
    Row,
    RunRow,
    SoftwareRow,
    StepRow,
    TokenRow,
    UsageRow,
    WorkflowRow,
)
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
from recrate.provenance.store import Store

PLACE = "0" * 19 + "a"
WORKFLOW = "0" * 19 + "b"
IMAGE = "0" * 19 + "c"
ENVIRONMENT = "0" * 19 + "d"


def run_row(run_id: str, name: str = "calm-otter-42", **fields: Any) -> RunRow:
    """Return the row of a run."""
    given: dict[str, Any] = {
        "id": run_id,
        "name": name,
        "state": RunState.COMPLETED,
        "started": 1000.0,
        "ended": 1010.0,
        "command_line": '["recrate","run"]',
        "cwd": "/home/me",
        "outdir": "/home/me/out",
        "work_directory": f"/work/{run_id}",
        "keep": Keep.ALL,
        "host": "here",
        "engine_version": "0.1",
        "python_version": "3.11",
        "options": "{}",
    }
    return RunRow(**(given | fields))


def event_row(run_id: str, seq: int, kind: str = "Something", body: str = "{}") -> EventRow:
    """Return the row of an event."""
    return EventRow(run_id=run_id, seq=seq, kind=kind, body=body, instant=1000.0 + seq)


def things() -> list[Row]:
    """Return rows that belong to no run."""
    return [
        WorkflowRow(
            id=WORKFLOW, name="wf", language="cwl v1.2", entry="file:///wf.cwl#main", main_uri="file:///wf.cwl"
        ),
        DocumentRow(workflow_id=WORKFLOW, uri="file:///wf.cwl", sha256="ab" * 32, text="cwlVersion: v1.2\n"),
        EnvironmentRow(id=ENVIRONMENT, variables='{"PATH":"/bin"}'),
        ImageRow(id=IMAGE, name="alpine", engine="docker", digest="sha256:" + "9" * 64),
        DeploymentRow(id=PLACE, name="local", kind="local", config="{}"),
        LocationRow(id=PLACE, deployment_id=PLACE, name="local", hostname="here", cores=2),
    ]


def file_value(path: str, sha256: str) -> dict[str, Any]:
    """Return a File object."""
    return {
        "class": "File",
        "location": f"file://{path}",
        "basename": path.rpartition("/")[2],
        "sha256": sha256,
        "size": 5,
    }


@dataclass(frozen=True)
class Sample:
    """A run in which step `/count` is scattered over a list of two files, and `/sum` puts the results together."""

    run: str
    work: str

    @classmethod
    def stored_in(cls, store: Store, run_id: str = "5" * 16, work: str = "/work", **fields: Any) -> Sample:
        sample = cls(run_id, f"{work}/{run_id}")
        fields = {"workflow_id": WORKFLOW, "work_directory": sample.work} | fields
        store.write(*things(), run_row(run_id, **fields), *sample.rows())
        return sample

    def step(self, path: str) -> str:
        return ids.step_id(self.run, path)

    def job(self, path: str) -> str:
        return ids.job_id(self.run, path)

    def token(self, path: str, port: str, role: str) -> str:
        return ids.token_id(self.run, path, port, role)

    def attempt(self, path: str, number: int = 1) -> str:
        return ids.attempt_id(self.job(path), number)

    def directory(self, path: str, number: int = 1) -> str:
        return f"{self.work}/{self.job(path)}/{number}"

    def out(self, path: str, number: int = 1) -> str:
        return f"{self.directory(path, number)}/out/result.txt"

    def sha(self, path: str) -> str:
        return ids.derived_id(self.run, path) * 3 + "abcd"

    def rows(self) -> list[Row]:
        return [
            SoftwareRow(run_id=self.run, role="engine", name="recrate", version="0.1"),
            RepositoryRow(run_id=self.run, root="/home/me/project", revision="c" * 40, changed='["a.py"]', diff="+a\n"),
            *self._steps(),
            *self._input(),
            *self._scattered(0),
            *self._scattered(1, tries=2),
            *self._gathered(),
            *self._summed(),
            *(event_row(self.run, seq) for seq in range(1, 6)),
        ]

    def _steps(self) -> list[Row]:
        kinds = {"/": "workflow", "/count": "command", "/sum": "command"}
        rows: list[Row] = [
            StepRow(
                id=self.step(path),
                run_id=self.run,
                path=path,
                name=path.rpartition("/")[2] or "wf",
                kind=kind,
                tool="tool",
                position=position,
            )
            for position, (path, kind) in enumerate(kinds.items())
        ]
        rows.append(PortRow(step_id=self.step("/count"), direction=Direction.INPUT, name="x", type='"File"'))
        root = self.job("/")
        rows.append(
            JobRow(id=root, run_id=self.run, step_id=self.step("/"), path="/", state=JobState.COMPLETED, started=1000.0)
        )
        return rows

    def _input(self) -> list[Row]:
        given = self.token("/", "files", "given")
        values = [file_value(f"/data/{number}.txt", self.sha(f"/data/{number}.txt")) for number in (0, 1)]
        return [
            TokenRow(
                id=given,
                run_id=self.run,
                path="/",
                port="files",
                value=json.dumps(values),
                origin=TokenOrigin.INPUT,
            ),
            *(self._file(given, f"/{number}", value, ReplicaKind.INPUT) for number, value in enumerate(values)),
            *(self._replica(value, ReplicaKind.INPUT, None) for value in values),
            UsageRow(job_id=self.job("/"), direction=Direction.INPUT, port="files", token_id=given),
        ]

    def _scattered(self, number: int, tries: int = 1) -> list[Row]:
        path = f"/count[{number}]"
        element, made = self.token(path, "x", "element"), self.token(path, "out", "output")
        value = file_value(f"/data/{number}.txt", self.sha(f"/data/{number}.txt"))
        result = file_value(self.out(path, tries), self.sha(path))
        attempts = [self._attempt(path, number, failed=number < tries) for number in range(1, tries + 1)]
        return [
            TokenRow(
                id=element,
                run_id=self.run,
                path=path,
                port="x",
                tag=str(number),
                value=json.dumps(value),
                origin=TokenOrigin.DERIVED,
                source_id=self.token("/", "files", "given"),
            ),
            self._file(element, "", value, ReplicaKind.INPUT),
            self._job(path, "/count"),
            UsageRow(job_id=self.job(path), direction=Direction.INPUT, port="x", token_id=element),
            *attempts,
            *self._made(path, "out", made, result, tries),
        ]

    def _gathered(self) -> list[Row]:
        whole = self.token("/count", "out", "gathered")
        parts = [self.token(f"/count[{number}]", "out", "output") for number in (0, 1)]
        return [
            TokenRow(id=whole, run_id=self.run, path="/count", port="out", origin=TokenOrigin.GATHERED),
            *(PartRow(token_id=whole, position=position, part_id=part) for position, part in enumerate(parts)),
        ]

    def _summed(self) -> list[Row]:
        made = self.token("/sum", "out", "output")
        result = file_value(self.out("/sum"), self.sha("/sum"))
        return [
            self._job("/sum", "/sum"),
            UsageRow(
                job_id=self.job("/sum"),
                direction=Direction.INPUT,
                port="parts",
                token_id=self.token("/count", "out", "gathered"),
            ),
            self._attempt("/sum", 1),
            MetricRow(attempt_id=self.attempt("/sum", 1), position=0, name="loss", step=1, value=0.1, instant=1001.5),
            MetricRow(attempt_id=self.attempt("/sum", 1), position=1, name="loss"),
            *self._made("/sum", "out", made, result, 1),
            self._replica(file_value("/home/me/out/result.txt", self.sha("/sum")), ReplicaKind.OUTPUT, None),
            UsageRow(job_id=self.job("/"), direction=Direction.OUTPUT, port="total", token_id=made),
        ]

    def _job(self, path: str, step: str) -> JobRow:
        return JobRow(
            id=self.job(path),
            run_id=self.run,
            step_id=self.step(step),
            path=path,
            state=JobState.COMPLETED,
            started=1001.0,
            ended=1002.0,
        )

    def _attempt(self, path: str, number: int, failed: bool = False) -> AttemptRow:
        return AttemptRow(
            id=self.attempt(path, number),
            job_id=self.job(path),
            number=number,
            state=AttemptState.FAILED if failed else AttemptState.COMPLETED,
            location_id=PLACE,
            work_directory=self.directory(path, number),
            token="t",
            argv='["wc"]',
            environment_id=ENVIRONMENT,
            image_id=IMAGE,
            exit_code=1 if failed else 0,
            error="it failed" if failed else None,
        )

    def _made(self, path: str, port: str, token: str, value: dict[str, Any], number: int) -> list[Row]:
        return [
            TokenRow(
                id=token,
                run_id=self.run,
                path=path,
                port=port,
                value=json.dumps(value),
                origin=TokenOrigin.OUTPUT,
                job_id=self.job(path),
            ),
            self._file(token, "", value, ReplicaKind.WORK),
            self._replica(value, ReplicaKind.WORK, self.attempt(path, number)),
        ]

    def _file(self, token: str, pointer: str, value: dict[str, Any], kind: ReplicaKind) -> FileRow:
        return FileRow(
            token_id=token,
            pointer=pointer,
            kind=FileClass.FILE,
            basename=value["basename"],
            location=value["location"],
            sha256=value["sha256"],
            size=value["size"],
        )

    def _replica(self, value: dict[str, Any], kind: ReplicaKind, attempt: str | None) -> ReplicaRow:
        path = value["location"].removeprefix("file://")
        return ReplicaRow(
            id=ids.replica_id(self.run, PLACE, path, value["sha256"]),
            run_id=self.run,
            location_id=PLACE,
            path=path,
            path_key=ids.path_key(path),
            sha256=value["sha256"],
            size=value["size"],
            kind=kind,
            valid=True,
            attempt_id=attempt,
        )
