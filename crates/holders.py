"""Where the files of a crate are: a folder, or a zip archive. What is neither file nor folder is refused."""

from __future__ import annotations

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import IO, BinaryIO, Protocol, cast

from ..data_classes import dataclass
from ..errors import CrateInvalid, Where
from .reaching import Reach
from .safety import Limits, check_folding, check_path, shown

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device file",
    stat.S_IFBLK: "a device file",
}
_END = b"PK\x05\x06"
_END_SIZE = 22
_ENTRY = b"PK\x01\x02"
_ENTRY_SIZE = 46
_LONGEST_COMMENT = 65_535
_LOCAL_HEADER_SIZE = 30


class Holder(Protocol):
    """The files of a crate."""

    @property
    def files(self) -> Mapping[str, int]:
        """Their sizes in bytes, by path with `/`."""

    @property
    def folders(self) -> frozenset[str]:
        """Paths of the folders that are there in their own right, maybe empty, without `/` at the end."""

    def open(self, path: str) -> BinaryIO:
        """Open a file that is in `files`, for reading. Raises CrateInvalid when it cannot be read."""

    def close(self) -> None:
        """Let go of it."""


def open_holder(path: str, limits: Limits) -> Holder:
    """Open a folder or a zip archive. Raises CrateInvalid when it is neither, or is not safe."""
    where = Where(path)
    try:
        if os.path.isdir(path):
            return Folder.at(path, limits)
        if zipfile.is_zipfile(path):
            return Archive.at(path, limits)
    except OSError as error:
        raise CrateInvalid(f"the crate cannot be read: {error.strerror}", where=where) from None
    if not os.path.lexists(path):
        raise CrateInvalid("there is no such crate", where=where)
    raise CrateInvalid("this is neither a folder nor a zip archive", where=where)


# -- folders ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Folder:
    """A crate that is a folder. Links are followed only to files that are in it."""

    root: str
    files: Mapping[str, int]
    folders: frozenset[str]
    _reach: Reach

    @classmethod
    def at(cls, path: str, limits: Limits) -> Folder:
        """List a folder. Raises CrateInvalid, OSError."""
        root = os.path.realpath(path)
        files: dict[str, int] = {}
        folders: set[str] = set()
        for relative, size in _walk(root, Where(path), limits):
            if len(files) + len(folders) >= limits.files:
                raise CrateInvalid(f"the crate has more than {limits.files} files", where=Where(path))
            if size is None:
                folders.add(relative)
            else:
                files[relative] = size
        check_folding(files, Where(path))
        return cls(root, files, frozenset(folders), Reach(root))

    def open(self, path: str) -> BinaryIO:
        """See Holder."""
        try:
            descriptor = self._descriptor(path)
        except OSError as error:
            raise CrateInvalid(f"{shown(path)} cannot be read: {error.strerror}", where=Where(self.root)) from None
        stream = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            stream.close()
            raise CrateInvalid(f"{shown(path)} is no file", where=Where(self.root))
        return stream

    def _descriptor(self, path: str) -> int:
        try:
            return self._reach.open(path)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        return self._reach.open(os.path.relpath(_inside(self.root, path, Where(self.root)), self.root))

    def close(self) -> None:
        """See Holder."""
        self._reach.close()


