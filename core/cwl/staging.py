"""Where the inputs of a job lie, as the job sees them (CWL v1.2 Command Line Tool, sections "File" and "Directory").

Each File and Directory gets a `path` below the directory of inputs, under its basename, with its
secondary files beside it. What one input parameter holds shares one subdirectory, named with a
number, unless names collide; what collides goes to another. A job may list the directory of a file
and must find no other input there. The same thing is staged once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from ...data_classes import dataclass
from ...errors import InputInvalid, Where
from ...hashing import hash_text
from ..plan import Stage
from ..uris import is_file_uri, to_path
from ..values import FileValue, Value, Values, is_reference

_MEMBERS = ("secondaryFiles", "listing")


@dataclass(frozen=True, slots=True)
class Staged:
    """The inputs as the job sees them, and what must be done for it.

    `stages` has parents before what is in them. `notes` has, by target, the object that was
    staged there, for those with a location.
    """

    inputs: Values
    stages: tuple[Stage, ...]
    notes: dict[str, FileValue]


def stage_inputs(inputs: Values, directory: str, where: Where | None = None) -> Staged:
    """Return where the Files and Directories of accepted inputs lie.

    Args:
        inputs: accepted values; every File and Directory has a location or is a literal.
        directory: the directory of inputs, absolute, as the job sees it.
        where: the tool's place in its document.

    Raises:
        InputInvalid: a basename that cannot be a name, or two members of a listing with one name.
    """
    area = _Area(directory, where)
    values: Values = {}
    for name, value in inputs.items():
        area.first = area.last + 1
        values[name] = area.value(value)
    return Staged(values, tuple(area.stages.values()), area.notes)


@dataclass(slots=True)
class _Area:
    """The directory of inputs while it is being filled."""

    directory: str
    where: Where | None
    stages: dict[str, Stage] = field(default_factory=dict)
    notes: dict[str, FileValue] = field(default_factory=dict)
    first: int = 0
    """The lowest subdirectory that may be used for the present parameter."""
    last: int = -1
    """The highest subdirectory that is in use."""
    _owners: dict[tuple[int, str], str] = field(default_factory=dict)
    """By number of a subdirectory and name in it: the identity of what lies there."""
    _known: dict[tuple[str, str], int] = field(default_factory=dict)
    """By identity and name: the subdirectory where it lies already."""
    _next: dict[str, int] = field(default_factory=dict)
    """By name: the lowest subdirectory in which it may be free."""

    def value(self, value: Value) -> Value:
        """Return a value whose Files and Directories have their paths; stage them."""
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if not is_reference(value):
            return {name: self.value(item) for name, item in value.items()}
        return self._placed(value)

    def _placed(self, item: FileValue) -> FileValue:
        together = {base_name(other, self.where): identity(other) for other in beside(item)}
        number = self._subdirectory(together)
        for name, owner in together.items():
            self._owners[number, name] = owner
            self._known.setdefault((owner, name), number)
        folder = f"{self.directory}/{number}"
        builder = Builder(self.where)
        placed = builder.place(item, folder)
        self.notes.update(builder.notes)
        for stage in builder.stages:
            self.stages.setdefault(stage.target, stage)
        return placed

    def _subdirectory(self, together: dict[str, str]) -> int:
        """Return the lowest subdirectory in which all of these names are free, or theirs already."""
        primary = next(iter(together))
        known = self._known.get((together[primary], primary))
        if known is not None and self._has_room(known, together):
            return known
        number = max(self.first, *(self._next.get(name, 0) for name in together))
        while not self._has_room(number, together):
            number += 1
        for name in together:
            self._next[name] = number
        self.last = max(self.last, number)
        return number

    def _has_room(self, number: int, together: dict[str, str]) -> bool:
        return all(self._owners.get((number, name), owner) == owner for name, owner in together.items())


@dataclass(slots=True)
class Builder:
    """Turns Files and Directories into stages below one directory."""

    where: Where | None
    writable: bool = False
    in_place: bool = False
    stages: list[Stage] = field(default_factory=list)
    notes: dict[str, FileValue] = field(default_factory=dict)

    def place(self, item: FileValue, folder: str) -> FileValue:
        """Stage a File or Directory in a directory, its secondary files beside it; return it with its path."""
        target = f"{folder}/{base_name(item, self.where)}"
        placed = located(item, target)
        if is_literal_directory(item):
            self.stages.append(Stage(target, directory=True, writable=self.writable))
            placed["listing"] = self._members(item, target)
        elif location_of(item) is not None:
            self._refer(item, target)
            if item.get("listing"):
                placed["listing"] = [with_paths(member, target, self.where) for member in item["listing"]]
        else:
            self.stages.append(Stage(target, contents=literal_text(item, self.where), writable=self.writable))
        if item.get("secondaryFiles"):
            placed["secondaryFiles"] = [self.place(other, folder) for other in item["secondaryFiles"]]
        return placed

    def _refer(self, item: FileValue, target: str) -> None:
        self.notes[target] = item
        self.stages.append(
            Stage(
                target,
                location=item["location"],
                directory=item["class"] == "Directory",
                writable=self.writable,
                in_place=self.in_place,
                sha256=item.get("sha256"),
            )
        )

    def _members(self, item: FileValue, target: str) -> list[FileValue]:
        """Stage the listing of a literal directory. Two things of one name in it are an error."""
        owners: dict[str, str] = {}
        for member in item.get("listing") or ():
            for other in beside(member):
                name, owner = base_name(other, self.where), identity(other)
                if owners.setdefault(name, owner) != owner:
                    problem = f"the listing of Directory {base_name(item, self.where)!r} has two members {name!r}"
                    raise InputInvalid(problem, where=self.where)
        return [self.place(member, target) for member in item.get("listing") or ()]


def beside(item: FileValue) -> Iterator[FileValue]:
    """Yield a File or Directory and all that must lie in the same directory: its secondary files."""
    yield item
    for other in item.get("secondaryFiles") or ():
        yield from beside(other)


def identity(item: FileValue) -> str:
    """Return what tells whether two objects of one name are the same thing."""
    location = location_of(item)
    if location is not None:
        return location
    if item["class"] == "File":
        return "contents:" + str(item.get("contents"))
    return f"listing:{id(item)}"


def is_literal_directory(item: FileValue) -> bool:
    """Tell whether a Directory stands for nothing but its listing."""
    return item["class"] == "Directory" and location_of(item) is None


def location_of(item: FileValue) -> str | None:
    """Return where the content of a File or Directory is; None for a literal (also one named `_:...`)."""
    location = item.get("location")
    return location if isinstance(location, str) and not location.startswith("_:") else None


def literal_text(item: FileValue, where: Where | None) -> str:
    """Return the contents of a literal File. Raises InputInvalid when it has none."""
    contents = item.get("contents")
    if not isinstance(contents, str):
        raise InputInvalid(f"File {item.get('basename')!r} has neither a location nor contents", where=where)
    return contents


def base_name(item: FileValue, where: Where | None) -> str:
    """Return the name that a File or Directory has where it lies.

    One without a `basename` is named after its location, and a literal after its contents.
    Raises InputInvalid for a name that cannot be one of a file.
    """
    name = item.get("basename")
    if name is None:
        location = location_of(item)
        if location is not None:
            path = to_path(location) if is_file_uri(location) else location
            name = os.path.basename(path.rstrip("/"))
        else:
            name = "literal-" + hash_text(str(item.get("contents", "")))[:12]
    if not isinstance(name, str) or not name or "/" in name or "\0" in name or name in (".", ".."):
        raise InputInvalid(f"the basename {name!r} of a {item['class']} cannot be the name of a file", where=where)
    return name


def located(item: FileValue, target: str) -> FileValue:
    """Return a copy of a File or Directory that lies at a path of the job's view."""
    folder, _, name = target.rpartition("/")
    placed: dict[str, Any] = {**item, "path": target, "basename": name}
    if item["class"] == "File":
        placed["dirname"] = folder or "/"
        placed["nameroot"], placed["nameext"] = os.path.splitext(name)
    return placed


def with_paths(item: FileValue, folder: str, where: Where | None) -> FileValue:
    """Return a copy of a File or Directory, and of what it has, that lies in a directory staged as a whole."""
    target = f"{folder}/{base_name(item, where)}"
    placed = located(item, target)
    for key, inside in zip(_MEMBERS, (folder, target), strict=True):
        if item.get(key):
            placed[key] = [with_paths(member, inside, where) for member in item[key]]
    return placed
