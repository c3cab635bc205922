"""Files of this machine: the tree that outputs are collected from, and changes made in order."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ..errors import PlaceFailed
from ..hashing import Digest, digest_file
from .base import ActionKind, Entry, EntryKind, FileAction


class LocalTree:
    """A `WorkTree` on this machine's own file system."""

    def __init__(self, root: str) -> None:
        self.root = root

    def _absolute(self, path: str) -> str:
        return os.path.join(self.root, path) if path else self.root

    def list(self, directory: str = "") -> Sequence[Entry]:
        """Return the entries directly in a directory, in the order of their names' bytes."""
        try:
            with os.scandir(self._absolute(directory)) as entries:
                found = [_scanned(entry, directory) for entry in entries]
        except OSError as error:
            raise PlaceFailed(f"cannot list {self._absolute(directory)!r}: {error.strerror}") from error
        return _in_order(found)

    def stat(self, path: str) -> Entry | None:
        """Return the entry at a path, or None where there is none."""
        absolute = self._absolute(path)
        try:
            itself = os.lstat(absolute)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise PlaceFailed(f"cannot look at {absolute!r}: {error.strerror}") from error
        return _entry(path, absolute, itself, stat.S_ISLNK(itself.st_mode))

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        try:
            with open(self._absolute(path), "rb") as stream:
                return stream.read(limit)
        except OSError as error:
            raise PlaceFailed(f"cannot read {self._absolute(path)!r}: {error.strerror}") from error

    def digest(self, path: str) -> Digest:
        """Return the hashes and the size of a file."""
        try:
            return digest_file(self._absolute(path))
        except OSError as error:
            raise PlaceFailed(f"cannot read {self._absolute(path)!r}: {error.strerror}") from error


def _in_order(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: os.fsencode(entry.path))


def _scanned(entry: os.DirEntry[str], directory: str) -> Entry:
    path = f"{directory}/{entry.name}" if directory else entry.name
    link = entry.is_symlink()
    if not link and entry.is_dir():
        return Entry(path, EntryKind.DIRECTORY)
    return _entry(path, entry.path, entry.stat(follow_symlinks=False), link)


def _entry(path: str, absolute: str, itself: os.stat_result, link: bool) -> Entry:
    target = os.path.realpath(absolute) if link else None
    if link:
        try:
            itself = os.stat(absolute)
        except OSError:
            return Entry(path, EntryKind.DANGLING, target=target)
    mode = itself.st_mode
    if stat.S_ISREG(mode):
        return Entry(path, EntryKind.FILE, itself.st_size, target)
    if stat.S_ISDIR(mode):
        return Entry(path, EntryKind.DIRECTORY, target=target)
    return Entry(path, EntryKind.OTHER, target=target)


SMALL_FILES = 16
SMALL_BYTES = 1 << 18


class SmallTree(LocalTree):
    """A directory that holds a few small files and nothing else, as it was when it was looked at once."""

    def __init__(self, root: str, entries: Iterable[Entry]) -> None:
        super().__init__(root)
        self._entries = {entry.path: entry for entry in entries}

    def list(self, directory: str = "") -> Sequence[Entry]:
        """See LocalTree."""
        if directory:
            return super().list(directory)
        return _in_order(self._entries.values())

    def stat(self, path: str) -> Entry | None:
        """See LocalTree."""
        return super().stat(path) if "/" in path or path in ("", ".", "..") else self._entries.get(path)


def small_tree(directory: str) -> SmallTree | None:
    """Return a directory of this machine that holds a few small files, whose reading takes less than a millisecond.

    None when there is more in it than that.
    """
    found: list[Entry] = []
    left = SMALL_BYTES
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if len(found) == SMALL_FILES or not entry.is_file(follow_symlinks=False):
                    return None
                size = entry.stat(follow_symlinks=False).st_size
                left -= size
                found.append(Entry(entry.name, EntryKind.FILE, size))
    except OSError:
        return None
    return SmallTree(directory, found) if left >= 0 else None


def carry_out(actions: Iterable[FileAction]) -> None:
    """Make changes to files in order. Raises PlaceFailed with the path and the reason."""
    for action in actions:
        try:
            _carry_out(action)
        except OSError as error:
            reason = error.strerror or str(error)
            raise PlaceFailed(f"cannot {_said(action)}: {reason}") from error
        except shutil.Error as error:
            raise PlaceFailed(f"cannot {_said(action)}: {error.args[0][0][2]}") from error


def _said(action: FileAction) -> str:
    origin = f" from {action.source!r}" if action.source is not None else ""
    return f"{action.kind.value} {action.path!r}{origin}"


def _carry_out(action: FileAction) -> None:
    match action.kind:
        case ActionKind.MAKE_DIRECTORY:
            try:
                os.mkdir(action.path)
            except (FileNotFoundError, FileExistsError):
                os.makedirs(action.path, exist_ok=True)
        case ActionKind.WRITE:
            _write(action)
        case ActionKind.LINK:
            _make_way(action.path)
            os.symlink(_source(action), action.path)
        case ActionKind.COPY:
            _make_way(action.path)
            _copy(_source(action), action.path)


def _source(action: FileAction) -> str:
    if action.source is None:
        raise PlaceFailed(f"nothing to {action.kind.value} at {action.path!r}")
    return action.source


def _write(action: FileAction) -> None:
    _make_way(action.path)
    descriptor = os.open(action.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, action.mode)
    with open(descriptor, "wb") as stream:
        stream.write(action.content)


def _make_way(path: str) -> None:
    """Remove what lies at a path, so that nothing is written through an old link."""
    if os.path.lexists(path):
        remove_tree(path)


def _copy(source: str, path: str) -> None:
    if os.path.isdir(source):
        shutil.copytree(source, path, symlinks=False, copy_function=copy_file)
        for folder, _, _ in os.walk(path):
            os.chmod(folder, os.stat(folder).st_mode | stat.S_IRWXU)
    else:
        copy_file(source, path)


def copy_file(source: str, path: str) -> str:
    """Copy a file's content and mode, sharing blocks where the file system can; make it writable."""
    with open(source, "rb") as reader, open(path, "wb") as writer:
        if not _clone(reader.fileno(), writer.fileno()):
            shutil.copyfileobj(reader, writer, 1 << 20)
        mode = os.fstat(reader.fileno()).st_mode
        os.fchmod(writer.fileno(), stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
    return path


FICLONE = 0x40049409
"""ioctl(2) request of Linux that makes a file share the blocks of another."""


def _clone(source: int, target: int) -> bool:
    import fcntl

    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def remove_tree(path: str) -> None:
    """Remove a file, a link or a directory with all below it; no error when it is not there."""
    try:
        if os.path.islink(path) or not os.path.isdir(path):
            os.unlink(path)
        else:
            shutil.rmtree(path, onerror=_unlock)
    except FileNotFoundError:
        return


def _unlock(function: object, path: str, _: object) -> None:
    """Make a directory that a job left read-only writable, and try again."""
    parent = str(PurePosixPath(path).parent)
    os.chmod(parent, stat.S_IRWXU)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
