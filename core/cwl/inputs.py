"""The values given to a process: defaults filled in, types and formats checked, files completed."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputInvalid, Where
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue, Value, Values
from . import file_objects
from .expressions import Evaluator, is_expression
from .file_objects import load_contents, load_listing
from .formats import format_matches
from .matching import mismatch
from .process import Input, Process
from .types import ArrayType, Field, Primitive, RecordType, SecondaryFile, Type, UnionType

__all__ = ["accept_inputs", "load_contents", "load_listing"]


@dataclass(frozen=True, slots=True)
class _Acceptance:
    """Accepts the inputs of one process for one job."""

    process: Process
    evaluator: Evaluator
    inputs: Values
    listing: str | None

    def evaluate(self, text: Any, item: FileValue) -> Value:
        """Evaluate an expression of a File's description, with the File as `self`."""
        return self.evaluator.evaluate(text, self.inputs, self_value=item)


def accept_inputs(
    inputs: Sequence[Input], values: Values, *, process: Process, evaluator: Evaluator, listing: str | None = None
) -> Values:
    """Return the values of all input ports, checked and completed.

    Args:
        inputs: the ports.
        values: what is given; what no port is called is left out.
        process: whose ports they are.
        evaluator: of the process's expressions.
        listing: what LoadListingRequirement says, for ports that do not say themselves.

    Raises:
        InputInvalid: a value is missing, has another type or format, or a file is not there.
    """
    completed: Values = {}
    for port in inputs:
        value = values.get(port.name)
        if value is None and port.has_default:
            value = _copied(port.default)
        completed[port.name] = _completed_files(value, port.where)
    for port in inputs:
        _check_type(port, completed[port.name], values)
    acceptance = _Acceptance(process, evaluator, completed, listing)
    for port in inputs:
        completed[port.name] = _finished(acceptance, port, port.type, completed[port.name])
    return completed


