"""Parameter references and expressions in strings (CWL v1.2 Command Line Tool, section 3.4).

A string that is one expression gives the expression's own value; otherwise each expression in it
is replaced by its value, as JSON text unless it is a string. Parameter references are evaluated
here; only what is more than one goes to JavaScript.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ...errors import ExpressionFailed, Where
from ..values import Value, Values
from . import javascript
from .javascript import DEFAULT_LIMITS, Limits, number_text

OLD_ESCAPES = ("v1.0", "v1.1")
"""Versions in which a backslash just drops out before whatever follows it."""

_SEGMENT = r"""\.\w+|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]|\[[0-9]+\]"""
_REFERENCE = re.compile(rf"(\w+)((?:{_SEGMENT})*)\Z")
_SEGMENTS = re.compile(_SEGMENT)
_CLOSING = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Text:
    """A part of a string that stands for itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """An expression in a string: `body` of a function, or else an expression in parentheses."""

    text: str
    body: bool

    @property
    def is_reference(self) -> bool:
        """Tell whether it is a parameter reference, which needs no JavaScript."""
        return not self.body and _REFERENCE.match(self.text) is not None

    @property
    def function(self) -> str:
        """The statements of a function that returns its value."""
        return self.text if self.body else f"return ({self.text});"


Part = Text | Code


def is_expression(text: Value) -> bool:
    """Tell whether a value is a string with an expression in it."""
    return isinstance(text, str) and ("$(" in text or "${" in text)


def needs_javascript(text: Value) -> bool:
    """Tell whether a value is a string with an expression that is not a parameter reference."""
    if not is_expression(text):
        return False
    return any(isinstance(part, Code) and not part.is_reference for part in parse(text, "v1.2"))


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates strings of one process: JavaScript only where the process asks for it."""

    javascript: bool
    library: tuple[str, ...] = ()
    version: str = "v1.2"
    limits: Limits = DEFAULT_LIMITS

    def evaluate(
        self,
        text: Value,
        inputs: Values,
        *,
        self_value: Value = None,
        runtime: Mapping[str, Value] | None = None,
        where: Where | None = None,
        strip: bool = True,
    ) -> Value:
        """Return the value of a string; other values, and strings without expressions, as they are.

        Args:
            text: what stands in the document.
            inputs: the `inputs` of the context.
            self_value: its `self`.
            runtime: its `runtime`.
            where: place in the document, for errors.
            strip: whether white space around the string is taken off when it has expressions.

        Raises:
            ExpressionFailed: an expression cannot be parsed or evaluated.
        """
        if not is_expression(text):
            return text
        names = {"inputs": inputs, "self": self_value, "runtime": runtime or {}}
        parts = parse(text.strip() if strip else text, self.version, where)
        if len(parts) == 1 and isinstance(parts[0], Code):
            return self._value(parts[0], names, where)
        return "".join(
            part.text if isinstance(part, Text) else interpolated(self._value(part, names, where)) for part in parts
        )

    def evaluate_in(
        self,
        value: Value,
        inputs: Values,
        *,
        self_value: Value = None,
        runtime: Mapping[str, Value] | None = None,
        where: Where | None = None,
    ) -> Value:
        """Return a copy of a structure with each string in it evaluated."""
        if isinstance(value, Mapping):
            return {
                name: self.evaluate_in(item, inputs, self_value=self_value, runtime=runtime, where=where)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [
                self.evaluate_in(item, inputs, self_value=self_value, runtime=runtime, where=where) for item in value
            ]
        return self.evaluate(value, inputs, self_value=self_value, runtime=runtime, where=where)

    def _value(self, code: Code, names: Mapping[str, Value], where: Where | None) -> Value:
        match = None if code.body else _REFERENCE.match(code.text)
        if match is not None and (match[1] in names or match[1] == "null"):
            try:
                return _referenced(match[1], match[2], names, code.text)
            except ExpressionFailed as error:
                if not self.javascript:
                    raise ExpressionFailed(error.problem, where=where) from error
        if not self.javascript:
            raise ExpressionFailed(
                f"the expression {code.text[:60]!r} needs JavaScript",
                where=where,
                hint="add InlineJavascriptRequirement to the requirements",
            )
        return javascript.evaluate(code.function, names, self.library, self.limits, where)


def _referenced(symbol: str, segments: str, names: Mapping[str, Value], text: str) -> Value:
    """Return what a parameter reference leads to (section 3.4.1)."""
    if symbol == "null":
        if segments:
            raise ExpressionFailed(f"in $({text}): null has no fields")
        return None
    value = names[symbol]
    found = _SEGMENTS.findall(segments)
    for number, segment in enumerate(found):
        key = _key(segment)
        if isinstance(key, int):
            if not isinstance(value, (list, str)) or key >= len(value):
                raise ExpressionFailed(f"in $({text}): there is no element {key}")
            value = value[key]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        elif key == "length" and isinstance(value, list) and number == len(found) - 1:
            value = len(value)
        else:
            raise ExpressionFailed(f"in $({text}): there is no {key!r} in {_kind(value)}")
    return value


def _key(segment: str) -> str | int:
    if segment.startswith("."):
        return segment[1:]
    inner = segment[1:-1]
    if inner.isdigit():
        return int(inner)
    return re.sub(r"\\(.)", r"\1", inner[1:-1])


def _kind(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object with " + (", ".join(map(str, list(value)[:8])) or "no fields")
    return "a list" if isinstance(value, list) else f"a {type(value).__name__}"


def interpolated(value: Value) -> str:
    """Return a value as it stands within a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@lru_cache(maxsize=4096)
