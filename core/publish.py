"""Final outputs: brought to the output directory, whatever they are made of.

Files are copied (sharing blocks where the file system can) or get a second name, literals are written, and
each place in the value where the same file stands gets the same copy. Names that are taken
already get a number before their ending: `plot_2.svg`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import field

from ..connectors.files import copy_file
from ..data_classes import dataclass
from ..errors import OutputInvalid
from ..hashing import digest_bytes
from .contents import Contents
from .uris import is_file_uri, to_path, to_uri
from .values import FileValue, Value, implied_fields, is_reference, kept_once, walk_references


@dataclass(slots=True)
class Publisher:
    """Brings values to one output directory, and does so again when it was interrupted.

    Files of the directory `owned`, whose own names will not stay, get a second one instead of a copy.
    """

    outdir: str
    contents: Contents
    owned: str | None = None
    _placed: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """Of what stands in several places of the value."""
    _taken: set[str] = field(default_factory=set)
    _numbers: dict[str, int] = field(default_factory=dict)
    """By path that was wanted: the last number that was given instead of it."""
    _shared: set[str] = field(default_factory=set)
    """Locations that stand in several places of the value."""
    _changed: set[int] = field(default_factory=set)
    """Lists of the value that were gone through: the same one may be the value of several outputs."""

    def publish(self, value: Value) -> Value:
        """Return a value with its files in the output directory. Its lists are changed: of very many files
        there is one description at a time, and not the old and the new one of all of them.

        Raises OutputInvalid when a file cannot be brought there.
        """
        self._shared = _repeated(item["location"] for item in walk_references(value) if item.get("location"))
        try:
            os.makedirs(self.outdir, exist_ok=True)
            return self._brought(value)
        except OSError as error:
            raise OutputInvalid(
                f"cannot bring {error.filename!r} to the output directory {self.outdir!r}: {error.strerror}",
                hint="make space or give another --outdir; the results are still in the run's work directory",
            ) from error

    def _brought(self, value: Value) -> Value:
        if isinstance(value, list):
            if id(value) not in self._changed:
                self._changed.add(id(value))
                for position, item in enumerate(value):
                    value[position] = self._brought(item)
            return value
        if not isinstance(value, Mapping):
            return value
        if is_reference(value):
            return self._reference(dict(value), self.outdir)
        return {name: self._brought(item) for name, item in value.items()}

    def _reference(self, item: FileValue, folder: str) -> FileValue:
        key = (_identity(item), folder, _basename(item))
        known = self._placed.get(key)
        target = known or self._free_name(folder, _basename(item))
        if known is None:
            if not self._is_single(item):
                self._placed[key] = target
            if item["class"] == "File":
                self._place_file(item, target)
            else:
                self._place_directory(item, target)
        placed = self._described(item, target)
        if item.get("secondaryFiles"):
            beside = os.path.dirname(target)
            placed["secondaryFiles"] = [self._reference(dict(other), beside) for other in item["secondaryFiles"]]
        return placed

    def _described(self, item: FileValue, target: str) -> FileValue:
        placed = {name: field for name, field in item.items() if name not in ("path", "contents", "dirname", "listing")}
        placed["location"], placed["path"] = to_uri(target), target
        placed["basename"] = os.path.basename(target)
        if item["class"] == "Directory":
            placed["listing"] = self._with_paths(self.contents.listing(target))
            return placed
        placed["nameroot"], placed["nameext"] = map(kept_once, os.path.splitext(placed["basename"]))
        if "contents" in item and "location" not in item:
            digest = digest_bytes(_literal_bytes(item))
            placed["size"], placed["checksum"], placed["sha256"] = digest.size, digest.checksum, digest.sha256
        return placed

    def _with_paths(self, listing: list[FileValue]) -> list[FileValue]:
        for item in walk_references(listing):
            item.update(implied_fields(item))
        return listing

    def _free_name(self, folder: str, name: str) -> str:
        stem, ending = os.path.splitext(name)
        wanted = path = os.path.join(folder, name)
        number = self._numbers.get(wanted, 1)
        while path in self._taken:
            number += 1
            path = os.path.join(folder, f"{stem}_{number}{ending}")
        if number > 1:
            self._numbers[wanted] = number
        self._taken.add(path)
        return path

    def _place_file(self, item: FileValue, target: str) -> None:
        location = item.get("location")
        if location is None:
            _clear(target)
            with open(target, "wb") as stream:
                stream.write(_literal_bytes(item))
        elif is_file_uri(location):
            self._bring(to_path(location), target, single=self._is_single(item))
        else:
            raise OutputInvalid(f"the output {location!r} is not a file of this machine")

    def _bring(self, source: str, target: str, *, single: bool) -> None:
        if os.path.exists(target) and os.path.samefile(source, target):
            return
        _clear(target)
        bring = _link_or_copy if single and self._is_owned(source) else copy_file
        if os.path.isdir(source):
            shutil.copytree(source, target, copy_function=bring)
        else:
            bring(source, target)

    def _is_single(self, item: FileValue) -> bool:
        """Tell whether a file stands in one place of the value; of one that has no location this is not known."""
        location = item.get("location")
        return bool(location) and location not in self._shared

    def _is_owned(self, source: str) -> bool:
        return self.owned is not None and os.path.realpath(source).startswith(self.owned + os.sep)

    def _place_directory(self, item: FileValue, target: str) -> None:
        location = item.get("location")
        if location is not None and is_file_uri(location):
            self._bring(to_path(location), target, single=self._is_single(item))
            return
        _clear(target)
        os.makedirs(target)
        for member in item.get("listing") or []:
            self._reference(dict(member), target)


def _link_or_copy(source: str, target: str) -> str:
    """Give a file a second name, or where that cannot be copy it."""
    try:
        os.link(source, target)
    except OSError:
        return copy_file(source, target)
    return target


def _repeated(locations: Iterable[str]) -> set[str]:
    """Return those that come more than once."""
    seen: set[str] = set()
    repeated: set[str] = set()
    for location in locations:
        (repeated if location in seen else seen).add(location)
    return repeated


def _literal_bytes(item: FileValue) -> bytes:
    return str(item.get("contents", "")).encode("utf-8", "surrogateescape")


def _identity(item: FileValue) -> str:
    return str(item.get("location") or f"literal:{id(item)}")


def _basename(item: FileValue) -> str:
    name = item.get("basename") or os.path.basename(str(item.get("location", ""))) or "output"
    return os.path.basename(str(name)) or "output"


def _clear(target: str) -> None:
    if os.path.islink(target) or os.path.isfile(target):
        os.unlink(target)
    elif os.path.isdir(target):
        shutil.rmtree(target)


def file_count(value: Value) -> int:
    """Return how many Files and Directories a value holds."""
    return sum(1 for _ in walk_references(value))
