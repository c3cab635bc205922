"""What commands printed, as files of the crate; secrets are taken out of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ...provenance.rows import AttemptRow
from ...redaction import Redactor
from .actions import attempt_id
from .draft import Draft
from .files import is_excluded
from .jsonld import ref
from .options import ExportOptions
from .record import Record


def write_logs(attempt: AttemptRow, record: Record, draft: Draft) -> None:
    """Add what an attempt printed, where that is none of its outputs, not empty, and still there."""
    crate = record.detail.crate
    # Of a run that was imported they are in its crate; what lies where its maker had them is no business of ours.
    kept = None if crate is None else os.path.join(crate.directory or crate.path, "logs")
    for name, place in _logs(attempt, kept):
        path = f"logs/{attempt.id}.{name}"
        if not _is_wanted(path, place, record.options):
            continue
        try:
            stream = open(place, "rb")  # noqa: SIM115 - only what opening it raises is of no matter
        except OSError:
            continue
        with stream:
            lines = _masked(stream, record.redactor)
            about = ref(attempt_id(attempt))
            draft.add_stream(path, lines, f"{name} of an attempt", encoding="text/plain", about=about)


def _logs(attempt: AttemptRow, kept: str | None) -> Iterator[tuple[str, str]]:
    for name, path in (("stdout", attempt.stdout), ("stderr", attempt.stderr)):
        # Elsewhere it is what the tool asked for: an output.
        if path is not None and path == f"{attempt.work_directory}/{name}":
            yield name, path if kept is None else f"{kept}/{attempt.id}.{name}"


def _is_wanted(path: str, place: str, options: ExportOptions) -> bool:
    if options.metadata_only or is_excluded(path, path.rpartition("/")[2], options.exclude):
        return False
    try:
        size = os.path.getsize(place)
    except OSError:
        return False
    return size > 0 and (options.max_file_size is None or size <= options.max_file_size)


def _masked(lines: Iterable[bytes], redactor: Redactor) -> Iterator[bytes]:
    for line in lines:
        if redactor.secrets:
            text = line.decode("utf-8", "surrogateescape")
            yield redactor.text(text).encode("utf-8", "surrogateescape")
        else:
            yield line
