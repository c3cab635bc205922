"""Rows of the store made of what the engine knows: pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..connectors.base import Ended, Ending
from ..connectors.base import Location as ConnectorLocation
from ..data_classes import dataclass
from ..hashing import digest_bytes, hash_json
from ..provenance import ids
from ..provenance.rows import (
    AttemptRow,
    DeploymentRow,
    EnvironmentRow,
    FileRow,
    ImageRow,
    JobRow,
    LocationRow,
    MetricRow,
    PartRow,
    ReplicaRow,
    TokenRow,
    UsageRow,
)
from ..provenance.states import AttemptState, Direction, FileClass, JobState, ReplicaKind, TokenOrigin
from ..redaction import Redactor
from .layout import metrics_path
from .machine.events import Failure
from .machine.paths import plain_path
from .metrics import Measured
from .tokens import Origin, Token
from .uris import is_file_uri, is_placed_uri, split_placed_uri, to_path
from .values import CONTAINERS, FileValue, Value, is_reference, to_json

if TYPE_CHECKING:
    from .plan import CommandPlan
    from .scheduling import Allocation

ORIGINS = {
    Origin.INPUT: TokenOrigin.INPUT,
    Origin.DEFAULT: TokenOrigin.DEFAULT,
    Origin.OUTPUT: TokenOrigin.OUTPUT,
    Origin.GATHERED: TokenOrigin.GATHERED,
    Origin.DERIVED: TokenOrigin.DERIVED,
}
_INDEX = re.compile(r"\[([\d,]+)\]|~(\d+)")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store knows it. `step` is the path of its step instance, '' for the outermost."""

    id: str
    path: str
    step: str
    index: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a job: its number, its directory on its location, its unguessable token."""

    id: str
    job: Job
    number: int
    directory: str
    token: str
    location_id: str
    reason: str | None = None
    """Why it is made, when it is not the job's first."""

    @property
    def name(self) -> str:
        """The path of the job with the number of the attempt, for people."""
        return f"{self.job.path} #{self.number}"


def tag_of(path: str) -> str | None:
    """Return the indices in a path, outermost first: `/a[3]/b[1,2]~4` has `3.1,2.4`."""
    found = [scatter or loop for scatter, loop in _INDEX.findall(path)]
    return ".".join(found) if found else None


def job_row(run_id: str, job: Job, state: JobState, now: float, **fields: Any) -> JobRow:
    """Return the row of a job."""
    return JobRow(
        id=job.id,
        run_id=run_id,
        step_id=ids.step_id(run_id, plain_path(job.path)),
        path=job.path,
        tag=tag_of(job.path),
        state=state,
        started=now,
        **fields,
    )


def token_rows(
    run_id: str, token: Token, path: str, port: str, origin: Origin, sources: Sequence[Token], job_id: str | None
) -> list[Any]:
    """Return the rows of a token: itself, its parts or its source, and the files in its value."""
    parts = token.parts if origin is Origin.GATHERED and token.parts is not None else None
    row = TokenRow(
        id=token.id,
        run_id=run_id,
        path=path,
        port=port,
        tag=tag_of(path),
        value=None if parts is not None else to_json(token.value),
        origin=ORIGINS[origin],
        job_id=job_id,
        source_id=sources[0].id if len(sources) == 1 and parts is None else None,
    )
    if parts is not None:
        return [row, *(PartRow(token_id=token.id, position=at, part_id=part.id) for at, part in enumerate(parts))]
    return [row, *(_file_row(token.id, pointer, item) for pointer, item in references(token.value))]


