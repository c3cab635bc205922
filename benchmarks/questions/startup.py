"""How long does it take until something happens? Cold start, validation, three trivial steps."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Ask, Prepared, Question, prepared


def three_steps(directory: Path, size: int) -> Prepared:
    """Write a workflow of some steps in a row, and one input."""
    steps = {"step0": cwl.step(cwl.echo(), {"number": "number"})}
    for index in range(1, size):
        steps[f"step{index}"] = cwl.step(cwl.copy(), {"file": f"step{index - 1}/out"})
    document = cwl.workflow({"number": "int"}, steps, f"step{size - 1}", "File")
    copies = "".join(f'cat "{index}" > "{index + 1}"\n' for index in range(size - 1))
    floor = f'echo 0 > 0\n{copies}cat "{size - 1}" > "$OUT/0"'
    return prepared(directory, document, {"number": 0}, ["0\n"], floor)


def no_jobs(size: int) -> int:
    """Return 0: nothing is run."""
    return 0


QUESTIONS = [
    Question("cold", "cold start (`--version`)", (3,), 3, three_steps, no_jobs, Ask.VERSION),
    Question("validate", "validate a new document", (3,), 3, three_steps, no_jobs, Ask.VALIDATE),
    Question("validate-again", "validate it again", (3,), 3, three_steps, no_jobs, Ask.VALIDATE, again=True),
    Question("steps", "{size} trivial steps, new document", (3,), 3, three_steps, int),
    Question("steps-again", "{size} trivial steps again", (3,), 3, three_steps, int, again=True),
]
