"""Where the files of a run lie in its crate, and by which `@id` they go.

What the run was given lies below `inputs`, what it gave below `outputs`, by the names that they
had; all else below `intermediate`. A name that is taken by another content, and each name there,
is in a folder that is called after what it holds. Two names that a file system may fold together
count as one.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from ...hashing import hash_text
from .jsonld import clean, path_id

_DIGITS = 16
_REFUSED = frozenset('\\/:*?"<>|')
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(10))]
)
_LONGEST = 120
_HEX = 64


class FileKey(NamedTuple):
    """What makes a File or Directory one in a crate: what is in it, and the name that tools saw."""

    kind: str
    """`FILE` or `DIRECTORY`."""
    content: str
    """sha256 of its content, or what else tells it from others when that is not known."""
    basename: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a directory."""
        return self.kind == "DIRECTORY"

    @property
    def digest(self) -> str | None:
        """The sha256 of its content, when it is known."""
        return self.content if len(self.content) == _HEX and not self.content.strip("0123456789abcdef") else None


@dataclass(slots=True)
class FileNames:
    """Gives each file its path; first those of the run as a whole, in a fixed order, then any other."""

    absent: set[FileKey] = field(default_factory=set)
    """Those whose contents are not in the crate."""
    without_data: bool = False
    """No contents are in the crate."""
    _paths: dict[FileKey, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def give(self, folder: str, keys: Iterable[FileKey]) -> None:
        """Give files their paths in a folder of the crate; those that have one keep it."""
        for key in keys:
            if key not in self._paths:
                path = f"{folder}/{safe_name(key.basename)}"
                if (one := folded(path)) in self._taken:
                    path = _in_own_folder(folder, key)
                else:
                    self._taken.add(one)
                self._paths[key] = path

    def path(self, key: FileKey) -> str:
        """Return the path of a file in the crate."""
        return self._paths.get(key) or _in_own_folder("intermediate", key)

    def id(self, key: FileKey) -> str:
        """Return the `@id` of a file: its path, or the name of its content when that is not in the crate."""
        if self.without_data or key in self.absent:
            return _absent_id(key)
        return path_id(self.path(key)) + ("/" if key.is_folder else "")


def _absent_id(key: FileKey) -> str:
    """Return the name of a content by its hash (RFC 6920), with the file's own name as a parameter."""
    if key.digest is None or key.is_folder:
        return f"#file/{_own_name(key)}"
    value = base64.urlsafe_b64encode(bytes.fromhex(key.digest)).decode().rstrip("=")
    return f"ni:///sha-256;{value}?name={quote(clean(key.basename), safe='')}"


def _in_own_folder(folder: str, key: FileKey) -> str:
    return f"{folder}/{_own_name(key)}/{safe_name(key.basename)}"


def _own_name(key: FileKey) -> str:
    return hash_text("\0".join(key))[:_DIGITS]


def folded(path: str) -> str:
    """Return what a path is in file systems that fold case and forms of Unicode: one for all that are one there."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


def safe_name(name: str) -> str:
    """Return a name that every file system takes and that is shown as it is; the same one, where it can be."""
    made = "".join("_" if char in _REFUSED or not char.isprintable() else char for char in clean(name))
    made = unicodedata.normalize("NFC", made).strip(" ").rstrip(".")
    while len(made.encode()) > _LONGEST:
        made = made[:-1]
    stem = made.partition(".")[0].casefold()
    if not made or stem.rstrip(" ") in _DEVICES:
        return f"_{made}"
    return made.rstrip(" .")
