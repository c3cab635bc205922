"""The environment of a job, and what expressions see of where it runs."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.core.cwl.environment import environment, runtime_names
from recrate.core.cwl.expressions import Evaluator
from recrate.core.plan import Runtime
from recrate.errors import InputInvalid

RUNTIME = Runtime(outdir="/out", tmpdir="/tmp/t", inputs="/in", cores=2, ram=512, outdir_size=3, tmpdir_size=4)


def of(definitions: Any, **inputs: Any) -> dict[str, str]:
    return environment(definitions, inputs, Evaluator(javascript=True), RUNTIME, runtime_names(RUNTIME))


def test_a_job_has_home_tmpdir_and_path_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/my/bin")
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    assert of(None) == {"HOME": "/out", "TMPDIR": "/tmp/t", "PATH": "/my/bin"}


def test_without_a_path_of_the_caller_there_is_a_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    assert "/usr/bin" in of(None)["PATH"].split(":")


VALUES = [
    ("text", "text"),
    ("", ""),
    ("$(inputs.n)", "3"),
    ("<$(inputs.n)>", "<3>"),
    ("$(inputs.f)", "/in/0/a"),
    ("$(null)", ""),
]


@pytest.mark.parametrize("text, expected", VALUES)
def test_variables_are_expressions_that_give_text(text: str, expected: str) -> None:
    inputs = {"n": 3, "f": {"class": "File", "path": "/in/0/a"}}
    assert of([{"envName": "X", "envValue": text}], **inputs)["X"] == expected
    assert of({"X": text}, **inputs)["X"] == expected
    assert of({"X": {"envValue": text}}, **inputs)["X"] == expected


def test_a_definition_beats_what_the_standard_sets() -> None:
    assert of([{"envName": "HOME", "envValue": "/home"}])["HOME"] == "/home"


@pytest.mark.parametrize("name", ["", "A=B", "A\0B"])
def test_a_name_that_no_variable_can_have_is_an_error(name: str) -> None:
    with pytest.raises(InputInvalid, match="cannot be the name"):
        of([{"envName": name, "envValue": "x"}])


def test_runtime_has_what_the_specification_names() -> None:
    assert runtime_names(RUNTIME) == {
        "outdir": "/out",
        "tmpdir": "/tmp/t",
        "cores": 2,
        "ram": 512,
        "outdirSize": 3,
        "tmpdirSize": 4,
    }
    assert runtime_names(RUNTIME, 7)["exitCode"] == 7


@pytest.mark.parametrize("cores, seen", [(1, 1), (1.25, 2), (0.5, 1), (3.0, 3)])
def test_a_part_of_a_core_is_seen_as_a_whole_one(cores: float, seen: int) -> None:
    names = runtime_names(Runtime(outdir="/o", tmpdir="/t", inputs="/i", cores=cores))
    assert names["cores"] == seen
    assert isinstance(names["cores"], int)
