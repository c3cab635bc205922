"""Packed documents: they mean what the originals mean, to us and to cwl-utils."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.load import load_document
from recrate.core.cwl.pack import pack
from recrate.core.cwl.process import LoadedDocument, Workflow
from recrate.errors import RecrateError, Where

from .loading import EMPTY_TOOL, TOOL, loaded, needs_suite, suite_documents, write

NOT_THE_SAME = {"where", "id", "namespaces", "extensions"}
"""Fields of processes that say where something stood."""


def meaning(value: Any) -> Any:
    """Return what a process means, without positions, names of types and spelling of prefixes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Where):
        names = [field.name for field in dataclasses.fields(value) if field.name not in NOT_THE_SAME]
        is_type = type(value).__module__.endswith("types") and type(value).__name__.endswith("Type")
        shown = [name for name in names if not (is_type and name == "name")]
        return type(value).__name__, {name: meaning(getattr(value, name)) for name in shown}
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items() if key != "SchemaDefRequirement"}
    return [meaning(item) for item in value] if isinstance(value, list | tuple) else value


def repacked(document: LoadedDocument, folder: Path) -> LoadedDocument:
    path = folder / "packed.json"
    path.write_text(json.dumps(pack(document)))
    return load_document(str(path))


@needs_suite
def test_documents_of_the_suite_mean_the_same_when_packed(tmp_path: Path) -> None:
    for path in suite_documents():
        try:
            document = load_document(str(path))
        except RecrateError:
            continue
        assert meaning(repacked(document, tmp_path).process) == meaning(document.process), path


@needs_suite
def test_packed_documents_are_valid_to_cwl_utils(tmp_path: Path) -> None:
    from cwl_utils.parser import cwl_v1_2

    for path in suite_documents():
        try:
            packed = pack(load_document(str(path)))
        except RecrateError:
            continue
        if packed["cwlVersion"] != "v1.2" or any("cwlVersion" in process for process in packed["$graph"]):
            continue
        place = tmp_path / "packed.cwl"
        place.write_text(json.dumps(packed))
        cwl_v1_2.load_document(place.as_uri())


def test_a_packed_document_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, EMPTY_TOOL, "a/t.cwl")
    write(tmp_path, EMPTY_TOOL, "b/t.cwl")
    write(tmp_path, "x: int\n", "inputs.yml")
    steps = "".join(f"  s{n}: {{run: {where}/t.cwl, in: [], out: []}}\n" for n, where in enumerate("aba"))
    text = "cwlVersion: v1.2\nclass: Workflow\ninputs: {$import: inputs.yml}\noutputs: []\nsteps:\n" + steps
    packed = pack(loaded(tmp_path, text))
    assert [process["id"] for process in packed["$graph"]] == ["t.cwl", "t.cwl_2", "main"]
    assert [step["run"] for step in packed["$graph"][-1]["steps"]] == ["#t.cwl", "#t.cwl_2", "#t.cwl"]
    assert packed["$graph"][-1]["inputs"] == [{"id": "x", "type": "int"}]


def test_versions_stay_with_their_processes(tmp_path: Path) -> None:
    write(tmp_path, EMPTY_TOOL.replace("v1.2", "v1.0"), "t.cwl")
    text = "cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\nsteps: {s: {run: t.cwl, in: [], out: []}}\n"
    document = loaded(tmp_path, text)
    packed = pack(document)
    assert packed["cwlVersion"] == "v1.2" and packed["$graph"][0]["cwlVersion"] == "v1.0"
    assert meaning(repacked(document, tmp_path).process) == meaning(document.process)


LOOP = """\
inputs: {a: int}
outputs: []
steps:
- id: s
  run: t.cwl
  in: {x: a}
  out: []
"""
LOOPS = [
    "cwlVersion: v1.3\nclass: Workflow\n"
    + LOOP
    + "  when: $(inputs.x)\n  loop: {x: {default: 1}}\n  outputMethod: all_iterations\n",
    "$namespaces: {cwltool: 'http://commonwl.org/cwltool#'}\ncwlVersion: v1.2\nclass: Workflow\n"
    + LOOP
    + "  requirements: {'cwltool:Loop': {loopWhen: $(inputs.x), loop: {x: {default: 1}}, outputMethod: last}}\n",
]


@pytest.mark.parametrize("text", LOOPS)
def test_loops_keep_their_form(tmp_path: Path, text: str) -> None:
    write(tmp_path, EMPTY_TOOL, "t.cwl")
    document = loaded(tmp_path, text)
    assert isinstance(document.process, Workflow) and document.process.steps[0].loop is not None
    assert meaning(repacked(document, tmp_path).process) == meaning(document.process)


def test_extensions_of_v1_0_are_written_under_their_old_names(tmp_path: Path) -> None:
    start = "$namespaces: {cwltool: 'http://commonwl.org/cwltool#'}\n" + EMPTY_TOOL.replace("v1.2", "v1.0")
    document = loaded(tmp_path, start + "requirements: {'cwltool:WorkReuse': {enableReuse: false}}\n")
    assert pack(document)["$graph"][0]["requirements"] == [{"class": "cwltool:WorkReuse", "enableReuse": False}]
    assert meaning(repacked(document, tmp_path).process) == meaning(document.process)


def test_foreign_fields_are_kept_under_their_full_names(tmp_path: Path) -> None:
    text = "$namespaces: {s: 'https://schema.org/'}\n" + TOOL + "inputs: []\noutputs: []\n's:author': Ada\n"
    assert pack(loaded(tmp_path, text))["$graph"][0]["https://schema.org/author"] == "Ada"
