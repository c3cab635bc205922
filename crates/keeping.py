"""The files of an imported crate are kept: copied beside the store, or left in the folder that they are in."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from types import TracebackType

from ..data_classes import dataclass
from ..errors import CrateInvalid, StoreFailed, Where
from ..hashing import hash_json
from ..provenance.store import Store
from .copies_apart import copy_stream
from .holders import Folder
from .read import Crate
from .staging import Staging, directory_for
from .tampering import Claims, measured


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
    staging: Staging | None = None
    """Where they are copied; `begin` makes it unless it is given."""

    def place(self, path: str) -> str:
        """Return where a file of the crate is once this is settled."""
        if self.directory is not None:
            return os.path.join(self.directory, self.names.get(path, path))
        assert isinstance(self.crate.holder, Folder)
        return os.path.join(self.crate.holder.root, path)

    def begin(self) -> bool:
        """Make what is needed. Return whether another process copies the files, so that others can be done first.

        Raises as `Staging.made`.
        """
        if self.directory is not None and self.staging is None:
            needed = sum(map(self.crate.size, self.crate.paths()))
            self.staging = Staging.made(self.directory, needed, self.crate.path)
        return self.staging is not None and self.staging.apart is not None

    def files(self) -> Iterator[Kept]:
        """Have the files copied, in the order of their paths, and yield each.

        Raises CrateInvalid when one is not what the metadata say.
        """
        folders: set[str] = set()
        apart = self.staging.apart if self.staging is not None else None
        if self.staging is not None and (apart is None or not apart.is_done()):
            for path in self.crate.folders():
                os.makedirs(os.path.join(self.staging.path, path), mode=0o700, exist_ok=True)
        copied = apart.copied() if apart is not None else iter(())
        for path in sorted(self.crate.paths()):
            found = self._measured(path, next(copied, None), folders)
            for difference in self.claims.differences(path, found):
                raise CrateInvalid(str(difference), where=Where(self.crate.path))
            yield Kept(path, bytes.fromhex(found["sha256"]), int(found["contentSize"]))

    def _measured(self, path: str, copied: tuple[str, int] | None, folders: set[str]) -> dict[str, str]:
        """Return what is to be known of a file; it is copied when it was not."""
        more = self.claims.algorithms(path) - {"sha256"}
        if self.staging is None:
            return measured(self.crate, path, more | {"sha256"})
        sha256, size = copied or self._copied(self.staging, path, folders)
        return {**(measured(self.crate, path, more) if more else {}), "sha256": sha256, "contentSize": str(size)}

    def _copied(self, staging: Staging, path: str, folders: set[str]) -> tuple[str, int]:
        target = os.path.join(staging.path, self.names.get(path, path))
        if path in self.names and os.path.lexists(target):
            # This file system folds names that were two where the crate was made.
            del self.names[path]
            target = os.path.join(staging.path, path)
        above = os.path.dirname(target)
        if above not in folders:
            os.makedirs(above, mode=0o700, exist_ok=True)
            folders.add(above)
        try:
            if staging.apart is not None:  # which did not come so far
                with suppress(FileNotFoundError):
                    os.unlink(target)
            with self.crate.open(path) as source:
                return copy_stream(source, target)
        except OSError as error:
            raise StoreFailed(f"cannot keep {target}: {error.strerror}") from None

    def settle(self) -> None:
        """Give the copies their final place."""
        if self.staging is not None:
            self.staging.settle()

    def __enter__(self) -> Keeping:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.staging is not None:
            self.staging.close()


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
    crate: Crate,
    store: Store,
    run_id: str,
    claims: Claims,
    names: Mapping[str, str],
    copies: Staging | None = None,
    *,
    copy: bool,
) -> Keeping:
    """Return what keeps the files of a crate.

    Args:
        crate: the crate.
        store: beside which they are copied.
        run_id: the run that they are kept for.
        claims: what the metadata say of them.
        names: see `Keeping`.
        copies: where another process copies them, by the paths that they have in the crate.
        copy: whether they are copied at all.

    Raises:
        CrateInvalid: an archive is to stay as it is.
    """
    if copies is not None and names:
        copies.close()
        copies = None
    if copy:
        return Keeping(crate, claims, directory_for(store, run_id), dict(names), copies)
    if not isinstance(crate.holder, Folder):
        raise CrateInvalid("an archive cannot be used in place", where=Where(crate.path), hint="unpack it first")
    return Keeping(crate, claims, None)