def references(value: Value, pointer: str = "") -> Iterator[tuple[str, FileValue]]:
    """Yield each File and Directory in a value, with its JSON pointer (RFC 6901)."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        if is_reference(value):
            yield pointer, value
            for name in ("secondaryFiles", "listing"):
                if name in value:
                    yield from references(value[name], f"{pointer}/{name}")
        else:
            for name, item in value.items():
                if isinstance(item, CONTAINERS):
                    yield from references(item, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")


def _file_row(token_id: str, pointer: str, item: FileValue) -> FileRow:
    item = _hashed(item)
    checksum = str(item.get("checksum") or "")
    return FileRow(
        token_id=token_id,
        pointer=pointer,
        kind=FileClass.FILE if item["class"] == "File" else FileClass.DIRECTORY,
        basename=str(item.get("basename") or ""),
        location=item.get("location"),
        sha256=item.get("sha256"),
        sha1=checksum.removeprefix("sha1$") if checksum.startswith("sha1$") else None,
        size=item.get("size"),
    )


def _hashed(item: FileValue) -> FileValue:
    """Return a File; a literal with the hashes of its contents, by which it is found once it was delivered."""
    if item["class"] != "File" or item.get("location") is not None or not isinstance(item.get("contents"), str):
        return item
    digest = digest_bytes(item["contents"].encode("utf-8", "surrogateescape"))
    return {**item, "sha256": digest.sha256, "checksum": digest.checksum, "size": digest.size}


def usage_row(job_id: str, direction: Direction, port: str, token: Token) -> UsageRow:
    """Return the row that says which token a job had on a port."""
    return UsageRow(job_id=job_id, direction=direction, port=port, token_id=token.id)


def replica_rows(
    run_id: str,
    where: str | Callable[[str], str | None],
    value: Value,
    kind: ReplicaKind,
    attempt_id: str | None = None,
    known: Value = None,
) -> Iterator[ReplicaRow]:
    """Yield where the files of a value lie, but for those that are in `known` too.

    `where` is the location of this machine, or gives the location for the URI of a file.
    """
    found = references(value)
    first = next(found, None)
    if first is None:  # most jobs of a large scatter have no file: what is known is not gone through for them
        return
    seen = {_content_of(item) for _, item in references(known)}
    for _, item in chain([first], found):
        location = item.get("location", "")
        here = is_file_uri(location)
        if (here or is_placed_uri(location)) and _content_of(item) not in seen:
            location_id = where if isinstance(where, str) else where(location)
            if location_id is None:
                continue
            path = to_path(location) if here else split_placed_uri(location)[1]
            yield ReplicaRow(
                id=ids.replica_id(run_id, location_id, path, item.get("sha256")),
                run_id=run_id,
                location_id=location_id,
                path=path,
                path_key=ids.path_key(path),
                sha256=item.get("sha256"),
                size=item.get("size"),
                kind=kind,
                valid=True,
                attempt_id=attempt_id,
            )


def _content_of(item: FileValue) -> tuple[str | None, str | None]:
    return item.get("location"), item.get("sha256")


def environment_row(variables: Mapping[str, str], plan: CommandPlan) -> EnvironmentRow:
    """Return the environment of an attempt, with its own directories by name so that equal
    environments of different attempts are one."""
    runtime = plan.runtime
    own = {runtime.outdir: "$(runtime.outdir)", runtime.tmpdir: "$(runtime.tmpdir)"}
    own[metrics_path(runtime.tmpdir)] = metrics_path("$(runtime.tmpdir)")
    return _environment_of(tuple([(name, own.get(text, text)) for name, text in sorted(variables.items())]))


@lru_cache(maxsize=256)
def _environment_of(shown: tuple[tuple[str, str], ...]) -> EnvironmentRow:
    """Return the row of an environment; most jobs of a run have the same one."""
    variables = dict(shown)
    return EnvironmentRow(id=hash_json(variables)[:20], variables=to_json(variables))


def metric_rows(attempt: Attempt, values: Iterable[Measured], redactor: Redactor) -> Iterator[MetricRow]:
    """Yield the rows of the numbers that an attempt recorded, in their order."""
    for position, one in enumerate(values):
        name = redactor.text(one.name)
        yield MetricRow(
            attempt_id=attempt.id, position=position, name=name, step=one.step, value=one.value, instant=one.instant
        )


def attempt_row(
    attempt: Attempt,
    argv: Sequence[str],
    shell: str | None,
    plan: CommandPlan,
    allocation: Allocation,
    environment_id: str,
    image_id: str | None,
    now: float,
) -> AttemptRow:
    """Return the row that says that an attempt is intended."""
    return AttemptRow(
        id=attempt.id,
        job_id=attempt.job.id,
        number=attempt.number,
        state=AttemptState.INTENDED,
        location_id=attempt.location_id,
        work_directory=attempt.directory,
        token=attempt.token,
        argv=None if shell is not None else to_json(list(argv)),
        shell=shell,
        environment_id=environment_id,
        image_id=image_id,
        cores=float(allocation.cores),
        ram=allocation.ram,
        gpus=allocation.gpus or None,
        time_limit=plan.request.time_limit,
        reason=attempt.reason,
        submitted=now,
        stdout=plan.stdout or f"{attempt.directory}/stdout",
        stderr=plan.stderr or f"{attempt.directory}/stderr",
    )


ENDED_AS = {
    None: AttemptState.COMPLETED,
    Failure.CANCELLED: AttemptState.CANCELLED,
    Failure.LOST: AttemptState.LOST,
}


def attempt_changes(ended: Ended, failure: Failure | None, error: str | None, now: float) -> dict[str, Any]:
    """Return what changes in the row of an attempt when it ended."""
    figures = ended.figures
    return {
        "state": ENDED_AS.get(failure, AttemptState.FAILED),
        "ending": ended.ending.name,
        "exit_code": ended.exit_code,
        "signal": ended.signal,
        "error": error,
        "started": figures.started,
        "ended": figures.ended or now,
        "cpu_seconds": figures.cpu_seconds,
        "peak_rss": figures.peak_rss,
        "bytes_read": figures.bytes_read,
        "bytes_written": figures.bytes_written,
    }


def deployment_row(name: str, kind: str, config: Mapping[str, Any], wraps: str | None = None) -> DeploymentRow:
    """Return the row of a deployment; `wraps` is the id of the row of the one that it is stacked on."""
    said = to_json(dict(config))
    identity = ids.deployment_id(name, kind, said, wraps)
    return DeploymentRow(id=identity, name=name, kind=kind, config=said, wraps=wraps)


def location_row(location: ConnectorLocation, deployment_id: str) -> LocationRow:
    """Return the row of a location, with its facts."""
    facts = location.facts
    row = LocationRow(
        id="",
        deployment_id=deployment_id,
        name=location.name,
        service=location.service,
        hostname=facts.hostname,
        os=facts.os,
        kernel=facts.kernel,
        cpu_model=facts.cpu_model,
        cores=facts.cores,
        memory=facts.memory,
        gpus=facts.gpus,
        runtime=facts.runtime,
        umask=facts.umask,
        time_zone=facts.time_zone,
    )
    return replace(row, id=ids.location_id(astuple(row)))


def image_row(name: str, tag: str | None, digest: str | None, platform: str, engine: str) -> ImageRow:
    """Return the row of a container image."""
    identity = ids.image_id(name, tag, digest, platform, engine)
    return ImageRow(id=identity, name=name, tag=tag, digest=digest, platform=platform, engine=engine)


LOST = Ended(Ending.LOST)
