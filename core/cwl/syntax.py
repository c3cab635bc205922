"""Expressions of tools, checked before anything runs: is JavaScript allowed, can it be parsed?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import ExpressionFailed, Where
from .expressions import Code, is_expression, needs_javascript, parse
from .javascript import check_syntax
from .process import CommandLineTool, ExpressionTool
from .requirements import JAVASCRIPT, Demands

if TYPE_CHECKING:
    from .check import Problem


def syntax_problems(process: CommandLineTool | ExpressionTool, demands: Demands) -> Iterator[Problem]:
    """Yield what is wrong with the expressions of a tool."""
    from .check import Problem

    allowed = demands.get(JAVASCRIPT) is not None
    for text, where in _expressions(process):
        if not needs_safely(text):
            continue
        if not allowed:
            yield Problem(
                f"the expression {text.strip()[:60]!r} needs {JAVASCRIPT}",
                where or process.where,
                "add it to requirements",
            )
            continue
        for part in parse(text.strip(), process.version):
            reason = check_syntax(part.function) if isinstance(part, Code) and not part.is_reference else None
            if reason:
                yield Problem(f"the expression {text.strip()[:60]!r}: {reason}", where or process.where)


def needs_safely(text: str) -> bool:
    """Tell whether a text needs JavaScript; one that cannot be split is left for run time."""
    try:
        return needs_javascript(text)
    except ExpressionFailed:
        return False


def _expressions(process: CommandLineTool | ExpressionTool) -> Iterator[tuple[str, Where | None]]:
    if isinstance(process, ExpressionTool):
        yield process.expression, process.where
        return
    for binding in process.arguments:
        yield from _texts([binding.value_from, binding.position], process.where)
    for port in process.inputs:
        if port.binding is not None:
            yield from _texts([port.binding.value_from, port.binding.position], port.where)
    for output in process.outputs:
        if output.binding is not None:
            yield from _texts([output.binding.glob, output.binding.output_eval], output.where)
    yield from _texts([process.stdin, process.stdout, process.stderr], process.where)


def _texts(found: list[Any], where: Where | None) -> Iterator[tuple[str, Where | None]]:
    for item in found:
        if isinstance(item, (list, tuple)):
            yield from _texts(list(item), where)
        elif is_expression(item):
            yield item, where


def uses_javascript(process: object, demands: Demands) -> bool:
    """Tell whether a process may run JavaScript, which can take its time."""
    if demands.get(JAVASCRIPT) is None:
        return False
    if isinstance(process, ExpressionTool):
        return True
    if isinstance(process, CommandLineTool):
        return any(needs_safely(text) for text, _ in _expressions(process))
    return False
