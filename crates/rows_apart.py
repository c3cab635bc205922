"""The lines of `crates.rows` made by another process, while this one makes the rest of a crate.

A second core is put to use; where there is none, where the run is small, or when the other process fails, the lines
are made here. The process is this module as a program: it is told the store, whose name may hold a secret, and the
run by its standard input, and prints the lines.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from ..hashing import CHUNK_BYTES
from ..provenance.connections import connect
from ..provenance.database import Database
from ..provenance.store import Store
from ..provenance.urls import parse_store_url
from .apart import begin, has_second_core
from .rows import row_lines

FEW_JOBS = 200
"""The rows of no more jobs are made in less time than it takes to start a process."""


class RowsApart:
    """The lines of one run, made by another process once `begin` was called. To be used in a `with`."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._lines: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed at the end of the `with`
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Have another process begin, if it is worth it."""
        if has_second_core() and _has_many_jobs(self._store.database, self._run_id):
            self._process = begin(__name__, [self._store.url.target, self._run_id], self._lines)

    def lines(self, database: Database) -> Iterator[bytes]:
        """Return the lines in pieces of any size, as `row_lines` does, whose arguments and errors these are."""
        if self._process is None or self._process.wait() != 0:
            return row_lines(database, self._run_id)
        self._lines.seek(0)
        return iter(lambda: self._lines.read(CHUNK_BYTES), b"")

    def __enter__(self) -> RowsApart:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._lines.close()


def _has_many_jobs(database: Database, run_id: str) -> bool:
    asked = "SELECT 1 FROM job WHERE run_id = ? LIMIT 1 OFFSET ?"
    return database.one(asked, (run_id, FEW_JOBS)) is not None


def main() -> None:
    """Print the lines of the run that the standard input names."""
    store, run_id = json.load(sys.stdin)
    with contextlib.closing(connect(parse_store_url(store), readonly=True)) as database:
        sys.stdout.buffer.writelines(row_lines(database, run_id))


if __name__ == "__main__":
    main()
