"""Secondary files: which ones a File brings along (CWL v1.2 Command Line Tool, SecondaryFileSchema)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ...data_classes import dataclass
from ...errors import InputInvalid
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue, Value, is_reference
from .file_objects import absolute_location, complete
from .types import SecondaryFile

Evaluate: TypeAlias = Callable[[Any, FileValue], Value]
"""Evaluates an expression with a File as `self`; what is no expression comes back."""


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


def apply_pattern(basename: str, pattern: str) -> str:
    """Return the name that a pattern gives: each leading `^` takes one ending off, the rest is put behind."""
    while pattern.startswith("^"):
        pattern = pattern[1:]
        basename = os.path.splitext(basename)[0]
    return basename + pattern


def secondary_names(item: FileValue, secondary: SecondaryFile, evaluate: Evaluate) -> Sequence[str | FileValue]:
    """Return what one entry of `secondaryFiles` names: paths relative to the primary file, or whole objects.

    Raises InputInvalid when an expression gives something else.
    """
    if "$(" not in secondary.pattern and "${" not in secondary.pattern:
        return [apply_pattern(item["basename"], secondary.pattern)]
    result = evaluate(secondary.pattern, item)
    found = [entry for entry in (result if isinstance(result, list) else [result]) if entry is not None and entry != ""]
    for entry in found:
        if not isinstance(entry, str) and not is_reference(entry):
            raise InputInvalid(f"secondaryFiles must give names, Files or Directories, not {entry!r}"[:200])
    return found


def is_required(secondary: SecondaryFile, item: FileValue, evaluate: Evaluate, default: bool) -> bool:
    """Tell whether a secondary file must be there; an expression that gives null says no.

    Raises InputInvalid for what is neither true, false nor null.
    """
    if secondary.required is None:
        return default
    result = evaluate(secondary.required, item)
    if result is not None and not isinstance(result, bool):
        raise InputInvalid(f"required of secondaryFiles must be true or false, not {result!r}")
    return result is True
