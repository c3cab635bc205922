"""Rules about a run that is on record: what it had, what came of it, and whether that is still there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ...core.cwl.load import load_document
from ...core.cwl.process import LoadedDocument
from ...core.sources import changed_in, repository_text
from ...core.story import undeclared_reads
from ...core.values import walk_references
from ...data_classes import dataclass
from ...errors import RecrateError
from ...provenance import ids, queries
from ...provenance.database import Database
from ...provenance.rows import EnvironmentRow, JobRow, WorkflowRow
from ...provenance.states import JobState
from ...redaction import MASK
from .findings import Hit, Rule, Severity

MOST_PAIRS = 1000
"""So many pairs of jobs of the same inputs are compared."""
SYSTEM_PATHS = ("/bin", "/sbin", "/usr", "/lib", "/lib64", "/snap")
"""Where the programs of a system are."""


@dataclass(frozen=True)
class Recorded:
    """A run of a store."""

    database: Database
    run_id: str

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The values that it was given."""
        return _values(self.database, queries.inputs(self.database, ids.job_id(self.run_id, "/")))

    @cached_property
    def given(self) -> Mapping[str, Any]:
        """The values as they were given, before their files were fetched and looked up."""
        given = json.loads(queries.get_run(self.database, self.run_id).inputs or "{}")
        return given if isinstance(given, dict) else {}

    @cached_property
    def workflow(self) -> WorkflowRow | None:
        """Its workflow, None when that is not on record."""
        row = queries.get_run(self.database, self.run_id)
        return None if row.workflow_id is None else self.database.row(WorkflowRow, row.workflow_id)

    @cached_property
    def document(self) -> LoadedDocument | RecrateError | None:
        """Its workflow as CWL, or why that cannot be read; None when it is not on record, or in another language."""
        workflow = self.workflow
        if workflow is None or not workflow.language.lower().startswith("cwl"):
            return None
        texts = {document.uri: document.text.encode() for document in queries.documents(self.database, workflow.id)}
        try:
            return load_document(workflow.entry, texts=texts)
        except RecrateError as error:
            return error


def workflow_unreadable(subject: Recorded) -> Iterator[Hit]:
    """Yield why the workflow cannot be run again by what is on record of it."""
    if isinstance(subject.document, RecrateError):
        yield Hit(subject.document.problem, subject.document.where)
    elif subject.workflow is None:
        yield Hit("the workflow is not on record")


def other_language(subject: Recorded) -> Iterator[Hit]:
    """Yield that the workflow is written in another language."""
    if subject.workflow is not None and subject.document is None:
        yield Hit(f"it is written in {subject.workflow.language}", subject.workflow.entry)


def other_result(subject: Recorded) -> Iterator[Hit]:
    """Yield jobs that made something else than another job of the store with the same command, inputs and image."""
    pairs = subject.database.query(
        "SELECT job.id, other.id, run.name FROM job JOIN job AS other ON other.inputs_hash = job.inputs_hash "
        "JOIN run ON run.id = other.run_id WHERE job.run_id = ? AND job.inputs_hash IS NOT NULL AND job.state = ? "
        "AND other.state = ? AND other.id <> job.id ORDER BY job.path, run.started LIMIT ?",
        (subject.run_id, JobState.COMPLETED, JobState.COMPLETED, MOST_PAIRS),
    )
    for job_id, other_id, name in pairs:
        job, other = (queries.get_job(subject.database, one) for one in (job_id, other_id))
        ports = [queries.outputs(subject.database, one) for one in (job, other)]
        values = [_values(subject.database, one) for one in ports]
        for port in sorted(values[0]):
            if queries.content_text(values[0][port]) != queries.content_text(values[1].get(port)):
                whose = "" if other.run_id == job.run_id else f" of run {name}"
                yield Hit(f"output {port} is another one in {other.path}{whose}", job.path)


def _values(database: Database, tokens: Mapping[str, Any]) -> dict[str, Any]:
    values = queries.token_values(database, (row.id for row in tokens.values()))
    return {port: values[row.id] for port, row in tokens.items()}


