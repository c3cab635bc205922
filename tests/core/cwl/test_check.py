"""Static checks: what is refused before anything runs, where, and in which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.core.cwl.check import check, require_valid
from recrate.core.cwl.load import load_document
from recrate.core.cwl.problems import Severity
from recrate.errors import DocumentInvalid, RecrateError

from .loading import TOOL, loaded, needs_suite, problems, suite_documents, write

ALL = """\
requirements:
  ScatterFeatureRequirement: {}
  SubworkflowFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  InlineJavascriptRequirement: {}
"""
PORTS = """\
inputs: {f: File, g: 'File?', s: string, n: int, fs: 'File[]', ss: 'string[]', nn: 'int[]', d: Directory}
outputs: []
"""


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        tmp_path, TOOL + "inputs: {f: File, n: 'int?'}\noutputs: {o: File, p: 'int'}\n".replace("o: File", OUT), "t.cwl"
    )


OUT = "o: {type: File, outputBinding: {glob: x}}"


def workflow(steps: str, start: str = PORTS, requirements: str = ALL, version: str = "v1.2") -> str:
    return f"cwlVersion: {version}\nclass: Workflow\n{requirements}{start}steps:\n{steps}"


def texts(tmp_path: Path, text: str, *, warnings: bool = False) -> list[str]:
    return [str(one) for one in problems(tmp_path, text, warnings=warnings)]


def step(inputs: str, more: str = "", out: str = "o", name: str = "s") -> str:
    return f"  {name}:\n    run: t.cwl\n    in: {inputs}\n    out: [{out}]\n{more}"


def test_a_workflow_that_is_right_has_no_problems(tmp_path: Path) -> None:
    assert texts(tmp_path, workflow(step("{f: f, n: n}"))) == []


# --- links ----------------------------------------------------------------------------------------

LINKS = [
    ("{f: ff}", "input 'f' of step 's' comes from 'ff', which is no input of the workflow (did you mean 'f'?)"),
    ("{f: zz/yy}", "input 'f' of step 's' comes from 'zz/yy', which is no output of a step"),
    ("{f: s}", "input 'f' of step 's' takes File, but 's' is string"),
    ("{f: d}", "input 'f' of step 's' takes File, but 'd' is Directory"),
    ("{f: fs}", "input 'f' of step 's' takes File, but 'fs' is File[]"),
    ("{f: [f, s]}", "input 'f' of step 's' takes File, but 'f' and 's' together are (File or string)[]"),
    ("{n: n}", "step 's' has no value for 'f', which 't' needs"),
    ("{f: {}}", "step 's' has no value for 'f', which 't' needs"),
    ("{ff: f}", "step 's' has no value for 'f', which 't' needs (did you mean 'ff'?)"),
]


@pytest.mark.parametrize("inputs, problem", LINKS, ids=[one[0] for one in LINKS])
def test_a_link_that_cannot_be_is_a_problem(tmp_path: Path, inputs: str, problem: str) -> None:
    found = texts(tmp_path, workflow(step(inputs)))
    assert [one.partition(": ")[2] for one in found] == [problem]


def test_a_problem_stands_where_the_link_does(tmp_path: Path) -> None:
    found = problems(tmp_path, workflow("  s:\n    run: t.cwl\n    in:\n      f: s\n    out: [o]\n"))
    assert [str(one.where) for one in found] == ["doc.cwl:15:7"]


FINE = [
    "{f: f, n: {default: 3}}",
    "{f: f, extra: s}",
    "{f: {source: s, valueFrom: $(1)}}",
    "{f: {source: g, default: {class: File, location: x}}}",
    "{f: [f]}",
    "{f: {source: [g, f], pickValue: first_non_null}}",
    "{f: {valueFrom: $(1)}}",
    "{f: {default: {class: File, location: x}}}",
]


@pytest.mark.parametrize("inputs", FINE)
def test_links_that_can_be_are_no_problem(tmp_path: Path, inputs: str) -> None:
    assert texts(tmp_path, workflow(step(inputs)), warnings=True) == []


def test_an_optional_source_of_a_required_input_is_a_warning(tmp_path: Path) -> None:
    text = workflow(step("{f: g}"))
    assert texts(tmp_path, text) == []
    found = problems(tmp_path, text, warnings=True)
    assert [one.severity for one in found] == [Severity.WARNING]
    assert str(found[0]).endswith("warning: input 'f' of step 's' takes File, but 'g' is File?")


def test_outputs_of_steps_and_of_the_workflow_are_looked_at(tmp_path: Path) -> None:
    outputs = PORTS.replace(
        "outputs: []", "outputs: {r: {type: int, outputSource: s/o}, q: {type: File, outputSource: s/x}}"
    )
    found = texts(tmp_path, workflow(step("{f: f}", out="o, pp"), outputs))
    assert [one.partition(": ")[2] for one in found] == [
        "output 'r' takes int, but 's/o' is File",
        "output 'q' comes from 's/x', but step 's' has no such output (it has o)",
        "step 's' gives out 'pp', but 't' has no such output (did you mean 'p'?)",
    ]


def test_a_skipped_step_gives_null(tmp_path: Path) -> None:
    outputs = PORTS.replace("outputs: []", "outputs: {r: {type: File, outputSource: s/o}}")
    found = texts(tmp_path, workflow(step("{f: f}", "    when: $(true)\n"), outputs), warnings=True)
    assert [one.partition(": ")[2] for one in found] == ["warning: output 'r' takes File, but 's/o' is File?"]


# --- scatter, loops ----------------------------------------------------------------------------

SCATTERS = [
    ("{f: fs}", "scatter: f", []),
    ("{f: f}", "scatter: f", ["input 'f' of step 's' takes File[], but 'f' is File"]),
    ("{f: ss}", "scatter: f", ["input 'f' of step 's' takes File[], but 'ss' is string[]"]),
    ("{f: {source: s, valueFrom: $(1)}}", "scatter: f", ["input 'f' of step 's' takes Any?[], but 's' is string"]),
    ("{f: {source: ss, valueFrom: $(1)}}", "scatter: f", []),
    ("{f: f}", "scatter: ff", ["step 's' scatters over 'ff', which is none of its inputs (did you mean 'f'?)"]),
    ("{f: fs, n: nn}", "scatter: [f, n]", ["step 's' scatters over several inputs, but has no scatterMethod"]),
    ("{f: fs, n: nn}", "scatter: [f, n]\n    scatterMethod: flat_crossproduct", []),
    ("{f: f, n: {valueFrom: $(1)}}", "scatter: n", ["step 's' scatters over 'n', which has no source and no default"]),
]


@pytest.mark.parametrize("inputs, more, expected", SCATTERS)
def test_scatter(tmp_path: Path, inputs: str, more: str, expected: list[str]) -> None:
    found = texts(tmp_path, workflow(step(inputs, f"    {more}\n")))
    assert [one.partition(": ")[2] for one in found] == expected


@pytest.mark.parametrize(
    "method, type_, fits",
    [
        ("dotproduct", "File[]", True),
        ("flat_crossproduct", "File[]", True),
        ("nested_crossproduct", "File[]", False),
        ("nested_crossproduct", "File[][]", True),
        ("dotproduct", "File", False),
    ],
)
def test_scatter_makes_lists_of_outputs(tmp_path: Path, method: str, type_: str, fits: bool) -> None:
    outputs = PORTS.replace("outputs: []", f"outputs: {{r: {{type: '{type_}', outputSource: s/o}}}}")
    more = f"    scatter: [f, n]\n    scatterMethod: {method}\n"
    assert (texts(tmp_path, workflow(step("{f: fs, n: nn}", more), outputs)) == []) is fits


@pytest.mark.parametrize(
    "loop, expected",
    [
        ("{f: o}", []),
        ("{g: o}", ["the loop of step 's' changes 'g', which is none of its inputs"]),
        ("{f: p}", ["the loop of step 's' takes 'p', which is none of its outputs"]),
    ],
)
def test_loops(tmp_path: Path, loop: str, expected: list[str]) -> None:
    more = f"    when: $(true)\n    loop: {loop}\n"
    found = texts(tmp_path, workflow(step("{f: f}", more), version="v1.3"))
    assert [one.partition(": ")[2] for one in found] == expected


# --- circles ------------------------------------------------------------------------------------


def test_steps_in_a_circle_are_named(tmp_path: Path) -> None:
    steps = (
        step("{f: c/o}", name="a")
        + step("{f: a/o}", name="b")
        + step("{f: b/o}", name="c")
        + step("{f: c/o}", name="d")
    )
    found = problems(tmp_path, workflow(steps))
    assert [one.text for one in found] == [
        "steps that wait for one another can never start: a waits for c waits for b waits for a"
    ]
    assert str(found[0].where) == "doc.cwl:13:5"


def test_a_step_that_waits_for_itself_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, workflow(step("{f: s/o}")))
    assert [one.text for one in found] == ["steps that wait for one another can never start: s waits for s"]


# --- features -------------------------------------------------------------------------------------

SUB = "{class: Workflow, inputs: [], outputs: [], steps: []}"
FEATURES = [
    ("ScatterFeatureRequirement", step("{f: fs}", "    scatter: f\n")),
    ("SubworkflowFeatureRequirement", f"  s: {{run: {SUB}, in: [], out: []}}\n"),
    ("MultipleInputFeatureRequirement", step("{f: {source: [g, f], pickValue: first_non_null}}")),
    ("StepInputExpressionRequirement", step("{f: {source: f, valueFrom: $(self)}}")),
    ("InlineJavascriptRequirement", step("{f: f}", "    when: $(1 < 2)\n")),
    ("InlineJavascriptRequirement", step("{f: {source: f, valueFrom: '${return self;}'}}")),
]


@pytest.mark.parametrize("name, steps", FEATURES)
@pytest.mark.parametrize("place", ["requirements", "hints", "step", "nowhere"])
def test_a_feature_needs_its_requirement(tmp_path: Path, name: str, steps: str, place: str) -> None:
    without = ALL.replace(f"  {name}: {{}}\n", "")
    if place == "hints":
        without += f"hints: {{{name}: {{}}}}\n"
    if place == "step":
        steps = steps.replace("    in:", f"    requirements: {{{name}: {{}}}}\n    in:").replace(
            "s: {run", f"s: {{requirements: {{{name}: {{}}}}, run"
        )
    found = texts(tmp_path, workflow(steps, requirements=ALL if place == "requirements" else without))
    assert bool(found) is (place == "nowhere")
    assert all(name in one for one in found)


def test_requirements_of_a_workflow_hold_for_what_it_runs(tmp_path: Path) -> None:
    scatters = "{run: t.cwl, scatter: f, in: {f: fs}, out: []}"
    inner = f"{{class: Workflow, inputs: {{fs: 'File[]'}}, outputs: [], steps: {{t: {scatters}}}}}"
    steps = f"  s: {{run: {inner}, in: {{fs: fs}}, out: []}}\n"
    assert texts(tmp_path, workflow(steps)) == []
    assert len(texts(tmp_path, workflow(steps, requirements=ALL.replace("  ScatterFeatureRequirement: {}\n", "")))) == 1


# --- expressions ------------------------------------------------------------------------------------

EXPRESSIONS = [
    "arguments: [$(1 + 1)]",
    "arguments: [{valueFrom: '${ return 1; }'}]",
    "arguments: [{position: $(1 + 1)}]",
    "stdout: $(inputs.a + 'x')",
    "inputs: {a: {type: int, inputBinding: {valueFrom: $(self + 1)}}}",
    "inputs: {a: {type: File, secondaryFiles: $(self.basename + 'x')}}",
    "inputs: {a: {type: {type: record, fields: {b: {type: int, inputBinding: {valueFrom: $(1 + 1)}}}}}}",
    "outputs: {a: {type: File, outputBinding: {glob: $(1 + 1)}}}",
    "outputs: {a: {type: Any, outputBinding: {outputEval: $(self.length + 1)}}}",
    "requirements: {EnvVarRequirement: {envDef: {A: $(1 + 1)}}}",
    "requirements: {InitialWorkDirRequirement: {listing: [{entry: $(1 + 1), entryname: x}]}}",
    "requirements: {ResourceRequirement: {coresMin: $(1 + 1)}}",
]


def tool(change: str) -> str:
    lines = {"inputs": "inputs: []", "outputs": "outputs: []"}
    lines[change.partition(":")[0]] = change
    return TOOL + "\n".join(lines.values()) + "\n"


@pytest.mark.parametrize("change", EXPRESSIONS)
def test_javascript_needs_its_requirement_wherever_it_stands(tmp_path: Path, change: str) -> None:
    found = problems(tmp_path, tool(change))
    assert [one.hint for one in found] == ["add InlineJavascriptRequirement to the requirements"]
    assert texts(tmp_path, tool(change) + "hints: {InlineJavascriptRequirement: {}}\n") == []


@pytest.mark.parametrize("text", ["$(inputs.a)", "$(inputs['a b'][0].length)", "no $ here", "\\$(1 + 1)"])
def test_parameter_references_and_plain_text_need_none(tmp_path: Path, text: str) -> None:
    assert texts(tmp_path, tool(f"arguments: [{text!r}]".replace("\\\\", "\\"))) == []


def test_javascript_that_cannot_be_parsed_is_a_problem(tmp_path: Path) -> None:
    requirement = "hints: {InlineJavascriptRequirement: {expressionLib: ['function (']}}\n"
    found = texts(tmp_path, tool("arguments: ['${ return 1 + ; }']") + requirement)
    assert len(found) == 2 and "cannot be parsed" in found[0] and "entry 1 of expressionLib" in found[1]


def test_an_expression_that_does_not_end_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read" in texts(tmp_path, tool("arguments: ['$(inputs.a']"))[0]


# --- the whole ------------------------------------------------------------------------------------


def test_the_first_problem_is_raised_with_the_number_of_others(tmp_path: Path) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        require_valid(loaded(tmp_path, workflow(step("{f: s, n: s}"))))
    assert caught.value.render().count("\n") == 0 and "1 more problem" in (caught.value.hint or "")


def test_warnings_refuse_nothing(tmp_path: Path) -> None:
    require_valid(loaded(tmp_path, workflow(step("{f: g}"))))


LEGAL_TROUBLE = {"rename.cwl"}
"""A tool that only works under the requirements of the workflow that runs it."""


@needs_suite
def test_documents_of_the_suite_have_no_problems() -> None:
    found = []
    for path in suite_documents():
        try:
            document = load_document(str(path))
        except RecrateError:
            continue  # which ones must fail is the matter of test_schema
        if path.name not in LEGAL_TROUBLE:
            found += check(document)
    assert not found, found
