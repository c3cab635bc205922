"""What an export reads of a store: little things at once, all that grows with the number of jobs bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

from ...data_classes import dataclass
from ...provenance import belonging, ids, queries
from ...provenance.queries import MetricSummary, RunDetail
from ...provenance.rows import (
    AttemptRow,
    ComparisonRow,
    DeploymentRow,
    DocumentRow,
    EnvironmentRow,
    ImageRow,
    JobRow,
    LocationRow,
    PortRow,
    TokenRow,
    TransferRow,
)
from ...provenance.rows.base import R
from ...provenance.states import Direction
from ...provenance.store import Store
from ...provenance.texts import from_stored
from ...provenance.urls import Dialect
from .names import FileKey

AT_ONCE = 500
_CONTENT = "coalesce(file.sha256, file.location, file.token_id || file.pointer)"
_LISTED = (
    "(file.pointer LIKE '%/listing/%' AND EXISTS (SELECT 1 FROM file AS folder WHERE folder.token_id = file.token_id "
    "AND folder.kind = 'DIRECTORY' AND file.pointer > folder.pointer || '/listing/' "
    "AND file.pointer < folder.pointer || '/listing0'))"
)
_WITH_OTHERS = (
    "EXISTS (SELECT 1 FROM file AS other WHERE other.token_id = file.token_id "
    "AND other.pointer >= '/secondaryFiles/' AND other.pointer < '/secondaryFiles0')"
)


class Use(NamedTuple):
    """A port that a value was on."""

    step_id: str
    direction: Direction
    port: str


class FoundFile(NamedTuple):
    """A file of a run, with one of the places in tokens where it stands."""

    key: FileKey
    location: str | None
    sha1: str | None
    size: int | None
    token_id: str
    pointer: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job with all that its actions say: attempts, and the tokens on its ports by name of the port."""

    row: JobRow
    attempts: Sequence[AttemptRow]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


class TokenShape(NamedTuple):
    """What a token comes to in a crate: nothing, a file alone, or a value that is described."""

    is_null: bool
    file: FileKey | None