def undeclared_input(subject: Recorded) -> Iterator[Hit]:
    """Yield files that jobs read and nobody had declared, where that was looked for."""
    jobs: dict[str, list[str]] = {}
    for read in undeclared_reads(subject.database, subject.run_id):
        for path in read.paths:
            jobs.setdefault(path, []).append(read.job)
    for path, names in jobs.items():
        yield Hit(path, names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more")


def input_gone(subject: Recorded) -> Iterator[Hit]:
    """Yield files that the run was given and that are at none of the places where they were."""
    for port, value in subject.inputs.items():
        for item in walk_references(value):
            sha256 = item.get("sha256")
            if isinstance(sha256, str) and not queries.is_available(subject.database, sha256):
                yield Hit(f"{item.get('basename')} (sha256 {sha256[:12]})", f"input {port}")


def secret_input(subject: Recorded) -> Iterator[Hit]:
    """Yield inputs that held a secret."""
    for port, value in subject.inputs.items():
        if MASK in json.dumps(value):
            yield Hit("it holds a secret, which is not on record", f"input {port}")


def image_without_digest(subject: Recorded) -> Iterator[Hit]:
    """Yield images of which the record has no digest."""
    for image in queries.images_of_run(subject.database, subject.run_id):
        if image.digest is None:
            yield Hit(f"image {image.name}:{image.tag or 'latest'}")


def inherited_path(subject: Recorded) -> Iterator[Hit]:
    """Yield what of the PATH of commands without a container was that of whoever ran them."""
    rows = subject.database.rows(
        EnvironmentRow,
        "WHERE id IN (SELECT attempt.environment_id FROM job JOIN attempt ON attempt.job_id = job.id "
        "WHERE job.run_id = ? AND attempt.image_id IS NULL)",
        (subject.run_id,),
    )
    for row in rows:
        parts = str(json.loads(row.variables).get("PATH", "")).split(":")
        own = [part for part in parts if part and not _is_below(part, SYSTEM_PATHS)]
        if own:
            yield Hit(f"PATH had {', '.join(own)}")


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def uncommitted_sources(subject: Recorded) -> Iterator[Hit]:
    """Yield repositories of the sources in which something was not as in their commit."""
    for row in queries.repositories_of(subject.database, subject.run_id):
        if row.revision is None or changed_in(row):
            yield Hit(repository_text(row), row.origin or row.root)


def tried_again(subject: Recorded) -> Iterator[Hit]:
    """Yield jobs that completed after they had failed with the same inputs."""
    rows = subject.database.rows(
        JobRow,
        "WHERE run_id = ? AND state = ? AND 1 < (SELECT count(*) FROM attempt WHERE attempt.job_id = job.id) "
        "ORDER BY path LIMIT ?",
        (subject.run_id, JobState.COMPLETED, MOST_PAIRS),
    )
    for row in rows:
        yield Hit("it completed after it had failed", row.path)


def several_machines(subject: Recorded) -> Iterator[Hit]:
    """Yield that jobs ran on processors of different kinds."""
    found = queries.locations_of_run(subject.database, subject.run_id)
    models = sorted({row.cpu_model for row in found if row.cpu_model})
    if len(models) > 1:
        yield Hit(", ".join(models))


RUN_RULES: tuple[Rule[Recorded], ...] = (
    Rule("other-result", Severity.ERROR, "the same command with the same inputs has made something else in another run",
         "find what varies: recrate compare", other_result),
    Rule("undeclared-input", Severity.WARNING, "a job read a file that is none of its inputs (recrate run --audit)",
         "make the file an input, or put it into the image", undeclared_input),
    Rule("input-gone", Severity.ERROR, "a file that the run was given is not to be had any more",
         "put it back where it was, or take an export that has it", input_gone),
    Rule("workflow-unreadable", Severity.ERROR, "the workflow cannot be read by what is on record of it",
         "take an export that has all its documents", workflow_unreadable),
    Rule("other-language", Severity.NOTE, "the workflow is not CWL, so that its own engine is needed",
         "run it with that engine", other_language),
    Rule("image-without-digest", Severity.ERROR, "the record does not say which image it was, but for its tag",
         "run it again with an image that has a digest", image_without_digest),
    Rule("secret-input", Severity.NOTE, "an input held a secret, which has to be given again",
         "tell whoever runs it where to get one", secret_input),
    Rule("inherited-path", Severity.NOTE, "commands without a container had the PATH of whoever ran them",
         "run them in a container", inherited_path),
    Rule("uncommitted-sources", Severity.NOTE, "the sources were not as in the commit of their repository",
         "commit, and run it again; what had changed is on record", uncommitted_sources),
    Rule("tried-again", Severity.NOTE, "a job completed after it had failed, so that it does not always end alike",
         "find out why it failed: recrate show JOB", tried_again),
    Rule("several-machines", Severity.NOTE, "jobs ran on processors of different kinds, whose sums may differ",
         "compare with tolerances, or run on machines of one kind", several_machines),
)  # fmt: skip
