"""Archives and compressed files: member by member. Names of users, dates and the order of members do not count."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .base import Sample, Unreadable
from .tolerance import Tolerances
from .verdict import Difference, Finding, Grade

Judge = Callable[[Path, Path, str, Tolerances], Finding]
"""Compares two files, which have a name."""
Members = Mapping[str, Callable[[], IO[bytes]]]

MOST_UNPACKED = 4 << 30
"""Bytes of one member: what unpacks to more is not compared (a decompression bomb)."""
MOST_MEMBERS = 100_000
CHUNK = 1 << 20
COMPRESSED: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError)


class Compressed:
    """Compares what compressed files hold."""

    name = "compressed"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file begins as a compressed one does, and is no archive."""
        beginnings = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
        return sample.ending in COMPRESSED and sample.head.startswith(beginnings) and not _is_tar(sample.name)

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first difference of what the files hold."""
        one, other = (_unpacker(path) for path in (first, second))
        return _difference(one, other, first.name.rpartition(".")[0], self.judge, tolerances)


class Zip:
    """Compares zip archives by their members."""

    name = "zip"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file begins as a zip archive does."""
        return sample.head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first member that differs."""
        try:
            with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
                return _members_difference(_zipped(one), _zipped(other), self.judge, tolerances)
        except DAMAGED as error:
            raise Unreadable(f"it is no zip archive that can be read: {error}") from error


class Tar:
    """Compares tar archives, compressed ones too, by their members."""

    name = "tar"

    def __init__(self, judge: Judge) -> None:
        self.judge = judge

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says so, or the file has the mark of a tar archive."""
        return _is_tar(sample.name) or sample.head[257:262] == b"ustar"

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first member that differs. Members are read, and never unpacked to where they say."""
        try:
            with tarfile.open(first) as one, tarfile.open(second) as other:
                return _members_difference(_tarred(one), _tarred(other), self.judge, tolerances)
        except DAMAGED as error:
            raise Unreadable(f"it is no tar archive that can be read: {error}") from error


def _is_tar(name: str) -> bool:
    return name.lower().endswith((".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".txz"))


def _unpacker(path: Path) -> Callable[[], IO[bytes]]:
    opener = COMPRESSED[path.suffix.lower()]

    def unpack() -> IO[bytes]:
        stream: IO[bytes] = opener(path, "rb")
        return stream

    return unpack


def _zipped(file: zipfile.ZipFile) -> Members:
    return {info.filename: _opener(file, info) for info in file.infolist() if not info.is_dir()}


def _opener(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: file.open(info)


def _tarred(file: tarfile.TarFile) -> Members:
    found: dict[str, Callable[[], IO[bytes]]] = {}
    for info in file:
        if len(found) >= MOST_MEMBERS:
            raise Unreadable(f"it has more than {MOST_MEMBERS} members")
        if info.isfile():
            found[info.name] = _extractor(file, info)
    return found


def _extractor(file: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def extract() -> IO[bytes]:
        stream = file.extractfile(info)
        if stream is None:
            raise Unreadable(f"{info.name} in it cannot be read")
        return stream

    return extract


def _members_difference(first: Members, second: Members, judge: Judge, tolerances: Tolerances) -> Difference | None:
    for name in sorted(first.keys() ^ second.keys()):
        return Difference(f"{name}: there is one on one side only")
    for name in sorted(first):
        found = _difference(first[name], second[name], name, judge, tolerances)
        if found is not None:
            return Difference(f"{name}: {found.text}")
    return None


def _difference(
    first: Callable[[], IO[bytes]], second: Callable[[], IO[bytes]], name: str, judge: Judge, tolerances: Tolerances
) -> Difference | None:
    with _copied(first) as one, _copied(second) as other:
        finding = judge(one, other, name, tolerances)
    if finding.grade in (Grade.IDENTICAL, Grade.EQUIVALENT):
        return None
    return Difference(finding.detail or finding.grade.value)


@contextmanager
def _copied(opening: Callable[[], IO[bytes]]) -> Iterator[Path]:
    """Yield a file of our own with the content of a stream. Raises Unreadable for one that never ends."""
    with tempfile.NamedTemporaryFile(prefix="recrate-compare-") as target:
        size = 0
        try:
            with opening() as stream:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if size > MOST_UNPACKED:
                        raise Unreadable("it unpacks to more than is safe to compare")
                    target.write(chunk)
        except DAMAGED as error:
            raise Unreadable(f"it is damaged: {error}") from error
        target.flush()
        yield Path(target.name)