class Source:
    """Reads one run of a store by connections that only read: one for what streams, two for what is looked up."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.run_id = run_id
        self.database = store.connect(readonly=True)
        self._streaming = [store.connect(readonly=True), store.connect(readonly=True)]
        self._bytewise = ' COLLATE "C"' if self.database.dialect is Dialect.POSTGRESQL else ""

    def close(self) -> None:
        """Close the connections."""
        for database in (self.database, *self._streaming):
            database.close()

    # -- little things ---------------------------------------------------------------------------

    def detail(self) -> RunDetail:
        """Return the run with its workflow, software and steps; without its inputs and outputs, which can be large."""
        found = queries.run_detail(self.database, self.run_id)
        return replace(found, row=replace(found.row, inputs=None, outputs=None))

    def ports(self) -> dict[str, list[PortRow]]:
        """Return the ports by id of the step."""
        return queries.ports(self.database, self.run_id)

    def documents(self, workflow_id: str | None) -> list[DocumentRow]:
        """Return the documents of the workflow."""
        return [] if workflow_id is None else queries.documents(self.database, workflow_id)

    def _referred(self, table: type[R]) -> list[R]:
        condition, values = belonging.condition(belonging.REFERRED[table.TABLE], self.run_id)
        return self.database.rows(table, f"WHERE {condition} ORDER BY id{self._bytewise}", values)

    def comparisons(self) -> list[ComparisonRow]:
        """Return what is on record of how the run compares with others."""
        return queries.comparisons(self.database, self.run_id)

    def images(self) -> list[ImageRow]:
        """Return the container images that attempts ran in."""
        return self._referred(ImageRow)

    def locations(self) -> list[LocationRow]:
        """Return the locations of attempts, files and transfers."""
        return self._referred(LocationRow)

    def deployments(self) -> list[DeploymentRow]:
        """Return the deployments of these locations, and those that they are stacked on."""
        return self._referred(DeploymentRow)

    def environments(self) -> Iterator[EnvironmentRow]:
        """Yield the environments of attempts."""
        condition, values = belonging.condition(belonging.REFERRED["environment"], self.run_id)
        rest = f"WHERE {condition} ORDER BY id{self._bytewise}"
        return self._streaming[0].stream_rows(EnvironmentRow, rest, values)

    def variables(self, environment_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the names of the variables of environments, by id."""
        found: dict[str, list[str]] = {}
        for some in queries.in_batches(sorted(set(environment_ids))):
            rows = self.database.rows(EnvironmentRow, f"WHERE id IN ({queries.places(some)})", some)
            found.update((row.id, list(json.loads(row.variables))) for row in rows)
        return found

    def metrics(self, attempt_ids: Iterable[str]) -> dict[str, list[MetricSummary]]:
        """Return what attempts recorded of themselves, by id."""
        return queries.metric_summaries(self.database, attempt_ids)

    # -- files -----------------------------------------------------------------------------------

    def files_of(self, token_ids: Iterable[str]) -> Iterator[FileKey]:
        """Yield the files in tokens and in their parts, in order."""
        for some in queries.in_batches(token_ids):
            found: dict[str, list[FileKey]] = {}
            for token, *key in self.database.query(
                f"SELECT file.token_id, file.kind, {_CONTENT}, file.basename FROM file "
                f"WHERE file.token_id IN ({queries.places(some)}) AND NOT {_LISTED} "
                f"ORDER BY file.token_id, file.pointer{self._bytewise}",
                some,
            ):
                found.setdefault(token, []).append(FileKey(*key))
            parts = queries.parts_of(self.database, [token for token in some if token not in found])
            for token in some:
                yield from found.get(token, ())
                if token in parts:
                    yield from self.files_of(parts[token])

    def files(self) -> Iterator[tuple[FoundFile, list[Use]]]:
        """Yield each file once with the ports that it was on, alone; in the order of their keys."""
        key = f"file.kind AS kind, {_CONTENT} AS content, file.basename AS basename"
        order = f"ORDER BY kind, content{self._bytewise}, basename{self._bytewise}"
        found = self._streaming[0].stream(
            f"SELECT * FROM (SELECT {key}, file.location AS location, file.sha1, file.size, file.token_id, "
            "file.pointer FROM token JOIN file ON file.token_id = token.id "
            f"WHERE token.run_id = ? AND NOT {_LISTED}) AS found {order}",
            (self.run_id,),
        )
        alone = f"JOIN file ON file.token_id = token.id AND file.pointer = '' AND NOT {_WITH_OTHERS}"
        uses = self._streaming[1].stream(
            f"SELECT * FROM (SELECT {key}, job.step_id AS step_id, usage.direction AS direction, usage.port AS port "
            f"FROM token {alone} JOIN usage ON usage.token_id = token.id JOIN job ON job.id = usage.job_id "
            f"WHERE token.run_id = ? UNION SELECT {key}, job.step_id, 'OUTPUT', token.port "
            f"FROM token {alone} JOIN job ON job.id = token.job_id WHERE token.run_id = ?) AS used "
            f"{order}, step_id, direction, port",
            (self.run_id, self.run_id),
        )
        merged = _Merged(groupby(uses, key=itemgetter(0, 1, 2)))
        for same, rows in groupby(found, key=itemgetter(0, 1, 2)):
            # One that has a location and a size says more than one that does not.
            best = min(rows, key=lambda row: (row[3] is None, row[5] is None, row[6], row[7]))
            yield FoundFile(FileKey(*map(from_stored, same)), *map(from_stored, best[3:])), merged.uses(same)

    # -- values ----------------------------------------------------------------------------------

    def tokens(self) -> Iterator[list[tuple[TokenRow, list[Use]]]]:
        """Yield the tokens that were on ports of jobs, with these ports, or that others were put together of.

        Some hundred at a time.
        """
        stream = self._streaming[0].stream_rows(
            TokenRow, f"WHERE run_id = ? ORDER BY id{self._bytewise}", (self.run_id,)
        )
        while rows := list(islice(stream, AT_ONCE)):
            uses = self._uses(rows)
            parts = self._which_are_parts([row.id for row in rows if not uses[row.id]])
            yield [(row, uses[row.id]) for row in rows if uses[row.id] or row.id in parts]

    def _uses(self, rows: Sequence[TokenRow]) -> dict[str, list[Use]]:
        made = self._steps_of_jobs({row.job_id for row in rows if row.job_id is not None})
        uses: dict[str, list[Use]] = {row.id: [] for row in rows}
        for row in rows:
            if row.job_id in made:
                uses[row.id].append(Use(made[row.job_id], Direction.OUTPUT, row.port))
        for token, step, direction, port in self.database.query(
            "SELECT DISTINCT usage.token_id, job.step_id, usage.direction, usage.port FROM usage "
            f"JOIN job ON job.id = usage.job_id WHERE usage.token_id IN ({queries.places(rows)}) "
            "AND job.run_id = ? ORDER BY 1, 2, 3, 4",
            (*uses, self.run_id),
        ):
            uses[token].append(Use(step, Direction[direction], port))
        return uses

    def _which_are_parts(self, token_ids: Sequence[str]) -> set[str]:
        if not token_ids:
            return set()
        sql = f"SELECT DISTINCT part_id FROM part WHERE part_id IN ({queries.places(token_ids)})"
        return {part for (part,) in self.database.query(sql, token_ids)}

    def _steps_of_jobs(self, job_ids: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for some in queries.in_batches(sorted(job_ids)):
            found.update(self.database.query(f"SELECT id, step_id FROM job WHERE id IN ({queries.places(some)})", some))
        return found

    def parts(self, token_ids: Iterable[str]) -> dict[str, list[str]]:
        """Return the ids of the tokens that others were put together of."""
        return queries.parts_of(self.database, token_ids)

    def texts(self, token_ids: Iterable[str]) -> dict[str, str | None]:
        """Return the JSON of tokens by id."""
        found: dict[str, str | None] = {}
        for some in queries.in_batches(token_ids):
            found.update(self.database.query(f"SELECT id, value FROM token WHERE id IN ({queries.places(some)})", some))
        return found

    def shapes(self, token_ids: Iterable[str]) -> dict[str, TokenShape]:
        """Return what tokens come to, without reading long values."""
        found: dict[str, TokenShape] = {}
        for some in queries.in_batches(dict.fromkeys(token_ids)):
            for token, is_null, kind, content, basename, with_others in self.database.query(
                f"SELECT token.id, token.value = 'null', file.kind, {_CONTENT}, file.basename, {_WITH_OTHERS} "
                "FROM token LEFT JOIN file ON file.token_id = token.id AND file.pointer = '' "
                f"WHERE token.id IN ({queries.places(some)})",
                some,
            ):
                key = None if kind is None or with_others else FileKey(kind, content, basename)
                found[token] = TokenShape(bool(is_null), key)
        return found

    # -- jobs ------------------------------------------------------------------------------------

    def main_job(self) -> JobRecord | None:
        """Return the job of the workflow itself, None when it is not on record."""
        row = self.database.row(JobRow, ids.job_id(self.run_id, "/"))
        return None if row is None else self._records([row])[0]

    def jobs(self, step_id: str) -> Iterator[list[JobRecord]]:
        """Yield the jobs of a step in the order of their paths, some hundred at a time."""
        stream = self._streaming[0].stream_rows(
            JobRow, f"WHERE run_id = ? AND step_id = ? ORDER BY path{self._bytewise}", (self.run_id, step_id)
        )
        while rows := list(islice(stream, AT_ONCE)):
            yield self._records(rows)

    def _records(self, rows: Sequence[JobRow]) -> list[JobRecord]:
        given = tuple(row.id for row in rows)
        places = queries.places(given)
        attempts: dict[str, list[AttemptRow]] = {}
        for attempt in self.database.rows(AttemptRow, f"WHERE job_id IN ({places}) ORDER BY job_id, number", given):
            attempts.setdefault(attempt.job_id, []).append(attempt)
        sides: dict[tuple[str, str], dict[str, str]] = {}
        for job, direction, port, token in self.database.query(
            f"SELECT job_id, direction, port, token_id FROM usage WHERE job_id IN ({places}) ORDER BY 1, 2, 3", given
        ):
            sides.setdefault((job, direction), {})[port] = token
        for job, port, token in self.database.query(
            f"SELECT job_id, port, id FROM token WHERE run_id = ? AND job_id IN ({places}) ORDER BY 1, 2",
            (self.run_id, *given),
        ):
            sides.setdefault((job, "OUTPUT"), {})[port] = token
        return [
            JobRecord(
                row=row,
                attempts=attempts.get(row.id, ()),
                inputs=sides.get((row.id, "INPUT"), {}),
                outputs=sides.get((row.id, "OUTPUT"), {}),
            )
            for row in rows
        ]

    def transfers(self) -> Iterator[TransferRow]:
        """Yield the transfers."""
        rest = f"WHERE run_id = ? ORDER BY started, id{self._bytewise}"
        return self._streaming[0].stream_rows(TransferRow, rest, (self.run_id,))


class _Merged:
    """The ports of files, taken in the order of the keys."""

    def __init__(self, groups: Iterator[tuple[tuple[Any, ...], Iterator[tuple[Any, ...]]]]) -> None:
        self._groups = groups
        self._next: tuple[tuple[Any, ...], list[Use]] | None = None
        self._advance()

    def _advance(self) -> None:
        group = next(self._groups, None)
        self._next = None
        if group is not None:
            key, rows = group
            self._next = key, [Use(step, Direction[side], from_stored(port)) for *_, step, side, port in rows]

    def uses(self, key: tuple[Any, ...]) -> list[Use]:
        """Return the ports of a file; asked in the order of the keys, some of which have none."""
        if self._next is None or self._next[0] != key:
            return []
        uses = self._next[1]
        self._advance()
        return uses
