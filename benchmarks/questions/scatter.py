"""What does a job cost, and does it stay so? Scatters of trivial jobs, in one step and in two."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared


def two_steps(directory: Path, size: int) -> Prepared:
    """Write a scatter of numbers into files, which are then copied by a second scatter."""
    steps = {
        "first": cwl.step(cwl.echo(), {"number": "numbers"}, "number"),
        "second": cwl.step(cwl.copy(), {"file": "first/out"}, "file"),
    }
    document = cwl.workflow({"numbers": "int[]"}, steps, "second", "File[]")
    first = cwl.xargs(size, 'exec echo "$0" > "$0"')
    second = cwl.xargs(size, 'exec cat "$0" > "$OUT/$0"')
    return prepared(directory, document, {"numbers": list(range(size))}, cwl.lines(size), f"{first}\n{second}")


def one_step(directory: Path, size: int) -> Prepared:
    """Write a scatter of numbers into files."""
    steps = {"only": cwl.step(cwl.echo(), {"number": "numbers"}, "number")}
    document = cwl.workflow({"numbers": "int[]"}, steps, "only", "File[]")
    floor = cwl.xargs(size, 'exec echo "$0" > "$OUT/$0"')
    return prepared(directory, document, {"numbers": list(range(size))}, cwl.lines(size), floor)


def twice(size: int) -> int:
    """Return the jobs of two steps."""
    return 2 * size


QUESTIONS = [
    Question("scatter", "two-step scatter of {size:,}", (50, 1_000, 10_000), 20, two_steps, twice),
    Question("many", "one scatter of {size:,}", (100_000,), 40, one_step, int),
]
