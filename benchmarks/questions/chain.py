"""What does a step cost when nothing can run beside it? Steps in a row, each fed by the one before."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared, write_json

PREFIX = ["sed", "s/^/x/"]
"""Each step lengthens the line by one, so that the result tells how many there were."""


def chain(directory: Path, size: int) -> Prepared:
    """Write a workflow of many steps of one tool, each fed by the one before."""
    of = {"type": "File", "inputBinding": {}}
    write_json(directory / "prefix.cwl", cwl.tool(PREFIX, "file", of, "$(inputs.file.basename)"))
    steps = {
        f"step{index}": cwl.step("prefix.cwl", {"file": f"step{index - 1}/out" if index else "file"})
        for index in range(size)
    }
    (directory / "start.txt").write_text("\n", encoding="utf-8")
    order = {"file": {"class": "File", "path": str(directory / "start.txt")}}
    document = cwl.workflow({"file": "File"}, steps, f"step{size - 1}", "File")
    each = cwl.xargs(size, 'exec sed "s/^/x/" "$0" > $(($0 + 1))', parallel=1)
    floor = f'cp "$DATA/start.txt" 0\n{each}\nmv {size} "$OUT/0"'
    return prepared(directory, document, order, ["x" * size + "\n"], floor)


QUESTIONS = [Question("chain", "chain of {size:,}", (1_000,), 20, chain, int)]
