"""Tools as dataclasses: shortcuts written out, names short, locations and formats absolute."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.core.cwl.process import CommandLineTool, ExpressionTool, Operation
from recrate.core.cwl.types import (
    ANY,
    FILE,
    NULL,
    ArrayType,
    Binding,
    EnumType,
    OutputBinding,
    Primitive,
    RecordType,
    SecondaryFile,
    Type,
    UnionType,
)

from .loading import TOOL, load, load_tool, refusal, write

INT, STRING = Primitive("int"), Primitive("string")

TYPES: list[tuple[str, Type]] = [
    ("int", INT),
    ("int?", UnionType((NULL, INT))),
    ("'int[]'", ArrayType(INT)),
    ("'File[]?'", UnionType((NULL, ArrayType(FILE)))),
    ("'string[][]'", ArrayType(ArrayType(STRING))),
    ("[int]", INT),
    ("[int, int]", INT),
    ("['null', int, 'string[]']", UnionType((NULL, INT, ArrayType(STRING)))),
    ("[int?, string?]", UnionType((NULL, INT, STRING))),
    ("{type: array, items: int}", ArrayType(INT)),
    ("{type: array, items: [int, 'null']}", ArrayType(UnionType((INT, NULL)))),
    ("{type: array, items: {type: array, items: Any}}", ArrayType(ArrayType(ANY))),
    ("{type: enum, symbols: [a, b/c]}", EnumType(("a", "b/c"))),
    ("{type: enum, name: '#t', symbols: ['#t/a', 'file:///x#t/b']}", EnumType(("a", "b"), name="t")),
    ("[[int, string], 'null']", UnionType((INT, STRING, NULL))),
]


@pytest.mark.parametrize("text, type_", TYPES, ids=[one[0] for one in TYPES])
def test_types_in_all_their_forms(tmp_path: Path, text: str, type_: Type) -> None:
    tool = load_tool(tmp_path, f"inputs: {{x: {{type: {text}}}}}\noutputs: []\n")
    assert tool.inputs[0].type == type_


def test_arrays_of_arrays_have_no_short_form_before_v1_2(tmp_path: Path) -> None:
    text = TOOL.replace("v1.2", "v1.1") + "inputs: {x: 'int[][]'}\noutputs: []\n"
    assert "cannot be written so before v1.2" in refusal(tmp_path, text).problem


def test_records_keep_what_stands_on_their_fields(tmp_path: Path) -> None:
    text = """\
        inputs:
          r:
            type:
              type: record
              name: pair
              inputBinding: {position: 2}
              fields:
                a: {type: File, secondaryFiles: .bai?, inputBinding: {prefix: -a}}
                '#pair/b': {type: int?, doc: [one, two]}
        outputs: []
    """
    record = load_tool(tmp_path, text).inputs[0].type
    assert isinstance(record, RecordType) and record.name == "pair" and record.binding == Binding(position=2)
    a, b = record.fields
    assert (a.name, a.secondary_files, a.binding) == ("a", (SecondaryFile(".bai", False),), Binding(prefix="-a"))
    assert (b.name, b.type, b.doc) == ("b", UnionType((NULL, INT)), "one\ntwo")


NAMED = """\
    requirements:
      SchemaDefRequirement:
        types:
        - {name: colour, type: enum, symbols: [red, blue]}
        - {name: dot, type: record, fields: {c: colour, n: int}}
    inputs: {d: dot, e: '#dot', f: 'doc.cwl#colour?', g: {type: {type: array, items: dot}}}
    outputs: []