def _copied(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _completed_files(value: Value, where: Where | None) -> Value:
    if isinstance(value, list):
        return [_completed_files(item, where) for item in value]
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            return value if _is_complete(value) else file_objects.complete(dict(value), where)
        return {name: _completed_files(item, where) for name, item in value.items()}
    return value


def _is_complete(item: Mapping[str, Any]) -> bool:
    """Tell whether a job of this run made a file, so that nothing about it need be looked up."""
    return "sha256" in item and "basename" in item and (item["class"] == "Directory" or "nameroot" in item)


def _check_type(port: Input, value: Value, given: Values) -> None:
    reason = mismatch(value, port.type)
    if reason is None:
        return
    if value is None and port.name not in given:
        near = difflib.get_close_matches(port.name, [name for name in given if isinstance(name, str)], 1)
        hint = f"did you mean it by {near[0]!r}?" if near else None
        raise InputInvalid(f"the input {port.name!r} is missing", where=port.where, hint=hint)
    raise InputInvalid(f"input {port.name!r}: {reason}", where=port.where)


def _finished(acceptance: _Acceptance, port: Input | Field, type_: Type, value: Value) -> Value:
    """Return a value whose files have their secondary files, contents and listings, formats checked."""
    if value is None:
        return value
    if isinstance(type_, UnionType):
        chosen = next((item for item in type_.alternatives if mismatch(value, item) is None), None)
        return value if chosen is None else _finished(acceptance, port, chosen, value)
    if isinstance(type_, ArrayType) and isinstance(value, list):
        return [_finished(acceptance, port, type_.items, item) for item in value]
    if isinstance(type_, RecordType) and isinstance(value, Mapping):
        return {**value, **{f.name: _finished(acceptance, f, f.type, value.get(f.name)) for f in type_.fields}}
    if isinstance(value, Mapping) and isinstance(type_, Primitive):
        if value.get("class") == "File":
            return _finished_file(acceptance, port, dict(value))
        if value.get("class") == "Directory":
            return _finished_directory(acceptance, port, dict(value))
    return value


def _finished_file(acceptance: _Acceptance, port: Input | Field, item: FileValue) -> FileValue:
    where = getattr(port, "where", None)
    if port.secondary_files:
        item = with_secondary_files(acceptance, port.secondary_files, item, where)
    _check_format(acceptance, port, item, where)
    binding = getattr(port, "binding", None)
    if port.load_contents or (binding is not None and binding.load_contents):
        item = load_contents(item, version=acceptance.process.version, where=where)
    return item


def _finished_directory(acceptance: _Acceptance, port: Input | Field, item: FileValue) -> FileValue:
    depth = port.load_listing or acceptance.listing
    if port.secondary_files:
        item = with_secondary_files(acceptance, port.secondary_files, item, getattr(port, "where", None))
    loaded: FileValue = load_listing(item, depth or "no_listing")
    return loaded


def with_secondary_files(
    acceptance: _Acceptance, wanted: Sequence[SecondaryFile], item: FileValue, where: Where | None
) -> FileValue:
    """Return a File with the secondary files that patterns name: those it has, and those found beside it.

    Raises InputInvalid when a required one is not there.
    """
    item = dict(item)
    present: list[FileValue] = list(item.get("secondaryFiles") or [])
    for secondary in wanted:
        for named in file_objects.secondary_names(item, secondary, acceptance.evaluate):
            _add_secondary(acceptance, secondary, named, item, present, where)
    if present:
        item["secondaryFiles"] = present
    return item


def _add_secondary(
    acceptance: _Acceptance,
    secondary: SecondaryFile,
    named: str | FileValue,
    item: FileValue,
    present: list[FileValue],
    where: Where | None,
) -> None:
    name = named if isinstance(named, str) else str(named.get("basename") or _base_of(named))
    if any(other.get("basename") == name for other in present):
        return
    found = _beside(item, name) if isinstance(named, str) else _given(named)
    if found is not None:
        present.append(file_objects.complete(found, where))
    elif file_objects.is_required(secondary, item, acceptance.evaluate, default=True):
        raise InputInvalid(f"the secondary file {name!r} of {item['basename']!r} is missing", where=where)


def _base_of(named: FileValue) -> str:
    return str(named.get("location") or named.get("path") or "").rstrip("/").rpartition("/")[2]


def _given(named: FileValue) -> FileValue:
    item = dict(named)
    path = item.pop("path", None)
    if path is not None and "location" not in item:
        item["location"] = to_uri(str(path))
    return item


def _beside(item: FileValue, name: str) -> FileValue | None:
    """Return the file or directory of a name in the directory of a primary file, or None."""
    import os

    location = item.get("location")
    if location is None or not is_file_uri(location):
        return None
    path = os.path.join(os.path.dirname(to_path(location)), name)
    if not os.path.exists(path):
        return None
    return {"class": "Directory" if os.path.isdir(path) else "File", "location": to_uri(path), "basename": name}


def _check_format(acceptance: _Acceptance, port: Input | Field, item: FileValue, where: Where | None) -> None:
    if port.format is None or not item.get("format"):
        return
    allowed = [expand(text, acceptance.process) for text in _formats(acceptance, port.format, item)]
    actual = expand(str(item["format"]), acceptance.process)
    if allowed and not format_matches(actual, allowed, acceptance.process.schemas):
        raise InputInvalid(
            f"input {port.name!r}: the file {item['basename']!r} has the format {actual}, not {' or '.join(allowed)}",
            where=where,
        )


def _formats(acceptance: _Acceptance, declared: str | tuple[str, ...], item: FileValue) -> Iterator[str]:
    for text in (declared,) if isinstance(declared, str) else declared:
        result = acceptance.evaluate(text, item) if is_expression(text) else text
        yield from (str(entry) for entry in (result if isinstance(result, list) else [result]) if entry is not None)


def expand(name: str, process: Process) -> str:
    """Return a format as a full URI: a prefix of `$namespaces` stands for its URI."""
    prefix, colon, rest = name.partition(":")
    if colon and prefix in process.namespaces and not rest.startswith("//"):
        return process.namespaces[prefix] + rest
    return name
