"""Values that flow through ports: JSON, in which some objects stand for files.

An object whose `class` is `File` or `Directory` refers to content, with the fields that the
CWL specification gives it (CWL v1.2 Command Line Tool, sections "File" and "Directory"):
`location` (a URI, `file:///...` on the controller), `path`, `basename`, `size` (bytes),
`checksum` (`sha1$...`), `secondaryFiles`, `listing`, `contents`, `format`. In addition the
engine carries `sha256` (hex) beside `checksum`; `public()` and `made_public()` take it out again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from .uris import is_file_uri, to_path

Value: TypeAlias = Any
"""None, bool, int, float, str, list of Value or dict of str to Value."""

Values: TypeAlias = dict[str, Value]
"""The values of a set of ports, by name of the port."""

FileValue: TypeAlias = dict[str, Any]
"""An object of class File or Directory."""

REFERENCES = ("File", "Directory")
CONTAINERS = (list, dict)
"""Types of values that may have others in them."""
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def to_json(value: Value) -> str:
    """Return the JSON text that is stored of a value."""
    return _encode(value)


INTERNAL_FIELDS = frozenset({"sha256", "dirname"})
"""Fields of File and Directory objects that are not part of an outputs object."""


@lru_cache(maxsize=1024)
def kept_once(name: str) -> str:
    """Return a name as the object that an equal one has lately: most files of a scatter are called the same."""
    return name


def is_file(value: Value) -> bool:
    """Tell whether a value is a File object."""
    return isinstance(value, dict) and value.get("class") == "File"


def is_directory(value: Value) -> bool:
    """Tell whether a value is a Directory object."""
    return isinstance(value, dict) and value.get("class") == "Directory"


def is_reference(value: Value) -> bool:
    """Tell whether a value is a File or a Directory object."""
    return isinstance(value, dict) and value.get("class") in REFERENCES


def walk_references(value: Value) -> Iterator[FileValue]:
    """Yield each File and Directory in a value, outermost first, with secondaryFiles and listings."""
    if isinstance(value, list):
        for item in value:
            yield from walk_references(item)
    elif isinstance(value, dict):
        if value.get("class") in REFERENCES:
            yield value
            for name in ("secondaryFiles", "listing"):
                if name in value:
                    yield from walk_references(value[name])
        else:
            for item in value.values():
                if isinstance(item, CONTAINERS):
                    yield from walk_references(item)


def implied_fields(item: FileValue) -> dict[str, Any]:
    """Return the fields that a File or Directory of this machine has by its location and basename."""
    location, basename = item.get("location"), item.get("basename")
    fields = {"path": to_path(location)} if isinstance(location, str) and is_file_uri(location) else {}
    if item["class"] == "File" and isinstance(basename, str):
        fields["nameroot"], fields["nameext"] = os.path.splitext(basename)
    return fields


def map_references(value: Value, change: Callable[[FileValue], FileValue]) -> Value:
    """Return a copy of a value in which `change` was applied to each outermost File and Directory."""
    if isinstance(value, list):
        return [map_references(item, change) for item in value]
    if isinstance(value, Mapping):
        if is_reference(value):
            return change(dict(value))
        return {name: map_references(item, change) for name, item in value.items()}
    return value


def made_public(values: Values) -> Values:
    """Take the fields that only the engine uses out of values, which may be many, and return them."""
    for item in walk_references(values):
        for name in INTERNAL_FIELDS:
            item.pop(name, None)
    return values


def public(value: Value) -> Value:
    """Return a copy of a value without the fields that only the engine uses."""
    if isinstance(value, list):
        return [public(item) for item in value]
    if isinstance(value, Mapping):
        internal = INTERNAL_FIELDS if is_reference(value) else frozenset()
        return {name: public(item) for name, item in value.items() if name not in internal}
    return value
