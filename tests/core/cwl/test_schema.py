"""The schema of each version: tables as cwl-utils has them, verdicts as cwl-utils gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl import make_schemas
from recrate.core.cwl.load import load_document
from recrate.core.cwl.schema import VERSIONS, schema_of
from recrate.errors import DocumentInvalid, Unsupported

from .loading import EMPTY_TOOL, load, load_tool, needs_suite, refusal, suite_documents


def test_the_tables_are_those_that_the_installed_cwl_utils_gives() -> None:
    for version, text in make_schemas.make().items():
        stored = (make_schemas.DIRECTORY / f"{version}.json").read_text()
        assert stored == text, f"{version} is stale: run python -m recrate.core.cwl.make_schemas"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_loader_of_a_table_is_read(version: str) -> None:
    schema = schema_of(version)
    assert all(reader.kinds for reader in schema.readers.values())
    assert {"CommandLineTool", "Workflow", "ExpressionTool", "DockerRequirement"} <= set(schema.records)


# --- the same verdict as cwl-utils ---------------------------------------------------------------


def parser_of(version: str) -> Any:
    import importlib

    return importlib.import_module(f"cwl_utils.parser.cwl_{version.replace('.', '_')}")


def verdict_of_cwl_utils(path: Path, version: str) -> bool:
    from schema_salad.exceptions import SchemaSaladException

    try:
        parser_of(version).load_document(path.as_uri())
    except SchemaSaladException:
        return False
    return True


def verdict(path: Path) -> bool:
    try:
        load_document(str(path))
    except DocumentInvalid as error:
        return "processes and none is called main" in error.problem
    return True


def version_said(path: Path) -> str:
    words = path.read_text().replace('"', " ").replace(",", " ").split()
    return words[words.index("cwlVersion:") + 1] if "cwlVersion:" in words else words[words.index("cwlVersion") + 2]


@needs_suite
def test_documents_of_the_suite_are_valid_exactly_when_cwl_utils_says_so() -> None:
    for path in suite_documents():
        assert verdict(path) == verdict_of_cwl_utils(path, version_said(path)), path


# A tool or workflow with one thing changed; whether it is valid is asked of cwl-utils.
CHANGES = [
    "label: 3",
    "label: [a]",
    "doc: [a, b]",
    "doc: [a, 3]",
    "baseCommand: 3",
    "baseCommand: [a, 3]",
    "baseCommand: [[a], b]",
    "arguments: [a, {valueFrom: b, position: 3}]",
    "arguments: [3]",
    "arguments: {a: b}",
    "arguments: [{position: first}]",
    "arguments: [{position: 1.5}]",
    "arguments: [{valueFrom: x, shellQuote: 'no'}]",
    "arguments: [{value_from: x}]",
    "stdout: 3",
    "stdout: null",
    "stdout: $(inputs.x)",
    "successCodes: [0, 1]",
    "successCodes: ['0']",
    "successCodes: 0",
    "hints: [{class: Nobody, x: y}]",
    "hints: {Nobody: {x: y}}",
    "requirements: [{class: Nobody}]",
    "requirements: [{class: DockerRequirement, dockerPull: a}]",
    "requirements: [{class: DockerRequirement, dockerpull: a}]",
    "requirements: [{class: DockerRequirement, dockerPull: [a]}]",
    "requirements: {DockerRequirement: {dockerPull: a}}",
    "requirements: {DockerRequirement: }",
    "requirements: [{dockerPull: a}]",
    "requirements: {ResourceRequirement: {coresMin: 0.5}}",
    "requirements: {ResourceRequirement: {coresMin: 1}}",
    "requirements: {ResourceRequirement: {ramMin: '$(1)'}}",
    "requirements: {EnvVarRequirement: {envDef: {A: b, C: d}}}",
    "requirements: {EnvVarRequirement: {envDef: [{envName: A, envValue: b}]}}",
    "requirements: {EnvVarRequirement: {envDef: [{envName: A}]}}",
    "requirements: {EnvVarRequirement: {envDef: {A: 3}}}",
    "requirements: {EnvVarRequirement: {}}",
    "requirements: {SoftwareRequirement: {packages: {p: [x], q: {version: ['1']}}}}",
    "requirements: {SoftwareRequirement: {packages: {p: x}}}",
    "requirements: {InitialWorkDirRequirement: {listing: $(inputs.x)}}",
    "requirements: {InitialWorkDirRequirement: {listing: [{entry: a, entryname: b, writable: true}]}}",
    "requirements: {InitialWorkDirRequirement: {listing: [{entryname: b}]}}",
    "requirements: {InitialWorkDirRequirement: {listing: [{class: File, location: x}, $(inputs.x)]}}",
    "requirements: {InitialWorkDirRequirement: {listing: [{class: Fiel, location: x}]}}",
    "requirements: {ToolTimeLimit: {timelimit: 3}}",
    "requirements: {NetworkAccess: {networkAccess: true}}",
    "requirements: {InlineJavascriptRequirement: {expressionLib: [a]}}",
    "requirements: {InlineJavascriptRequirement: {expressionLib: a}}",
    "requirements: {SchemaDefRequirement: {types: [{name: r, type: record, fields: {a: int}}]}}",
    "requirements: {SchemaDefRequirement: {types: [{name: r, type: recor}]}}",
    "inputs: {a: int}",
    "inputs: {a: int?, b: 'string[]', c: 'File[]?'}",
    "inputs: {a: [int, 'null', string?]}",
    "inputs: {a: {type: int, default: 3}}",
    "inputs: {a: {type: int, defalt: 3}}",
    "inputs: {a: {default: 3}}",
    "inputs: {a: 3}",
    "inputs: {a: {type: 3}}",
    "inputs: [{id: a, type: int}]",
    "inputs: [{type: int}]",
    "inputs: [a]",
    "inputs: 3",
    "inputs: null",
    "inputs: {a: {type: {type: array, items: [int, string]}}}",
    "inputs: {a: {type: {type: array}}}",
    "inputs: {a: {type: {type: enum, symbols: [a, b]}}}",
    "inputs: {a: {type: {type: enum, symbols: a}}}",
    "inputs: {a: {type: {type: enum}}}",
    "inputs: {a: {type: {type: record, fields: [{name: x, type: int}]}}}",
    "inputs: {a: {type: {type: record, fields: {x: int, y: {type: string, inputBinding: {position: 1}}}}}}",
    "inputs: {a: {type: {type: record, fields: [{type: int}]}}}",
    "inputs: {a: {type: {type: map, values: int}}}",
    "inputs: {a: {type: File, secondaryFiles: .bai}}",
    "inputs: {a: {type: File, secondaryFiles: [.bai, ^.x]}}",
    "inputs: {a: {type: File, secondaryFiles: [{pattern: .bai, required: false}]}}",
    "inputs: {a: {type: File, secondaryFiles: {pattern: .bai}}}",
    "inputs: {a: {type: File, secondaryFiles: {pattern: .bai, x: y}}}",
    "inputs: {a: {type: File, secondaryFiles: [{required: true}]}}",
    "inputs: {a: {type: File, secondaryFiles: 3}}",
    "inputs: {a: {type: File, streamable: 'yes'}}",
    "inputs: {a: {type: File, format: x}}",
    "inputs: {a: {type: File, loadContents: true}}",
    "inputs: {a: {type: Directory, loadListing: deep_listing}}",
    "inputs: {a: {type: Directory, loadListing: deep}}",
    "inputs: {a: {type: stdin}}",
    "outputs: {a: stdout}",
    "outputs: {a: stdin}",
    "outputs: {a: {type: File, outputBinding: {glob: [a, b]}}}",
    "outputs: {a: {type: File, outputBinding: {glob: 3}}}",
    "outputs: {a: {type: File, outputBinding: {blob: a}}}",
    "outputs: {a: {type: File, inputBinding: {}}}",
    "x: y",
    "my:x: y",
    "intent: [x]",
    "expression: x",
    "steps: []",
]


KNOWN_BY_EXTENSION = {("requirements: {NetworkAccess: {networkAccess: true}}", "v1.0")}
"""cwl-utils mixes the names of cwltool's extensions with those of v1.0; the standard does not."""


