"""Strings taken apart: literal text, parameter references and expressions (CWL v1.2, section 3.4).

The end of an expression is found by the rules of JavaScript: brackets in strings, templates,
regular expressions and comments do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ...data_classes import dataclass
from ...errors import ExpressionFailed

OLD_ESCAPES = ("v1.0", "v1.1")
"""Versions in which a backslash just drops out before whatever follows it."""

_SEGMENT = r"""\.\w+|\['(?:[^'\\]|\\.)*'\]|\["(?:[^"\\]|\\.)*"\]|\[[0-9]+\]"""
_REFERENCE = re.compile(rf"(\w+)((?:{_SEGMENT})*)\Z", re.DOTALL)
_SEGMENTS = re.compile(_SEGMENT, re.DOTALL)
_CLOSING = {"(": ")", "{": "}", "[": "]"}
_SPECIAL = re.compile(r"\\.|\$[({]", re.DOTALL)
_STOPS = re.compile(r"[()\[\]{}'\"`/]")
_BEFORE_REGEX = re.compile(
    r"(?:\A|[(,=:\[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do))\Z"
)
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/")
_QUOTED = {quote: re.compile(rf"{quote}(?:[^{quote}\\]|\\.)*{quote}", re.DOTALL) for quote in "'\""}
_COMMENT = re.compile(r"//[^\n]*(?:\n|\Z)|/\*.*?\*/", re.DOTALL)
_TEMPLATE_PART = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(`|\$\{)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Code:
    """An expression in a string: `body` of a function, or else an expression in parentheses.

    A parameter reference has a `symbol` and the `keys` that follow it, and needs no JavaScript.
    """

    text: str
    body: bool
    symbol: str | None = None
    keys: tuple[str | int, ...] = ()

    @property
    def is_reference(self) -> bool:
        """Tell whether it is a parameter reference."""
        return self.symbol is not None

    @property
    def function(self) -> str:
        """The statements of a function that returns its value."""
        return self.text if self.body else f"return ({self.text}\n);"


Part = str | Code
"""Text that stands for itself, or an expression."""


@lru_cache(maxsize=2048)
def parse(text: str, version: str) -> tuple[Part, ...]:
    """Split a string into its literal parts and its expressions; no two literal parts are neighbours.

    Raises ExpressionFailed for an expression that does not end.
    """
    parts: list[Part] = []
    for piece in _pieces(text, version):
        if isinstance(piece, str) and parts and isinstance(parts[-1], str):
            parts[-1] += piece
        elif piece:
            parts.append(piece)
    return tuple(parts)


def _pieces(text: str, version: str) -> Iterator[Part]:
    index = 0
    while (found := _SPECIAL.search(text, index)) is not None:
        start = found.start()
        yield text[index:start]
        if text[start] == "\\":
            index, literal = _escape(text, start, version)
            yield literal
        else:
            end = _end(text, start + 1)
            yield _code(text[start + 2 : end], body=text[start + 1] == "{")
            index = end + 1
    yield text[index:]


def _escape(text: str, start: int, version: str) -> tuple[int, str]:
    """Return where an escape ends, and what it stands for (section 3.4.1)."""
    following = text[start + 1]
    if version in OLD_ESCAPES:
        return start + 2, following
    if following == "\\":
        return start + 2, "\\"
    if following == "$" and text[start + 2 : start + 3] in ("(", "{"):
        return start + 3, text[start + 1 : start + 3]
    return start + 1, "\\"


def _code(text: str, *, body: bool) -> Code:
    match = None if body else _REFERENCE.match(text)
    if match is None:
        return Code(text, body)
    return Code(text, body, match[1], tuple(_key(segment) for segment in _SEGMENTS.findall(match[2])))


def _key(segment: str) -> str | int:
    if segment.startswith("."):
        return segment[1:]
    inner = segment[1:-1]
    if inner[0] not in "'\"":
        return int(inner)
    return re.sub(r"\\(.)", r"\1", inner[1:-1], flags=re.DOTALL)


def _end(text: str, start: int) -> int:
    """Return where the bracket at `start` is closed.

    What is not quite JavaScript (an apostrophe in a comment that never ends, say) gets a second
    look, in which only quotes hide brackets.
    """
    for script in (True, False):
        end = _closing(text, start, script=script)
        if end is not None:
            return end
    raise ExpressionFailed(f"the expression {text[start - 1 : start + 40]!r} does not end")


def _closing(text: str, start: int, *, script: bool) -> int | None:
    """Return where the bracket at `start` is closed, or None."""
    expected = [_CLOSING[text[start]]]
    index = start + 1
    while (found := _STOPS.search(text, index)) is not None:
        char, index = found[0], found.end()
        if char in _CLOSING:
            expected.append(_CLOSING[char])
        elif char == expected[-1]:
            expected.pop()
            if not expected:
                return found.start()
        elif char in _QUOTED or script:
            hidden = _end_of_hidden(text, found.start(), start)
            if hidden is None:
                return None
            index = hidden
    return None


def _end_of_hidden(text: str, index: int, start: int) -> int | None:
    """Return where a string, template, comment or regular expression ends; None if it does not."""
    char = text[index]
    if char == "`":
        return _end_of_template(text, index + 1)
    if char in _QUOTED:
        match = _QUOTED[char].match(text, index)
        return match.end() if match else None
    if char != "/":
        return index + 1
    match = _COMMENT.match(text, index)
    if match is None and _BEFORE_REGEX.search(text[start + 1 : index].rstrip()):
        match = _REGEX.match(text, index)
    return match.end() if match else index + 1


def _end_of_template(text: str, index: int) -> int | None:
    while (part := _TEMPLATE_PART.match(text, index)) is not None:
        if part[1] == "`":
            return part.end()
        inner = _closing(text, part.end() - 1, script=True)
        if inner is None:
            return None
        index = inner + 1
    return None
