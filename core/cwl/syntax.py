"""Expressions, checked before anything runs: is JavaScript allowed here, and can it be parsed?

CWL v1.2 Command Line Tool, sections 3.4 "Parameter references" and 3.5 "Expressions".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import ExpressionFailed, Where
from .expressions import is_expression
from .javascript import check_syntax
from .problems import Problem
from .process import CommandLineTool, ExpressionTool, Process, Workflow, WorkflowStep
from .scanner import parse
from .types import ArrayType, Binding, RecordType, Requirements, SecondaryFile, Type, UnionType

JAVASCRIPT = "InlineJavascriptRequirement"
ADD_IT = f"add {JAVASCRIPT} to the requirements"
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "EnvVarRequirement": ("envDef",),
    "InitialWorkDirRequirement": ("listing",),
    "ResourceRequirement": tuple(
        f"{what}{end}" for what in ("cores", "ram", "tmpdir", "outdir") for end in ("Min", "Max")
    ),
    "ToolTimeLimit": ("timelimit",),
    "WorkReuse": ("enableReuse",),
    "NetworkAccess": ("networkAccess",),
    "cwltool:MPIRequirement": ("processes",),
}
"""By requirement: the fields that may hold expressions."""
_LITERAL = frozenset({"class", "envName", "location", "path", "basename", "contents", "checksum", "format"})
"""Fields within those that hold none."""

Found = tuple[str, Where | None]
"""An expression and where it stands, as far as that is known."""


def syntax_problems(process: Process, *, javascript: bool) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of a process, those of its steps left out."""
    yield from _problems(expressions_of(process), process.version, javascript, process.where)
    for name in (process.requirements, process.hints):
        for number, text in enumerate((name.get(JAVASCRIPT) or {}).get("expressionLib") or ()):
            reason = check_syntax(text)
            if reason is not None:
                yield Problem(f"entry {number + 1} of expressionLib: {reason}", process.where)


def step_syntax_problems(step: WorkflowStep, version: str, *, javascript: bool) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of a step."""
    yield from _problems(expressions_of_step(step), version, javascript, step.where)


def _problems(found: list[Found], version: str, javascript: bool, where: Where | None) -> Iterator[Problem]:
    for text, place in dict.fromkeys(found):
        reason, hint = _wrong(text, version, javascript)
        if reason is not None:
            yield Problem(f"the expression {_shown(text)} {reason}", place or where, hint)


def _wrong(text: str, version: str, javascript: bool) -> tuple[str | None, str | None]:
    """Return what is wrong with a string with expressions, and what to do about it."""
    try:
        codes = [part for part in parse(text.strip(), version) if not isinstance(part, str) and not part.is_reference]
    except ExpressionFailed as error:
        return f"cannot be read: {error.problem}", error.hint
    if codes and not javascript:
        return f"needs {JAVASCRIPT}", ADD_IT
    reasons = (check_syntax(part.function) for part in codes)
    reason = next((one for one in reasons if one is not None), None)
    return (None if reason is None else f"cannot be parsed: {reason}"), None


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 60 else line[:57] + "...")


# -- where expressions stand -------------------------------------------------------------------


def expressions_of_step(step: WorkflowStep) -> list[Found]:
    """Return the expressions of a step, with where they stand."""
    found = [(text, step.where) for text in (step.when, step.loop.when if step.loop is not None else None)]
    found += [(item.value_from, item.where) for item in step.inputs]
    found += [(item.value_from, item.where) for item in (step.loop.inputs if step.loop is not None else ())]
    texts: list[Found] = [(text, where) for text, where in found if is_expression(text) and text is not None]
    return texts + [(text, step.where) for text in _of_requirements(step.requirements)]


def expressions_of(process: Process) -> list[Found]:
    """Return the expressions of a process, those of its steps left out, with where they stand."""
    found: list[Found] = [(text, process.where) for text in _of_requirements(process.requirements)]
    for port in process.inputs:
        values = [*_of_binding(port.binding), *_of_files(port.secondary_files), port.format, *_of_type(port.type)]
        found += [(text, port.where) for text in _texts(values)]
    if isinstance(process, Workflow):
        return found
    for output in process.outputs:
        values = [*_of_files(output.secondary_files), output.format, *_of_type(output.type)]
        if output.binding is not None:
            values += [output.binding.glob, output.binding.output_eval]
        found += [(text, output.where) for text in _texts(values)]
    if isinstance(process, ExpressionTool):
        found += [(text, process.where) for text in _texts(process.expression)]
    if isinstance(process, CommandLineTool):
        streams = [process.stdin, process.stdout, process.stderr]
        arguments = [part for binding in process.arguments for part in _of_binding(binding)]
        found += [(text, process.where) for text in _texts([*arguments, *streams])]
    return found


def _of_binding(binding: Binding | None) -> list[Any]:
    return [] if binding is None else [binding.value_from, binding.position]


def _of_files(patterns: tuple[SecondaryFile, ...]) -> list[Any]:
    return [part for one in patterns for part in (one.pattern, one.required)]


def _of_type(type_: Type) -> list[Any]:
    """Return what may be expressions in the bindings within a type."""
    if isinstance(type_, ArrayType):
        return [*_of_binding(type_.binding), *_of_type(type_.items)]
    if isinstance(type_, UnionType):
        return [part for one in type_.alternatives for part in _of_type(one)]
    if not isinstance(type_, RecordType):
        return []
    found: list[Any] = _of_binding(type_.binding)
    for field in type_.fields:
        found += [*_of_binding(field.binding), *_of_files(field.secondary_files), field.format, *_of_type(field.type)]
        if field.output_binding is not None:
            found += [field.output_binding.glob, field.output_binding.output_eval]
    return found


def _of_requirements(requirements: Requirements) -> list[str]:
    values = [requirements[name].get(field) for name in requirements for field in _FIELDS.get(name, ())]
    return list(_texts(values))


def _texts(value: Any) -> Iterator[str]:
    """Yield the strings with expressions in a value."""
    if isinstance(value, str):
        if is_expression(value):
            yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _LITERAL:
                yield from _texts(item)
