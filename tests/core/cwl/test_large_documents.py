"""Large and hostile documents: the time is linear, and nothing runs out of stack."""

from __future__ import annotations

import json
import time
from pathlib import Path

from recrate.core.cwl.check import check
from recrate.core.cwl.load import load_document
from recrate.core.cwl.pack import pack
from recrate.core.cwl.process import Workflow

from .loading import TOOL, write

STEPS = 10_000
FACTOR = 40
"""How much longer ten times the steps may take; quadratic work would take a hundred times as long."""


def chain(folder: Path, steps: int) -> Path:
    """Write a workflow in which each step takes the output of the one before."""
    write(folder, TOOL + "inputs: {f: {type: Any, inputBinding: {}}, n: int}\noutputs: {o: stdout}\n", "t.cwl")
    lines = ["cwlVersion: v1.2", "class: Workflow", "inputs: {first: Any}", "outputs: []", "steps:"]
    for number in range(steps):
        source = f"s{number - 1}/o" if number else "first"
        lines += [
            f"  s{number}:",
            "    run: t.cwl",
            "    in:",
            f"      f: {source}",
            "      n: {default: 1}",
            "    out: [o]",
        ]
    return write(folder, "\n".join(lines) + "\n", f"wf{steps}.cwl")


def seconds(path: Path) -> float:
    start = time.process_time()
    assert check(load_document(str(path))) == []
    return time.process_time() - start


def test_ten_thousand_steps_are_loaded_and_checked_in_linear_time(tmp_path: Path) -> None:
    few, many = chain(tmp_path, STEPS // 10), chain(tmp_path, STEPS)
    seconds(few)  # what is loaded once counts for nobody
    assert seconds(many) < FACTOR * max(seconds(few), 0.02)


def test_ten_thousand_steps_in_a_circle_are_found(tmp_path: Path) -> None:
    path = chain(tmp_path, STEPS)
    path.write_text(path.read_text().replace("f: first", f"f: s{STEPS - 1}/o"))
    found = check(load_document(str(path)))
    assert len(found) == 1 and found[0].text.startswith("steps that wait") and len(found[0].text) < 300


def test_ten_thousand_steps_are_packed(tmp_path: Path) -> None:
    document = load_document(str(chain(tmp_path, STEPS)))
    again = write(tmp_path, json.dumps(pack(document)), "packed.cwl")
    process = load_document(str(again)).process
    assert isinstance(process, Workflow) and len(process.steps) == STEPS


def test_a_workflow_of_three_steps_is_valid_in_a_moment(tmp_path: Path) -> None:
    path = chain(tmp_path, 3)
    seconds(path)
    assert min(seconds(path) for _ in range(5)) < 0.03
