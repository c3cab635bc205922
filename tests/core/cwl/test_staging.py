"""Where inputs lie, as the job sees them."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.cwl.staging import Staged, stage_inputs
from recrate.core.plan import Stage
from recrate.core.values import walk_references
from recrate.errors import InputInvalid


def file(path: str, **more: Any) -> dict[str, Any]:
    return {"class": "File", "location": f"file://{path}", "basename": path.rpartition("/")[2], **more}


def folder(path: str, **more: Any) -> dict[str, Any]:
    return {**file(path), "class": "Directory", **more}


def staged(**inputs: Any) -> Staged:
    return stage_inputs(inputs, "/in")


def targets(result: Staged) -> dict[str, str | None]:
    return {stage.target: stage.location for stage in result.stages}


def test_a_file_gets_a_path_and_its_parts() -> None:
    result = staged(x=file("/data/reads.fq.gz", size=3, sha256="ab"))
    assert result.inputs["x"] == {
        **file("/data/reads.fq.gz", size=3, sha256="ab"),
        "path": "/in/0/reads.fq.gz",
        "dirname": "/in/0",
        "nameroot": "reads.fq",
        "nameext": ".gz",
    }
    assert result.stages == (Stage("/in/0/reads.fq.gz", location="file:///data/reads.fq.gz", sha256="ab"),)
    assert result.notes == {"/in/0/reads.fq.gz": file("/data/reads.fq.gz", size=3, sha256="ab")}


def test_the_given_values_are_not_changed() -> None:
    item = file("/data/a", secondaryFiles=[file("/data/a.idx")])
    before = repr(item)
    staged(x=item, y=[item])
    assert repr(item) == before


def test_values_that_are_no_files_stay_as_they_are() -> None:
    assert staged(a=1, b=None, c=["x"], d={"e": 2.5}) == Staged(
        {"a": 1, "b": None, "c": ["x"], "d": {"e": 2.5}}, (), {}
    )


def test_each_parameter_has_a_directory_of_its_own() -> None:
    result = staged(a=file("/d/a"), n=1, b=[file("/d/b"), file("/d/c")], r={"f": file("/d/f")})
    assert list(targets(result)) == ["/in/0/a", "/in/1/b", "/in/1/c", "/in/2/f"]


def test_the_same_file_is_staged_once() -> None:
    result = staged(a=file("/d/a"), b=[file("/d/a"), file("/d/b"), file("/d/a")])
    assert targets(result) == {"/in/0/a": "file:///d/a", "/in/1/b": "file:///d/b"}
    assert [item["path"] for item in walk_references(result.inputs["b"])] == ["/in/0/a", "/in/1/b", "/in/0/a"]


def test_one_file_under_two_names_is_staged_under_both() -> None:
    result = staged(a=file("/d/a"), b={**file("/d/a"), "basename": "other"})
    assert targets(result) == {"/in/0/a": "file:///d/a", "/in/1/other": "file:///d/a"}


def test_names_that_collide_go_to_directories_of_their_own() -> None:
    result = staged(a=[file(f"/run{n}/out.txt") for n in range(3)])
    assert list(targets(result)) == ["/in/0/out.txt", "/in/1/out.txt", "/in/2/out.txt"]


def test_secondary_files_lie_beside_their_primary_file_even_when_names_collide() -> None:
    def pair(at: str) -> dict[str, Any]:
        return file(f"{at}/a.bam", secondaryFiles=[file(f"{at}/a.bam.bai"), folder(f"{at}/a.parts")])

    result = staged(x=[pair("/one"), pair("/two")])
    assert list(targets(result)) == [f"/in/{n}/{name}" for n in (0, 1) for name in ("a.bam", "a.bam.bai", "a.parts")]
    assert result.inputs["x"][1]["secondaryFiles"][0]["path"] == "/in/1/a.bam.bai"


def test_a_file_that_comes_again_with_secondary_files_has_them_beside_it() -> None:
    with_index = file("/d/a", secondaryFiles=[file("/d/a.idx")])
    result = staged(x=file("/d/a"), y=with_index)
    assert result.inputs["y"]["path"] == "/in/0/a"
    assert result.inputs["y"]["secondaryFiles"][0]["path"] == "/in/0/a.idx"


def test_a_directory_is_staged_as_a_whole_and_its_listing_has_paths() -> None:
    listing = [file("/d/sub/x"), folder("/d/sub/inner", listing=[file("/d/sub/inner/y")])]
    result = staged(x=folder("/d/sub", listing=listing))
    assert result.stages == (Stage("/in/0/sub", location="file:///d/sub", directory=True),)
    assert [item["path"] for item in walk_references(result.inputs["x"])] == [
        "/in/0/sub",
        "/in/0/sub/x",
        "/in/0/sub/inner",
        "/in/0/sub/inner/y",
    ]
    assert result.inputs["x"]["listing"][0]["dirname"] == "/in/0/sub"


def test_a_literal_directory_is_made_with_all_that_is_listed() -> None:
    inner = {"class": "Directory", "basename": "inner", "listing": [file("/d/y", secondaryFiles=[file("/e/y.idx")])]}
    literal = {
        "class": "Directory",
        "basename": "made",
        "listing": [{"class": "File", "basename": "t", "contents": "hi"}, inner],
    }
    result = staged(x=literal)
    assert result.stages == (
        Stage("/in/0/made", directory=True),
        Stage("/in/0/made/t", contents="hi"),
        Stage("/in/0/made/inner", directory=True),
        Stage("/in/0/made/inner/y", location="file:///d/y"),
        Stage("/in/0/made/inner/y.idx", location="file:///e/y.idx"),
    )
    assert result.inputs["x"]["listing"][1]["listing"][0]["path"] == "/in/0/made/inner/y"
    assert set(result.notes) == {"/in/0/made/inner/y", "/in/0/made/inner/y.idx"}


def test_two_members_of_one_name_are_an_error() -> None:
    literal = {"class": "Directory", "basename": "d", "listing": [file("/a/x"), file("/b/x")]}
    with pytest.raises(InputInvalid, match="two members 'x'"):
        staged(x=literal)


def test_literal_files_are_written_exactly_and_one_without_a_name_gets_one() -> None:
    text = "a\r\n\tü\n"
    result = staged(x={"class": "File", "contents": text, "basename": "n"}, y={"class": "File", "contents": "other"})
    assert result.stages[0] == Stage("/in/0/n", contents=text)
    assert result.inputs["y"]["path"].startswith("/in/1/literal-")


def test_literals_of_one_name_and_different_contents_do_not_collide() -> None:
    literals = [{"class": "File", "basename": "literal", "contents": text} for text in ("a", "b", "a")]
    result = staged(x=literals)
    assert [(stage.target, stage.contents) for stage in result.stages] == [
        ("/in/0/literal", "a"),
        ("/in/1/literal", "b"),
    ]


def test_a_blank_node_is_a_literal() -> None:
    result = staged(x={"class": "File", "location": "_:1234", "basename": "t", "contents": "x"})
    assert result.stages == (Stage("/in/0/t", contents="x"),)
    assert result.notes == {}


@pytest.mark.parametrize("name", ["a/b", "..", ".", "", "a\0b", 5])
def test_a_basename_that_cannot_be_a_name_is_an_error(name: Any) -> None:
    with pytest.raises(InputInvalid, match="cannot be the name of a file"):
        staged(x={**file("/d/a"), "basename": name})


def test_a_file_without_location_and_contents_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="neither a location nor contents"):
        staged(x={"class": "File", "basename": "a"})


@pytest.mark.parametrize("name", ["a b", "it's", "new\nline", "#1", "a:b", "\udcff"])
def test_odd_names_stay_as_they_are(name: str) -> None:
    assert staged(x={**file("/d/a"), "basename": name}).inputs["x"]["path"] == f"/in/0/{name}"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"), st.booleans()), max_size=12))
def test_no_two_things_ever_lie_at_one_place(items: list[tuple[str, str, bool]]) -> None:
    values = []
    for at, name, indexed in items:
        more = {"secondaryFiles": [file(f"/{at}/{name}.idx")]} if indexed else {}
        values.append(file(f"/{at}/{name}", **more))
    result = staged(x=values, y=values[:3])
    assert len({stage.target for stage in result.stages}) == len(result.stages)
    where = targets(result)
    for value in result.inputs.values():
        for item in walk_references(value):
            assert where[item["path"]] == item["location"]
            for other in item.get("secondaryFiles", ()):
                assert other["dirname"] == item["dirname"]


def test_many_files_of_one_name_take_linear_time() -> None:
    def seconds(count: int) -> float:
        values = [file(f"/run{n}/out.txt") for n in range(count)]
        start = time.perf_counter()
        staged(x=values)
        return time.perf_counter() - start

    seconds(100)
    assert min(seconds(8000) for _ in range(3)) < 24 * min(seconds(1000) for _ in range(3))
