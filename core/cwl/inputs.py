"""The values given to a process: defaults filled in, types and formats checked, files completed.

CWL v1.2 Command Line Tool, section 5.1 (input parameters) and 5.1.2 (File and Directory).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from ...data_classes import dataclass
from ...errors import InputInvalid
from ..values import FileValue, Value, Values
from . import file_objects
from .expressions import Evaluator
from .file_objects import load_contents, load_listing
from .formats import format_matches
from .matching import best_alternative, mismatch
from .process import Input, Process
from .secondary import Search, with_secondary_files
from .types import ANY, ArrayType, Field, RecordType, Type, UnionType

__all__ = ["accept_inputs", "expand", "load_contents", "load_listing", "unknown_inputs"]

_FROM_RUN = "sha256"
"""Only files that the engine has hashed have it: what a job made, and what a run was given."""


@dataclass(frozen=True, slots=True)
class _Acceptance:
    """Accepts the values of the inputs of one process for one job."""

    process: Process
    evaluator: Evaluator
    inputs: Values
    listing: str | None


def accept_inputs(
    inputs: Sequence[Input],
    values: Values,
    *,
    process: Process,
    evaluator: Evaluator,
    listing: str | None = None,
) -> Values:
    """Return the values of all input ports, checked and completed.

    Null stands for "not given": a default takes its place. Files that were not seen before in the
    run are looked up, and their secondary files are searched for beside them; files that a job made
    or a workflow passed on must bring theirs along.

    Args:
        inputs: the ports.
        values: what is given; what no port is called is left out.
        process: whose ports they are.
        evaluator: of the process's expressions.
        listing: what LoadListingRequirement says, for ports that do not say themselves.

    Raises:
        InputInvalid: a value is missing, has another type or format, or a file is not there.
        ExpressionFailed: an expression of `secondaryFiles` or `format` failed.
    """
    completed: Values = {}
    for port in inputs:
        value = values.get(port.name)
        if value is None and port.has_default:
            value = port.default
        try:
            value = _completed_files(value)
        except InputInvalid as error:
            raise InputInvalid(f"input {port.name!r}: {error.problem}", where=port.where, hint=error.hint) from error
        _check_type(port, value, values, inputs)
        completed[port.name] = value
    acceptance = _Acceptance(process, evaluator, completed, listing)
    finished = {port.name: _finished(acceptance, port, completed[port.name]) for port in inputs}
    completed.update(finished)
    return completed


def unknown_inputs(process: Process, values: Values) -> list[str]:
    """Return a line for each given value that no input of the process is called, with a likely name.

    The specification lets them be ignored; most are misspelt.
    """
    known = [port.name for port in process.inputs]
    lines = []
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            lines.append(f"{process.name!r} has no input {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    return lines


def _completed_files(value: Value) -> Value:
    """Return a copy of a value in which each File and Directory is complete."""
    if isinstance(value, list):
        return [_completed_files(item) for item in value]
    if isinstance(value, Mapping):
        if value.get("class") in ("File", "Directory"):
            return value if _is_complete(value) else file_objects.complete(dict(value))
        return {name: _completed_files(item) for name, item in value.items()}
    return value


def _is_complete(item: Mapping[str, Value]) -> bool:
    """Tell whether nothing about a file need be looked up, because the engine has hashed it."""
    return _FROM_RUN in item and "basename" in item and (item["class"] == "Directory" or "nameroot" in item)


def _check_type(port: Input, value: Value, given: Values, ports: Sequence[Input]) -> None:
    reason = mismatch(value, port.type, port.name)
    if reason is None:
        return
    if value is not None:
        raise InputInvalid(f"input {reason}", where=port.where)
    names = {other.name for other in ports}
    near = difflib.get_close_matches(port.name, [name for name in given if name not in names], 1)
    hint = f"did you mean it by {near[0]!r}?" if near else None
    problem = f"input {port.name!r} is missing" if given.get(port.name) is None else f"input {reason}"
    raise InputInvalid(problem, where=port.where, hint=hint)


def _finished(acceptance: _Acceptance, port: Input, value: Value) -> Value:
    """Return the value of a port with all that its files need."""
    try:
        return _finished_value(acceptance, port, port.type, value)
    except InputInvalid as error:
        raise InputInvalid(f"input {port.name!r}: {error.problem}", where=port.where, hint=error.hint) from error


def _finished_value(acceptance: _Acceptance, port: Input | Field, type_: Type, value: Value) -> Value:
    """Return a value of a type whose files have secondary files, contents and listings, formats checked."""
    if not isinstance(value, (list, Mapping)):
        return value
    if isinstance(value, Mapping) and value.get("class") == "File":
        return _finished_file(acceptance, port, dict(value))
    if isinstance(value, Mapping) and value.get("class") == "Directory":
        return _finished_directory(acceptance, port, dict(value))
    chosen = best_alternative(value, type_) if isinstance(type_, UnionType) else type_
    if isinstance(value, list):
        items = chosen.items if isinstance(chosen, ArrayType) else ANY
        return [_finished_value(acceptance, port, items, item) for item in value]
    if not isinstance(chosen, RecordType):
        return value
    fields = chosen.fields
    return {
        **value,
        **{field.name: _finished_value(acceptance, field, field.type, value.get(field.name)) for field in fields},
    }


def _finished_file(acceptance: _Acceptance, port: Input | Field, item: FileValue) -> FileValue:
    if port.secondary_files:
        item = with_secondary_files(item, port.secondary_files, _search(acceptance, item))
    _check_format(acceptance, port, item)
    if port.load_contents or (port.binding is not None and port.binding.load_contents):
        item = load_contents(item, version=acceptance.process.version)
    return item


def _finished_directory(acceptance: _Acceptance, port: Input | Field, item: FileValue) -> FileValue:
    if port.secondary_files:
        item = with_secondary_files(item, port.secondary_files, _search(acceptance, item))
    listed: FileValue = load_listing(item, port.load_listing or acceptance.listing or "no_listing")
    return listed


def _search(acceptance: _Acceptance, item: FileValue) -> Search:
    def evaluate(text: Value, primary: FileValue) -> Value:
        return acceptance.evaluator.evaluate(text, acceptance.inputs, self_value=primary)

    return Search(evaluate, beside=_FROM_RUN not in item, required=True)


def _check_format(acceptance: _Acceptance, port: Input | Field, item: FileValue) -> None:
    """Check the format of a file, and write it out in full in the file's object."""
    process = acceptance.process
    if item.get("format"):
        item["format"] = expand(str(item["format"]), process)
    if port.format is None:
        return
    allowed = [expand(text, process) for text in _formats(acceptance, port.format, item)]
    wanted = " or ".join(allowed)
    if not allowed or format_matches(item.get("format"), allowed, process.schemas):
        return
    name = item.get("basename", "a file")
    if not item.get("format"):
        raise InputInvalid(
            f"{name!r} has no format, but must have {wanted}", hint="say it with `format` beside `class`"
        )
    raise InputInvalid(f"{name!r} has the format {item['format']}, not {wanted}")


def _formats(acceptance: _Acceptance, declared: str | tuple[str, ...], item: FileValue) -> Iterator[str]:
    """Yield the formats that a port allows."""
    for text in (declared,) if isinstance(declared, str) else declared:
        result = acceptance.evaluator.evaluate(text, acceptance.inputs, self_value=item)
        for entry in result if isinstance(result, list) else [result]:
            if isinstance(entry, str):
                yield entry
            elif entry is not None:
                raise InputInvalid(f"format must give URIs, not {entry!r}")


def expand(name: str, process: Process) -> str:
    """Return a format as a full URI: a prefix of `$namespaces` stands for its URI."""
    return file_objects.expanded(name, process.namespaces)
