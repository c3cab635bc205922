"""The inputs of a process as parameters of a command line."""

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.nodes import parse_values
from recrate.core.cwl.parameters import parameter_help, parse_parameters, parse_settings, template
from recrate.core.cwl.process import CommandLineTool, Input
from recrate.core.cwl.types import ANY, DIRECTORY, FILE, NULL, ArrayType, EnumType, Field, Primitive, RecordType
from recrate.core.cwl.types import UnionType as Union
from recrate.core.uris import to_uri
from recrate.errors import RecrateError, Unsupported

INT, FLOAT, STRING, BOOLEAN = (Primitive(name) for name in ("int", "float", "string", "boolean"))
TOOL = CommandLineTool(
    id="file:///tool.cwl",
    version="v1.2",
    inputs=(
        Input("n", INT, doc="How many\nof them"),
        Input("x", FLOAT, default=1.5, has_default=True),
        Input("s", Union((NULL, STRING)), label="a text"),
        Input("flag", BOOLEAN),
        Input("maybe", Union((NULL, BOOLEAN))),
        Input("f", FILE),
        Input("d", DIRECTORY),
        Input("many", ArrayType(INT)),
        Input("files", Union((NULL, ArrayType(FILE)))),
        Input("kind", EnumType(("a", "b"))),
        Input("pair", RecordType((Field("n", INT), Field("f", FILE)))),
        Input("either", Union((INT, STRING))),
        Input("any", ANY),
    ),
)


def file(path: str, kind: str = "File") -> dict[str, str]:
    return {"class": kind, "location": to_uri(path)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["--n", "3"], {"n": 3}),
        (["--n=-3"], {"n": -3}),
        (["--x", "1e3"], {"x": 1000.0}),
        (["--s", "--n"], {"s": "--n"}),
        (["--s", ""], {"s": ""}),
        (["--s="], {"s": ""}),
        (["--s=a=b"], {"s": "a=b"}),
        (["--s", "5"], {"s": "5"}),
        (["--flag", "--n", "1"], {"flag": True, "n": 1}),
        (["--no-flag"], {"flag": False}),
        (["--flag=false"], {"flag": False}),
        (["--maybe"], {"maybe": True}),
        (["--f", "a b#c"], {"f": file("/base/a b#c")}),
        (["--f", "/abs/x"], {"f": file("/abs/x")}),
        (["--f", "file:///abs/y"], {"f": file("/abs/y")}),
        (["--d=../d"], {"d": file("/d", "Directory")}),
        (["--many", "1", "--many=2"], {"many": [1, 2]}),
        (["--many", "[1, 2]"], {"many": [1, 2]}),
        (["--files", "a", "--files", "b"], {"files": [file("/base/a"), file("/base/b")]}),
        (["--files", '[{"class": "File", "path": "q"}]'], {"files": [file("/base/q")]}),
        (["--kind", "a"], {"kind": "a"}),
        (["--pair", '{"n": 1, "f": {"class": "File", "path": "q"}}'], {"pair": {"n": 1, "f": file("/base/q")}}),
        (["--pair", "n: 1"], {"pair": {"n": 1}}),
        (["--either", "5"], {"either": 5}),
        (["--either", "five"], {"either": "five"}),
        (["--any", "[1, {a: b}]"], {"any": [1, {"a": "b"}]}),
    ],
)
def test_words_become_values_of_the_types_of_the_inputs(words: list[str], expected: dict[str, Any]) -> None:
    assert parse_parameters(TOOL, words, base="/base") == expected


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--none", "1"], "'tool' has no parameter '--none'"),
        (["--fil", "1"], "did you mean --f"),
        (["n", "1"], "no parameter 'n'"),
        (["--n"], "--n needs a value"),
        (["--n", "x"], "--n must be of type int, not 'x'"),
        (["--n", "1_0"], "--n must be of type int"),
        (["--n", "1.5"], "--n must be of type int"),
        (["--x", "abc"], "--x must be of type float"),
        (["--flag=perhaps"], "--flag must be of type boolean"),
        (["--many", "[1"], "--many is neither JSON nor YAML"),
        (["--pair", "5"], "--pair must be a record"),
        (["--many", "x"], "--many must be of type int"),
    ],
)
def test_wrong_words_are_told_in_one_line(words: list[str], problem: str) -> None:
    with pytest.raises(RecrateError) as caught:
        parse_parameters(TOOL, words)
    assert problem in caught.value.render()
    assert "\n" not in caught.value.render()


def test_settings_are_converted_in_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_settings(TOOL, ["n=3", "s=a=b", "f=x", "many=1", "many=2"]) == {
        "n": 3, "s": "a=b", "f": file(str(tmp_path / "x")), "many": [1, 2]
    }  # fmt: skip
    for setting, problem in (("zz=1", "there is no input 'zz'"), ("n", "not of the form name=value")):
        with pytest.raises(RecrateError, match=problem):
            parse_settings(TOOL, [setting])


def test_a_file_of_the_web_needs_leave() -> None:
    with pytest.raises(Unsupported, match="not allowed"):
        parse_parameters(TOOL, ["--f", "https://example.invalid/x"])


def test_the_help_has_a_row_for_each_input() -> None:
    rows = {name: (kind, text) for name, kind, text in parameter_help(TOOL)}
    assert list(rows) == [port.name for port in TOOL.inputs]
    assert rows["n"] == ("int", "How many of them")
    assert rows["x"] == ("float", "(default: 1.5)")
    assert rows["s"] == ("string?", "a text")


def test_the_template_is_a_job_file_with_all_inputs() -> None:
    values = parse_values(template(TOOL), "template")
    assert list(values) == [port.name for port in TOOL.inputs]
    assert values["f"] == {"class": "File", "path": "a/path"}
    assert values["x"] == 1.5
