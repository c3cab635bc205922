"""A run written as a crate, from its rows alone: what is in the store is what is in the crate."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from ...data_classes import dataclass
from ...errors import UsageError
from ...provenance import queries
from ...provenance.states import RunState
from ...provenance.store import Store
from ..read import METADATA_FILE
from ..rows_apart import RowsApart
from .data import Data
from .described import write_description, write_own_files, write_transfers, write_workflow
from .draft import Draft
from .options import ExportOptions
from .record import Record
from .source import Source
from .story import Story
from .target import MetadataOnly, target_at
from .vocabulary import own_terms


@dataclass(frozen=True, slots=True)
class Exported:
    """A crate that was written.

    Attributes:
        path: where it is.
        run: readable name of the run.
        files: how many files and directories of the run are in it.
        left_out: how many were to be left out.
        absent: paths of some of those that could not be had.
        absent_count: how many there are of them.
        warnings: what whoever made it should know.
    """

    path: str
    run: str
    files: int
    left_out: int
    absent: Sequence[str]
    absent_count: int
    warnings: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """One line for whoever made it."""
        left_out = f", {self.left_out} left out" if self.left_out else ""
        return f"{self.path}: run {self.run}, {self.files} files and directories of it{left_out}"


def export_run(store: Store, run: str, path: str | os.PathLike[str], options: ExportOptions | None = None) -> Exported:
    """Write the crate of a run.

    Args:
        store: where the run is.
        run: its id or the beginning of one, its name, or `last`.
        path: the folder to make, or the archive when it ends in `.zip`.
        options: what is in it and what its root says.

    Raises:
        UsageError: there is no such run, or it is still going on.
        CrateFailed: the crate could not be written.
    """
    with _record_of(store, run, options) as record:
        row = record.detail.row
        with target_at(Path(path), row.ended or row.started) as target, Draft(target) as draft:
            data = _write(record, draft)
    return Exported(
        path=os.fspath(path),
        run=row.name,
        files=data.copied,
        left_out=data.left_out,
        absent=tuple(data.missing),
        absent_count=data.missing_count,
        warnings=tuple(_warnings(record, data)),
    )


def describe_run(store: Store, run: str, stream: IO[bytes], options: ExportOptions | None = None) -> None:
    """Write the metadata that the crate of a run has, and nothing else of it.

    Files larger than a MiB are not read: where one lies it is taken for what the store says of it.
    Arguments and errors as for `export_run`.
    """
    with _record_of(store, run, options) as record, Draft(MetadataOnly(METADATA_FILE, stream)) as draft:
        _write(record, draft)


@contextmanager
def _record_of(store: Store, run: str, options: ExportOptions | None) -> Iterator[Record]:
    run_id = queries.resolve(store.database, queries.Kind.RUN, run)
    with RowsApart(store, run_id) as rows, closing(Source(store, run_id)) as source:
        record = Record(source, source.detail(), rows, options or ExportOptions())
        if record.detail.state is RunState.RUNNING:
            raise UsageError(f"run {record.detail.row.name} is still going on", hint="wait for its end, or cancel it")
        yield record


def _write(record: Record, draft: Draft) -> Data:
    """Write everything: files first, since whether they could be had decides how they are called."""
    outline = write_workflow(record, draft)
    main_job = record.source.main_job()
    data = Data(record, draft, outline)
    data.write_files(main_job)
    record.rows.begin()  # not before: copying the files takes the second core
    data.write_values()
    story = Story(record, draft, outline)
    story.write(main_job)
    write_transfers(record, draft)
    write_own_files(record, draft, outline)
    root, *others = write_description(record, draft, outline, frozenset(story.acted))
    line = record.options.line
    draft.finish(line.context(own_terms()), line.descriptor(METADATA_FILE), root, others)
    return data


def _warnings(record: Record, data: Data) -> Iterator[str]:
    if record.texts.problem:
        yield f"the text of the workflow cannot be packed: {record.texts.problem}"
    if data.missing_count:
        more = ", ..." if data.missing_count > len(data.missing) else ""
        files = "1 file is" if data.missing_count == 1 else f"{data.missing_count} files are"
        yield f"{files} not in the crate, being gone or changed: {', '.join(data.missing)}{more}"
    if record.options.license is None:
        yield "no license was given: nobody may use the crate (--license CC-BY-4.0, or in recrate.toml)"
