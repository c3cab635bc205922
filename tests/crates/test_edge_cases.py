"""Crates of runs that others stumble over, exported on both lines, are valid.

Required rules are kept without exception, recommended ones but for those that docs/validation.md names.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cratebed.checking import UNAVOIDABLE, checked, shown, unavoidable
from cratebed.exported import crates_in, run_in

from recrate.crates.read import open_crate
from recrate.crates.validation.report import Severity
from recrate.provenance.states import RunState

Raw = dict[str, Any]
FEATURES = (
    "InlineJavascript", "MultipleInputFeature", "ScatterFeature", "StepInputExpression", "SubworkflowFeature",
)  # fmt: skip


def tool(command: str, inputs: Raw | None = None, outputs: Raw | None = None, **more: Any) -> Raw:
    return {
        "class": "CommandLineTool",
        "requirements": {"InlineJavascriptRequirement": {}, "ShellCommandRequirement": {}},
        "baseCommand": ["sh", "-c", command, "x"],
        "inputs": inputs or {},
        "outputs": outputs or {},
        **more,
    }


def argument(kind: Any) -> Raw:
    return {"type": kind, "inputBinding": {}}


def workflow(inputs: Raw, outputs: Raw, steps: Raw, version: str = "v1.2") -> Raw:
    return {
        "cwlVersion": version,
        "class": "Workflow",
        "requirements": {f"{name}Requirement": {} for name in FEATURES},
        "inputs": inputs,
        "outputs": outputs,
        "steps": steps,
    }


def output(kind: Any, source: Any) -> Raw:
    return {"type": kind, "outputSource": source}


ECHO = tool('echo "$@"', {"x": argument("string")}, {"out": "stdout"})
COPY = tool('cat "$1"', {"x": argument("File")}, {"out": "stdout"})
COUNT = {
    "class": "ExpressionTool",
    "requirements": {"InlineJavascriptRequirement": {}},
    "inputs": {"x": "string[]"},
    "outputs": {"out": "int"},
    "expression": "$({out: inputs.x.length})",
}
RECORD = {"type": "record", "fields": {"data": "File", "label": "string"}}
CASES: dict[str, tuple[Raw, Raw, RunState]] = {}


def case(name: str, document: Raw, job: Raw, state: RunState = RunState.COMPLETED) -> None:
    CASES[name] = (document, job, state)


case(
    "an expression tool",
    workflow(
        {"x": "string[]"},
        {"n": output("int", "count/out")},
        {"count": {"run": COUNT, "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": ["a", "b"]},
)  # fmt: skip
case(
    "subworkflows with equal names of parameters",
    workflow(
        {"x": "string"},
        {"out": output("File", "second/out")},
        {
            "first": {"run": workflow({"x": "string"}, {"out": output("File", "say/out")},
                                      {"say": {"run": ECHO, "in": {"x": "x"}, "out": ["out"]}}),
                      "in": {"x": "x"}, "out": ["out"]},
            "second": {"run": workflow({"x": "File"}, {"out": output("File", "say/out")},
                                       {"say": {"run": COPY, "in": {"x": "x"}, "out": ["out"]}}),
                       "in": {"x": "first/out"}, "out": ["out"]},
        },
    ),
    {"x": "hello"},
)  # fmt: skip
PAIR = tool('echo "$@"', {"x": argument("string"), "y": argument("string")}, {"out": "stdout"})
for method in ("nested_crossproduct", "flat_crossproduct", "dotproduct"):
    kind = {"type": "array", "items": "File"}
    nested = {"type": "array", "items": kind} if method == "nested_crossproduct" else kind
    case(
        f"a {method}",
        workflow(
            {"x": "string[]", "y": "string[]"},
            {"out": output(nested, "pair/out")},
            {"pair": {"run": PAIR, "scatter": ["x", "y"], "scatterMethod": method, "in": {"x": "x", "y": "y"},
                      "out": ["out"]}},
        ),
        {"x": ["a", "b"], "y": ["c", "d"]},
    )  # fmt: skip
ONE_INDEXED = {"type": "File", "secondaryFiles": [".idx"]}
INDEXED = {"type": {"type": "array", "items": "File"}, "secondaryFiles": [".idx"]}
INDEX = tool(
    'cp "$1" new.txt; cp "$1.idx" new.txt.idx',
    {"x": {**ONE_INDEXED, "inputBinding": {}}},
    {"out": {**ONE_INDEXED, "outputBinding": {"glob": "new.txt"}}},
)
case(
    "an array of files with secondary files",
    workflow(
        {"x": INDEXED},
        {"out": {**output("File[]", "index/out"), "secondaryFiles": [".idx"]}},
        {"index": {"run": INDEX, "scatter": "x", "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": [{"class": "File", "path": "a.txt"}, {"class": "File", "path": "b.txt"}]},
)
TAKE = {
    "class": "ExpressionTool",
    "requirements": {"InlineJavascriptRequirement": {}},
    "inputs": {"x": {"type": RECORD}},
    "outputs": {"out": {"type": RECORD}},
    "expression": "$({out: inputs.x})",
}
case(
    "a record that holds a file",
    workflow(
        {"x": {"type": RECORD}},
        {"out": output(RECORD, "take/out")},
        {"take": {"run": TAKE, "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": {"data": {"class": "File", "path": "a.txt"}, "label": "first"}},
)
case(
    "empty arrays",
    workflow(
        {"x": "string[]"},
        {"out": output("File[]", "say/out")},
        {"say": {"run": ECHO, "scatter": "x", "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": []},
)
case(
    "empty files and two files of the same content",
    workflow(
        {"x": "File[]"},
        {"out": output("File[]", "copy/out")},
        {"copy": {"run": COPY, "scatter": "x", "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": [{"class": "File", "path": name} for name in ("empty.txt", "a.txt", "a.txt.idx", "same.txt")]},
)
case(
    "union types and values that are absent",
    workflow(
        {"x": ["null", "string", "int", "File", {"type": "array", "items": "string"}], "y": "string?", "z": "Any?"},
        {"out": output("File", "say/out"), "none": output("string?", "y")},
        {"say": {"run": tool('echo "$@"', {"x": argument(["null", "string", "int"]), "y": argument("string?")},
                             {"out": "stdout", "no": {"type": "File?", "outputBinding": {"glob": "nothing"}}}),
                 "in": {"x": "x", "y": "y"}, "out": ["out", "no"]}},
    ),
    {"x": 3},
)  # fmt: skip
case(
    "numbers, booleans, enumerations and defaults",
    workflow(
        {"n": {"type": "long", "default": 9007199254740993}, "f": "double", "b": "boolean",
         "e": {"type": {"type": "enum", "symbols": ["red", "green"]}}},
        {"out": output("File", "say/out")},
        {"say": {"run": ECHO, "in": {"x": {"valueFrom": "$(inputs.e + inputs.f + inputs.b)"}, "e": "e", "f": "f",
                                     "b": "b", "n": "n"}, "out": ["out"]}},
    ),
    {"f": 0.1, "b": False, "e": "red"},
)  # fmt: skip
MAKE = tool('mkdir -p d/e "d/empty dir"; cp "$1" d/e/f.txt; : > d/g', {"x": argument("File")},
            {"out": {"type": "Directory", "outputBinding": {"glob": "d"}}})  # fmt: skip
case(
    "directories, with an empty one inside",
    workflow(
        {"x": "File", "given": "Directory"},
        {"out": output("Directory", "make/out"), "given_back": output("Directory", "given")},
        {"make": {"run": MAKE, "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": {"class": "File", "path": "a.txt"}, "given": {"class": "Directory", "path": "folder"}},
)
case(
    "a step that is skipped",
    workflow(
        {"x": "string", "go": "boolean"},
        {"out": {**output("File?", ["may/out", "must/out"]), "pickValue": "first_non_null"}},
        {"may": {"run": ECHO, "when": "$(inputs.go)", "in": {"x": "x", "go": "go"}, "out": ["out"]},
         "must": {"run": ECHO, "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": "hello", "go": False},
)  # fmt: skip
FAIL = tool('echo "$@"; echo no >&2; exit 3', {"x": argument("string")}, {"out": "stdout"}, stderr="err.txt")
case(
    "a step that fails, and one that never ran",
    workflow(
        {"x": "string"},
        {"out": output("File", "after/out")},
        {"break": {"run": FAIL, "in": {"x": "x"}, "out": ["out"]},
         "after": {"run": COPY, "in": {"x": "break/out"}, "out": ["out"]}},
    ),
    {"x": "hello"},
    RunState.FAILED,
)  # fmt: skip
case(
    "a workflow without a step that ran",
    workflow({"x": "string"}, {"out": output("string", "x")}, {}),
    {"x": "hello"},
)
case("a tool alone", {"cwlVersion": "v1.2", **ECHO}, {"x": "hello"})
case("a tool alone that fails", {"cwlVersion": "v1.2", **FAIL}, {"x": "hello"}, RunState.FAILED)
case("an expression tool alone", {"cwlVersion": "v1.2", **COUNT}, {"x": ["a"]})
LOOP = {
    "class": "ExpressionTool", "requirements": {"InlineJavascriptRequirement": {}}, "inputs": {"n": "int"},
    "outputs": {"out": "int"}, "expression": "$({out: inputs.n + 1})",
}  # fmt: skip
looped = workflow(
    {"n": "int"},
    {"out": output("int", "grow/out")},
    {"grow": {"run": LOOP, "in": {"n": "n"}, "out": ["out"],
              "requirements": {"cwltool:Loop": {"loopWhen": "$(inputs.n < 3)", "loop": {"n": "out"},
                                                "outputMethod": "last"}}}},
)  # fmt: skip
case("a loop", {"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}, **looped}, {"n": 0})
ODD = ["sp ace.txt", "per%cent.txt", "ha#sh.txt", "qu'o\"te.txt", "ümlaut ☃.txt", "col:on.txt", "que?ry.txt", "[x].txt"]
case(
    "names that need escaping",
    workflow(
        {"x": "File[]", "odd-name.x": "string?"},
        {"out": output("File[]", "copy step/out")},
        {"copy step": {"run": tool('cp "$1" .', {"x": argument("File")},
                                   {"out": {"type": "File", "outputBinding": {"glob": "*"}}}),
                       "scatter": "x", "in": {"x": "x"}, "out": ["out"]}},
    ),
    {"x": [{"class": "File", "path": name} for name in ODD]},
)  # fmt: skip


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Return a folder with the files that the cases name."""
    for name, text in {"a.txt": "same", "b.txt": "b", "same.txt": "same", "empty.txt": ""}.items():
        (tmp_path / name).write_text(text)
    for name in ("a.txt.idx", "b.txt.idx", *ODD):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "one.txt").write_text("1")
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_crates_of_both_lines_are_valid(inputs: Path, name: str) -> None:
    document, job, state = CASES[name]
    (inputs / "workflow.cwl").write_text(json.dumps(document))
    (inputs / "job.json").write_text(json.dumps(job))
    result = run_in(inputs, inputs / "workflow.cwl", inputs / "job.json")
    assert result.state is state
    for path in crates_in(inputs, result.id).values():
        report = checked(path, Severity.RECOMMENDED, hashes=True)
        wrong = [issue for issue in report.issues if not unavoidable(issue)]
        assert not wrong, shown([report])


