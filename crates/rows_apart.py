"""The lines of `crates.rows` made by another process, while this one makes the rest of a crate.

A second core is put to use; where there is none, or the other process fails, the lines are made here. The process is
this module as a program: it is told the store, whose name may hold a secret, and the run by its standard input, and
prints the lines.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from ..connectors.probe import usable_cores
from ..provenance.connections import connect
from ..provenance.database import Database
from ..provenance.urls import StoreUrl, parse_store_url
from .rows import row_lines

_CHUNK_BYTES = 1 << 20


class RowsApart:
    """The lines of one run, being made by another process. To be used in a `with`."""

    def __init__(self, store: StoreUrl, run_id: str) -> None:
        self._run_id = run_id
        self._lines: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed at the end of the `with`
        self._process = _started(store, run_id, self._lines) if usable_cores() > 1 else None

    def lines(self, database: Database) -> Iterator[bytes]:
        """Return the lines in pieces of any size, as `row_lines` does, whose arguments and errors these are."""
        if self._process is None or self._process.wait() != 0:
            return row_lines(database, self._run_id)
        self._lines.seek(0)
        return iter(lambda: self._lines.read(_CHUNK_BYTES), b"")

    def __enter__(self) -> RowsApart:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._lines.close()


def _started(store: StoreUrl, run_id: str, lines: IO[bytes]) -> subprocess.Popen[bytes] | None:
    if not sys.executable:
        return None
    try:
        # With -P nothing is imported from the directory in which the command was given.
        argv = [sys.executable, "-P", "-m", __name__]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=lines, stderr=subprocess.DEVNULL)
    except OSError:
        return None
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as told:
        told.write(f"{store.target}\n{run_id}\n".encode("utf-8", "surrogateescape"))
    return process


def main() -> None:
    """Print the lines of the run that the standard input names."""
    store, run_id = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\n")[:2]
    with contextlib.closing(connect(parse_store_url(store), readonly=True)) as database:
        sys.stdout.buffer.writelines(row_lines(database, run_id))


if __name__ == "__main__":
    main()
