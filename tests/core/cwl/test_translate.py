"""From loaded documents to the engine's workflow model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.load import load_document
from recrate.core.cwl.task import CwlTool
from recrate.core.cwl.translate import Translator
from recrate.core.model import Body, Link, LinkMerge, LoopOutput, PickValue, Port, ScatterMethod, Step, Task, Workflow
from recrate.errors import RecrateError

from .loading import SUITE, load, load_workflow, needs_suite, suite_documents

TOOL = "{class: CommandLineTool, baseCommand: echo, inputs: {x: Any?, y: Any?}, outputs: {o: stdout}}"
FEATURES = """
requirements:
  ScatterFeatureRequirement: {}
  MultipleInputFeatureRequirement: {}
  StepInputExpressionRequirement: {}
  SubworkflowFeatureRequirement: {}
  InlineJavascriptRequirement: {}
"""


def workflow(folder: Path, text: str, version: str = "v1.2") -> Workflow:
    body = Translator().body(load_workflow(folder, FEATURES + text.replace("TOOL", TOOL), version))
    assert isinstance(body, Workflow)
    return body


def step(folder: Path, text: str) -> Step:
    body = workflow(folder, f"inputs: {{a: Any, b: Any}}\noutputs: []\nsteps:\n  s: {{run: TOOL, out: [o], {text}}}\n")
    return body.steps["s"]


LINKS = [
    ("x: a", Link((Port(None, "a"),))),
    ("x: {source: a, default: 3}", Link((Port(None, "a"),), default=3, has_default=True)),
    ("x: {default: [1]}", Link(default=[1], has_default=True)),
    ("x: {source: [a]}", Link((Port(None, "a"),), as_list=True)),
    ("x: {source: [a], linkMerge: merge_nested}", Link((Port(None, "a"),), as_list=True, merge=LinkMerge.NESTED)),
    ("x: {source: a, linkMerge: merge_flattened}", Link((Port(None, "a"),), as_list=True, merge=LinkMerge.FLATTENED)),
    ("x: {source: [a, b]}", Link((Port(None, "a"), Port(None, "b")), as_list=True, merge=LinkMerge.NESTED)),
    (
        "x: {source: [a, b], pickValue: first_non_null}",
        Link((Port(None, "a"), Port(None, "b")), as_list=True, merge=LinkMerge.NESTED, pick=PickValue.FIRST_NON_NULL),
    ),
]


@pytest.mark.parametrize("text, link", LINKS)
def test_a_step_input_becomes_a_link(tmp_path: Path, text: str, link: Link) -> None:
    assert step(tmp_path, f"in: {{{text}}}").inputs == {"x": link}


def test_a_step_has_its_scatter_and_its_condition(tmp_path: Path) -> None:
    plain = step(tmp_path, "in: {x: a}")
    assert (plain.scatter, plain.method, plain.conditional, plain.loop) == ((), ScatterMethod.DOTPRODUCT, False, None)
    many = step(tmp_path, "in: {x: a, y: b}, scatter: [x, y], scatterMethod: nested_crossproduct, when: $(true)")
    assert (many.scatter, many.method, many.conditional) == (("x", "y"), ScatterMethod.NESTED_CROSSPRODUCT, True)


def test_a_step_has_inputs_that_its_body_does_not_have(tmp_path: Path) -> None:
    assert set(step(tmp_path, "in: {x: a, more: b}").inputs) == {"x", "more"}


def test_steps_are_linked_to_each_other_and_to_the_outputs(tmp_path: Path) -> None:
    body = workflow(
        tmp_path,
        """
inputs: {a: Any}
outputs: {end: {type: Any, outputSource: two/o}, again: {type: Any, outputSource: a}}
steps:
  one: {run: TOOL, in: {x: a}, out: [o]}
  two: {run: TOOL, in: {x: one/o}, out: [o]}