"""


def test_named_types_are_found_by_all_spellings(tmp_path: Path) -> None:
    d, e, f, g = (port.type for port in load_tool(tmp_path, NAMED).inputs)
    assert isinstance(d, RecordType) and d == e and g == ArrayType(d)
    assert d.fields[0].type == EnumType(("red", "blue"), name="colour")
    assert f == UnionType((NULL, d.fields[0].type))


def test_named_types_of_another_file_are_found(tmp_path: Path) -> None:
    write(tmp_path, "- {name: colour, type: enum, symbols: [red]}\n", "types/t.yml")
    text = """\
        requirements: [{class: SchemaDefRequirement, types: [{$import: types/t.yml}]}]
        inputs: {a: 'types/t.yml#colour', b: {type: {type: array, items: types/t.yml#colour}}}
        outputs: []
    """
    a, b = (port.type for port in load_tool(tmp_path, text).inputs)
    assert a == EnumType(("red",), name="colour") and b == ArrayType(a)


@pytest.mark.parametrize(
    "type_, problem, hint",
    [
        ("strng", "unknown type 'strng'", "did you mean 'string'?"),
        ("other.yml#T", "unknown type 'other.yml#T'", None),
        ("{type: array, items: 'int?'}", "unknown type 'int?'", "only `type` knows the short forms"),
        ("[]", "a list of types must not be empty", None),
    ],
)
def test_a_type_that_is_not_there_is_refused(tmp_path: Path, type_: str, problem: str, hint: str | None) -> None:
    error = refusal(tmp_path, f"{TOOL}inputs: {{x: {{type: {type_}}}}}\noutputs: []\n")
    assert error.problem == problem
    assert (hint or "") in (error.hint or "")


def test_a_type_that_contains_itself_is_refused(tmp_path: Path) -> None:
    types = "[{name: a, type: record, fields: {x: b}}, {name: b, type: record, fields: {y: 'a?'}}]"
    text = f"{TOOL}requirements: {{SchemaDefRequirement: {{types: {types}}}}}\ninputs: {{x: a}}\noutputs: []\n"
    assert "contains itself" in refusal(tmp_path, text).problem


def test_types_that_explode_are_refused(tmp_path: Path) -> None:
    lines = [f"- {{name: t{n}, type: record, fields: {{a: t{n + 1}, b: t{n + 1}}}}}" for n in range(40)]
    lines.append("- {name: t40, type: record, fields: {a: int}}")
    types = "".join(f"  {line}\n" for line in lines)
    text = f"{TOOL}requirements:\n- class: SchemaDefRequirement\n  types:\n{types}inputs: {{x: t0}}\noutputs: []\n"
    assert "more than" in refusal(tmp_path, text).problem


# --- ports --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, files",
    [
        (".bai", (SecondaryFile(".bai"),)),
        ("[.bai?, ^.dict]", (SecondaryFile(".bai", False), SecondaryFile("^.dict"))),
        ("{pattern: .x, required: true}", (SecondaryFile(".x", True),)),
        ("[{pattern: .x?, required: '$(inputs.y)'}]", (SecondaryFile(".x?", "$(inputs.y)"),)),
        ("null", ()),
    ],
)
def test_secondary_files_in_all_their_forms(tmp_path: Path, text: str, files: tuple[SecondaryFile, ...]) -> None:
    tool = load_tool(tmp_path, f"inputs: {{x: {{type: File, secondaryFiles: {text}}}}}\noutputs: []\n")
    assert tool.inputs[0].secondary_files == files


def test_a_question_mark_belongs_to_a_pattern_of_v1_0(tmp_path: Path) -> None:
    text = TOOL.replace("v1.2", "v1.0") + "inputs: {x: {type: File, secondaryFiles: [.a?]}}\noutputs: []\n"
    assert load(tmp_path, text).inputs[0].secondary_files == (SecondaryFile(".a?"),)


def test_files_in_defaults_are_where_the_document_says(tmp_path: Path) -> None:
    text = """\
        $namespaces: {e: 'http://e.org/'}
        cwlVersion: v1.2
        class: CommandLineTool
        inputs:
          a: {type: Any, default: {x: [{class: File, location: ../d/a b.txt, format: e:f}]}}
          b: {type: Any, default: {class: Directory, path: sub}}
          c: {type: Any, default: {class: File, basename: n, contents: text}}
        outputs: []
    """
    a, b, c = (port.default for port in load(tmp_path / "in", text).inputs)
    assert a == {"x": [{"class": "File", "location": f"file://{tmp_path}/d/a%20b.txt", "format": "http://e.org/f"}]}
    assert b == {"class": "Directory", "location": f"file://{tmp_path}/in/sub"}
    assert c == {"class": "File", "basename": "n", "contents": "text"}


@pytest.mark.parametrize("text, has", [("0", True), ("false", True), ("''", True), ("[]", True), ("null", False)])
def test_false_values_are_defaults_and_null_is_none(tmp_path: Path, text: str, has: bool) -> None:
    port = load_tool(tmp_path, f"inputs: {{x: {{type: Any, default: {text}}}}}\noutputs: []\n").inputs[0]
    assert port.has_default is has


def test_formats_are_full_uris(tmp_path: Path) -> None:
    text = """\
        $namespaces: {e: 'http://e.org/'}
        $schemas: [onto.ttl, 'http://e.org/o.owl']
        cwlVersion: v1.2
        class: CommandLineTool
        inputs:
          a: {type: File, format: e:f}
          b: {type: File, format: [e:f, 'http://x.org/g']}
          c: {type: File, format: $(inputs.a.format)}
        outputs: {o: {type: File, format: e:h}}
    """
    tool = load(tmp_path, text)
    assert isinstance(tool, CommandLineTool)
    assert [port.format for port in tool.inputs] == [
        "http://e.org/f",
        ("http://e.org/f", "http://x.org/g"),
        "$(inputs.a.format)",
    ]
    assert tool.outputs[0].format == "http://e.org/h"
    assert tool.schemas == (f"file://{tmp_path}/onto.ttl", "http://e.org/o.owl")
    assert tool.namespaces == {"e": "http://e.org/"}


def test_ids_may_be_written_in_full(tmp_path: Path) -> None:
    text = "cwlVersion: v1.2\nclass: CommandLineTool\nid: '#t'\ninputs: [{id: '#t/a', type: int}]\noutputs: []\n"
    tool = load(tmp_path, text)
    assert tool.id == f"file://{tmp_path}/doc.cwl#t" and tool.inputs[0].name == "a"


@pytest.mark.parametrize("key, what", [("inputs", "input"), ("outputs", "output")])
def test_ids_of_parameters_must_differ(tmp_path: Path, key: str, what: str) -> None:
    other = "outputs" if key == "inputs" else "inputs"
    text = f"{TOOL}{key}: [{{id: a, type: int}}, {{id: '#x/a', type: int}}]\n{other}: []\n"
    assert refusal(tmp_path, text).problem == f"two {what}s are called 'a'"


def test_everything_of_a_binding_arrives(tmp_path: Path) -> None:
    text = """\
        inputs:
          a:
            type: File
            inputBinding:
              {position: $(1), prefix: -p, separate: false, itemSeparator: ',', valueFrom: $(self), shellQuote: false}
            loadContents: true
            loadListing: no_listing
            streamable: true
        outputs:
          o:
            type: File[]
            outputBinding: {glob: [a, b], loadContents: true, loadListing: deep_listing, outputEval: $(self)}
    """
    tool = load_tool(tmp_path, text)
    port = tool.inputs[0]
    assert port.binding == Binding("$(1)", "-p", False, ",", "$(self)", False)
    assert (port.load_contents, port.load_listing, port.streamable) == (True, "no_listing", True)
    assert tool.outputs[0].binding == OutputBinding(("a", "b"), True, "deep_listing", "$(self)")


# --- streams ----------------------------------------------------------------------------------


def test_an_input_of_type_stdin_is_a_file_on_standard_input(tmp_path: Path) -> None:
    tool = load_tool(tmp_path, "inputs: {the file: stdin}\noutputs: []\n")
    assert tool.inputs[0].type == FILE and tool.inputs[0].streamable
    assert tool.stdin == "$(inputs['the file'].path)"


def test_outputs_of_type_stdout_and_stderr_are_files_of_the_named_streams(tmp_path: Path) -> None:
    tool = load_tool(tmp_path, "inputs: []\noutputs: {o: stdout, e: stderr}\nstdout: $(inputs.x).txt\n")
    o, e = tool.outputs
    assert o.type == e.type == FILE
    assert o.binding == OutputBinding(glob="$(inputs.x).txt") and tool.stdout == "$(inputs.x).txt"
    assert tool.stderr and e.binding == OutputBinding(glob=tool.stderr)


def test_the_name_of_a_stream_is_the_same_each_time_and_in_each_place(tmp_path: Path) -> None:
    text = "inputs: []\noutputs: {o: stdout, p: stdout, e: stderr}\n"
    one, two = load_tool(tmp_path / "a", text), load_tool(tmp_path / "b", text)
    assert one.stdout == two.stdout is not None and one.stdout != one.stderr
    assert [port.binding for port in one.outputs[:2]] == [OutputBinding(glob=one.stdout)] * 2


def test_a_stream_that_nobody_wants_has_no_name(tmp_path: Path) -> None:
    tool = load_tool(tmp_path, "inputs: []\noutputs: []\n")
    assert tool.stdin is tool.stdout is tool.stderr is None


@pytest.mark.parametrize(
    "text, problem",
    [
        ("inputs: {a: stdin, b: stdin}\noutputs: []\n", "one standard input"),
        ("inputs: {a: stdin}\noutputs: []\nstdin: x\n", "one standard input"),
        ("inputs: []\noutputs: {o: {type: stdout, outputBinding: {glob: x}}}\n", "outputBinding of its own"),
        ("inputs: {a: 'stdin?'}\noutputs: []\n", ""),
    ],
)
def test_streams_that_contradict_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path, TOOL + text).problem


# --- the rest of a tool --------------------------------------------------------------------------


def test_words_arguments_and_codes(tmp_path: Path) -> None:
    text = """\
        inputs: []
        outputs: []
        arguments: [x, $(1), {prefix: -a, position: 3}, {}]
        successCodes: [0, 3]
        temporaryFailCodes: [4]
        permanentFailCodes: [5]
    """
    tool = load_tool(tmp_path, text)
    assert tool.base_command == ("echo",)
    assert tool.arguments == (Binding(value_from="x"), Binding(value_from="$(1)"), Binding(3, "-a"), Binding())
    assert (tool.success_codes, tool.temporary_fail_codes, tool.permanent_fail_codes) == ((0, 3), (4,), (5,))


def test_requirements_stand_by_class_in_their_long_form(tmp_path: Path) -> None:
    text = """\
        inputs: []
        outputs: []
        requirements:
          EnvVarRequirement: {envDef: {A: x, B: {envValue: y}}}
          SoftwareRequirement: {packages: {p: [http://p.org], q: {version: ['1']}}}
          InitialWorkDirRequirement:
            listing: [$(inputs.x), {entry: text, entryname: n}, {class: File, location: d.txt}]
          DockerRequirement: {dockerLoad: image.tar, dockerImageId: i}
    """
    requirements = load_tool(tmp_path, text).requirements
    assert requirements["EnvVarRequirement"]["envDef"] == [
        {"envName": "A", "envValue": "x"},
        {"envName": "B", "envValue": "y"},
    ]
    assert requirements["SoftwareRequirement"]["packages"] == [
        {"package": "p", "specs": ["http://p.org"]},
        {"package": "q", "version": ["1"]},
    ]
    assert requirements["InitialWorkDirRequirement"]["listing"] == [
        "$(inputs.x)",
        {"entry": "text", "entryname": "n"},
        {"class": "File", "location": f"file://{tmp_path}/d.txt"},
    ]
    assert requirements["DockerRequirement"]["dockerLoad"] == f"file://{tmp_path}/image.tar"


def test_a_tool_of_v1_0_may_count_on_listings_and_the_network(tmp_path: Path) -> None:
    text = TOOL.replace("v1.2", "v1.0") + "inputs: {d: Directory}\noutputs: []\n"
    tool = load(tmp_path, text)
    assert tool.hints["LoadListingRequirement"]["loadListing"] == "deep_listing"
    assert tool.hints["NetworkAccess"]["networkAccess"] is True
    assert not load(tmp_path, text.replace("v1.0", "v1.1")).hints


def test_what_a_tool_of_v1_0_says_itself_counts(tmp_path: Path) -> None:
    start = "$namespaces: {cwltool: 'http://commonwl.org/cwltool#'}\n" + TOOL.replace("v1.2", "v1.0")
    text = start + "inputs: []\noutputs: []\nrequirements: {'cwltool:NetworkAccess': {networkAccess: false}}\n"
    tool = load(tmp_path, text)
    assert tool.requirements["NetworkAccess"]["networkAccess"] is False and "NetworkAccess" not in tool.hints


def test_v1_0_knows_parameters_without_type_and_contents_by_binding(tmp_path: Path) -> None:
    text = (
        TOOL.replace("v1.2", "v1.0")
        + "inputs: {a: {doc: x}, b: {type: File, inputBinding: {loadContents: true}}}\noutputs: []\n"
    )
    a, b = load(tmp_path, text).inputs
    assert a.type == UnionType((NULL, ANY)) and b.load_contents


def test_expression_tools_and_operations(tmp_path: Path) -> None:
    tool = load(
        tmp_path, "cwlVersion: v1.2\nclass: ExpressionTool\ninputs: {a: int}\noutputs: {b: int}\nexpression: $({})\n"
    )
    assert isinstance(tool, ExpressionTool) and (tool.expression, tool.outputs[0].name) == ("$({})", "b")
    operation = load(tmp_path, "cwlVersion: v1.2\nclass: Operation\ninputs: {a: int}\noutputs: {b: int}\nintent: [x]\n")
    assert isinstance(operation, Operation) and operation.intent == ("x",) and operation.outputs[0].type == INT


def test_everything_knows_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tool = load_tool(tmp_path, "inputs:\n  a: int\n  b: {type: File}\noutputs:\n  o: {type: Any}\n")
    assert [str(port.where) for port in (*tool.inputs, *tool.outputs)] == ["doc.cwl:5:3", "doc.cwl:6:6", "doc.cwl:8:6"]
    assert str(tool.where) == "doc.cwl:1:1"