@pytest.mark.parametrize(
    "change, version",
    [(one, said) for one in CHANGES for said in ("v1.0", "v1.1", "v1.2") if (one, said) not in KNOWN_BY_EXTENSION],
)
def test_a_changed_tool_is_valid_exactly_when_cwl_utils_says_so(tmp_path: Path, change: str, version: str) -> None:
    lines = [f"cwlVersion: {version}", "class: CommandLineTool", "inputs: []", "outputs: []", "baseCommand: x"]
    key = change.partition(":")[0] + ":"
    (tmp_path / "x").touch()  # cwl-utils looks whether locations exist
    path = tmp_path / "tool.cwl"
    path.write_text("\n".join([*(line for line in lines if not line.startswith(key)), change, ""]))
    assert schema_verdict(path) == verdict_of_cwl_utils(path, version)


STEP_CHANGES = [
    "in: {x: a, y: {source: a, default: 3}}",
    "in: {x: [a, a], y: {valueFrom: b}}",
    "in: [{id: x, source: a}]",
    "in: [{source: a}]",
    "in: {x: {sorce: a}}",
    "in: {x: 3}",
    "in: {x: {source: a, linkMerge: merge_nested}}",
    "in: {x: {source: a, linkMerge: merge}}",
    "in: {x: {source: a, pickValue: first_non_null}}",
    "in: {x: {source: a, loadContents: true}}",
    "in: {x: {source: a, label: b}}",
    "out: [o, {id: p}]",
    "out: [{di: p}]",
    "out: {o: p}",
    "out: 3",
    "scatter: x",
    "scatter: [x, y]",
    "scatter: 3",
    "scatterMethod: dotproduct",
    "scatterMethod: dot",
    "when: $(true)",
    "when: true",
    "label: x",
    "hints: {Nobody: {}}",
    "requirements: {ScatterFeatureRequirement: {}}",
    "requirements: {ScatterFeatureRequirement: {x: y}}",
    "loop: {x: o}",
    "whn: $(true)",
    "my:own: field",
]


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v1.2"])
@pytest.mark.parametrize("change", STEP_CHANGES)
def test_a_changed_step_is_valid_exactly_when_cwl_utils_says_so(tmp_path: Path, change: str, version: str) -> None:
    (tmp_path / "t.cwl").write_text(EMPTY_TOOL)
    step = {"in": "in: []", "out": "out: []", "run": "run: t.cwl"}
    step[change.partition(":")[0]] = change
    lines = [f"cwlVersion: {version}", "class: Workflow", "inputs: {a: int}", "outputs: []", "steps:", "- id: s"]
    path = tmp_path / "wf.cwl"
    path.write_text("\n".join([*lines, *(f"  {line}" for line in step.values()), ""]))
    assert schema_verdict(path) == verdict_of_cwl_utils(path, version)


