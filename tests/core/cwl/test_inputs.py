"""What becomes of the values given to a process: defaults, types, files, formats, contents, listings."""

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.inputs import accept_inputs, unknown_inputs
from recrate.core.cwl.process import CommandLineTool, Input
from recrate.core.cwl.types import ANY, DIRECTORY, FILE, NULL, ArrayType, Binding, Field, Primitive, RecordType
from recrate.core.cwl.types import SecondaryFile as Secondary
from recrate.core.cwl.types import UnionType as Union
from recrate.core.uris import to_uri
from recrate.errors import InputInvalid, Where

INT, STRING, BOOLEAN = Primitive("int"), Primitive("string"), Primitive("boolean")
OPTIONAL_INT = Union((NULL, INT))


def accept(
    values: dict[str, Any], *ports: Input, version: str = "v1.2", listing: str | None = None, **more: Any
) -> Any:
    tool = CommandLineTool(id="file:///t.cwl", version=version, inputs=ports, **more)
    evaluator = Evaluator(javascript=True, version=version)
    return accept_inputs(ports, values, process=tool, evaluator=evaluator, listing=listing)


def refusal(values: dict[str, Any], *ports: Input, **more: Any) -> str:
    with pytest.raises(InputInvalid) as caught:
        accept(values, *ports, **more)
    text = caught.value.render()
    assert "\n" not in text
    return text


def file(path: Path, **fields: Any) -> dict[str, Any]:
    return {"class": "File", "location": to_uri(str(path)), **fields}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.bam", "a.bam.bai", "a.idx", "b.bam"):
        (tmp_path / name).write_text(name)
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    (tmp_path / "sub" / "x.txt").write_text("x")
    return tmp_path


# -- defaults and types -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [({}, 7), ({"n": None}, 7), ({"n": 0}, 0), ({"n": 3}, 3)],
)
def test_null_and_nothing_take_the_default_and_falsy_values_win(values: dict[str, Any], expected: int) -> None:
    assert accept(values, Input("n", OPTIONAL_INT, default=7, has_default=True)) == {"n": expected}


@pytest.mark.parametrize(("type_", "value"), [(BOOLEAN, False), (STRING, ""), (ArrayType(INT), [])])
def test_falsy_values_of_all_types_win(type_: Any, value: Any) -> None:
    default = {"boolean": True, "string": "x"}.get(getattr(type_, "name", None), [1])
    assert accept({"v": value}, Input("v", type_, default=default, has_default=True)) == {"v": value}


def test_what_is_optional_and_not_given_is_null() -> None:
    assert accept({}, Input("n", OPTIONAL_INT)) == {"n": None}


def test_what_no_input_is_called_is_left_out_and_can_be_told() -> None:
    port = Input("reads", OPTIONAL_INT)
    assert accept({"read": 1, "zzz": 2}, port) == {"reads": None}
    tool = CommandLineTool(id="file:///t.cwl", version="v1.2", inputs=(port,))
    assert unknown_inputs(tool, {"read": 1, "zzz": 2, "reads": 3}) == [
        "'t' has no input 'read', did you mean 'reads'?",
        "'t' has no input 'zzz'",
    ]


def test_a_missing_input_is_named_with_what_was_meant() -> None:
    port = Input("reads", INT, where=Where("t.cwl", 4, 3))
    assert refusal({}, port) == "t.cwl:4:3: input 'reads' is missing"
    assert refusal({"read": 1}, port) == "t.cwl:4:3: input 'reads' is missing (did you mean it by 'read'?)"
    assert refusal({"reads": None}, port) == "t.cwl:4:3: input 'reads' is missing"
    assert "'x' is missing" in refusal({"x": None}, Input("x", ANY))


def test_a_wrong_value_is_named_with_the_place_in_it() -> None:
    record = RecordType((Field("size", INT),))
    assert refusal({"reads": [{"size": 1}, {"size": "x"}]}, Input("reads", ArrayType(record))) == (
        "input reads[1].size: expected int, got 'x'"
    )
    assert "expected int?, got 'x'" in refusal({"n": "x"}, Input("n", OPTIONAL_INT))


