"""A crate as the one file that is sent."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..holders import Folder
from ..read import Crate

SUFFIX = ".crate.zip"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


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


def _write(crate: Crate, target: Path) -> None:
    """Write an archive with the metadata first; the same crate makes the same archive."""
    folders = [f"{name}/" for name in crate.folders()]
    names = sorted([*crate.paths(), *folders], key=lambda name: (name != crate.metadata, name))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o40755 if name.endswith("/") else 0o100644) << 16
            if name.endswith("/"):
                archive.writestr(info, b"")
                continue
            with crate.open(name) as source, archive.open(info, "w", force_zip64=True) as made:
                shutil.copyfileobj(source, made, 1 << 20)
