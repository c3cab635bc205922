"""Runs of small workflows, and what their crates say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import recrate
from recrate.crates.export import Exported, ExportOptions, export_run
from recrate.provenance.store import open_store

Raw = dict[str, Any]


@dataclass
class Crate:
    """A crate that was written, opened as plain JSON."""

    path: Path
    exported: Exported
    graph: dict[str, Raw] = field(init=False)

    def __post_init__(self) -> None:
        entities = json.loads((self.path / "ro-crate-metadata.json").read_text())["@graph"]
        self.graph = {one["@id"]: one for one in entities}
        assert len(self.graph) == len(entities), "an entity stands twice"

    @property
    def root(self) -> Raw:
        return self.graph["./"]

    def of(self, kind: str) -> list[Raw]:
        """Return the entities of a type."""
        return [
            one
            for one in self.graph.values()
            if kind in ([one["@type"]] if isinstance(one["@type"], str) else one["@type"])
        ]

    def named(self, name: str, kind: str = "") -> Raw:
        """Return the one entity with a name, of a type when asked."""
        (found,) = [one for one in (self.of(kind) if kind else self.graph.values()) if one.get("name") == name]
        return found

    def at(self, value: Any) -> list[Raw]:
        """Return the entities that a property refers to."""
        return [self.graph[one["@id"]] for one in many(value)]


def many(value: Any) -> list[Any]:
    """Return the values of a property as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def names(entities: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(one.get("name")) for one in entities]


Exporter = Callable[..., Crate]
Runner = Callable[..., recrate.RunResult]


@pytest.fixture
def run(tmp_path: Path) -> Runner:
    """Runs a document in a folder of its own, with a store of its own."""

    def carried_out(document: Raw, job: Raw | None = None, **options: Any) -> recrate.RunResult:
        path = tmp_path / "workflow.cwl"
        path.write_text(json.dumps({"cwlVersion": "v1.2", **document}))
        given = {"containers": "none", "cache": False, "jobs": 2, "outdir": tmp_path / "out", **options}
        return recrate.run(path, job or {}, store=str(tmp_path / "store.db"), work=tmp_path / "work", **given)

    return carried_out


@pytest.fixture
def export(tmp_path: Path) -> Exporter:
    """Exports a run, the last one unless told otherwise, to a folder."""
    count = 0

    def exported(run: str = "last", **options: Any) -> Crate:
        nonlocal count
        count += 1
        path = tmp_path / f"crate{count}"
        with open_store(str(tmp_path / "store.db")) as store:
            return Crate(path, export_run(store, run, path, ExportOptions(**options)))

    return exported


FEATURES = {
    f"{name}Requirement": {}
    for name in (
        "InlineJavascript",
        "MultipleInputFeature",
        "ScatterFeature",
        "StepInputExpression",
        "SubworkflowFeature",
    )
}


def tool(command: str, inputs: Raw | None = None, outputs: Raw | None = None, **more: Any) -> Raw:
    """Return a tool that is a line of shell; its inputs are `$1`, `$2`, ..."""
    bound = {
        name: {"type": kind, "inputBinding": {"position": place}}
        for place, (name, kind) in enumerate((inputs or {}).items())
    }
    return {
        "class": "CommandLineTool", "baseCommand": ["sh", "-c", command, "sh"], "inputs": bound,
        "outputs": outputs or {}, **more,
    }  # fmt: skip


def file_at(glob: str) -> Raw:
    return {"type": "File", "outputBinding": {"glob": glob}}


def workflow(inputs: Raw, outputs: Raw, steps: Raw) -> Raw:
    return {"class": "Workflow", "requirements": FEATURES, "inputs": inputs, "outputs": outputs, "steps": steps}


def output(kind: Any, source: Any, **more: Any) -> Raw:
    return {"type": kind, "outputSource": source, **more}


SAY = tool('echo "$1"', {"text": "string"}, {"out": "stdout"}, stdout="said.txt")
"""Writes a text into a file."""
COPY = tool('cat "$1"', {"file": "File"}, {"out": "stdout"}, stdout="copy.txt")
"""Copies a file."""
