"""Two runs compared: their outputs, each value on the way, where they part first, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from ...data_classes import dataclass
from ...provenance import ids, queries
from ...provenance.checking import path_here
from ...provenance.database import Database
from ...provenance.queries import Aspect
from ...provenance.rows import AttemptRow, JobRow, LocationRow, RunRow, TokenRow
from ...provenance.states import JobState
from .tolerance import Tolerances
from .values import Values
from .verdict import Finding, Grade, worst

WORKFLOW = "workflow"
"""Kind of the steps whose jobs only hold other jobs."""
DONE = frozenset({JobState.COMPLETED, JobState.CACHED})


class Cause(Enum):
    """Why two results are not the same."""

    NOT_DETERMINISTIC = "not deterministic"
    """The same inputs, command and environment, and another result."""
    ENVIRONMENT = "another environment"
    """Another image, host, software or variable."""
    INPUT = "another input"
    """Other inputs were given to the run."""
    CHANGED = "changed by the author"
    """Another command."""
    UNVERIFIED = "cannot be verified"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two runs: its store, and what it is called in the report."""

    database: Database
    run_id: str
    label: str

    @property
    def run(self) -> RunRow:
        """Return its row."""
        return queries.get_run(self.database, self.run_id)

    def locate(self, item: Mapping[str, Any]) -> Path | None:
        """Return a file of this machine with the content of a File or Directory object, or None."""
        return path_here(self.database, item.get("sha256"))


@dataclass(frozen=True, slots=True)
class Compared:
    """How a value on a port compares. `port` is of an output of the run, or `JOB/PORT`."""

    port: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Parting:
    """The earliest job whose inputs agree and whose outputs do not."""

    job: str
    port: str
    finding: Finding
    cause: Cause
    differences: tuple[str, ...]
    """What was different there: command, variables, image, host."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two runs compare."""

    first: str
    second: str
    grade: Grade
    """The worst of the outputs."""
    outputs: tuple[Compared, ...]
    tokens: Mapping[Grade, int]
    """How many values on output ports of jobs have which grade."""
    parting: Parting | None
    cause: Cause | None
    """Why the outputs are not the same; None when they are."""
    tolerances: Tolerances
    images: tuple[str, ...] = ()
    """The steps that ran in other container images, in a line each; what they made may be the same."""


def compare_runs(first: Side, second: Side, tolerances: Tolerances) -> Comparison:
    """Compare two runs: outputs by name of the port, jobs by path. Takes time linear in the number of jobs."""
    values = Values(first.locate, second.locate, tolerances)
    outputs = tuple(_outputs(first, second, values))
    grade = worst(one.finding.grade for one in outputs)
    counts: Counter[Grade] = Counter()
    parting: Parting | None = None
    for job, other, findings in _jobs(first, second, values):
        counts.update(finding.grade for finding in findings.values())
        if parting is None and other is not None:
            parting = _parting(first, job, second, other, findings)
    if grade is Grade.IDENTICAL and all(one is Grade.IDENTICAL for one in counts):
        parting = None
    cause = None if grade in (Grade.IDENTICAL, Grade.EQUIVALENT) else _cause(first, second, grade, parting)
    images = tuple(_other_images(first, second))
    return Comparison(first.label, second.label, grade, outputs, dict(counts), parting, cause, tolerances, images)


def _other_images(first: Side, second: Side) -> Iterator[str]:
    """Yield what images differ, for the steps of which jobs have completed in both runs."""
    ran = [{place.step for place in queries.step_places(side.database, side.run_id)} for side in (first, second)]
    had = [_images(side) for side in (first, second)]
    for step in sorted(ran[0] & ran[1]):
        one, other = (images.get(step, {}) for images in had)
        if one.keys() != other.keys():
            yield f"step {step} ran in another image: {_in_words(one)} -> {_in_words(other)}"


def _images(side: Side) -> dict[str, dict[str, str]]:
    """Return by path of a step the images that it ran in, by digest."""
    found: dict[str, dict[str, str]] = {}
    for step, name, tag, digest in queries.step_images(side.database, side.run_id):
        called = name if tag is None or name.endswith(f":{tag}") else f"{name}:{tag}"
        found.setdefault(step, {})[digest or called] = called
    return found


