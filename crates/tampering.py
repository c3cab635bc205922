"""Whether the files of a crate are what its metadata say of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field

from ..data_classes import dataclass
from ..hashing import CHUNK_BYTES
from .graph import Entity
from .read import Crate
from .safety import shown

ALGORITHMS: Mapping[str, int] = {"sha512": 128, "sha256": 64, "sha1": 40, "md5": 32}
"""Properties that hold a hash, with the number of its hex digits."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not what was said of it."""

    path: str
    what: str
    """`contentSize`, or the name of a hash."""
    said: str
    found: str

    def __str__(self) -> str:
        return f"{shown(self.path)} was changed: its {self.what} is {self.found}, the metadata say {shown(self.said)}"


@dataclass(slots=True)
class Claims:
    """What the metadata say of the contents of files: their hashes and sizes, by path in the crate."""

    sha256: dict[str, bytes] = field(default_factory=dict)
    others: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Other hashes, and sizes as `contentSize`."""

    def note(self, path: str, entity: Entity) -> None:
        """Take down what an entity says of the file at a path."""
        found = dict(_claims(entity))
        sha256 = found.pop("sha256", None)
        if sha256 is not None:
            self.sha256[path] = bytes.fromhex(sha256)
        if found:
            self.others[path] = tuple(found.items())

    def paths(self) -> list[str]:
        """Return the paths of the files of which anything is said."""
        return sorted({*self.sha256, *self.others})

    def differences(self, path: str, found: Mapping[str, str]) -> Iterator[Difference]:
        """Yield what is not as was said, of what was found out of a file: see `measured`."""
        said = dict(self.others.get(path, ()))
        if path in self.sha256:
            said["sha256"] = self.sha256[path].hex()
        for what, text in said.items():
            if what in found and found[what] != text:
                yield Difference(path, what, text, found[what])

    def algorithms(self, path: str) -> set[str]:
        """Return the hashes that are said of a file."""
        others = {what for what, _ in self.others.get(path, ()) if what in ALGORITHMS}
        return others | {"sha256"} if path in self.sha256 else others


def _claims(entity: Entity) -> Iterator[tuple[str, str]]:
    for name, digits in ALGORITHMS.items():
        text = (entity.text(name) or "").lower()
        if re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
            yield name, text
    size = entity.text("contentSize") or ""
    if size.isdecimal():
        yield "contentSize", str(int(size))


def claims_of(crate: Crate) -> Claims:
    """Return what a crate says of the files in it; it must have been opened with all its entities."""
    claims = Claims()
    for entity in crate.entities.values():
        if entity.is_data:
            path = crate.path_of(entity.id)
            if path is not None:
                claims.note(path, entity)
    return claims


def measured(crate: Crate, path: str, algorithms: set[str]) -> dict[str, str]:
    """Return the hashes of a file of a crate, in hex, and its size as `contentSize`. Raises CrateInvalid."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    size = 0
    with crate.open(path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            size += len(chunk)
            for each in hashes.values():
                each.update(chunk)
    return {**{name: each.hexdigest() for name, each in hashes.items()}, "contentSize": str(size)}
