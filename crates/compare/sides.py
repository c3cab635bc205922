"""What the two sides of a comparison are: runs of the store, crates, or files and directories."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ...errors import UsageError
from ...provenance import queries
from ...provenance.queries import Kind
from ...provenance.store import Store, open_store
from ..importing import import_crate
from ..read import METADATA
from .runs import Side


def is_crate(path: Path) -> bool:
    """Tell whether a path is a folder or a zip archive that holds a crate."""
    if path.is_dir():
        return any((path / name).is_file() for name in METADATA)
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return False
    return any(name.rpartition("/")[2] in METADATA and name.count("/") <= 1 for name in names)


@contextmanager
def opened(text: str, store: Store) -> Iterator[Side]:
    """Yield a run to compare: of a crate, which is not put into the store, or of the store.

    Raises CrateInvalid for a crate that is not safe or has no run, UsageError where there is no such run.
    """
    path = Path(text)
    with ExitStack() as stack:
        if path.exists() and is_crate(path):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="recrate-compare-"))
            own = open_store(f"{folder}/store.db")
            stack.callback(own.close)
            yield Side(own.database, import_crate(text, own, copy=not path.is_dir())[0].run_id, text)
        else:
            yield Side(store.database, queries.resolve(store.database, Kind.RUN, text), text)


def are_files(first: str, second: str) -> bool:
    """Tell whether two sides are plain files or directories. Raises UsageError when only one of them is."""
    kinds = [Path(text).exists() and not is_crate(Path(text)) for text in (first, second)]
    if kinds[0] != kinds[1]:
        plain, other = (first, second) if kinds[0] else (second, first)
        raise UsageError(
            f"{plain} is no crate, so it cannot be compared with {other}",
            hint="compare two runs or crates, or two files",
        )
    return kinds[0]
