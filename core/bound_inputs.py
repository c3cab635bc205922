"""Inputs that lie at another place already, as bindings of ports say: named there, and looked up there later."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable

from .binding import Binding, Target
from .uris import is_file_uri, to_path, to_placed_uri
from .values import FileValue, Value, Values, map_references, walk_references

UNKNOWN = ""
"""The sha256 of a file that is still to be looked at, at its place."""


def bound_inputs(values: Values, binding: Binding, folder: str) -> Values:
    """Return the inputs of a workflow in which the files of bound ports lie where they are bound to.

    A path below `folder`, where the job file is, is meant to be below the `workdir` of the target;
    another one is a path there. The host of the URIs is for now the name of the deployment.
    """
    return {name: _bound(value, binding.for_port(f"/{name}"), folder) for name, value in values.items()}


def _bound(value: Value, target: Target | None, folder: str) -> Value:
    if target is None:
        return value
    return map_references(value, lambda item: _elsewhere(item, target, folder or os.getcwd()))


def _elsewhere(item: FileValue, target: Target, folder: str) -> FileValue:
    """Return a File or Directory as one of the target. What is a literal, or on the web, stays as it is."""
    item = dict(item)
    for name in ("secondaryFiles", "listing"):
        if item.get(name):
            item[name] = [_elsewhere(other, target, folder) for other in item[name]]
    location = item.get("location")
    if not isinstance(location, str) or not is_file_uri(location):
        return item
    path = to_path(location)
    inside = os.path.relpath(path, folder)
    if not inside.startswith(".."):
        path = posixpath.join(target.workdir or "/", inside)
    item["location"] = to_placed_uri(target.deployment, path)
    item["basename"] = item.get("basename") or posixpath.basename(path.rstrip("/"))
    item["sha256"] = UNKNOWN
    if item["class"] == "File":
        item["nameroot"], item["nameext"] = os.path.splitext(item["basename"])
    return item


def still_unknown(values: Values) -> Iterable[FileValue]:
    """Yield the Files and Directories that are still to be looked at."""
    return (item for item in walk_references(values) if item.get("sha256") == UNKNOWN)
