"""A crate as the one file that is sent."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...data_classes import dataclass
from ..export.target import stream_of, target_at
from ..holders import Folder
from ..read import Crate

SUFFIX = ".crate.zip"


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive, and the name that it is sent under."""

    path: Path
    name: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.path.stat().st_size


def name_of(crate: Crate) -> str:
    """Return the name that a crate is sent under."""
    path = Path(crate.path).resolve()
    return f"{path.name or 'crate'}{SUFFIX}" if isinstance(crate.holder, Folder) else path.name


@contextmanager
def packed(crate: Crate) -> Iterator[Packed]:
    """Yield a crate as an archive: itself when it is one, else one that is made for the time being."""
    if not isinstance(crate.holder, Folder):
        yield Packed(Path(crate.path), name_of(crate))
        return
    with tempfile.TemporaryDirectory(prefix="recrate-publish-") as folder:
        made = Path(folder, "crate.zip")
        _write(crate, made)
        yield Packed(made, name_of(crate))


def _write(crate: Crate, path: Path) -> None:
    """Write an archive with the metadata first; the same crate makes the same archive. Raises CrateFailed."""
    with target_at(path, 0.0) as target:
        for name in sorted(crate.paths(), key=lambda name: (name != crate.metadata, name)):
            with crate.open(name) as stream:
                target.write(name, stream_of(stream))
        for name in sorted(crate.folders()):
            target.make_folder(name)