""",
    )
    assert body.steps["two"].inputs["x"].sources == (Port("one", "o"),)
    assert body.steps["two"].upstream == {"one"}
    assert body.outputs == {"end": Link((Port("two", "o"),)), "again": Link((Port(None, "a"),))}


def test_a_loop_takes_its_values_from_its_own_outputs(tmp_path: Path) -> None:
    looping = step(
        tmp_path,
        "in: {x: a, y: b}, requirements: {cwltool:Loop: {loopWhen: $(inputs.x < 3), outputMethod: all, "
        "loop: {x: o, y: {valueFrom: $(inputs.y)}}}}",
    )
    assert looping.loop is not None
    assert looping.loop.output is LoopOutput.ALL
    assert looping.loop.links == {"x": Link((Port(None, "o"),))}
    assert not looping.conditional


def environment_of(body: Body) -> Any:
    while isinstance(body, Workflow):
        body = next(iter(body.steps.values())).body
    assert isinstance(body, Task)
    assert isinstance(body.code, CwlTool)
    request = body.code.request({})
    return request.resources.cores


PRIORITY = [
    ({}, 1),
    ({"workflow": "requirements"}, 8),
    ({"workflow": "requirements", "step": "requirements"}, 4),
    ({"workflow": "requirements", "step": "requirements", "tool": "requirements"}, 2),
    ({"workflow": "requirements", "tool": "hints"}, 8),
    ({"workflow": "hints", "tool": "hints"}, 2),
    ({"workflow": "hints", "step": "hints"}, 4),
    ({"step": "requirements", "tool": "hints"}, 4),
]


@pytest.mark.parametrize("placed, cores", PRIORITY)
def test_requirements_are_inherited_and_the_nearest_wins(tmp_path: Path, placed: dict[str, str], cores: int) -> None:
    def at(level: str, amount: int) -> str:
        kind = placed.get(level)
        return f"{kind}: {{ResourceRequirement: {{coresMin: {amount}}}}}" if kind else "doc: none"

    text = f"""
cwlVersion: v1.2
class: Workflow
inputs: []
outputs: []
{at("workflow", 8)}
steps:
  s:
    in: []
    out: []
    {at("step", 4)}
    run:
      class: CommandLineTool
      baseCommand: echo
      inputs: []
      outputs: []
      {at("tool", 2)}
"""
    assert environment_of(Translator().body(load(tmp_path, text))) == cores


def test_requirements_of_a_job_file_beat_those_of_the_process_that_is_run(tmp_path: Path) -> None:
    text = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\nREQ"
    process = load(tmp_path, text.replace("REQ", "requirements: {ResourceRequirement: {coresMin: 2}}"))
    assert environment_of(Translator().body(process, {"ResourceRequirement": {"coresMin": 16}})) == 16


def test_a_default_image_is_for_tools_that_name_none(tmp_path: Path) -> None:
    def image(requirement: str) -> Any:
        text = f"cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: echo\ninputs: []\noutputs: []\n{requirement}"
        body = Translator("debian").body(load(tmp_path, text))
        return body.code.request({}).image.name  # type: ignore[union-attr]

    assert image("") == "debian"
    assert image("hints: {DockerRequirement: {dockerPull: alpine}}") == "alpine"


def test_what_a_workflow_keeps_secret_its_tools_do_too(tmp_path: Path) -> None:
    body = workflow(
        tmp_path,
        """
hints: {cwltool:Secrets: {secrets: [password]}}
$namespaces: {cwltool: "http://commonwl.org/cwltool#"}
inputs: {password: string, other: string}
outputs: []
steps:
  inner:
    in: {p: password, q: other}
    out: []
    run:
      class: Workflow
      inputs: {p: string, q: string}
      outputs: []
      steps:
        tool: {run: TOOL, in: {x: p, y: q}, out: []}
""",
    )
    inner = body.steps["inner"].body
    assert isinstance(inner, Workflow)
    code = inner.steps["tool"].body.code
    assert isinstance(code, CwlTool)
    assert code.secret_names == {"x"}


def test_many_steps_take_linear_time(tmp_path: Path) -> None:
    def seconds(count: int) -> float:
        lines = [f"  s{n}: {{run: tool.cwl, in: {{x: {f's{n - 1}/o' if n else 'a'}}}, out: [o]}}" for n in range(count)]
        process = load_workflow(tmp_path, "inputs: {a: Any}\noutputs: []\nsteps:\n" + "\n".join(lines))
        spans = []
        for _ in range(3):
            start = time.process_time()
            assert len(Translator().body(process).steps) == count  # type: ignore[union-attr]
            spans.append(time.process_time() - start)
        return min(spans)

    (tmp_path / "tool.cwl").write_text(
        "{cwlVersion: v1.2, class: CommandLineTool, baseCommand: echo, inputs: {x: Any}, outputs: {o: stdout}}"
    )
    assert seconds(1600) < 32 * max(seconds(200), 0.001)


@needs_suite
@pytest.mark.parametrize("path", suite_documents(), ids=lambda path: str(path.relative_to(SUITE)))
def test_each_document_of_the_suite_can_be_translated(path: Path) -> None:
    try:
        document = load_document(str(path))
    except RecrateError:
        pytest.skip("it cannot be loaded by this name, which tests of the loader judge")
    body = Translator().body(document.process)
    assert set(body.inputs) == {port.name for port in document.process.inputs}
    assert set(body.outputs) == {port.name for port in document.process.outputs}
