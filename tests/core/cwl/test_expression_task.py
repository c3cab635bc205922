"""ExpressionTools: what their expressions give, and what goes on of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.expression_task import CwlExpression
from recrate.core.cwl.translate import Translator
from recrate.core.model import Task
from recrate.core.values import Values
from recrate.errors import ExpressionFailed, OutputInvalid

from .loading import load

KNOWN = {"size": 3, "checksum": "sha1$k", "sha256": "k"}
A = {
    "class": "File",
    "location": "file:///d/a%20b.txt",
    "basename": "a b.txt",
    "nameroot": "a b",
    "nameext": ".txt",
    **KNOWN,
}
D = {"class": "Directory", "location": "file:///d/sub", "basename": "sub", "sha256": "d"}


@pytest.fixture
def evaluated(tmp_path: Path) -> Any:
    """Evaluates an expression whose output `o` has a type."""

    def of(expression: str, type_: str, inputs: Values | None = None, more: str = "") -> Any:
        lines = expression.replace("\n", "\n  ")
        text = f"""cwlVersion: v1.2
class: ExpressionTool
requirements: {{InlineJavascriptRequirement: {{}}}}
inputs: {{f: Any?}}
outputs: {{o: {{type: {type_}{more}}}}}
expression: |-
  {lines}
"""
        body = Translator().body(load(tmp_path, text))
        assert isinstance(body, Task)
        assert isinstance(body.code, CwlExpression)
        return body.code.evaluate({"f": None, **(inputs or {})})["o"]

    return of


def test_the_outputs_are_the_fields_of_the_object(evaluated: Any) -> None:
    assert evaluated("$({o: 1 + 1, other: 5})", "int") == 2
    assert evaluated("${return {};}", "int?") is None
    assert evaluated("$({o: null})", "Any") is None


@pytest.mark.parametrize("text", ["$(1)", "$(null)", "$([1])", "${return 'x';}"])
def test_anything_but_an_object_is_an_error(evaluated: Any, text: str) -> None:
    with pytest.raises(OutputInvalid, match="must give an object of its outputs"):
        evaluated(text, "int?")


def test_a_value_of_the_wrong_type_is_an_error(evaluated: Any) -> None:
    with pytest.raises(OutputInvalid, match="output 'o': expected int, got 'x'"):
        evaluated("$({o: 'x'})", "int")
    with pytest.raises(OutputInvalid, match="output 'o': expected int, got null"):
        evaluated("$({})", "int")


def test_an_expression_that_throws_is_an_error_of_one_line(evaluated: Any) -> None:
    with pytest.raises(ExpressionFailed, match="oh no") as error:
        evaluated("${throw 'oh no';}", "int")
    assert "\n" not in error.value.render()


def test_a_file_passed_through_keeps_its_identity(evaluated: Any) -> None:
    assert evaluated("$({o: inputs.f})", "File", {"f": A}) == A
    assert evaluated("$({o: inputs.f})", "Directory", {"f": D}) == D
    assert evaluated("$({o: [{x: inputs.f}]})", "Any", {"f": A}) == [{"x": A}]


def test_a_file_may_get_another_name(evaluated: Any) -> None:
    item = evaluated("${inputs.f.basename = 'new.md'; return {o: inputs.f};}", "File", {"f": A})
    assert item == {**A, "basename": "new.md", "nameroot": "new", "nameext": ".md"}


def test_paths_are_seen_and_do_not_go_on(evaluated: Any) -> None:
    assert evaluated("$({o: inputs.f.path + ' ' + inputs.f.dirname})", "string", {"f": A}) == "/d/a b.txt /d"
    assert evaluated("$({o: {class: 'File', path: inputs.f.path}})", "File", {"f": A}) == A
    assert "path" not in evaluated("${inputs.f.path; return {o: inputs.f};}", "File", {"f": A})


def test_hashes_belong_to_a_location(evaluated: Any) -> None:
    item = evaluated("${inputs.f.location = 'file:///d/other'; return {o: inputs.f};}", "File", {"f": A})
    assert not set(KNOWN) & set(item)


def test_contents_that_were_loaded_do_not_go_on(evaluated: Any) -> None:
    assert evaluated("$({o: inputs.f})", "File", {"f": {**A, "contents": "abc"}}) == A


def test_literals_stay_literals(evaluated: Any) -> None:
    listing = "[{class: 'File', basename: 'x', contents: 'y'}, inputs.f]"
    text = f"$({{o: {{class: 'Directory', basename: 'd', listing: {listing}}}}})"
    made = evaluated(text, "Directory", {"f": A})
    written = {"class": "File", "basename": "x", "contents": "y", "nameroot": "x", "nameext": ""}
    assert made == {"class": "Directory", "basename": "d", "listing": [written, A]}


def test_secondary_files_go_on(evaluated: Any) -> None:
    item = {**A, "secondaryFiles": [{**A, "location": "file:///d/i", "basename": "i", "nameroot": "i", "nameext": ""}]}
    assert evaluated("${inputs.f.path; return {o: inputs.f};}", "File", {"f": item}) == item


def test_a_declared_format_is_set_where_there_is_none(evaluated: Any) -> None:
    more = ", format: 'http://x.org/y'"
    assert evaluated("$({o: inputs.f})", "File", {"f": A}, more)["format"] == "http://x.org/y"
    assert evaluated("$({o: inputs.f})", "File", {"f": {**A, "format": "z:1"}}, more)["format"] == "z:1"
