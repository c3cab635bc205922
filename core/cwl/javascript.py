"""JavaScript expressions, in process: quickjs-ng with limits on time and memory.

CWL v1.2 Command Line Tool, section 3.4.2 "Expressions": strict mode, `inputs`, `self` and
`runtime` are global variables, the texts of `expressionLib` come before the expression, and no
side effect may outlast an evaluation.

Most evaluations share one context of their thread, in which everything is frozen, so that
nothing can be left behind; the library runs anew each time, in a scope of its own. An expression
that fails there (it may want to extend `Array.prototype`, say) is evaluated once more in a
context of its own, and what comes of that counts.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import field
from decimal import Decimal
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import ExpressionFailed, Where
from ..values import Value
from .harness import FREEZE, HARNESS

if TYPE_CHECKING:
    from quickjs import Context, Object

MOST_EVALUATIONS = 10_000
"""After so many a thread's context is made anew, so that nothing can pile up in it."""
MOST_SOURCE = 1 << 21
"""Characters of compiled source that are kept in one context."""
MOST_SHOWN = 60
"""Characters of an expression in an error."""
MOST_REASON = 300
"""Characters of JavaScript's own message in an error."""

_json = json.JSONEncoder(separators=(",", ":")).encode
_NAMES = ("inputs", "self", "runtime")
_DYNAMIC = re.compile(r"\\u|\b(?:eval|Function|globalThis|this)\b")
_FIELD = re.compile(r"\binputs\b(?:\s*\.\s*([A-Za-z_]\w*))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one evaluation may use: seconds of CPU time, and bytes of memory for its context."""

    seconds: float = 20.0
    memory: int = 256 << 20


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class _Source:
    """An expression with its library, and which variables of the context it looks at."""

    body: str
    library: tuple[str, ...]
    fields: frozenset[str] | None
    """Names of the inputs that are looked at; None: any."""
    uses: tuple[bool, ...]
    """For each of `_NAMES`: whether the source can refer to it."""

    def script(self) -> str:
        """Return the text of a script whose value is the value of the expression."""
        return '"use strict";\n' + "\n;\n".join((*self.library, f"(function () {{\n{self.body}\n}})()"))

    def function(self) -> str:
        """Return the text of a script whose value is a function that gives the value of the expression."""
        library = "\n;\n".join((*self.library, ""))
        return f'"use strict";(function () {{\n{library}return (function () {{\n{self.body}\n}})();\n}})'

    def variables(self, names: Mapping[str, Value]) -> list[str]:
        """Return the JSON texts of the variables, `null` for those that the source cannot refer to."""
        return [
            _json(self._seen(name, names.get(name))) if used else "null"
            for name, used in zip(_NAMES, self.uses, strict=True)
        ]

    def _seen(self, name: str, value: Value) -> Value:
        if name != "inputs" or self.fields is None or not isinstance(value, Mapping):
            return value
        return {key: value[key] for key in self.fields if key in value}


@dataclass(slots=True)
class _Sandbox:
    """A frozen context, and the functions that were compiled in it."""

    context: Context
    compile: Object
    call: Object
    functions: dict[tuple[str, tuple[str, ...]], tuple[_Source, Object | None]] = field(default_factory=dict)
    """By expression and library; without a function what needs a context of its own."""
    source_characters: int = 0
    evaluations: int = 0


class _Sandboxes(threading.local):
    """The contexts of each thread: quickjs allows none to be shared."""

    def __init__(self) -> None:
        self.by_limits: dict[Limits, _Sandbox] = {}


_SANDBOXES = _Sandboxes()


def evaluate(
    code: str,
    names: Mapping[str, Value],
    library: tuple[str, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
    where: Where | None = None,
) -> Value:
    """Return the value of the body of a function, as JSON knows it; undefined is null.

    Args:
        code: statements, with a `return`.
        names: values of `inputs`, `self` and `runtime`.
        library: texts that come before it (`expressionLib`), in this order.
        limits: what it may use.
        where: place of the expression, for errors.

    Raises:
        ExpressionFailed: it threw, ran out of a limit, or gave what JSON cannot say.
    """
    import quickjs

    try:
        text = _evaluated(code, names, library, limits)
        return json.loads(text)
    except quickjs.StackOverflow as error:
        raise ExpressionFailed(f"the expression {_shown(code)} recurses too deeply", where=where) from error
    except quickjs.JSException as error:
        raise ExpressionFailed(_failure(str(error), limits, code, library), where=where) from error
    except UnicodeDecodeError as error:
        raise ExpressionFailed(
            f"the expression {_shown(code)} failed with an unreadable message", where=where
        ) from error
    except RecursionError as error:
        raise ExpressionFailed(f"the value of {_shown(code)} is nested too deeply", where=where) from error


def _evaluated(code: str, names: Mapping[str, Value], library: tuple[str, ...], limits: Limits) -> str:
    """Return the JSON text of the value of an expression."""
    import quickjs

    sandbox = _SANDBOXES.by_limits.get(limits) or _new_sandbox(limits)
    sandbox.evaluations += 1
    if sandbox.evaluations > MOST_EVALUATIONS:
        del _SANDBOXES.by_limits[limits]
    key = (code, library)
    source, function = sandbox.functions.get(key) or (None, None)
    if source is None:
        source = _source(code, library)
        function = _compiled(sandbox, key, source)
    variables = source.variables(names)
    if function is not None:
        try:
            text: str = sandbox.call(function, *variables)
            return text
        except quickjs.JSException as error:
            if _limit_reached(str(error)):
                _SANDBOXES.by_limits.pop(limits, None)
                raise
            if isinstance(error, quickjs.StackOverflow):
                raise
    alone = _evaluated_alone(source, names, limits)
    sandbox.functions[key] = source, None
    return alone


def _evaluated_alone(source: _Source, names: Mapping[str, Value], limits: Limits) -> str:
    """Return the JSON text of the value of an expression in a new context."""
    context = _new_context(limits)
    run = context.eval(HARNESS)("run")
    text: str = run(_json(source.script()), *(_json(names.get(name)) for name in _NAMES))
    return text


def _source(code: str, library: tuple[str, ...]) -> _Source:
    text = "\n".join((*library, code))
    dynamic = _DYNAMIC.search(text) is not None
    found = _FIELD.findall(text)
    fields = None if dynamic or "" in found else frozenset(found)
    return _Source(code, library, fields, tuple(dynamic or name in text for name in _NAMES))


def _new_context(limits: Limits) -> Context:
    import quickjs

    context = quickjs.Context()
    context.set_memory_limit(limits.memory)
    context.set_time_limit(limits.seconds)
    return context


def _new_sandbox(limits: Limits) -> _Sandbox:
    context = _new_context(limits)
    harness = context.eval(HARNESS)
    context.eval(FREEZE)
    sandbox = _SANDBOXES.by_limits[limits] = _Sandbox(context, harness("compile"), harness("call"))
    return sandbox


def _compiled(sandbox: _Sandbox, key: tuple[str, tuple[str, ...]], source: _Source) -> Object | None:
    import quickjs

    text = source.function()
    if sandbox.source_characters + len(text) > MOST_SOURCE:
        sandbox.functions.clear()
        sandbox.source_characters = 0
    try:
        function = sandbox.compile(_json(text))
    except quickjs.JSException:
        function = None
    sandbox.functions[key] = source, function
    sandbox.source_characters += len(text)
    return function


def check_syntax(code: str) -> str | None:
    """Return what is wrong with the body of a function, or None when it can be parsed."""
    import quickjs

    sandbox = _SANDBOXES.by_limits.get(DEFAULT_LIMITS) or _new_sandbox(DEFAULT_LIMITS)
    try:
        sandbox.compile(_json(f'"use strict";(function () {{\n{code}\n}})'))
    except quickjs.JSException as error:
        return _reason(str(error))
    return None


def _limit_reached(message: str) -> bool:
    reason = _reason(message)
    return reason in ("InternalError: interrupted", "InternalError: out of memory", "null")


def _failure(message: str, limits: Limits, code: str, library: Sequence[str]) -> str:
    reason = _reason(message)
    if reason == "InternalError: interrupted":
        return f"the expression {_shown(code)} did not end within {limits.seconds:g} s"
    if reason == "null":
        return f"the expression {_shown(code)} threw null, or needs more than {limits.memory >> 20} MiB of memory"
    if _limit_reached(message):
        return f"the expression {_shown(code)} needs more than {limits.memory >> 20} MiB of memory"
    if reason.startswith("SyntaxError"):
        for number, text in enumerate(library):
            wrong = check_syntax(text)
            if wrong is not None:
                return f"text {number + 1} of expressionLib cannot be parsed: {wrong}"
    return f"the expression {_shown(code)} failed: {reason}"


def _reason(message: str) -> str:
    """Return the message of an exception in one line, without the stack that follows it."""
    lines = message.strip().split("\n")
    said = [line.strip() for line in lines if line != "undefined" and not line.startswith("    at ")]
    text = " ".join(line for line in said if line)
    return text if len(text) <= MOST_REASON else text[:MOST_REASON] + "..."


def _shown(code: str) -> str:
    text = " ".join(code.split())
    if text.startswith("return (") and text.endswith(");"):
        text = text.removeprefix("return (").removesuffix(");").rstrip()
    return repr(text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "...")


def number_text(value: float) -> str:
    """Return a number in decimal notation, without an exponent or a needless `.0`, as command lines need it."""
    if isinstance(value, int):
        return str(value)
    if not math.isfinite(value):
        return repr(value)
    return format(Decimal(repr(value)), "f").removesuffix(".0")