def _walk(root: str, where: Where, limits: Limits) -> Iterator[tuple[str, int | None]]:
    """Yield the path and the size of each file; of each folder without a size."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(os.path.join(root, folder)) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            relative = f"{folder}{entry.name}"
            check_path(relative, limits, where)
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{relative}/")
                yield relative, None
            else:
                yield relative, _size_of(root, relative, entry.stat(follow_symlinks=False), where)


def _size_of(root: str, relative: str, state: os.stat_result, where: Where) -> int:
    if stat.S_ISLNK(state.st_mode):
        state = os.lstat(_inside(root, relative, where))
    if not stat.S_ISREG(state.st_mode):
        kind = _KINDS.get(stat.S_IFMT(state.st_mode), "a link to a folder")
        raise CrateInvalid(f"{shown(relative)} is {kind}", where=where)
    return state.st_size


def _inside(root: str, relative: str, where: Where) -> str:
    """Return the real path of a file. Raises CrateInvalid when it is elsewhere, OSError when it is gone."""
    real = os.path.realpath(os.path.join(root, relative), strict=False)
    if not real.startswith(f"{root.rstrip('/')}/"):
        raise CrateInvalid(f"{shown(relative)} is a link out of the crate", where=where)
    if not os.path.exists(real):
        raise CrateInvalid(f"{shown(relative)} is a link to nothing", where=where)
    return real


# -- archives --------------------------------------------------------------------------------------


class Archive:
    """A crate that is a zip archive. It is read in place, and never unpacked as a whole."""

    def __init__(self, path: str, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> None:
        self._path = path
        self._archive = archive
        self._entries = entries
        self.files: Mapping[str, int] = {name: entry.file_size for name, entry in entries.items()}
        self.folders = frozenset(name.rstrip("/") for name in archive.namelist() if name.endswith("/"))

    @classmethod
    def at(cls, path: str, limits: Limits) -> Archive:
        """Read the list of an archive. Raises CrateInvalid, OSError."""
        where = Where(path)
        _check_count(path, limits, where)
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise CrateInvalid(f"the archive is damaged: {error}", where=where) from None
        try:
            return cls(path, archive, _checked(archive, os.path.getsize(path), limits, where))
        except BaseException:
            archive.close()
            raise

    def open(self, path: str) -> BinaryIO:
        """See Holder."""
        try:
            return cast(BinaryIO, _Unpacked(self._archive.open(self._entries[path]), self._path, path))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise _damaged(self._path, path, error) from None

    def close(self) -> None:
        """See Holder."""
        self._archive.close()


class _Unpacked:
    """A file of an archive, whose damages are told as ours."""

    def __init__(self, stream: IO[bytes], archive: str, path: str) -> None:
        self._stream = stream
        self._archive = archive
        self._path = path

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise _damaged(self._archive, self._path, error) from None

    def readline(self, size: int = -1) -> bytes:
        try:
            return self._stream.readline(size)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise _damaged(self._archive, self._path, error) from None

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _damaged(archive: str, path: str, error: Exception) -> CrateInvalid:
    return CrateInvalid(f"{shown(path)} in the archive is damaged: {shown(str(error))}", where=Where(archive))


def _check_count(path: str, limits: Limits, where: Where) -> None:
    """Refuse an archive with too many entries before they are all in memory."""
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        stream.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
        tail = stream.read()
        at = tail.rfind(_END)
        (listed,) = struct.unpack_from("<L", tail, at + 12) if len(tail) - at >= _END_SIZE else (0,)
        if min(listed, size) // _ENTRY_SIZE <= limits.files:
            return
        stream.seek(0)
        count = 0
        while chunk := stream.read(1 << 20):
            count += chunk.count(_ENTRY)
            if count > limits.files:
                raise CrateInvalid(f"the archive has more than {limits.files} entries", where=where)


def _checked(archive: zipfile.ZipFile, size: int, limits: Limits, where: Where) -> dict[str, zipfile.ZipInfo]:
    """Return the files of an archive by path, once all of them are known to be safe."""
    infos = archive.infolist()
    if len(infos) > limits.files:
        raise CrateInvalid(f"the archive has more than {limits.files} entries", where=where)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_entry(info, limits, where)
        if info.filename in found:
            raise CrateInvalid(f"the archive has {shown(info.filename)!r} twice", where=where)
        found[info.filename] = info
    files = {name: info for name, info in found.items() if not info.is_dir()}
    check_folding(files, where)
    _check_sizes(infos, size, limits, where)
    return files


def _check_entry(info: zipfile.ZipInfo, limits: Limits, where: Where) -> None:
    check_path(info.filename.rstrip("/") or "/", limits, where)
    # zipfile cuts a name at NUL; what it was says that somebody meant to deceive.
    if info.orig_filename != info.filename:
        raise CrateInvalid(f"the path {shown(info.orig_filename)!r} holds a control character", where=where)
    kind = _KINDS.get(stat.S_IFMT(info.external_attr >> 16))
    if kind is not None:
        raise CrateInvalid(f"{shown(info.filename)} is {kind}", where=where)
    if info.flag_bits & 0x1:
        raise CrateInvalid(f"{shown(info.filename)} is encrypted", where=where)


def _check_sizes(infos: list[zipfile.ZipInfo], size: int, limits: Limits, where: Where) -> None:
    total = sum(info.file_size for info in infos)
    if total > limits.total_bytes:
        raise CrateInvalid(f"the archive unpacks to more than {limits.total_bytes >> 30} GiB", where=where)
    if total > limits.small_bytes and total > limits.ratio * size:
        raise CrateInvalid(f"the archive unpacks to {total} bytes, {total // max(size, 1)} times its size", where=where)
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise CrateInvalid(f"{shown(info.filename)} shares its content with another file", where=where)
        end = info.header_offset + _LOCAL_HEADER_SIZE + info.compress_size