def _in_words(images: Mapping[str, str]) -> str:
    return ", ".join(f"{name} ({digest})" for digest, name in images.items()) or "none"


def _outputs(first: Side, second: Side, values: Values) -> Iterator[Compared]:
    sides = [_valued(side.database, queries.outputs_of_run(side.database, side.run_id)) for side in (first, second)]
    for port in sorted(sides[0].keys() | sides[1].keys()):
        yield Compared(port, _finding(sides[0], sides[1], port, values))


def _finding(first: Mapping[str, Any], second: Mapping[str, Any], port: str, values: Values) -> Finding:
    if port not in first or port not in second:
        return Finding(Grade.MISSING, detail=f"only the {'second' if port not in first else 'first'} side has it")
    if queries.content_text(first[port]) == queries.content_text(second[port]):
        return Finding(Grade.IDENTICAL)
    return values.compare(first[port], second[port])


def _valued(database: Database, tokens: Mapping[str, TokenRow]) -> dict[str, Any]:
    values = queries.token_values(database, (row.id for row in tokens.values()))
    return {port: values[row.id] for port, row in tokens.items()}


def _jobs(first: Side, second: Side, values: Values) -> Iterator[tuple[JobRow, JobRow | None, dict[str, Finding]]]:
    """Yield the jobs of the first run that made outputs, as they started, with how each output compares."""
    scopes = {step.row.id for step in queries.steps(first.database, first.run_id) if step.row.kind == WORKFLOW}
    for job in queries.jobs(first.database, first.run_id, states=DONE):
        if job.step_id in scopes:
            continue
        other = queries.find_job(second.database, ids.job_id(second.run_id, job.path))
        one = _valued(first.database, queries.outputs(first.database, job))
        two = {} if other is None else _valued(second.database, queries.outputs(second.database, other))
        yield job, other, {port: _finding(one, two, port, values) for port in one}


def _parting(first: Side, job: JobRow, second: Side, other: JobRow, findings: Mapping[str, Finding]) -> Parting | None:
    """Return where two runs part, if it is at this job: its inputs agree, and an output does not."""
    apart = next(((port, one) for port, one in findings.items() if one.grade is not Grade.IDENTICAL), None)
    if apart is None or _inputs(first, job) != _inputs(second, other):
        return None
    changes = queries.changes_between(first.database, job.id, second.database, other.id)
    said = [str(one) for one in changes if one.aspect is not Aspect.INPUT]
    hosts = [_host(side.database, one) for side, one in ((first, job), (second, other))]
    if hosts[0] != hosts[1]:
        said.append(f"host changed: {hosts[0] or 'unknown'} -> {hosts[1] or 'unknown'}")
    aspects = {one.aspect for one in changes}
    if other.state not in DONE:
        cause = Cause.MISSING
    elif apart[1].grade is Grade.UNVERIFIED:
        cause = Cause.UNVERIFIED
    elif Aspect.COMMAND in aspects:
        cause = Cause.CHANGED
    else:
        cause = Cause.ENVIRONMENT if said else Cause.NOT_DETERMINISTIC
    return Parting(job.path, apart[0], apart[1], cause, tuple(said))


def _inputs(side: Side, job: JobRow) -> Any:
    return queries.content_text(_valued(side.database, queries.inputs(side.database, job.id)))


def _host(database: Database, job: JobRow) -> str | None:
    attempts: list[AttemptRow] = queries.attempts(database, job.id)
    location = database.row(LocationRow, attempts[-1].location_id) if attempts else None
    return None if location is None else location.hostname


def _cause(first: Side, second: Side, grade: Grade, parting: Parting | None) -> Cause:
    """Return why the outputs of two runs are not the same."""
    if grade is Grade.MISSING and parting is None:
        return Cause.MISSING
    if parting is not None:
        return parting.cause
    if grade is Grade.UNVERIFIED:
        return Cause.UNVERIFIED
    given = [_given(side) for side in (first, second)]
    return Cause.INPUT if given[0] != given[1] else Cause.CHANGED


def _given(side: Side) -> Any:
    root = ids.job_id(side.run_id, "/")
    return queries.content_text(_valued(side.database, queries.inputs(side.database, root)))
