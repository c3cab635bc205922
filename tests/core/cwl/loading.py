"""Documents for tests: written to a directory, loaded, and those of the conformance suite."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import pytest

from recrate.core.cwl.check import check
from recrate.core.cwl.load import load_document
from recrate.core.cwl.problems import Problem
from recrate.core.cwl.process import CommandLineTool, LoadedDocument, Process, Workflow
from recrate.errors import RecrateError

SUITE = Path(os.environ.get("RECRATE_CWL_SUITE") or Path(__file__).parents[4] / "shared" / "cwl-conformance")
needs_suite = pytest.mark.skipif(not SUITE.is_dir(), reason=f"the conformance suite is not at {SUITE}")

TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\n"
EMPTY_TOOL = TOOL + "inputs: []\noutputs: []\n"


def write(folder: Path, text: str, name: str = "doc.cwl") -> Path:
    """Write a document, without the indentation of the test that has it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def load(folder: Path, text: str, name: str = "doc.cwl", fragment: str = "") -> Process:
    """Write a document and load it."""
    path = write(folder, text, name)
    return load_document(f"{path}#{fragment}" if fragment else str(path)).process


def load_tool(folder: Path, text: str) -> CommandLineTool:
    """Load a tool of v1.2 that has what `text` says."""
    process = load(folder, TOOL + textwrap.dedent(text))
    assert isinstance(process, CommandLineTool)
    return process


def load_workflow(folder: Path, text: str, version: str = "v1.2") -> Workflow:
    """Load a workflow that has what `text` says."""
    process = load(folder, f"cwlVersion: {version}\nclass: Workflow\n" + textwrap.dedent(text))
    assert isinstance(process, Workflow)
    return process


def refusal(folder: Path, text: str, name: str = "doc.cwl", fragment: str = "") -> RecrateError:
    """Return the error that a document is refused with."""
    with pytest.raises(RecrateError) as caught:
        load(folder, text, name, fragment)
    assert "\n" not in caught.value.render()
    return caught.value


def problems(folder: Path, text: str, *, warnings: bool = False) -> list[Problem]:
    """Return what the static checks find in a document that can be loaded."""
    return check(loaded(folder, text), warnings=warnings)


def loaded(folder: Path, text: str) -> LoadedDocument:
    """Write a document and load it, with its sources."""
    return load_document(str(write(folder, text)))


def suite_documents() -> list[Path]:
    """Return the CWL documents of the conformance suite, those that are there."""
    return sorted((SUITE / "tests").rglob("*.cwl"))