def parse(text: str, version: str, where: Where | None = None) -> tuple[Part, ...]:
    """Split a string into its literal parts and its expressions.

    Raises ExpressionFailed for an expression that does not end.
    """
    parts: list[Part] = []
    literal: list[str] = []
    for piece in _pieces(text, version, where):
        if isinstance(piece, str):
            literal.append(piece)
            continue
        if literal:
            parts.append(Text("".join(literal)))
            literal = []
        parts.append(piece)
    if literal:
        parts.append(Text("".join(literal)))
    return tuple(parts)


def _pieces(text: str, version: str, where: Where | None) -> Iterator[str | Code]:
    index, length = 0, len(text)
    while index < length:
        char = text[index]
        if char == "\\" and index + 1 < length:
            taken, literal = _escape(text, index, version)
            yield literal
            index += taken
        elif char == "$" and text[index + 1 : index + 2] in ("(", "{"):
            end = _end(text, index + 1, where)
            yield Code(text[index + 2 : end], body=text[index + 1] == "{")
            index = end + 1
        else:
            yield char
            index += 1


def _escape(text: str, index: int, version: str) -> tuple[int, str]:
    """Return how many characters an escape takes, and what it stands for (section 3.4.3)."""
    following = text[index + 1]
    if version in OLD_ESCAPES:
        return 2, following
    if following == "\\":
        return 2, "\\"
    if following == "$" and text[index + 2 : index + 3] in ("(", "{"):
        return 3, text[index + 1 : index + 3]
    return 1, "\\"


def _end(text: str, start: int, where: Where | None) -> int:
    """Return where the bracket that opens at `start` is closed; quotes and comments hide brackets."""
    expected: list[str] = []
    index = start
    while index < len(text):
        char = text[index]
        if char in "'\"`":
            index = _end_of_quote(text, index)
        elif text.startswith(("//", "/*"), index) and expected and expected[0] == "}":
            index = _end_of_comment(text, index)
        elif char in _CLOSING:
            expected.append(_CLOSING[char])
        elif expected and char == expected[-1]:
            expected.pop()
            if not expected:
                return index
        index += 1
    raise ExpressionFailed(f"the expression {text[start - 1 : start + 40]!r} does not end", where=where)


def _end_of_quote(text: str, index: int) -> int:
    quote, index = text[index], index + 1
    while index < len(text) and text[index] != quote:
        index += 2 if text[index] == "\\" else 1
    return index


def _end_of_comment(text: str, index: int) -> int:
    end = text.find("\n" if text[index + 1] == "/" else "*/", index + 2)
    if end < 0:
        return len(text)
    return end if text[index + 1] == "/" else end + 1
