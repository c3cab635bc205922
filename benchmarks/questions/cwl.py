"""CWL documents as plain data: the few tools and shapes that the questions are made of.

The tools do next to nothing, so that what is measured is the engine. Names of outputs are unique:
an engine that has to rename a thousand files called the same would be measured for that.
"""

from __future__ import annotations

from typing import Any

from .base import OUT

Document = dict[str, Any]

SCATTER: Document = {"ScatterFeatureRequirement": {}}


def tool(command: list[str], port: str, of: Document, stdout: str) -> Document:
    """Return a tool of one input, whose standard output is its only output."""
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": command,
        "inputs": {port: of},
        "outputs": {OUT: {"type": "stdout"}},
        "stdout": stdout,
    }


def echo() -> Document:
    """Return a tool that writes a number into a file."""
    return tool(["echo"], "number", {"type": "int", "inputBinding": {}}, "$(inputs.number).txt")


def copy() -> Document:
    """Return a tool that copies a file."""
    return tool(["cat"], "file", {"type": "File", "inputBinding": {}}, "$(inputs.file.basename)")


def join() -> Document:
    """Return a tool that writes many files into one."""
    return tool(["cat"], "files", {"type": "File[]", "inputBinding": {}}, "joined.txt")


def step(run: Document | str, source: dict[str, str], scatter: str | None = None) -> Document:
    """Return a step with its links, scattered over one input when that is named.

    Only whole documents say their version, so that of what is embedded is left out.
    """
    embedded = run if isinstance(run, str) else {key: value for key, value in run.items() if key != "cwlVersion"}
    made: Document = {"run": embedded, "in": source, "out": [OUT]}
    return {**made, "scatter": scatter} if scatter else made


def workflow(inputs: dict[str, Any], steps: dict[str, Document], result: str, of: Any) -> Document:
    """Return a workflow with one output: what a step gives."""
    return {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": SCATTER,
        "inputs": inputs,
        "outputs": {OUT: {"type": of, "outputSource": f"{result}/{OUT}"}},
        "steps": steps,
    }


def lines(size: int) -> list[str]:
    """Return what the files of `echo` hold for the numbers from 0."""
    return [f"{number}\n" for number in range(size)]


def xargs(size: int, script: str, parallel: int = 2) -> str:
    """Return a line of shell that runs a script for the numbers from 0, which it finds in `$0`."""
    return f"seq 0 {size - 1} | xargs -P{parallel} -n1 sh -c '{script}'"
