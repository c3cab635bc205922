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
from dataclasses import field
from typing import NamedTuple
from urllib.parse import quote

from ...data_classes import dataclass
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
    """Gives each file its path; first those of the run as a whole, in a fixed order, then any other.

    Of each file no more than a hash is kept: there may be many.
    """

    without_data: bool = False
    """No contents are in the crate."""
    _absent: set[int] = field(default_factory=set)
    _given: dict[int, tuple[str, bool]] = field(default_factory=dict)
    """The folder of a file, and whether it lies there directly."""
    _taken: set[int] = field(default_factory=set)

    def give(self, folder: str, keys: Iterable[FileKey]) -> None:
        """Give files their paths in a folder of the crate; those that have one keep it."""
        direct, apart = (folder, True), (folder, False)
        for key in keys:
            if (number := _number(_own_name(key))) not in self._given:
                taken = _number(hash_text(folded(f"{folder}/{safe_name(key.basename)}"))[:_DIGITS])
                self._given[number] = apart if taken in self._taken else direct
                self._taken.add(taken)

    def lack(self, key: FileKey) -> None:
        """Take note that the contents of a file are not in the crate."""
        self._absent.add(_number(_own_name(key)))

    def has(self, key: FileKey) -> bool:
        """Tell whether the contents of a file are in the crate."""
        return not self.without_data and _number(_own_name(key)) not in self._absent

    def path(self, key: FileKey) -> str:
        """Return the path of a file in the crate."""
        own = _own_name(key)
        folder, is_direct = self._given.get(_number(own), ("intermediate", False))
        return f"{folder}/{'' if is_direct else f'{own}/'}{safe_name(key.basename)}"

    def id(self, key: FileKey) -> str:
        """Return the `@id` of a file: its path, or the name of its content when that is not in the crate."""
        if not self.has(key):
            return _absent_id(key)
        return path_id(self.path(key)) + ("/" if key.is_folder else "")


def _absent_id(key: FileKey) -> str:
    """Return the name of a content by its hash (RFC 6920), with the file's own name as a parameter."""
    if key.digest is None or key.is_folder:
        return f"#file/{_own_name(key)}"
    value = base64.urlsafe_b64encode(bytes.fromhex(key.digest)).decode().rstrip("=")
    return f"ni:///sha-256;{value}?name={quote(clean(key.basename), safe='')}"


def _own_name(key: FileKey) -> str:
    return hash_text("\0".join(key))[:_DIGITS]


def _number(digits: str) -> int:
    return int(digits, 16)


def folded(path: str) -> str:
    """Return what a path is in file systems that fold case and forms of Unicode: one for all that are one there."""
    if path.isascii():
        return path.casefold()
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