def schema_verdict(path: Path) -> bool:
    """Return whether the schema is content; what it does not know but may be known elsewhere does not count."""
    try:
        load_document(str(path))
    except Unsupported:
        return False
    except DocumentInvalid as error:
        return "unknown type" in error.problem
    return True


# --- what the messages say -----------------------------------------------------------------------

MESSAGES = [
    ("basecommand: x", "2:1: unknown field 'basecommand' in CommandLineTool (did you mean 'baseCommand'?)"),
    ("baseCommand: 3", "2:14: 'baseCommand' must be a string, null or a list, not a whole number 3"),
    ("arguments: [{positon: 1}]", "2:14: unknown field 'positon' in CommandLineBinding (did you mean 'position'?)"),
    (
        "requirements: [{class: DokerRequirement}]",
        "2:24: unknown requirement 'DokerRequirement' (did you mean 'DockerRequirement'?)",
    ),
    (
        "requirements: {DockerRequirement: }",
        "2:16: 'DockerRequirement' in 'requirements' must be a mapping (write `DockerRequirement: {}`)",
    ),
    ("successCodes: [0, x]", "2:19: an item must be a whole number, not a string 'x'"),
    (
        "outputs: {a: {type: array, items: int}}",
        "2:28: unknown field 'items' in CommandOutputParameter 'a' "
        "(it belongs into the type: `type: {type: ..., items: ...}`)",
    ),
    ("doc: {a: b}", "2:6: 'doc' must be a string, null or a list, not a mapping"),
]


@pytest.mark.parametrize("change, message", MESSAGES)
def test_a_message_says_what_is_wrong_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    rest = "".join(f"{key}: []\n" for key in ("inputs", "outputs") if not change.startswith(key))
    error = refusal(tmp_path, f"cwlVersion: v1.2\n{change}\nclass: CommandLineTool\n{rest}")
    assert error.render() == f"doc.cwl:{message}"


def test_the_first_of_several_problems_says_how_many_more_there_are(tmp_path: Path) -> None:
    error = refusal(tmp_path, "cwlVersion: v1.2\nclass: CommandLineTool\ninput: []\nbase: x\n")
    assert error.problem == "CommandLineTool has no field 'inputs'"
    assert "3 more problems" in (error.hint or "")


def test_a_field_of_a_later_version_is_said_to_be_one(tmp_path: Path) -> None:
    text = "class: Workflow\ninputs: []\noutputs: []\nsteps:\n- {id: s, run: t.cwl, in: [], out: [], when: $(true)}\n"
    (tmp_path / "t.cwl").write_text(EMPTY_TOOL)
    error = refusal(tmp_path, "cwlVersion: v1.1\n" + text)
    assert error.problem == "unknown field 'when' in WorkflowStep 's'" and "since v1.2" in (error.hint or "")


