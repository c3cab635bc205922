"""The files of an imported crate are kept: copied beside the store, or left in the folder that they are in."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import tempfile
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from types import TracebackType

from ..data_classes import dataclass
from ..errors import CrateInvalid, StoreFailed, Where
from ..hashing import hash_json
from ..provenance.store import Store, default_data_directory
from ..provenance.trees import remove_tree
from ..provenance.urls import Dialect
from .apart import has_second_core
from .copies_apart import FEW_FILES, CopiesApart, copy_stream
from .holders import Folder
from .read import Crate
from .tampering import Claims, measured

_SPARE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of a crate: its path in it, and its content."""

    path: str
    sha256: bytes
    size: int


@dataclass(slots=True)
class Keeping:
    """Keeps the files of one crate for one run.

    They are copied to a directory of another name first, so that the final one is always complete.
    To be used in a `with`, at the end of which what was not settled is gone.
    """

    crate: Crate
    claims: Claims
    directory: str | None
    """Where the files will be; None: they stay in the folder that is the crate."""
    names: dict[str, str] = field(default_factory=dict)
    """By path of a file in the crate: its path among the copies, where that is another one."""
    _staging: str | None = None
    _lock: int | None = None
    _apart: CopiesApart | None = None

    def place(self, path: str) -> str:
        """Return where a file of the crate is once this is settled."""
        if self.directory is not None:
            return os.path.join(self.directory, self.names.get(path, path))
        assert isinstance(self.crate.holder, Folder)
        return os.path.join(self.crate.holder.root, path)

    def begin(self) -> bool:
        """Begin to copy the files. Return whether another process does it, so that others can be done first."""
        self._stage()
        if self._staging is None or self._lock is None or self.names or not isinstance(self.crate.holder, Folder):
            return False
        if self.crate.prefix or len(self.crate.files) <= FEW_FILES or not has_second_core():
            return False
        paths = sorted(self.crate.paths())
        self._apart = CopiesApart(self.crate.holder, self.crate.folders(), paths, self._staging, self._lock)
        return True

    def files(self) -> Iterator[Kept]:
        """Have the files copied, in the order of their paths, and yield each.

        Raises CrateInvalid when one is not what the metadata say.
        """
        folders: set[str] = set()
        if self._staging is not None and (self._apart is None or not self._apart.is_done()):
            for path in self.crate.folders():
                os.makedirs(os.path.join(self._staging, path), mode=0o700, exist_ok=True)
        copied = self._apart.copied() if self._apart is not None else iter(())
        for path in sorted(self.crate.paths()):
            found = self._measured(path, next(copied, None), folders)
            for difference in self.claims.differences(path, found):
                raise CrateInvalid(str(difference), where=Where(self.crate.path))
            yield Kept(path, bytes.fromhex(found["sha256"]), int(found["contentSize"]))

    def _measured(self, path: str, copied: tuple[str, int] | None, folders: set[str]) -> dict[str, str]:
        """Return what is to be known of a file; it is copied when it was not."""
        more = self.claims.algorithms(path) - {"sha256"}
        if self._staging is None:
            return measured(self.crate, path, more | {"sha256"})
        sha256, size = copied or self._copied(self._staging, path, folders)
        return {**(measured(self.crate, path, more) if more else {}), "sha256": sha256, "contentSize": str(size)}

    def _copied(self, staging: str, path: str, folders: set[str]) -> tuple[str, int]:
        target = os.path.join(staging, self.names.get(path, path))
        if path in self.names and os.path.lexists(target):
            # This file system folds names that were two where the crate was made.
            del self.names[path]
            target = os.path.join(staging, path)
        above = os.path.dirname(target)
        if above not in folders:
            os.makedirs(above, mode=0o700, exist_ok=True)
            folders.add(above)
        try:
            if self._apart is not None:  # which did not come so far
                with suppress(FileNotFoundError):
                    os.unlink(target)
            with self.crate.open(path) as source:
                return copy_stream(source, target)
        except OSError as error:
            raise StoreFailed(f"cannot keep {target}: {error.strerror}") from None

    def _stage(self) -> None:
        if self.directory is None:
            return
        base = os.path.dirname(self.directory)
        try:
            os.makedirs(base, mode=0o700, exist_ok=True)
            self._check_space(base)
            _remove_stale(self.directory)
            self._staging = tempfile.mkdtemp(prefix=f"{os.path.basename(self.directory)}.", dir=base)
            self._lock = os.open(self._staging, os.O_RDONLY | os.O_CLOEXEC)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreFailed(f"cannot keep the files of the crate in {base}: {error.strerror}") from None

    def _check_space(self, base: str) -> None:
        needed = sum(map(self.crate.size, self.crate.paths())) + _SPARE_BYTES
        free = shutil.disk_usage(base).free
        if needed > free:
            raise CrateInvalid(
                f"its files take {needed >> 20} MiB, and {base} has {free >> 20} MiB left",
                where=Where(self.crate.path),
                hint="unpack it elsewhere and import the folder with --in-place",
            )

    def settle(self) -> None:
        """Give the copies their final place; what is there is of an import that did not come to its end."""
        if self._staging is not None and self.directory is not None:
            remove_tree(self.directory)
            os.rename(self._staging, self.directory)
            self._staging = None

    def __enter__(self) -> Keeping:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._apart is not None:
            self._apart.close()
        if self._staging is not None:
            remove_tree(self._staging)
        if self._lock is not None:
            os.close(self._lock)


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


