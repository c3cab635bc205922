"""The inputs of a process as parameters of a command line: `--name value`, `--flag`, `name=value`."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...errors import DocumentInvalid, UsageError
from ..uris import to_uri
from ..values import Value, Values
from .downloads import Downloads
from .job_order import located
from .nodes import parse_values
from .process import Input, Process
from .type_text import type_text
from .types import ArrayType, EnumType, Primitive, RecordType, Type, UnionType

WORDS = {"true": True, "false": False}


def parse_parameters(
    process: Process, argv: Sequence[str], *, base: str | None = None, allow_network: bool = False
) -> Values:
    """Return the values that `--name value` and `--name=value` give.

    A boolean needs no value (`--flag`, `--no-flag`); a list is given by repetition or as JSON; a
    File or Directory by its path from `base` (the working directory) or a URI; a record as JSON.

    Raises:
        UsageError: a name that the process has no input for, or a value of another type.
        Unsupported: a file is on the network, which is not allowed.
    """
    ports = {port.name: port for port in process.inputs}
    values: Values = {}
    words = iter(argv)
    for word in words:
        name, equals, text = word.removeprefix("--").partition("=")
        port = ports.get(name) or ports.get(name.removeprefix("no-"))
        if not word.startswith("--") or port is None:
            raise UsageError(f"{process.name!r} has no parameter {word!r}", hint=_known(name, ports, "--"))
        if _plain(port.type) == Primitive("boolean") and not equals:
            values[port.name] = not name.startswith("no-") or name in ports
            continue
        if not equals:
            text = _next(words, word)
        add(values, port, text, base or os.getcwd())
    found: Values = Downloads(allowed=allow_network).localised(values)
    return found


def parse_settings(
    process: Process, settings: Sequence[str], *, base: str | None = None, allow_network: bool = False
) -> Values:
    """Return the values that `name=value` texts give, as `parse_parameters` does."""
    ports = {port.name: port for port in process.inputs}
    values: Values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or name not in ports:
            problem = f"there is no input {name!r}" if equals else f"{setting!r} is not of the form name=value"
            raise UsageError(problem, hint=_known(name, ports, ""))
        add(values, ports[name], text, base or os.getcwd())
    found: Values = Downloads(allowed=allow_network).localised(values)
    return found


def _known(name: str, ports: Mapping[str, Input], mark: str) -> str:
    """Return a hint at the input that was meant, or at all there are."""
    near = difflib.get_close_matches(name, list(ports), 1)
    if near:
        return f"did you mean {mark}{near[0]}?"
    return f"known: {', '.join(mark + known for known in ports) or 'none'}"


def _next(words: Iterator[str], option: str) -> str:
    found = next(words, None)
    if found is None:
        raise UsageError(f"{option} needs a value")
    return found


def add(values: Values, port: Input, text: str, base: str) -> None:
    """Set an input from a text; further texts for a list are appended to it."""
    type_ = _plain(port.type)
    if isinstance(type_, ArrayType) and not text.lstrip().startswith("["):
        values.setdefault(port.name, []).append(convert(text, type_.items, port.name, base))
    else:
        values[port.name] = convert(text, type_, port.name, base)


def _plain(type_: Type) -> Type:
    """Return a type without null, when one alternative is left."""
    if isinstance(type_, UnionType):
        rest = [item for item in type_.alternatives if item != Primitive("null")]
        return rest[0] if len(rest) == 1 else UnionType(tuple(rest))
    return type_


def convert(text: str, type_: Type, name: str, base: str) -> Value:
    """Return the value of a type that a text on a command line stands for."""
    type_ = _plain(type_)
    if isinstance(type_, EnumType) or type_ == Primitive("string"):
        return text
    if isinstance(type_, Primitive):
        return _primitive(text, type_.name, name, base)
    if isinstance(type_, UnionType):
        return _alternative(text, type_, name, base)
    value = _parsed(text, name, base)
    expected: type[Any] = dict if isinstance(type_, RecordType) else list
    if not isinstance(value, expected):
        raise UsageError(f"--{name} must be a {type_text(type_)} as JSON, not {text!r}")
    return value


def _primitive(text: str, kind: str, name: str, base: str) -> Value:
    if kind in ("File", "Directory"):
        if "://" in text:
            return {"class": kind, "location": text}
        return {"class": kind, "location": to_uri(os.path.normpath(os.path.join(base, text)))}
    if kind == "boolean" and text.lower() in WORDS:
        return WORDS[text.lower()]
    try:
        if kind in ("int", "long") and "_" not in text:
            return int(text)
        if kind in ("float", "double") and "_" not in text:
            return float(text)
    except ValueError:
        raise UsageError(f"--{name} must be of type {kind}, not {text!r}") from None
    if kind == "Any":
        return _parsed(text, name, base)
    raise UsageError(f"--{name} must be of type {kind}, not {text!r}")


def _parsed(text: str, name: str, base: str) -> Value:
    """Return what a JSON or YAML text says, its files located."""
    try:
        return located(parse_values(text, "command line"), to_uri(base.rstrip("/") + "/"), {})
    except DocumentInvalid as error:
        raise UsageError(f"--{name} is neither JSON nor YAML: {error.problem}") from error


def _alternative(text: str, type_: UnionType, name: str, base: str) -> Value:
    for item in type_.alternatives:
        try:
            return convert(text, item, name, base)
        except UsageError:
            continue
    raise UsageError(f"--{name} must be {type_text(type_)}, not {text!r}")


def parameter_help(process: Process) -> list[tuple[str, str, str]]:
    """Return for each input its name, its type in words, and what its author says of it."""
    rows = []
    for port in process.inputs:
        text = " ".join((port.label or port.doc or "").split())
        if port.has_default and not isinstance(port.default, dict):
            text = f"{text} (default: {port.default})".strip()
        rows.append((port.name, type_text(port.type), text))
    return rows


def template(process: Process) -> str:
    """Return a job file to fill in, as YAML with a comment for each input."""
    lines = []
    for port in process.inputs:
        text = " ".join((port.label or port.doc or "").split())
        lines.append(f"{port.name}: {_example(port)}  # {type_text(port.type)}{': ' + text if text else ''}")
    return "\n".join([*lines, ""])


def _example(port: Input) -> str:
    import json

    if port.has_default:
        return json.dumps(port.default)
    type_ = _plain(port.type)
    if isinstance(type_, Primitive):
        examples = {"File": "{class: File, path: a/path}", "Directory": "{class: Directory, path: a/path}"}
        return examples.get(type_.name, {"string": '"a text"', "boolean": "false"}.get(type_.name, "0"))
    if isinstance(type_, EnumType):
        return type_.symbols[0]
    return "[]" if isinstance(type_, ArrayType) else "{}"
