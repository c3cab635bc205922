"""Parameter references and expressions in strings (CWL v1.2 Command Line Tool, section 3.4).

A string that is one expression gives the expression's own value; otherwise each expression in it
is replaced by its value, as JSON text unless it is a string. Parameter references are evaluated
here; only what is more than one goes to JavaScript.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...data_classes import dataclass
from ...errors import ExpressionFailed, Where
from ..values import Value, Values
from . import javascript
from .javascript import DEFAULT_LIMITS, Limits, number_text
from .scanner import Code, parse

__all__ = ["Code", "Evaluator", "interpolated", "is_expression", "needs_javascript", "parse"]

REQUIREMENT = "InlineJavascriptRequirement"


def is_expression(text: Value) -> bool:
    """Tell whether a value is a string with an expression in it."""
    return isinstance(text, str) and ("$(" in text or "${" in text)


def needs_javascript(text: Value, version: str = "v1.2") -> bool:
    """Tell whether a value is a string with an expression that is not a parameter reference.

    Raises ExpressionFailed for an expression that does not end.
    """
    return is_expression(text) and any(
        isinstance(part, Code) and part.symbol is None for part in parse(text.strip(), version)
    )


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates strings of one process.

    Attributes:
        javascript: whether the process asks for JavaScript (InlineJavascriptRequirement).
        library: texts of `expressionLib`, in order.
        version: of CWL, `v1.0` to `v1.3`; the escapes of older ones differ.
        limits: what one evaluation of JavaScript may use.
    """

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
        names = {"inputs": inputs, "self": self_value, "runtime": {} if runtime is None else runtime}
        try:
            parts = parse(text.strip() if strip else text, self.version)
            if len(parts) == 1 and isinstance(parts[0], Code):
                return self._value(parts[0], names)
            return "".join(part if isinstance(part, str) else interpolated(self._value(part, names)) for part in parts)
        except ExpressionFailed as error:
            raise ExpressionFailed(error.problem, where=where, hint=error.hint) from error

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

    def _value(self, code: Code, names: Mapping[str, Value]) -> Value:
        if code.symbol is not None:
            value, wrong = _referenced(code.symbol, code.keys, names)
            if wrong is None:
                return value
            if not self.javascript:
                raise ExpressionFailed(f"in $({code.text}): {wrong}")
        if not self.javascript:
            raise ExpressionFailed(
                f"{_shown(code)} is not a parameter reference, and JavaScript needs {REQUIREMENT}",
                hint=f"add {REQUIREMENT} to the requirements",
            )
        return javascript.evaluate(code.function, names, self.library, self.limits)


def _shown(code: Code) -> str:
    text = " ".join(code.text.split())
    text = text if len(text) <= 60 else text[:60] + "..."
    return f"${{{text}}}" if code.body else f"$({text})"


def _referenced(symbol: str, keys: tuple[str | int, ...], names: Mapping[str, Value]) -> tuple[Value, str | None]:
    """Return what a parameter reference leads to, or else what is wrong with it (section 3.4.1)."""
    if symbol == "null":
        return None, "null has no fields" if keys else None
    if symbol not in names:
        return None, f"there is no {symbol!r}, only inputs, self and runtime"
    value = names[symbol]
    last = len(keys) - 1
    for number, key in enumerate(keys):
        if isinstance(key, int):
            if not isinstance(value, (list, str)) or key >= len(value):
                return None, f"there is no element {key} in {_kind(value)}"
            value = value[key]
        elif isinstance(value, Mapping) and key in value:
            value = value[key]
        elif key == "length" and isinstance(value, list) and number == last:
            value = len(value)
        else:
            return None, f"there is no {key!r} in {_kind(value)}"
    return value, None


def _kind(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "an object with " + (", ".join(map(str, list(value)[:8])) or "no fields")
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return {bool: "a boolean", int: "an integer", float: "a number", str: "a string"}.get(type(value), "a value")


def interpolated(value: Value) -> str:
    """Return a value as it stands within a string: JSON with sorted keys, but strings as they are."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
