"""What does an expression cost? No process is started: each job is one expression that sees 10 kB of inputs."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared

CONTEXT = 10_000


def expressions(directory: Path, size: int) -> Prepared:
    """Write a scatter of an ExpressionTool over numbers, which is given a long text as well."""
    expression = {
        "class": "ExpressionTool",
        "inputs": {"number": "int", "text": "string"},
        "outputs": {"out": "int"},
        "expression": "${ return {out: inputs.number + inputs.text.length}; }",
    }
    steps = {"each": cwl.step(expression, {"number": "numbers", "text": "text"}, "number")}
    document = cwl.workflow({"numbers": "int[]", "text": "string"}, steps, "each", "int[]")
    document["requirements"] = {**cwl.SCATTER, "InlineJavascriptRequirement": {}}
    order = {"numbers": list(range(size)), "text": "x" * CONTEXT}
    return prepared(directory, document, order, [str(number + CONTEXT) for number in range(size)])


QUESTIONS = [Question("expressions", "{size:,} expressions, 10 kB of context", (10_000,), 20, expressions, int)]
