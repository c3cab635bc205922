"""What does a scatter in a scatter cost? A sub-workflow for each row, a job for each number of the row."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared


def nested(directory: Path, size: int) -> Prepared:
    """Write a scatter of a sub-workflow that is itself a scatter, as wide as the outer one."""
    inner = cwl.workflow(
        {"numbers": "int[]"}, {"each": cwl.step(cwl.echo(), {"number": "numbers"}, "number")}, "each", "File[]"
    )
    of = {"type": "array", "items": {"type": "array", "items": "int"}}
    outer = cwl.workflow(
        {"rows": {"type": of}},
        {"row": cwl.step(inner, {"numbers": "rows"}, "numbers")},
        "row",
        {"type": "array", "items": {"type": "array", "items": "File"}},
    )
    outer["requirements"] = {**cwl.SCATTER, "SubworkflowFeatureRequirement": {}}
    rows = [list(range(size * row, size * (row + 1))) for row in range(size)]
    floor = cwl.xargs(size * size, 'exec echo "$0" > "$OUT/$0"')
    return prepared(directory, outer, {"rows": rows}, cwl.lines(size * size), floor)


def square(size: int) -> int:
    """Return the jobs of all rows."""
    return size * size


QUESTIONS = [Question("nested", "nested scatter of {size} x {size}", (100,), 5, nested, square)]