def folder_digests(
    datasets: Iterable[str], kept: Sequence[Kept], folders: Iterable[str], names: Mapping[str, str]
) -> Iterator[Kept]:
    """Yield folders of a crate, with hashes as the store has them: of the names and hashes of what is in them.

    `kept` are the files of the crate in the order of their paths; `folders` all folders; `names` as in Keeping.
    """
    paths = [file.path for file in kept]
    ordered = sorted(folders)
    for dataset in datasets:
        below, end = f"{dataset}/", f"{dataset}0"  # "0" follows "/"
        inside = kept[bisect_left(paths, below) : bisect_left(paths, end)]
        folded = ordered[bisect_left(ordered, below) : bisect_left(ordered, end)]
        members = {path[len(below) :]: "" for path in folded}
        members |= {names.get(file.path, file.path)[len(below) :]: file.sha256.hex() for file in inside}
        digest = hash_json(sorted(map(list, members.items())))
        yield Kept(dataset, bytes.fromhex(digest), sum(file.size for file in inside))


def original_names(crate: Crate, datasets: Iterable[str], said: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return which files in folders had other names where the run was made, by their paths in the crate.

    `said` are ids of files with the names that the metadata say they had. A name counts only as the
    name of a file in the same folder.
    """
    known = set(datasets)
    found: dict[str, str] = {}
    taken = set(crate.paths()) if said else set()
    for identity, name in said:
        path = crate.path_of(identity)
        if path is None or "/" in name or "\0" in name or name in ("", ".", "..") or not _is_inside(path, known):
            continue
        original = f"{path.rpartition('/')[0]}/{name}"
        if original not in taken:
            taken.add(original)
            found[path] = original
    return found


def _is_inside(path: str, folders: Container[str]) -> bool:
    above = path.rpartition("/")[0]
    while above and above not in folders:
        above = above.rpartition("/")[0]
    return bool(above)


def keep_files(
    crate: Crate, store: Store, run_id: str, claims: Claims, names: Mapping[str, str], *, copy: bool
) -> Keeping:
    """Return what keeps the files of a crate. Raises CrateInvalid when an archive is to stay as it is."""
    if copy:
        return Keeping(crate, claims, _directory_for(store, run_id), dict(names))
    if not isinstance(crate.holder, Folder):
        raise CrateInvalid("an archive cannot be used in place", where=Where(crate.path), hint="unpack it first")
    return Keeping(crate, claims, None)


def _directory_for(store: Store, run_id: str) -> str:
    """Return the directory for the files of an imported run: beside the database, or in the user's data directory."""
    is_file = store.database.dialect is Dialect.SQLITE
    base = os.path.dirname(store.url.target) if is_file else default_data_directory()
    return os.path.join(base, "crates", run_id)
