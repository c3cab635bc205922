"""Runs of workflows, and their crates."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recrate.api import RunResult, run
from recrate.crates.export.agents import Organisation, Person
from recrate.crates.export.crate import export_run
from recrate.crates.export.lines import LINES
from recrate.crates.export.options import ExportOptions
from recrate.provenance.store import open_store

HOUSE = Organisation("CRS4", "https://ror.org/04kz1v939")
AUTHOR = Person("Josiah Carberry", "https://orcid.org/0000-0002-1825-0097", HOUSE, "josiah@example.org")


def run_in(folder: Path, workflow: str | os.PathLike[str], job: Any = None, **options: Any) -> RunResult:
    """Run a workflow with a store of its own in a folder. Raises RecrateError when it cannot start."""
    chosen = {"containers": "none", "cache": False, "jobs": 2, **options}
    return run(workflow, job, store=str(folder / "store.db"), work=folder / "work", **chosen)


def crates_in(folder: Path, run_id: str, **options: Any) -> Mapping[str, Path]:
    """Export a run on both lines of the standard; return the folders by the name of the line."""
    made = {name: folder / f"crate-{name}" for name in LINES}
    with open_store(str(folder / "store.db")) as store:
        for name, path in made.items():
            chosen = {"license": "CC0-1.0", "authors": (AUTHOR,), "publisher": HOUSE, "version": "1", **options}
            export_run(store, run_id, path, ExportOptions(line=LINES[name], **chosen))
    return made
