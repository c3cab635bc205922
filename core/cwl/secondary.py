"""Secondary files: which ones a File brings along (CWL v1.2 Command Line Tool, SecondaryFileSchema)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputInvalid
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue
from .file_objects import Evaluate, absolute_location, complete, is_required, secondary_names
from .types import SecondaryFile


@dataclass(frozen=True, slots=True)
class Search:
    """How the secondary files of a File are found.

    Attributes:
        evaluate: evaluates the expressions of the patterns.
        beside: whether they are looked for in the directory of the primary file.
        required: whether they must be there when the pattern does not say.
    """

    evaluate: Evaluate
    beside: bool
    required: bool


def with_secondary_files(item: FileValue, wanted: Sequence[SecondaryFile], search: Search) -> FileValue:
    """Return a File with the secondary files that patterns name: those it has, and those that are found.

    Raises InputInvalid when a required one is not there.
    """
    present: list[FileValue] = list(item.get("secondaryFiles") or ())
    for secondary in wanted:
        for named in secondary_names(item, secondary, search.evaluate):
            if not _is_among(named, present):
                found = _found(item, named, search)
                if found is not None:
                    present.append(found)
                elif is_required(secondary, item, search.evaluate, default=search.required):
                    raise InputInvalid(f"{item['basename']!r} lacks its secondary file {_name(named)!r}")
    return {**item, "secondaryFiles": present} if present else item


def _name(named: str | FileValue) -> str:
    """Return the name of a secondary file, which may be given as a path or a File."""
    if isinstance(named, str):
        return os.path.basename(named.rstrip("/"))
    return str(
        named.get("basename") or os.path.basename(str(named.get("location") or named.get("path") or "").rstrip("/"))
    )


def _is_among(named: str | FileValue, present: Sequence[FileValue]) -> bool:
    name = _name(named)
    return any(other.get("basename") == name for other in present)


def _found(item: FileValue, named: str | FileValue, search: Search) -> FileValue | None:
    """Return a secondary file, complete, or None where there is none."""
    if not isinstance(named, str):
        return complete(absolute_location(named, to_uri(os.getcwd() + "/")))
    location = item.get("location")
    if not search.beside or location is None or not is_file_uri(location):
        return None
    path = os.path.join(os.path.dirname(to_path(location)), named)
    if not os.path.exists(path):
        return None
    kind = "Directory" if os.path.isdir(path) else "File"
    return complete({"class": kind, "location": to_uri(os.path.normpath(path)), "basename": _name(named)})