# --- requirements -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["WorkReuse", "NetworkAccess", "ToolTimeLimit", "LoadListingRequirement"])
def test_requirements_of_v1_1_are_refused_in_v1_0(tmp_path: Path, name: str) -> None:
    text = EMPTY_TOOL.replace("v1.2", "v1.0") + f"requirements: [{{class: {name}}}]\n"
    assert f"{name} is a requirement since v1.1" in refusal(tmp_path, text).problem


OLD = [
    ("cwltool:TimeLimit", "{timelimit: 5}", "ToolTimeLimit", "timelimit", 5),
    ("cwltool:WorkReuse", "{enableReuse: false}", "WorkReuse", "enableReuse", False),
    ("cwltool:NetworkAccess", "{networkAccess: true}", "NetworkAccess", "networkAccess", True),
    ("cwltool:InplaceUpdateRequirement", "{inplaceUpdate: true}", "InplaceUpdateRequirement", "inplaceUpdate", True),
    (
        "cwltool:LoadListingRequirement",
        "{loadListing: no_listing}",
        "LoadListingRequirement",
        "loadListing",
        "no_listing",
    ),
    ("cwltool:Secrets", "{secrets: ['#doc/a', b]}", "cwltool:Secrets", "secrets", ["a", "b"]),
    ("cwltool:MPIRequirement", "{processes: 3}", "cwltool:MPIRequirement", "processes", 3),
    ("http://commonwl.org/cwltool#MPIRequirement", "{processes: 3}", "cwltool:MPIRequirement", "processes", 3),
]


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v1.2"])
@pytest.mark.parametrize("said, value, name, field, kept", OLD)
def test_extensions_have_one_name_in_all_spellings(
    tmp_path: Path, version: str, said: str, value: str, name: str, field: str, kept: Any
) -> None:
    start = f"$namespaces: {{cwltool: 'http://commonwl.org/cwltool#'}}\n{EMPTY_TOOL.replace('v1.2', version)}"
    tool = load(tmp_path, f"{start}requirements: {{'{said}': {value}}}\n")
    assert tool.requirements[name][field] == kept and tool.requirements[name]["class"] == name


def test_the_prefix_of_an_extension_may_be_another_one(tmp_path: Path) -> None:
    start = "$namespaces: {my: 'http://commonwl.org/cwltool#'}\n" + EMPTY_TOOL
    assert "cwltool:MPIRequirement" in load(tmp_path, start + "hints: {'my:MPIRequirement': {processes: 2}}\n").hints


def test_a_requirement_of_somebody_else_is_unsupported_but_a_hint_is_kept(tmp_path: Path) -> None:
    start = "$namespaces: {arv: 'http://arvados.org/cwl#'}\n" + EMPTY_TOOL
    error = refusal(tmp_path, start + "requirements: {'arv:RuntimeConstraints': {keep_cache: 1}}\n")
    assert isinstance(error, Unsupported) and "http://arvados.org/cwl#RuntimeConstraints" in error.problem
    tool = load(tmp_path, start + "hints: {'arv:RuntimeConstraints': {keep_cache: 1}}\n")
    assert tool.hints["http://arvados.org/cwl#RuntimeConstraints"]["keep_cache"] == 1


def test_a_hint_that_breaks_the_schema_is_left_out(tmp_path: Path) -> None:
    tool = load_tool(
        tmp_path, "inputs: []\noutputs: []\nhints: {EnvVarRequirement: {envDef: 3}, WorkReuse: {enableReuse: true}}\n"
    )
    assert list(tool.hints) == ["WorkReuse"]


def test_terms_may_be_written_with_a_prefix_or_in_full(tmp_path: Path) -> None:
    text = """\
        $namespaces: {c: 'https://w3id.org/cwl/cwl#', x: 'http://www.w3.org/2001/XMLSchema#'}
        cwlVersion: v1.2
        class: c:CommandLineTool
        inputs: {a: 'x:string', b: 'https://w3id.org/cwl/cwl#File', c: 'x:int[]?'}
        outputs: []
        requirements: [{class: 'c:WorkReuse', enableReuse: true}]
    """
    tool = load(tmp_path, text)
    same = load_tool(tmp_path, "inputs: {a: string, b: File, c: 'int[]?'}\noutputs: []\n")
    assert [port.type for port in tool.inputs] == [port.type for port in same.inputs]
    assert list(tool.requirements) == ["WorkReuse"]


def test_fields_of_foreign_namespaces_are_kept_and_ignored(tmp_path: Path) -> None:
    tool = load_tool(tmp_path, "inputs: {a: {type: int, 'my:x': 1}}\noutputs: []\n's:author': {'s:name': Ada}\n")
    assert tool.extensions == {"s:author": {"s:name": "Ada"}}
