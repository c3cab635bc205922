"""The contents of files and directories of a run: found where they lie, checked by their hash, and copied."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.contents import Contents
from ...core.uris import is_file_uri, to_path, to_uri
from ...core.values import is_file
from ...errors import CrateFailed
from ...hashing import CHUNK_BYTES, digest_file
from ...provenance import queries
from ...provenance.database import Database
from .names import safe_name
from .source import FoundFile
from .target import Target

_SMALL = 1 << 20
"""Files up to so many bytes are read once."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A file or directory that is in the crate now. `looks_like_text` is None when nobody looked."""

    size: int
    looks_like_text: bool | None = None


class Copier:
    """Copies contents into a crate. What is not there any more, or is not what it was, is not copied."""

    def __init__(self, database: Database, target: Target) -> None:
        self._database = database
        self._target = target

    def copy(self, found: FoundFile, path: str) -> Copied | None:
        """Copy a file or directory to a path of the crate; None when its content cannot be had."""
        places = list(self._places(found))
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

    def _places(self, found: FoundFile) -> Iterator[str]:
        """Yield the paths of this machine where a content may lie."""
        if found.location is not None and is_file_uri(found.location):
            try:
                yield to_path(found.location)
            except ValueError:
                pass  # on another host
        if found.key.digest is not None:
            for placed in queries.replicas_of(self._database, found.key.digest, valid=None):
                yield placed.replica.path

    def _copy_file(self, place: str, sha256: str | None, path: str) -> Copied | None:
        try:
            with open(place, "rb", opener=_without_waiting) as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return None
                if status.st_size <= _SMALL:
                    content = stream.read()
                    if sha256 not in (None, hashlib.sha256(content).hexdigest()):
                        return None
                    self._target.write(path, [content])
                    return Copied(len(content), _is_text(content))
            if not self._target.keeps_contents:
                return Copied(status.st_size)
            if sha256 is not None and digest_file(place).sha256 != sha256:
                return None
            return self._copy_large(place, sha256, path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None

    def _copy_large(self, place: str, sha256: str | None, path: str) -> Copied:
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
        return Copied(size)

    def _write(self, path: str, contents: str) -> Copied:
        content = contents.encode("utf-8", "surrogateescape")
        self._target.write(path, [content])
        return Copied(len(content), True)

    # -- directories -----------------------------------------------------------------------------

    def _copy_folder(self, found: FoundFile, places: Iterable[str], path: str) -> Copied | None:
        for place in places:
            if os.path.isdir(place) and (
                not self._target.keeps_contents or self._is_folder(place, found.key.digest)
            ):
                return Copied(self._copy_tree(place, path))
        literal = self._value(found) if found.location is None else None
        if isinstance(literal, Mapping) and isinstance(literal.get("listing"), list):
            return Copied(self._make_folder(literal["listing"], path))
        return None

    @staticmethod
    def _is_folder(place: str, sha256: str | None) -> bool:
        try:
            return sha256 in (None, Contents().directory_digest({"location": to_uri(place)}))
        except OSError:
            return False

    def _copy_tree(self, place: str, path: str) -> int:
        self._target.make_folder(path)
        total = 0
        for entry in sorted(os.scandir(place), key=lambda entry: os.fsencode(entry.name)):
            inside = f"{path}/{safe_name(entry.name)}"
            if entry.is_dir(follow_symlinks=False):
                total += self._copy_tree(entry.path, inside)
            elif entry.is_file():
                copied = self._copy_file(entry.path, None, inside)
                total += 0 if copied is None else copied.size
            elif entry.is_dir():
                # A link to a directory counts as an empty one, as it does for the hash of what it is in.
                self._target.make_folder(inside)
        return total

    def _make_folder(self, listing: Sequence[Any], path: str) -> int:
        """Make a directory that was given by a list of what is in it."""
        self._target.make_folder(path)
        total = 0
        for item in listing:
            inside = f"{path}/{safe_name(str(item.get('basename') or ''))}"
            location = item.get("location")
            place = to_path(location) if isinstance(location, str) and is_file_uri(location) else None
            if is_file(item):
                copied = self._copy_file(place, item.get("sha256"), inside) if place else None
                if copied is None and place is None:
                    copied = self._write(inside, str(item.get("contents") or ""))
                total += 0 if copied is None else copied.size
            elif place is not None:
                total += self._copy_tree(place, inside)
            else:
                total += self._make_folder(item.get("listing") or (), inside)
        return total

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
