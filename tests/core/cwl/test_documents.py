"""$import, $include, $mixin, $graph: how one process is made of several files."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.core.cwl import documents
from recrate.core.cwl.load import load_document
from recrate.core.cwl.process import CommandLineTool, ExpressionTool
from recrate.errors import Unsupported

from .loading import EMPTY_TOOL, TOOL, load, load_tool, refusal, write

GRAPH = """\
    cwlVersion: v1.2
    $graph:
    - {class: CommandLineTool, id: one, inputs: [], outputs: []}
    - {class: ExpressionTool, id: '#main', inputs: [], outputs: [], expression: '$({})'}
"""


def test_imports_stand_for_the_files_they_name(tmp_path: Path) -> None:
    write(tmp_path, "a: {type: int, default: 3}\nb: File\n", "parts/inputs.yml")
    write(tmp_path, "class: EnvVarRequirement\nenvDef: {HOME: /x}\n", "env.yml")
    tool = load_tool(tmp_path, "inputs: {$import: parts/inputs.yml}\nrequirements: [{$import: env.yml}]\noutputs: []\n")
    assert [(port.name, port.default) for port in tool.inputs] == [("a", 3), ("b", None)]
    assert tool.requirements["EnvVarRequirement"]["envDef"] == [{"envName": "HOME", "envValue": "/x"}]
    assert str(tool.inputs[0].where).endswith("parts/inputs.yml:1:4")


def test_references_in_an_imported_file_start_from_there(tmp_path: Path) -> None:
    write(tmp_path, "a: {type: File, default: {class: File, location: data.txt}}\n", "parts/inputs.yml")
    tool = load_tool(tmp_path, "inputs: {$import: parts/inputs.yml}\noutputs: []\n")
    assert tool.inputs[0].default["location"] == f"file://{tmp_path}/parts/data.txt"


def test_a_list_that_is_imported_into_a_list_is_laid_flat(tmp_path: Path) -> None:
    write(tmp_path, "- {id: b, type: int}\n- {id: c, type: int}\n", "more.yml")
    tool = load_tool(tmp_path, "inputs: [{id: a, type: int}, {$import: more.yml}]\noutputs: []\n")
    assert [port.name for port in tool.inputs] == ["a", "b", "c"]


def test_an_include_is_the_text_of_a_file(tmp_path: Path) -> None:
    write(tmp_path, "function f() { return 1; }\n", "lib.js")
    text = "requirements: {InlineJavascriptRequirement: {expressionLib: [{$include: lib.js}]}}\n"
    tool = load_tool(tmp_path, "inputs: []\noutputs: []\n" + text)
    assert tool.requirements["InlineJavascriptRequirement"]["expressionLib"] == ["function f() { return 1; }\n"]


def test_a_mixin_is_a_file_with_some_fields_replaced(tmp_path: Path) -> None:
    write(tmp_path, EMPTY_TOOL + "label: theirs\ndoc: kept\n", "base.cwl")
    tool = load(tmp_path, "$mixin: base.cwl\nlabel: ours\n")
    assert (tool.label, tool.doc) == ("ours", "kept")


def test_all_that_was_read_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "a: int\n", "inputs.yml")
    path = write(tmp_path, TOOL + "inputs: {$import: inputs.yml}\noutputs: []\n")
    sources = load_document(str(path)).sources
    assert set(sources) == {path.as_uri(), (tmp_path / "inputs.yml").as_uri()}
    assert sources[path.as_uri()] == path.read_bytes()


def test_a_document_that_imports_itself_is_refused_with_the_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "b: {$import: doc.cwl}\n", "other.yml")
    error = refusal(tmp_path, TOOL + "inputs: {$import: other.yml}\noutputs: []\n")
    assert error.render() == "other.yml:1:14: this document imports itself: doc.cwl > other.yml > doc.cwl"


def test_imports_that_explode_are_refused(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, f"a: {{$import: i{number + 1}.yml}}\nb: {{$import: i{number + 1}.yml}}\n", f"i{number}.yml")
    write(tmp_path, "x: 1\n", "i40.yml")
    assert "imports make this document larger" in refusal(tmp_path, "$import: i0.yml\n").problem


def test_a_long_chain_of_imports_is_refused(tmp_path: Path) -> None:
    for number in range(documents.MAX_CHAIN + 5):
        write(tmp_path, f"$import: i{number + 1}.yml\n", f"i{number}.yml")
    assert "too many imports in a row" in refusal(tmp_path, "$import: i0.yml\n").problem


def test_a_missing_import_is_reported_where_it_is_wanted(tmp_path: Path) -> None:
    error = refusal(tmp_path, TOOL + "inputs:\n  $import: none.yml\noutputs: []\n")
    assert "no such file" in error.problem and str(error.where).endswith("doc.cwl:5:12")


# --- which process -----------------------------------------------------------------------------


def test_main_is_taken_of_several_processes(tmp_path: Path) -> None:
    assert isinstance(load(tmp_path, GRAPH), ExpressionTool)


@pytest.mark.parametrize("fragment, kind", [("one", CommandLineTool), ("main", ExpressionTool)])
def test_a_process_is_chosen_by_its_id(tmp_path: Path, fragment: str, kind: type) -> None:
    process = load(tmp_path, GRAPH, fragment=fragment)
    assert isinstance(process, kind) and process.id == f"file://{tmp_path}/doc.cwl#{fragment}"


def test_a_process_that_is_not_there_is_refused_with_a_guess(tmp_path: Path) -> None:
    error = refusal(tmp_path, GRAPH, fragment="man")
    assert "there is no process 'man'" in error.problem and error.hint == "did you mean 'main'?"


def test_several_processes_without_main_need_a_choice(tmp_path: Path) -> None:
    error = refusal(tmp_path, GRAPH.replace("#main", "two"))
    assert "none is called main" in error.problem and "#one" in (error.hint or "")


def test_a_lone_process_of_a_graph_needs_no_choice(tmp_path: Path) -> None:
    assert (
        load(tmp_path, "cwlVersion: v1.2\n$graph:\n- {class: Operation, id: x, inputs: [], outputs: []}\n").name == "x"
    )


def test_ids_of_processes_must_differ(tmp_path: Path) -> None:
    assert "two processes have the id 'one'" in refusal(tmp_path, GRAPH.replace("#main", "one")).problem


@pytest.mark.parametrize("graph", ["3", "[]", "[1]", "{a: b}"])
def test_a_graph_that_is_none_is_refused(tmp_path: Path, graph: str) -> None:
    assert "$graph" in refusal(tmp_path, f"cwlVersion: v1.2\n$graph: {graph}\n").problem


# --- which version -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, version",
    [
        ("v1.0", "v1.0"),
        ("v1.1", "v1.1"),
        ("v1.2", "v1.2"),
        ("v1.2.0-dev4", "v1.2"),
        ("v1.3.0-dev1", "v1.3"),
        ("cwl:v1.2", "v1.2"),
    ],
)
def test_versions_are_known_with_and_without_the_number_of_a_development_release(
    tmp_path: Path, said: str, version: str
) -> None:
    assert load(tmp_path, EMPTY_TOOL.replace("v1.2", said)).version == version


@pytest.mark.parametrize("said", ["draft-3", "v1.4", "v2.0", "v1.3.0"])
def test_other_versions_of_cwl_are_unsupported(tmp_path: Path, said: str) -> None:
    error = refusal(tmp_path, EMPTY_TOOL.replace("v1.2", said))
    assert isinstance(error, Unsupported) and error.exit_code == 33


@pytest.mark.parametrize("said", ["1.2", "[v1.2]", "'one'"])
def test_what_is_no_version_is_invalid(tmp_path: Path, said: str) -> None:
    error = refusal(tmp_path, EMPTY_TOOL.replace("v1.2", said))
    assert "no version of CWL" in error.problem and error.exit_code == 1


def test_a_document_without_version_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, EMPTY_TOOL.partition("\n")[2])
    assert error.problem == "no cwlVersion" and "cwlVersion: v1.2" in (error.hint or "")


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "not a CWL document"),
        ("[]", "not a CWL document"),
        ("hello", "not a CWL document"),
        ("cwlVersion: v1.2\n", "it has no class"),
        ("cwlVersion: v1.2\nclass: CommandLinTool\n", "'CommandLinTool' is no class of process"),
        ("cwlVersion: v1.1\nclass: Operation\ninputs: []\noutputs: []\n", "'Operation' is no class of process"),
        ("cwlVersion: v1.2\nclass: File\nlocation: x\n", "'File' is no class of process"),
        ("$namespaces: 3\n" + EMPTY_TOOL, "$namespaces must map"),
        ("$schemas: {a: b}\n" + EMPTY_TOOL, "$schemas must be"),
    ],
)
def test_what_is_no_process_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path, text).problem
