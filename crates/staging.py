"""The directory to which the files of a crate are copied first, so that the final one is always complete.

What an import that was killed has left there is removed by the next one of the same run.
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile

from ..data_classes import dataclass
from ..errors import CrateInvalid, StoreFailed, Where
from ..provenance.store import Store, default_data_directory
from ..provenance.trees import remove_tree
from ..provenance.urls import Dialect
from .apart import has_second_core
from .copies_apart import FEW_FILES, CopiesApart
from .holders import Folder, Holder

_SPARE_BYTES = 64 << 20


@dataclass(slots=True)
class Staging:
    """Where the files of one crate are copied for one run. To be closed: what was not settled is gone then.

    Attributes:
        directory: where the files will be.
        path: where they are until then.
        apart: another process that copies them, when there is one.
    """

    directory: str
    path: str
    _lock: int
    apart: CopiesApart | None = None
    _is_settled: bool = False

    @classmethod
    def made(cls, directory: str, needed: int, crate: str) -> Staging:
        """Make the directory.

        Args:
            directory: where the files will be.
            needed: bytes of the files.
            crate: where the crate is, for errors.

        Raises:
            CrateInvalid: there is no space for so many bytes.
            StoreFailed: it cannot be made.
        """
        base = os.path.dirname(directory)
        try:
            os.makedirs(base, mode=0o700, exist_ok=True)
            _check_space(base, needed, crate)
            _remove_stale(directory)
            path = tempfile.mkdtemp(prefix=f"{os.path.basename(directory)}.", dir=base)
            lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreFailed(f"cannot keep the files of the crate in {base}: {error.strerror}") from None
        return cls(directory, path, lock)

    def begin(self, folder: Folder) -> None:
        """Have another process begin to copy all files of a folder."""
        self.apart = CopiesApart(folder, folder.folders, sorted(folder.files), self.path, self._lock)

    def settle(self) -> None:
        """Give the copies their final place; what is there is of an import that did not come to its end."""
        remove_tree(self.directory)
        os.rename(self.path, self.directory)
        self._is_settled = True

    def close(self) -> None:
        """End the other process, and remove what was not settled."""
        if self.apart is not None:
            self.apart.close()
        if not self._is_settled:
            remove_tree(self.path)
        os.close(self._lock)


def is_worth_another_process(holder: Holder, prefix: str) -> bool:
    """Tell whether another process can copy the files of a crate, and takes less time; `prefix` as in `Crate`."""
    return isinstance(holder, Folder) and not prefix and len(holder.files) > FEW_FILES and has_second_core()


def directory_for(store: Store, run_id: str) -> str:
    """Return the directory for the files of an imported run: beside the database, or in the user's data directory."""
    is_file = store.database.dialect is Dialect.SQLITE
    base = os.path.dirname(store.url.target) if is_file else default_data_directory()
    return os.path.join(base, "crates", run_id)


def _check_space(base: str, needed: int, crate: str) -> None:
    needed += _SPARE_BYTES
    free = shutil.disk_usage(base).free
    if needed > free:
        raise CrateInvalid(
            f"its files take {needed >> 20} MiB, and {base} has {free >> 20} MiB left",
            where=Where(crate),
            hint="unpack it elsewhere and import the folder with --in-place",
        )


def _remove_stale(directory: str) -> None:
    """Remove what imports of the same run have left that were killed: nobody holds a lock on it."""
    for stale in glob.glob(f"{glob.escape(directory)}.*"):
        descriptor = os.open(stale, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            remove_tree(stale)
        finally:
            os.close(descriptor)
