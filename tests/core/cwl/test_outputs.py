"""Outputs: what becomes of the files that a job left."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.process import Output
from recrate.core.cwl.types import (
    ANY,
    DIRECTORY,
    FILE,
    NULL,
    ArrayType,
    Field,
    OutputBinding,
    Primitive,
    RecordType,
    SecondaryFile,
    Type,
    UnionType,
)
from recrate.errors import ExpressionFailed, OutputInvalid
from recrate.hashing import digest_bytes

from .left_behind import Left, output

INT, STRING = Primitive("int"), Primitive("string")
FILES, MAYBE_FILE, MAYBE_FILES = ArrayType(FILE), UnionType((NULL, FILE)), UnionType((NULL, ArrayType(FILE)))
ONE_OR_MORE = UnionType((FILE, FILES))


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path)


def names(value: Any) -> Any:
    return [names(item) for item in value] if isinstance(value, list) else value and value["basename"]


def test_a_file_comes_with_all_that_identifies_it_and_without_a_path(left: Left) -> None:
    path = left.write("a b.tar.gz", "content")
    digest = digest_bytes(b"content")
    assert left.collect(output(FILE, "*.gz")) == {
        "o": {
            "class": "File",
            "location": f"file://{path}".replace(" ", "%20"),
            "basename": "a b.tar.gz",
            "nameroot": "a b.tar",
            "nameext": ".gz",
            "size": 7,
            "checksum": digest.checksum,
            "sha256": digest.sha256,
        }
    }


SHAPES: list[tuple[Type, str, Any]] = [
    (FILE, "a", "a"),
    (FILES, "a", ["a"]),
    (FILES, "*", ["a", "b"]),
    (FILES, "none", []),
    (MAYBE_FILE, "a", "a"),
    (MAYBE_FILE, "none", None),
    (MAYBE_FILES, "none", None),
    (MAYBE_FILES, "a", ["a"]),
    (ONE_OR_MORE, "a", "a"),
    (ONE_OR_MORE, "*", ["a", "b"]),
    (ONE_OR_MORE, "none", []),
    (ANY, "*", ["a", "b"]),
]


@pytest.mark.parametrize("type_, glob, expected", SHAPES)
def test_matches_take_the_shape_of_the_type(left: Left, type_: Type, glob: str, expected: Any) -> None:
    left.write("a")
    left.write("b")
    assert names(left.collect(output(type_, glob))["o"]) == expected


def test_an_output_that_matches_nothing_is_an_error_that_says_where(left: Left) -> None:
    with pytest.raises(OutputInvalid) as error:
        left.collect(output(FILE, ("*.bam", "*.cram"), name="reads"))
    assert error.value.problem == f"output 'reads' matches nothing: glob '*.bam', '*.cram' in {str(left.out)!r}"


def test_many_matches_for_one_file_are_an_error_that_names_some(left: Left) -> None:
    for name in "abcde":
        left.write(name)
    with pytest.raises(OutputInvalid, match=r"output 'o' is one file, but 5 match: a, b, c, \.\.\."):
        left.collect(output(FILE, "*"))


@pytest.mark.parametrize("type_, glob", [(FILE, "d"), (DIRECTORY, "f"), (FILES, "*"), (ArrayType(DIRECTORY), "*")])
def test_a_directory_is_no_file_and_a_file_no_directory(left: Left, type_: Type, glob: str) -> None:
    left.write("d/x")
    left.write("f")
    with pytest.raises(OutputInvalid, match=r"output 'o'.*expected"):
        left.collect(output(type_, glob))


def test_globs_go_in_their_order_and_give_each_file_once(left: Left) -> None:
    for name in ("a.x", "b.y", "c.x"):
        left.write(name)
    assert names(left.collect(output(FILES, ("*.y", "*", "a.x")))["o"]) == ["b.y", "a.x", "c.x"]


def test_a_glob_may_be_an_expression_that_gives_several_or_none(left: Left) -> None:
    left.inputs = {"names": ["b", "a"], "none": None}
    left.write("a")
    left.write("b")
    assert names(left.collect(output(FILES, "$(inputs.names)"))["o"]) == ["b", "a"]
    assert left.collect(output(FILES, "$(inputs.none)")) == {"o": []}


def test_a_glob_that_is_no_text_is_an_error(left: Left) -> None:
    with pytest.raises(OutputInvalid, match="glob of output 'o' gave a int"):
        left.collect(output(FILES, "${return 3;}"))


def test_a_directory_comes_with_its_location_only(left: Left) -> None:
    left.write("d/x", "1")
    item = left.collect(output(DIRECTORY, "d", load_listing="deep_listing"))["o"]
    assert set(item) == {"class", "location", "basename", "sha256"}
    assert item["location"] == f"file://{left.out}/d"


def test_the_output_directory_itself_can_be_an_output(left: Left) -> None:
    left.write("x")
    assert left.collect(output(DIRECTORY, "."))["o"]["location"].rstrip("/") == f"file://{left.out}"
    assert left.collect(output(DIRECTORY, "$(runtime.outdir)"))["o"]["location"].rstrip("/") == f"file://{left.out}"


# -- outputEval -------------------------------------------------------------------------------


EVALUATED: list[tuple[Type, dict[str, Any], Any]] = [
    (INT, {"output_eval": "$(self.length)"}, 2),
    (INT, {"output_eval": "$(runtime.exitCode)"}, 7),
    (STRING, {"output_eval": "$(self[0].contents)", "load_contents": True}, "12\n"),
    (INT, {"output_eval": "${return parseInt(self[0].contents);}", "load_contents": True}, 12),
    (STRING, {"output_eval": "$(self[1].basename) $(self[0].size) $(self[0].nameroot)"}, "b 3 a"),
    (STRING, {"output_eval": "$(self[0].checksum)"}, digest_bytes(b"12\n").checksum),
    (UnionType((NULL, INT)), {"output_eval": "${return 0;}"}, 0),
    (UnionType((NULL, INT)), {"output_eval": "${return null;}"}, None),
    (UnionType((NULL, ArrayType(INT))), {"output_eval": "${return [];}"}, []),
    (ArrayType(STRING), {"output_eval": "${return self.map(function(f) {return f.basename;});}"}, ["a", "b"]),
    (STRING, {"output_eval": "constant"}, "constant"),
]


@pytest.mark.parametrize("type_, binding, expected", EVALUATED)
def test_output_eval_makes_the_value(left: Left, type_: Type, binding: dict[str, Any], expected: Any) -> None:
    left.write("a", "12\n")
    left.write("b")
    assert left.collect(output(type_, "*", **binding), exit_code=7) == {"o": expected}


def test_output_eval_sees_an_empty_list_when_nothing_matches(left: Left) -> None:
    assert left.collect(output(INT, "none", output_eval="$(self.length)")) == {"o": 0}


CHOSEN: list[tuple[Type, str, Any]] = [
    (FILE, "$(self[0])", "a"),
    (FILE, "$([self[1]])", "b"),
    (FILES, "$(self)", ["a", "b"]),
    (MAYBE_FILE, "${return [];}", None),
    (FILE, "${self[0].basename = 'new.txt'; return self[0];}", "new.txt"),
    (FILE, "${return {class: 'File', path: self[1].path};}", "b"),
    (FILE, "${return {class: 'File', location: 'a'};}", "a"),
    (FILE, "${return {class: 'File', path: 'b', basename: 'c'};}", "c"),
]


@pytest.mark.parametrize("type_, text, expected", CHOSEN)
def test_output_eval_may_give_files(left: Left, type_: Type, text: str, expected: Any) -> None:
    left.write("a", "1")
    left.write("b", "22")
    value = left.collect(output(type_, "*", output_eval=text))["o"]
    assert names(value) == expected
    for item in value if isinstance(value, list) else [value]:
        assert item is None or ("sha256" in item and "path" not in item and item["location"].startswith("file:///"))


def test_a_file_that_an_expression_makes_up_is_an_error(left: Left) -> None:
    with pytest.raises(OutputInvalid, match="output 'o' names 'none', which is not there"):
        left.collect(output(FILE, None, output_eval="${return {class: 'File', path: 'none'};}"))
    with pytest.raises(OutputInvalid, match="neither in the output directory nor an input"):
        left.collect(output(FILE, None, output_eval="${return {class: 'File', path: '/etc/passwd'};}"))


def test_literals_stay_literals(left: Left) -> None:
    text = """${
      var file = {class: 'File', basename: 'x', contents: 'hi'};
      return {class: 'Directory', basename: 'd', listing: [file, self[0]]};
    }"""
    left.write("a", "1")
    value = left.collect(output(DIRECTORY, "a", output_eval=text))["o"]
    assert value["listing"][0] == {"class": "File", "basename": "x", "contents": "hi"}
    assert value["listing"][1]["location"] == f"file://{left.out}/a"


def test_an_input_passed_through_keeps_its_identity(left: Left) -> None:
    known = {"size": 3, "checksum": "sha1$known", "sha256": "known", "nameroot": "a", "nameext": ""}
    item = {**left.source("a", "abc"), **known}
    left.notes["/in/0/a"] = item
    left.inputs = {"f": {**item, "path": "/in/0/a", "dirname": "/in/0"}}
    assert left.collect(output(FILE, None, output_eval="$(inputs.f)")) == {"o": item}
    literal = {"class": "File", "basename": "l", "contents": "x", "path": "/in/1/l"}
    left.inputs = {"f": literal}
    assert left.collect(output(FILE, None, output_eval="$(inputs.f)"))["o"]["contents"] == "x"


def test_an_output_without_a_binding_is_null(left: Left) -> None:
    assert left.collect(Output("o", MAYBE_FILE)) == {"o": None}
    with pytest.raises(OutputInvalid, match="output 'o': expected"):
        left.collect(Output("o", FILE))


def test_a_value_of_the_wrong_type_is_an_error(left: Left) -> None:
    with pytest.raises(OutputInvalid, match="output 'o': expected int, got 'text'"):
        left.collect(output(INT, None, output_eval="text"))


def test_contents_beyond_64_kib_are_an_error_but_cut_in_v1_0(left: Left) -> None:
    left.write("a", "x" * 65537)
    binding = output(INT, "a", load_contents=True, output_eval="$(self[0].contents.length)")
    with pytest.raises(OutputInvalid, match="'a' is larger than 64 KiB"):
        left.collect(binding)
    assert left.collect(binding, version="v1.0") == {"o": 65536}


LISTINGS = [
    (None, None, "undefined"),
    ("no_listing", "deep_listing", "undefined"),
    ("shallow_listing", None, "sub:- x:-"),
    ("deep_listing", None, "sub:y x:-"),
    (None, "deep_listing", "sub:y x:-"),
]


@pytest.mark.parametrize("of_binding, of_tool, expected", LISTINGS)
def test_listings_are_as_deep_as_asked(left: Left, of_binding: str | None, of_tool: str | None, expected: str) -> None:
    left.write("d/x")
    left.write("d/sub/y")
    text = """${ var listing = self[0].listing;
      if (listing === undefined) return 'undefined';
      function shown(m) { return m.basename + ':' + (m.listing ? m.listing[0].basename : '-'); }
      return listing.map(shown).join(' ');
    }"""
    said = output(STRING, "d", load_listing=of_binding, output_eval=text)
    assert left.collect(said, listing=of_tool) == {"o": expected}


# -- secondary files, formats, records -----------------------------------------------------------


def secondary(left: Left, *patterns: SecondaryFile) -> Any:
    item = left.collect(output(FILE, "a.bam", secondary_files=patterns))["o"]
    return [other["basename"] for other in item.get("secondaryFiles", [])]


def test_secondary_files_are_those_that_are_there(left: Left) -> None:
    for name in ("a.bam", "a.bam.bai", "a.idx", "a.parts/x", "other"):
        left.write(name)
    patterns = [SecondaryFile(pattern) for pattern in (".bai", "^.idx", "^.parts", ".none")]
    assert secondary(left, *patterns) == ["a.bam.bai", "a.idx", "a.parts"]
    assert secondary(left, SecondaryFile("${return [self.nameroot + '.idx', null, 'none'];}")) == ["a.idx"]
    assert secondary(left, SecondaryFile("${return {class: 'File', path: 'other'};}")) == ["other"]
    assert secondary(left, SecondaryFile(".none")) == []


def test_secondary_files_lie_beside_their_primary_file(left: Left) -> None:
    left.write("sub/a")
    left.write("sub/a.i", "xyz")
    left.write("a.i", "no")
    (other,) = left.collect(output(FILE, "sub/a", secondary_files=(SecondaryFile(".i"),)))["o"]["secondaryFiles"]
    assert (other["size"], other["location"]) == (3, f"file://{left.out}/sub/a.i")
    assert "path" not in other


@pytest.mark.parametrize("required", [True, "$(true)", "${return self.basename == 'a.bam';}"])
def test_a_required_secondary_file_that_is_missing_is_an_error(left: Left, required: Any) -> None:
    left.write("a.bam")
    with pytest.raises((OutputInvalid, ExpressionFailed), match=r"secondary file 'a.bam.bai' of 'a.bam' is missing"):
        secondary(left, SecondaryFile(".bai", required))


def test_each_file_of_an_array_has_its_secondary_files(left: Left) -> None:
    for name in ("a", "a.i", "b"):
        left.write(name)
    values = left.collect(output(FILES, ("a", "b"), secondary_files=(SecondaryFile(".i"),)))["o"]
    assert ["secondaryFiles" in item for item in values] == [True, False]


def test_a_format_is_set_in_full(left: Left) -> None:
    left.inputs = {"f": {"class": "File", "format": "http://x.org/y"}}
    left.write("a")
    assert left.collect(output(FILE, "a", format="edam:format_1"))["o"]["format"] == "http://e.org/format_1"
    assert left.collect(output(FILES, "a", format="$(inputs.f.format)"))["o"][0]["format"] == "http://x.org/y"
    assert "format" not in left.collect(output(FILE, "a", format="$(null)"))["o"]


def test_a_record_is_made_field_by_field(left: Left) -> None:
    left.write("a", "1")
    left.write("a.i")
    left.write("b")
    inner = RecordType((Field("n", INT, output_binding=OutputBinding("*", output_eval="$(self.length)")),))
    record = RecordType(
        (
            Field(
                "f", FILE, output_binding=OutputBinding("a"), secondary_files=(SecondaryFile(".i"),), format="edam:1"
            ),
            Field("many", FILES, output_binding=OutputBinding("?")),
            Field("none", MAYBE_FILE, output_binding=OutputBinding("none")),
            Field("inner", inner),
        )
    )
    value = left.collect(Output("o", record))["o"]
    assert (value["f"]["format"], names(value["f"]["secondaryFiles"])) == ("http://e.org/1", ["a.i"])
    assert (names(value["many"]), value["none"], value["inner"]) == (["a", "b"], None, {"n": 3})


def test_a_missing_field_is_named_and_makes_an_optional_record_null(left: Left) -> None:
    record = RecordType((Field("f", FILE, output_binding=OutputBinding("none")),))
    with pytest.raises(OutputInvalid, match=r"output 'o\.f' matches nothing"):
        left.collect(Output("o", record))
    assert left.collect(Output("o", UnionType((NULL, record)))) == {"o": None}


# -- cwl.output.json -------------------------------------------------------------------------------


def written(left: Left, value: Any, *outputs: Output) -> Any:
    left.write("cwl.output.json", value if isinstance(value, str) else json.dumps(value))
    return left.collect(*outputs)


def test_the_object_that_a_job_writes_is_its_outputs(left: Left) -> None:
    left.write("a", "1")
    outputs = [Output("n", INT), output(FILE, "b", name="f"), Output("none", MAYBE_FILE)]
    values = written(left, {"n": 5, "f": {"class": "File", "path": "a"}, "extra": 1}, *outputs)
    assert (values["n"], values["none"], values["f"]["location"]) == (5, None, f"file://{left.out}/a")
    assert values["f"]["checksum"] == digest_bytes(b"1").checksum
    assert set(values) == {"n", "f", "none"}


@pytest.mark.parametrize("field", ["path", "location"])
@pytest.mark.parametrize(
    "form", ["a%20b", "a b", "./a b", "{outdir}/a b", "file://{outdir}/a%20b", "file://{place}/a%20b"]
)
def test_its_files_are_named_by_path_or_location_of_the_job_s_view(tmp_path: Path, field: str, form: str) -> None:
    if field == "path" and ("%" in form or "file:" in form):
        return
    left = Left(tmp_path, container=True)
    left.write("a b", "1")
    text = form.format(outdir=left.outdir, place=left.out)
    assert written(left, {"o": {"class": "File", field: text}}, Output("o", FILE))["o"]["location"] == (
        f"file://{left.out}/a%20b"
    )


def test_it_may_be_of_any_size(left: Left) -> None:
    texts = [f"item {number}" for number in range(20000)]
    assert written(left, {"o": texts}, Output("o", ArrayType(STRING))) == {"o": texts}


def test_files_deep_in_it_are_completed(left: Left) -> None:
    left.write("d/x", "1")
    value = {"o": [{"k": [{"class": "Directory", "path": "d"}]}]}
    type_ = ArrayType(RecordType((Field("k", ArrayType(DIRECTORY)),)))
    assert written(left, value, Output("o", type_))["o"][0]["k"][0]["location"] == f"file://{left.out}/d"


BROKEN = [
    ("{", "is not JSON"),
    ("[1]", "holds a list, not an object"),
    ("\udcff", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ('{"o": "text"}', "output 'o': expected"),
    ('{"o": {"class": "File", "path": "none"}}', "names 'none', which is not there"),
    ('{"o": {"class": "File", "path": "../x"}}', "leads out of the output directory"),
    ('{"o": {"class": "File", "path": "/etc/passwd"}}', "neither in the output directory nor an input"),
    ('{"o": {"class": "Directory", "path": "cwl.output.json"}}', "is a File, not a Directory"),
    ("{}", "output 'o': expected"),
]


@pytest.mark.parametrize("text, problem", BROKEN, ids=[problem[:20] for _, problem in BROKEN])
def test_a_broken_one_gives_one_line(left: Left, text: str, problem: str) -> None:
    left.out.joinpath("cwl.output.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(OutputInvalid, match=problem) as error:
        left.collect(Output("o", FILE))
    assert "\n" not in error.value.render()


def test_files_on_the_web_stay_where_they_are(left: Left) -> None:
    item = {"class": "File", "location": "http://example.org/x", "basename": "x"}
    assert written(left, {"o": item}, Output("o", FILE)) == {"o": item}


def test_many_files_take_linear_time(left: Left) -> None:
    def seconds(count: int) -> float:
        start = time.perf_counter()
        assert len(left.collect(output(FILES, f"d{count}/*", output_eval="$(self)"))["o"]) == count
        return time.perf_counter() - start

    for count in (200, 1600):
        for number in range(count):
            left.write(f"d{count}/{number}", "x")
    seconds(200)
    assert min(seconds(1600) for _ in range(2)) < 24 * min(seconds(200) for _ in range(3))
