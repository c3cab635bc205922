"""The contents of files and directories of a run: found where they lie, checked by their hash, and copied."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...core.contents import Contents
from ...core.uris import is_file_uri, to_path, to_uri
from ...core.values import is_file
from ...data_classes import dataclass
from ...errors import CrateFailed
from ...hashing import CHUNK_BYTES, digest_file
from ...provenance import queries
from ...provenance.database import Database
from .names import folded, safe_name
from .source import FoundFile
from .target import Target

_SMALL = 1 << 20
"""Files up to so many bytes are read once."""
_NOT_TO_BE_HAD = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


@dataclass(frozen=True, slots=True)
class Copied:
    """A file or directory that is in the crate now. `looks_like_text` is None when nobody looked."""

    path: str
    size: int
    sha256: str | None = None
    name: str = ""
    """Of a file in a directory: the name that it has there."""
    looks_like_text: bool | None = None
    members: tuple[Copied, ...] = ()
    """Of a directory: the files in it, and in those below it."""


def copy_small(target: Target, place: str, sha256: str | None, path: str) -> Copied | None:
    """Copy a file that is read at once; None when it is larger, is not there, or is not what it was."""
    try:
        with open(place, "rb", opener=_without_waiting) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > _SMALL:
                return None
            content = stream.read()
    except _NOT_TO_BE_HAD:
        return None
    digest = hashlib.sha256(content).hexdigest()
    if sha256 not in (None, digest):
        return None
    target.write(path, [content])
    return Copied(path, len(content), digest, looks_like_text=_is_text(content))


class Copier:
    """Copies contents into a crate. What is not there any more, or is not what it was, is not copied.

    Args:
        database: where the run is.
        target: the crate.
        was_made_here: whether the run was carried out here. Of one that was imported others said where its
            files lie: what lies there is theirs only when its hash says so.
    """

    def __init__(self, database: Database, target: Target, *, was_made_here: bool = True) -> None:
        self._database = database
        self._target = target
        self._was_made_here = was_made_here

    def copy(self, found: FoundFile, path: str) -> Copied | None:
        """Copy a file or directory to a path of the crate; None when its content cannot be had."""
        places = self._places(found)
        if found.key.is_folder:
            return self._copy_folder(found, places, path)
        for place in places:
            copied = self._copy_file(place, found.key.digest, path)
            if copied is not None:
                return copied
        if found.location is not None:
            return None
        literal = self._value(found)
        contents = literal.get("contents") if isinstance(literal, Mapping) else None
        return None if not isinstance(contents, str) else self._write(path, contents)

    def place(self, found: FoundFile) -> str | None:
        """Return the path of this machine where the store says that a content lies; None when it says of none."""
        is_believed = self._was_made_here or found.key.digest is not None
        if found.location is not None and is_file_uri(found.location) and is_believed:
            with suppress(ValueError):  # on another host
                return to_path(found.location)
        return None

    def _places(self, found: FoundFile) -> Iterator[str]:
        """Yield the paths of this machine where a content may lie."""
        place = self.place(found)
        if place is not None:
            yield place
        if found.key.digest is not None:
            for placed in queries.replicas_of(self._database, found.key.digest, valid=None):
                yield placed.replica.path

    def _copy_file(self, place: str, sha256: str | None, path: str) -> Copied | None:
        return copy_small(self._target, place, sha256, path) or self._copy_large(place, sha256, path)

    def _copy_large(self, place: str, sha256: str | None, path: str) -> Copied | None:
        try:
            status = os.stat(place)
            if not stat.S_ISREG(status.st_mode) or status.st_size <= _SMALL:
                return None
            if not self._target.keeps_contents and sha256 is not None:
                return Copied(path, status.st_size, sha256)
            if sha256 is not None and digest_file(place).sha256 != sha256:
                return None
            return self._copied_large(place, sha256, path)
        except _NOT_TO_BE_HAD:
            return None

    def _copied_large(self, place: str, sha256: str | None, path: str) -> Copied:
        hashed, size = hashlib.sha256(), 0

        def chunks() -> Iterator[bytes]:
            nonlocal size
            with open(place, "rb", buffering=0) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    hashed.update(chunk)
                    size += len(chunk)
                    yield chunk

        self._target.write(path, chunks())
        if sha256 not in (None, hashed.hexdigest()):
            raise CrateFailed(f"{place!r} was changed while it was copied", hint="export again")
        return Copied(path, size, hashed.hexdigest())

    def _write(self, path: str, contents: str) -> Copied:
        content = contents.encode("utf-8", "surrogateescape")
        self._target.write(path, [content])
        return Copied(path, len(content), hashlib.sha256(content).hexdigest(), looks_like_text=True)

    # -- directories -----------------------------------------------------------------------------

    def _copy_folder(self, found: FoundFile, places: Iterable[str], path: str) -> Copied | None:
        for place in places:
            if os.path.isdir(place) and self._is_folder(place, found.key.digest):
                return _folder(path, self._copy_tree(place, path))
        literal = self._value(found) if found.location is None else None
        if isinstance(literal, Mapping) and isinstance(literal.get("listing"), list):
            return _folder(path, self._make_folder(literal["listing"], path))
        return None

    @staticmethod
    def _is_folder(place: str, sha256: str | None) -> bool:
        try:
            return sha256 in (None, Contents().directory_digest({"location": to_uri(place)}))
        except OSError:
            return False

    def _copy_tree(self, place: str, path: str) -> Iterator[Copied]:
        self._target.make_folder(path)
        names = _Names()
        for entry in sorted(os.scandir(place), key=lambda entry: os.fsencode(entry.name)):
            inside = f"{path}/{names.free(entry.name)}"
            if entry.is_dir(follow_symlinks=False):
                yield from self._copy_tree(entry.path, inside)
            elif entry.is_file():
                copied = self._copy_file(entry.path, None, inside)
                if copied is not None:
                    yield replace(copied, name=entry.name)
            elif entry.is_dir():
                # A link to a directory counts as an empty one, as it does for the hash of what it is in.
                self._target.make_folder(inside)

    def _make_folder(self, listing: Sequence[Any], path: str) -> Iterator[Copied]:
        """Make a directory that was given by a list of what is in it."""
        self._target.make_folder(path)
        names = _Names()
        for item in listing:
            name = str(item.get("basename") or "")
            inside = f"{path}/{names.free(name)}"
            location, sha256 = item.get("location"), item.get("sha256")
            place = to_path(location) if isinstance(location, str) and is_file_uri(location) else None
            is_believed = self._was_made_here or (is_file(item) and sha256 is not None)
            if place is not None and not is_believed:
                continue
            if is_file(item):
                copied = self._copy_file(place, sha256, inside) if place else None
                if copied is None and place is None:
                    copied = self._write(inside, str(item.get("contents") or ""))
                if copied is not None:
                    yield replace(copied, name=name)
            elif place is not None:
                yield from self._copy_tree(place, inside)
            else:
                yield from self._make_folder(item.get("listing") or (), inside)

    def _value(self, found: FoundFile) -> Any:
        """Return the object that a file stands for in the token that it was found in."""
        row = queries.get_token(self._database, found.token_id)
        value = json.loads(row.value) if row.value is not None else None
        for name in found.pointer.split("/")[1:]:
            if isinstance(value, list):
                value = value[int(name)]
            elif isinstance(value, Mapping):
                value = value.get(name.replace("~1", "/").replace("~0", "~"))
        return value


class _Names:
    """Names of a directory of the crate, of which no two are one in file systems that fold case or Unicode."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def free(self, name: str) -> str:
        """Return a name like this one that every file system takes, and that is not taken."""
        made = safe = safe_name(name)
        number = 2
        while folded(made) in self._taken:
            made, number = f"{number}-{safe}", number + 1
        self._taken.add(folded(made))
        return made


def _folder(path: str, copied: Iterable[Copied]) -> Copied:
    members = tuple(copied)
    return Copied(path, sum(member.size for member in members), members=members)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a pipe that lies in its place must not make us wait for who writes to it."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _is_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