def test_the_values_given_are_not_changed(folder: Path) -> None:
    given = {"f": [file(folder / "a.bam")], "r": {"g": file(folder / "b.bam")}}
    before = {"f": [file(folder / "a.bam")], "r": {"g": file(folder / "b.bam")}}
    record = RecordType((Field("g", FILE, load_contents=True),))
    port = Input("f", ArrayType(FILE), secondary_files=(Secondary(".bai"),), load_contents=True)
    found = accept(given, port, Input("r", record))
    assert given == before
    assert found["r"]["g"]["contents"] == "b.bam"
    default = Input("f", FILE, default=given["f"][0], has_default=True, load_contents=True)
    assert accept({}, default)["f"]["contents"] == "a.bam"
    assert given == before


# -- files --------------------------------------------------------------------------------------


def test_files_are_completed_wherever_they_stand(folder: Path) -> None:
    record = RecordType((Field("f", FILE), Field("n", OPTIONAL_INT)))
    found = accept(
        {"one": file(folder / "a.bam"), "many": [[file(folder / "b.bam")]], "r": {"f": file(folder / "a.idx")}},
        Input("one", Union((NULL, FILE))),
        Input("many", ArrayType(ArrayType(FILE))),
        Input("r", record),
    )
    assert (found["one"]["nameroot"], found["one"]["size"]) == ("a", 5)
    assert found["many"][0][0]["basename"] == "b.bam"
    assert found["r"]["f"]["nameext"] == ".idx"
    assert found["r"]["n"] is None


def test_a_missing_file_is_told_with_its_input(folder: Path) -> None:
    text = refusal({"f": [file(folder / "none")]}, Input("f", ArrayType(FILE), where=Where("t.cwl", 2)))
    assert text.startswith("t.cwl:2:0: input 'f': cannot find ")
    assert "none" in text


def test_a_default_file_that_is_not_there_matters_only_when_it_is_used(folder: Path) -> None:
    port = Input("f", FILE, default={"class": "File", "location": "file:///no/such"}, has_default=True)
    assert accept({"f": file(folder / "a.bam")}, port)["f"]["basename"] == "a.bam"
    assert "'/no/such'" in refusal({}, port)


def test_a_file_that_the_engine_knows_is_not_looked_up() -> None:
    made = {"class": "File", "location": "file:///gone", "basename": "g", "nameroot": "g", "nameext": "", "sha256": "0"}
    assert accept({"f": made}, Input("f", FILE)) == {"f": made}


def test_secondary_files_of_a_users_file_are_found(folder: Path) -> None:
    patterns = (Secondary(".bai"), Secondary("^.idx"), Secondary(".none", required=False))
    record = RecordType((Field("f", FILE, secondary_files=patterns),))
    found = accept(
        {"one": file(folder / "a.bam"), "many": [file(folder / "a.bam")], "r": [{"f": file(folder / "a.bam")}]},
        Input("one", FILE, secondary_files=patterns),
        Input("many", Union((FILE, ArrayType(FILE))), secondary_files=patterns),
        Input("r", ArrayType(record)),
    )
    for item in (found["one"], found["many"][0], found["r"][0]["f"]):
        assert [(other["basename"], other["size"]) for other in item["secondaryFiles"]] == [
            ("a.bam.bai", 9),
            ("a.idx", 5),
        ]


def test_a_secondary_file_that_is_missing_is_told_with_its_input(folder: Path) -> None:
    port = Input("f", FILE, secondary_files=(Secondary(".bai"),))
    assert refusal({"f": file(folder / "b.bam")}, port) == "input 'f': 'b.bam' lacks its secondary file 'b.bam.bai'"


def test_secondary_files_of_a_file_that_was_passed_on_are_not_found_on_the_disk(folder: Path) -> None:
    made = accept({"f": file(folder / "a.bam")}, Input("f", FILE))["f"]
    port = Input("f", FILE, secondary_files=(Secondary(".bai"),))
    assert "lacks its secondary file" in refusal({"f": {**made, "sha256": "0"}}, port)
    brought = [{**accept({"f": file(folder / "a.bam.bai")}, Input("f", FILE))["f"], "sha256": "1"}]
    passed_on = {**made, "sha256": "0", "secondaryFiles": brought}
    assert accept({"f": passed_on}, port) == {"f": passed_on}


