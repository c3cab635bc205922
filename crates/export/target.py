"""Where a crate is written: a folder, or an archive. It is there when it is complete, and not before."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, ClassVar

from ...errors import CrateFailed

_MODE = 0o644 << 16
_FOLDER_MODE = (0o40755 << 16) | 0x10
_FIRST_INSTANT = 315532800.0
"""1980-01-01, the first instant that an archive can name."""


class Target(ABC):
    """What a crate is written to. Paths are relative, with `/`."""

    keeps_contents: ClassVar[bool] = True
    """False: contents of data are not kept, so that large ones need not be read."""

    @abstractmethod
    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """Write a file of the crate."""

    @abstractmethod
    def make_folder(self, path: str) -> None:
        """Make a folder, which may stay empty."""


@contextmanager
def target_at(path: Path, instant: float) -> Iterator[Target]:
    """Open a target: an archive when the path ends in `.zip`, else a folder.

    When the block ends with an error nothing is left. `instant` is what an archive says of all its files.
    Raises CrateFailed when something lies at the path, or what is written does not arrive.
    """
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise CrateFailed(f"there is something at {str(path)!r} already", hint="name another place, or remove it")
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        if path.suffix == ".zip":
            with zipfile.ZipFile(part / "crate", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                yield _Archive(archive, instant)
            os.replace(part / "crate", path)
        else:
            (part / "crate").mkdir()
            yield Folder(part / "crate")
            os.replace(part / "crate", path)
    except OSError as error:
        raise CrateFailed(f"cannot write the crate {str(path)!r}: {error.strerror or error}") from error
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


class Folder(Target):
    """A folder, where files are written as they are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._made: set[str] = set()

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """See Target."""
        self.make_folder(path.rpartition("/")[0])
        with open(f"{self.root}/{path}", "xb") as stream:
            stream.writelines(chunks)

    def make_folder(self, path: str) -> None:
        """See Target."""
        if path not in self._made:
            (self.root / path).mkdir(parents=True, exist_ok=True)
            self._made.add(path)


class _Archive(Target):
    def __init__(self, archive: zipfile.ZipFile, instant: float) -> None:
        self._archive = archive
        self._when = time.gmtime(max(instant, _FIRST_INSTANT))[:6]

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        info = self._info(path, _MODE)
        info.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(info, "w", force_zip64=True) as stream:
            for chunk in chunks:
                stream.write(chunk)

    def make_folder(self, path: str) -> None:
        self._archive.writestr(self._info(f"{path}/", _FOLDER_MODE), b"")

    def _info(self, path: str, mode: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path, self._when)
        info.external_attr = mode
        return info


class MetadataOnly(Target):
    """Keeps one file of a crate, and of all others only what is said of them."""

    keeps_contents = False

    def __init__(self, path: str, stream: IO[bytes]) -> None:
        self._path = path
        self._stream = stream

    def write(self, path: str, chunks: Iterable[bytes]) -> None:
        """See Target."""
        for chunk in chunks:
            if path == self._path:
                self._stream.write(chunk)

    def make_folder(self, path: str) -> None:
        """See Target."""


def stream_of(file: IO[bytes], size: int = 1 << 20) -> Iterator[bytes]:
    """Yield what is left of a file in chunks."""
    while chunk := file.read(size):
        yield chunk
