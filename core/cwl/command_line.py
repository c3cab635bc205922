"""The command line of a tool (CWL v1.2 Command Line Tool, section 4.1 "Input binding").

Each binding that has a value becomes a `_Part` with a sorting key; the parts are sorted and turned
into words. A key holds, level by level from the parameter inward, a position, the index of an array
item where there is one, and the name of the parameter or field; numbers sort before names, so
that `arguments` come before inputs of the same position, and what is nested comes after what it is in.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ...data_classes import dataclass
from ...errors import InputInvalid, Where
from ..values import Value, Values
from .javascript import number_text
from .matching import matches
from .process import CommandLineTool
from .types import ANY, ArrayType, Binding, EnumType, Expression, RecordType, Type, UnionType

if TYPE_CHECKING:
    from .expressions import Evaluator

Key = tuple[tuple[int, int, str], ...]
_PLAIN = Binding()


@dataclass(frozen=True, slots=True)
class CommandLine:
    """The words of a command; `shell` is the text for `/bin/sh -c` when the tool asks for a shell."""

    argv: tuple[str, ...]
    shell: str | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    key: Key
    binding: Binding
    value: Value


@dataclass(frozen=True, slots=True)
class _Scope:
    """What the expressions of bindings may use."""

    evaluator: Evaluator
    inputs: Values
    runtime: Mapping[str, Any]
    where: Where | None

    def evaluate(self, text: Expression, value: Value) -> Value:
        return self.evaluator.evaluate(text, self.inputs, self_value=value, runtime=self.runtime, where=self.where)


def build(
    tool: CommandLineTool, inputs: Values, evaluator: Evaluator, runtime: Mapping[str, Any], *, shell: bool = False
) -> CommandLine:
    """Return the command line of a tool for these inputs.

    Args:
        tool: the tool.
        inputs: accepted values of its inputs; each File and Directory has its `path`.
        evaluator: evaluates `valueFrom` and `position`.
        runtime: what expressions see as `runtime`.
        shell: the tool has a ShellCommandRequirement.

    Raises:
        ExpressionFailed: an expression failed.
        InputInvalid: a value cannot stand on a command line, or there is no command.
    """
    scope = _Scope(evaluator, inputs, runtime, tool.where)
    parts = sorted(_collected(tool, scope), key=_key_of)
    words = [(part, _words(part.binding, part.value, scope)) for part in parts]
    argv = (*tool.base_command, *(word for _, found in words for word in found))
    _check(argv, tool)
    if not shell:
        return CommandLine(argv)
    return CommandLine(argv, " ".join([*map(shlex.quote, tool.base_command), *_shell_words(words)]))


def _check(argv: tuple[str, ...], tool: CommandLineTool) -> None:
    if not argv:
        raise InputInvalid(f"the command line of {tool.name!r} is empty", where=tool.where)
    for word in argv:
        if "\0" in word:
            raise InputInvalid(f"the command line of {tool.name!r} has a NUL character in {word!r}", where=tool.where)


def _shell_words(words: Iterable[tuple[_Part, list[str]]]) -> Iterator[str]:
    for part, found in words:
        yield from map(shlex.quote, found) if part.binding.shell_quote else found


def _key_of(part: _Part) -> Key:
    return part.key


def _number(number: int) -> tuple[int, int, str]:
    return (0, number, "")


def _name(name: str) -> tuple[int, int, str]:
    return (1, 0, name)


# -- which bindings have which values --------------------------------------------------------


def _collected(tool: CommandLineTool, scope: _Scope) -> Iterator[_Part]:
    for index, binding in enumerate(tool.arguments):
        yield _Part((_number(_position(binding, None, scope)), _number(index)), binding, None)
    for port in tool.inputs:
        yield from _bound(port.type, scope.inputs.get(port.name), port.binding, port.name, (), scope)


def _bound(
    type_: Type, value: Value, binding: Binding | None, name: str, key: Key, scope: _Scope, index: Key = ()
) -> Iterator[_Part]:
    """Yield the part of a binding and those nested in its value. Null adds nothing."""
    if value is None:
        return
    if binding is None:
        yield from _inside(_chosen(type_, value), value, False, name, key + index, scope)
        return
    key = (*key, _number(_position(binding, value, scope)), *index, _name(name))
    yield _Part(key, binding, value)
    if binding.value_from is None and not (isinstance(value, list) and binding.item_separator is not None):
        yield from _inside(_chosen(type_, value), value, True, name, key, scope)


def _inside(type_: Type, value: Value, bound: bool, name: str, key: Key, scope: _Scope) -> Iterator[_Part]:
    """Yield the parts within a value: items of an array, fields of a record, and the type's own binding."""
    if isinstance(type_, ArrayType):
        binding = type_.binding or (_PLAIN if bound else None)
        for index, item in enumerate(value):
            yield from _bound(type_.items, item, binding, name, key, scope, (_number(index),))
    elif isinstance(type_, RecordType):
        key = yield from _own(type_.binding, value, name, key, scope)
        if type_.binding is None or type_.binding.value_from is None:
            for field in type_.fields:
                yield from _bound(field.type, value.get(field.name), field.binding, field.name, key, scope)
    elif isinstance(type_, EnumType):
        yield from _own(type_.binding, value, name, key, scope)


