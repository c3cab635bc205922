"""Job files: values, what else stands in them, and where their files lie."""

import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from recrate.core.cwl.job_order import JobOrder, load_job_order
from recrate.core.uris import to_path, to_uri
from recrate.errors import RecrateError, Unsupported


def refusal(source: str) -> str:
    with pytest.raises(RecrateError) as caught:
        load_job_order(source)
    text = caught.value.render()
    assert "\n" not in text
    return text


def test_values_are_read_from_yaml_and_json(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("a: 1\nb: [x, yes]\nc: null\nd: 1.5e3\n")
    (tmp_path / "job.json").write_text('{"a": 1, "b": ["x", "yes"], "c": null, "d": 1500.0}')
    expected = JobOrder({"a": 1, "b": ["x", "yes"], "c": None, "d": 1500.0})
    assert load_job_order(str(tmp_path / "job.yml")) == expected
    assert load_job_order(to_uri(str(tmp_path / "job.json"))) == expected


@pytest.mark.parametrize("content", ["", "# nothing\n", "{}"])
def test_an_empty_job_file_gives_no_values(tmp_path: Path, content: str) -> None:
    (tmp_path / "job.yml").write_text(content)
    assert load_job_order(str(tmp_path / "job.yml")) == JobOrder({})


def test_without_a_job_file_there_are_no_values() -> None:
    assert load_job_order(None) == JobOrder({})


def test_files_lie_beside_the_job_file(tmp_path: Path) -> None:
    job = {
        "f": {"class": "File", "path": "x y#1", "secondaryFiles": [{"class": "File", "location": "z%23"}]},
        "r": {"deep": [{"class": "Directory", "location": "../d/"}]},
        "web": {"class": "File", "location": "file:///abs/x"},
        "text": "x",
    }
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "job.json").write_text(json.dumps(job))
    values = load_job_order(str(tmp_path / "sub" / "job.json")).values
    assert to_path(values["f"]["location"]) == str(tmp_path / "sub" / "x y#1")
    assert "path" not in values["f"]
    assert to_path(values["f"]["secondaryFiles"][0]["location"]) == str(tmp_path / "sub" / "z#")
    assert to_path(values["r"]["deep"][0]["location"]) == str(tmp_path / "d")
    assert values["web"]["location"] == "file:///abs/x"


def test_files_of_values_lie_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"f": {"class": "File", "path": "x"}}
    assert load_job_order(given).values["f"]["location"] == to_uri(str(tmp_path / "x"))
    assert given == {"f": {"class": "File", "path": "x"}}


def test_a_job_can_come_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"f: {class: File, path: x}\n")))
    assert load_job_order("-").values["f"]["location"] == to_uri(str(tmp_path / "x"))


@pytest.mark.parametrize(
    "text",
    [
        "cwl:requirements:\n  - class: EnvVarRequirement\n    envDef: [{envName: A, envValue: b}]\n",
        "cwl:requirements:\n  - class: EnvVarRequirement\n    envDef: {A: b}\n",
        "cwl:requirements:\n  EnvVarRequirement:\n    envDef: {A: {envValue: b}}\n",
        "https://w3id.org/cwl/cwl#requirements:\n  - {class: EnvVarRequirement, envDef: {A: b}}\n",
    ],
)
def test_requirements_are_told_from_values(tmp_path: Path, text: str) -> None:
    (tmp_path / "job.yml").write_text(text + "n: 1\ncwl:tool: t.cwl#main\n$namespaces: {x: http://x/}\n")
    order = load_job_order(str(tmp_path / "job.yml"))
    assert order.values == {"n": 1}
    assert order.requirements["EnvVarRequirement"]["envDef"] == [{"envName": "A", "envValue": "b"}]
    assert order.tool == to_uri(str(tmp_path / "t.cwl")) + "#main"


def test_prefixes_of_formats_are_those_of_the_job_file(tmp_path: Path) -> None:
    (tmp_path / "job.yml").write_text("f: {class: File, path: x, format: 'e:1'}\n$namespaces: {e: 'http://e/'}\n")
    assert load_job_order(str(tmp_path / "job.yml")).values["f"]["format"] == "http://e/1"


def test_what_only_the_engine_may_say_is_taken_out() -> None:
    given = {"f": [{"class": "File", "location": "file:///x", "sha256": "0", "dirname": "/"}], "sha256": "kept"}
    assert load_job_order(given).values == {"f": [{"class": "File", "location": "file:///x"}], "sha256": "kept"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [1\nb: 2", "job.yml:2:"),
        (b"- 1\n- 2\n", "must be a mapping"),
        (b"just text", "must be a mapping"),
        (b"a: 1\na: 2\n", "stands twice"),
        (b"a: \xff\n", "UTF-8"),
        (b"cwl:requirements: [5]\n", "cwl:requirements must be a list of objects"),
        (b"cwl:requirements: [{a: 1}]\n", "cwl:requirements must be a list of objects"),
        (b"cwl:requirements: {EnvVarRequirement: 3}\n", "cwl:requirements must be a list of objects"),
    ],
)
def test_a_malformed_job_file_is_told_in_one_line(tmp_path: Path, content: bytes, problem: str) -> None:
    (tmp_path / "job.yml").write_bytes(content)
    assert problem in refusal(str(tmp_path / "job.yml"))


def test_a_missing_job_file_and_a_directory_are_told_in_one_line(tmp_path: Path) -> None:
    assert "cannot read the job file" in refusal(str(tmp_path / "none.yml"))
    assert "Is a directory" in refusal(str(tmp_path))


def test_a_file_of_the_web_needs_leave() -> None:
    with pytest.raises(Unsupported, match="not allowed"):
        load_job_order({"f": {"class": "File", "location": "https://example.invalid/x"}})