def test_patterns_may_look_at_other_inputs(folder: Path) -> None:
    port = Input("f", FILE, secondary_files=(Secondary("$(self.nameroot).$(inputs.kind)"),))
    assert accept({"f": file(folder / "a.bam"), "kind": "idx"}, port, Input("kind", STRING))["f"]["secondaryFiles"]


# -- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "actual", "problem"),
    [
        ("http://e/1", "http://e/1", None),
        ("http://e/1", "e:1", None),
        ("e:1", "http://e/1", None),
        (("http://e/2", "e:1"), "e:1", None),
        ("$(inputs.wanted)", "e:1", None),
        ("${ return ['e:3', 'e:1']; }", "e:1", None),
        ("http://e/1", "http://e/2", "'a.bam' has the format http://e/2, not http://e/1"),
        (("e:1", "e:3"), "e:2", "not http://e/1 or http://e/3"),
        ("e:1", None, "'a.bam' has no format, but must have http://e/1"),
        ("$([1])", "e:1", "format must give URIs"),
    ],
)
def test_formats_are_compared_in_full(folder: Path, declared: Any, actual: str | None, problem: str | None) -> None:
    value = file(folder / "a.bam") if actual is None else file(folder / "a.bam", format=actual)
    ports = (Input("f", FILE, format=declared), Input("wanted", STRING, default="e:1", has_default=True))
    more: dict[str, Any] = {"namespaces": {"e": "http://e/"}}
    if problem is None:
        assert accept({"f": value}, *ports, **more)["f"]["format"] == "http://e/1"
    else:
        assert problem in refusal({"f": value}, *ports, **more)


def test_formats_of_records_and_lists_are_checked(folder: Path) -> None:
    record = RecordType((Field("f", ArrayType(FILE), format="http://e/1"),))
    good, bad = file(folder / "a.bam", format="http://e/1"), file(folder / "b.bam", format="http://e/2")
    assert accept({"r": {"f": [good]}}, Input("r", record))
    assert "'b.bam' has the format" in refusal({"r": {"f": [good, bad]}}, Input("r", record))


def test_no_format_is_asked_of_a_file_for_which_none_is_declared(folder: Path) -> None:
    assert "format" not in accept({"f": file(folder / "a.bam")}, Input("f", FILE))["f"]
    assert accept({"d": None}, Input("d", Union((NULL, FILE)), format="http://e/1")) == {"d": None}


# -- contents and listings ----------------------------------------------------------------------


def test_contents_are_loaded_by_the_port_or_its_binding(folder: Path) -> None:
    given = file(folder / "a.bam")
    assert accept({"f": given}, Input("f", FILE, load_contents=True))["f"]["contents"] == "a.bam"
    assert accept({"f": given}, Input("f", FILE, binding=Binding(load_contents=True)))["f"]["contents"] == "a.bam"
    assert accept({"f": [given]}, Input("f", ArrayType(FILE), load_contents=True))["f"][0]["contents"] == "a.bam"
    assert "contents" not in accept({"f": given}, Input("f", FILE))["f"]


def test_too_large_contents_are_told_with_their_input(folder: Path) -> None:
    (folder / "big").write_bytes(b"x" * 70_000)
    port = Input("f", FILE, load_contents=True)
    assert "input 'f': " in refusal({"f": file(folder / "big")}, port)
    assert len(accept({"f": file(folder / "big")}, port, version="v1.0")["f"]["contents"]) == 65536


@pytest.mark.parametrize(
    ("of_port", "of_process", "names"),
    [
        (None, None, None),
        ("no_listing", "deep_listing", None),
        ("shallow_listing", None, ["deeper", "x.txt"]),
        (None, "shallow_listing", ["deeper", "x.txt"]),
        ("shallow_listing", "no_listing", ["deeper", "x.txt"]),
    ],
)
def test_listings_are_loaded_as_port_or_process_ask(folder: Path, of_port: Any, of_process: Any, names: Any) -> None:
    value = {"class": "Directory", "location": to_uri(str(folder / "sub"))}
    found = accept({"d": value}, Input("d", DIRECTORY, load_listing=of_port), listing=of_process)["d"]
    assert names == (None if "listing" not in found else [item["basename"] for item in found["listing"]])


def test_files_of_any_type_are_completed(folder: Path) -> None:
    found = accept({"x": {"deep": [file(folder / "a.bam")]}}, Input("x", ANY))
    assert found["x"]["deep"][0]["size"] == 5