def _own(binding: Binding | None, value: Value, name: str, key: Key, scope: _Scope) -> Generator[_Part, None, Key]:
    """Yield the part of a binding that stands in a type; return the key for what is nested."""
    if binding is not None:
        key = (*key, _number(_position(binding, value, scope)), _name(name))
        yield _Part(key, binding, value)
    return key


def _chosen(type_: Type, value: Value) -> Type:
    """Return the type that a value has, where a type leaves that open."""
    if isinstance(type_, UnionType):
        for alternative in type_.alternatives:
            if matches(value, alternative):
                return _chosen(alternative, value)
    if isinstance(value, list) and not isinstance(type_, ArrayType):
        return ArrayType(ANY)
    return type_


def _position(binding: Binding, value: Value, scope: _Scope) -> int:
    position = binding.position
    if isinstance(position, str):
        position = scope.evaluate(position, value)
        if position is None:
            return 0
        if isinstance(position, bool) or not isinstance(position, int):
            raise InputInvalid(
                f"the position {binding.position!r} must give an integer, not {position!r}", where=scope.where
            )
    return position


# -- words of one binding ---------------------------------------------------------------------


def _words(binding: Binding, value: Value, scope: _Scope) -> list[str]:
    """Return the words that a binding adds (section 5.1.4, CommandLineBinding)."""
    if binding.value_from is None:
        return _plain_words(binding, value, scope.where)
    value = scope.evaluate(binding.value_from, value)
    if isinstance(value, list) and value and binding.item_separator is None:
        return [*_prefix(binding), *_flat(value, scope.where)]
    return _plain_words(binding, value, scope.where)


def _plain_words(binding: Binding, value: Value, where: Where | None) -> list[str]:
    if value is None or value is False or value == []:
        return []
    if value is True:
        return _prefix(binding)
    if isinstance(value, list):
        if binding.item_separator is None:
            return _prefix(binding)
        value = binding.item_separator.join(_flat(value, where))
    elif isinstance(value, dict) and value.get("class") not in ("File", "Directory"):
        return _prefix(binding)
    text = argument_text(value, where)
    if binding.prefix is None:
        return [text]
    return [binding.prefix, text] if binding.separate else [binding.prefix + text]


def _prefix(binding: Binding) -> list[str]:
    return [binding.prefix] if binding.prefix else []


def _flat(values: list[Value], where: Where | None) -> Iterator[str]:
    """Yield the texts of the items of a list, and of lists in it; null adds nothing."""
    for item in values:
        if isinstance(item, list):
            yield from _flat(item, where)
        elif item is not None:
            yield argument_text(item, where)


def argument_text(value: Value, where: Where | None = None) -> str:
    """Return a value as one word: the path of a File or Directory, a number without an exponent.

    Raises InputInvalid for a File or Directory that has no path.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, dict) and value.get("class") in ("File", "Directory"):
        path = value.get("path")
        if not isinstance(path, str):
            known = value.get("basename") or value.get("location") or "a literal"
            raise InputInvalid(f"{value['class']} {known!r} was not staged, so it has no path", where=where)
        return path
    return json.dumps(value, sort_keys=True)