def test_attempts_that_failed_before_one_went_well_are_valid(inputs: Path) -> None:
    tries = tool('echo x >> "$1"; test $(wc -l < "$1") -ge 3', {"x": argument("string")})
    document = {"cwlVersion": "v1.2", **tries}
    (inputs / "workflow.cwl").write_text(json.dumps(document))
    result = run_in(inputs, inputs / "workflow.cwl", {"x": str(inputs / "count")}, retries=3)
    assert result.state is RunState.COMPLETED
    for path in crates_in(inputs, result.id).values():
        report = checked(path)
        assert report.valid, shown([report])
        with open_crate(str(path)) as crate:
            ended = [one.text("actionStatus") for one in crate.entities.values() if one.id.startswith("#attempt")]
        assert sorted(text.rpartition("/")[2] for text in ended if text) == [
            "CompletedActionStatus", "FailedActionStatus", "FailedActionStatus",
        ]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [{"metadata_only": True}, {"exclude": ["*.txt"]}, {"max_file_size": 1}],
    ids=lambda options: next(iter(options)),
)
def test_crates_without_contents_are_valid(inputs: Path, options: Raw) -> None:
    document, job, _ = CASES["directories, with an empty one inside"]
    (inputs / "workflow.cwl").write_text(json.dumps(document))
    (inputs / "job.json").write_text(json.dumps(job))
    result = run_in(inputs, inputs / "workflow.cwl", inputs / "job.json")
    for path in crates_in(inputs, result.id, **options).values():
        report = checked(path)
        assert report.valid, shown([report])


def test_the_rules_that_are_not_kept_are_in_the_docs() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "validation.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z-]+-\d\.\d_\d+\.\d+)`", page)
    assert all(any(re.fullmatch(rule, name) for rule in UNAVOIDABLE) for name in named)
    assert all(any(re.fullmatch(rule, name) for name in named) for rule in UNAVOIDABLE)
