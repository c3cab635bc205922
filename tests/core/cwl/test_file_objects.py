"""File and Directory objects: where they lie, what completes them, what is refused."""

import os
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.file_objects import (
    CONTENTS_LIMIT,
    absolute_location,
    complete,
    expanded,
    load_contents,
    load_listing,
    resolve_location,
)
from recrate.core.uris import to_path, to_uri
from recrate.errors import InputInvalid, RecrateError, Unsupported, Where

ODD_NAMES = [
    "a b",
    "a#b",
    "a:b",
    "100%",
    "a%20b",
    "🦀.txt",
    "new\nline",
    'it\'s "q"',
    "?x=1",
    b"\xff\xfe.txt".decode("utf-8", "surrogateescape"),
]


def refusal(item: dict[str, Any]) -> str:
    with pytest.raises(RecrateError) as caught:
        complete(item, Where("job.yml", 3, 1))
    text = caught.value.render()
    assert "\n" not in text
    assert text.startswith("job.yml:3:1: ")
    return text


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("key", ["path", "location"])
def test_a_name_as_it_is_finds_its_file(tmp_path: Path, name: str, key: str) -> None:
    (tmp_path / name).write_text("hi")
    item = absolute_location({"class": "File", key: name}, to_uri(str(tmp_path / "job.yml")))
    assert to_path(item["location"]) == str(tmp_path / name)
    assert complete(item)["basename"] == name
    assert complete(item)["size"] == 2


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_quoted_location_finds_its_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("hi")
    quoted = to_uri("/" + name).removeprefix("file:///")
    item = absolute_location({"class": "File", "location": quoted}, to_uri(str(tmp_path / "job.yml")))
    assert to_path(item["location"]) == str(tmp_path / name)


@pytest.mark.parametrize(
    ("location", "base", "uri"),
    [
        ("x.txt", "file:///d/job.yml", "file:///d/x.txt"),
        ("../x.txt", "file:///d/e/job.yml#main", "file:///d/x.txt"),
        ("/abs/x", "file:///d/job.yml", "file:///abs/x"),
        ("/abs/x", "https://h/d/t.cwl", "file:///abs/x"),
        ("file:/abs/x", "file:///d/job.yml", "file:///abs/x"),
        ("file:///abs/x", "file:///d/job.yml", "file:///abs/x"),
        ("https://h/x", "file:///d/job.yml", "https://h/x"),
        ("x y.txt", "https://h/d/t.cwl", "https://h/d/x%20y.txt"),
        ("sub%2Fx", "file:///d/job.yml", "file:///d/sub/x"),
        ("a:b", "file:///d/job.yml", to_uri("/d/a:b")),
    ],
)
def test_locations_are_relative_to_their_document(location: str, base: str, uri: str) -> None:
    assert resolve_location(location, base) == uri


def test_members_are_located_too() -> None:
    item = absolute_location(
        {"class": "File", "path": "x", "secondaryFiles": [{"class": "Directory", "path": "y", "listing": []}]},
        "file:///d/job.yml",
    )
    assert item["secondaryFiles"][0]["location"] == "file:///d/y"
    assert absolute_location({"class": "File", "contents": "x"}, "file:///d/j") == {"class": "File", "contents": "x"}
    assert absolute_location({"class": "File", "path": "file:///q/x"}, "file:///d/j")["location"] == "file:///q/x"


@pytest.mark.parametrize(
    ("name", "root", "ending"),
    [
        ("a.tar.gz", "a.tar", ".gz"),
        ("a", "a", ""),
        (".bashrc", ".bashrc", ""),
        ("a.", "a", "."),
        ("..x.y", "..x", ".y"),
    ],
)
def test_a_file_is_completed_with_its_names_and_size(tmp_path: Path, name: str, root: str, ending: str) -> None:
    (tmp_path / name).write_text("12345")
    item = complete({"class": "File", "location": to_uri(str(tmp_path / name))})
    assert (item["basename"], item["nameroot"], item["nameext"], item["size"]) == (name, root, ending, 5)


def test_a_given_basename_wins_and_wrong_facts_do_not(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("123")
    location = to_uri(str(tmp_path / "x.txt"))
    item = complete({"class": "File", "location": location, "basename": "y.csv", "size": 99, "nameroot": "no"})
    assert item == {
        "class": "File", "location": location, "basename": "y.csv", "nameroot": "y", "nameext": ".csv", "size": 3
    }  # fmt: skip


def test_literals_stay_literals() -> None:
    assert complete({"class": "File", "contents": "häh"}) == {
        "class": "File", "contents": "häh", "basename": "literal", "nameroot": "literal", "nameext": "", "size": 4
    }  # fmt: skip
    made = complete({"class": "Directory", "basename": "d", "listing": [{"class": "File", "contents": ""}]})
    assert made["listing"][0]["size"] == 0
    assert "location" not in made


def test_a_directory_may_end_in_a_slash(tmp_path: Path) -> None:
    assert complete({"class": "Directory", "location": to_uri(str(tmp_path)) + "/"})["basename"] == tmp_path.name


def test_what_is_not_there_or_something_else_is_refused(tmp_path: Path) -> None:
    fifo, file = tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    file.write_text("x")
    here = to_uri(str(tmp_path))
    assert "No such file" in refusal({"class": "File", "location": here + "/none"})
    assert "is a directory, but is given as a File" in refusal({"class": "File", "location": here})
    assert "not a directory" in refusal({"class": "Directory", "location": here + "/file"})
    assert "not a regular file" in refusal({"class": "File", "location": here + "/fifo"})
    assert "not a regular file" in refusal({"class": "File", "location": "file:///dev/zero"})
    assert complete({"class": "File", "location": "file:///dev/null"})["size"] == 0


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({"class": "File"}, "needs a location, a path or contents"),
        ({"class": "File", "contents": 5}, "needs a location"),
        ({"class": "Directory"}, "needs a location, a path or a listing"),
        ({"class": "File", "location": "file://host/x"}, "names another host"),
        ({"class": "File", "location": "file:///a%00b"}, "null byte"),
        ({"class": "File", "contents": "", "basename": "a/b"}, "not the name of a file"),
        ({"class": "File", "contents": "", "basename": ".."}, "not the name of a file"),
        ({"class": "File", "contents": "", "secondaryFiles": ["x.bai"]}, "must hold Files"),
        ({"class": "Directory", "listing": [None]}, "must hold Files"),
    ],
)
def test_a_malformed_object_is_refused_in_one_line(item: dict[str, Any], problem: str) -> None:
    assert problem in refusal(item)


@pytest.mark.parametrize("location", ["https://h/x", "s3://bucket/x", "ftp://h/x"])
def test_a_location_that_is_not_of_this_machine_is_not_supported(location: str) -> None:
    with pytest.raises(Unsupported, match=location):
        complete({"class": "File", "location": location})


@pytest.mark.parametrize("version", ["v1.0", "v1.1", "v1.2"])
def test_contents_of_64_kib_are_the_most(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x"
    item = {"class": "File", "location": to_uri(str(path))}
    path.write_bytes(b"a" * CONTENTS_LIMIT)
    assert load_contents(item, version=version)["contents"] == "a" * CONTENTS_LIMIT
    path.write_bytes(b"a" * CONTENTS_LIMIT + b"b")
    if version == "v1.0":
        assert load_contents(item, version=version)["contents"] == "a" * CONTENTS_LIMIT
        return
    with pytest.raises(InputInvalid, match="larger than 64 KiB"):
        load_contents(item, version=version)


def test_contents_are_loaded_in_lists_and_once(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"one\xff")
    item = {"class": "File", "location": to_uri(str(tmp_path / "x"))}
    assert load_contents([item, 5, {**item, "contents": "kept"}]) == [
        {**item, "contents": "one\ufffd"}, 5, {**item, "contents": "kept"}
    ]  # fmt: skip
    with pytest.raises(InputInvalid, match="cannot read"):
        load_contents({"class": "File", "location": to_uri(str(tmp_path / "none"))})


def names(item: dict[str, Any]) -> list[Any]:
    return [
        [member["basename"], names(member)] if member["class"] == "Directory" else member["basename"]
        for member in item.get("listing", [])
    ]


def test_listings_are_as_deep_as_asked_for(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "d.txt").write_text("x")
    (tmp_path / "a.txt").write_text("xyz")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo")
    item = {"class": "Directory", "location": to_uri(str(tmp_path)), "listing": []}
    assert "listing" not in load_listing(item, "no_listing")
    assert load_listing(item, None) == item
    assert names(load_listing(item, "shallow_listing")) == ["a.txt", ["b", []]]
    assert names(load_listing([item], "deep_listing")[0]) == ["a.txt", ["b", [["c", ["d.txt"]]]]]
    assert load_listing(item, "shallow_listing")["listing"][0] == {
        "class": "File", "location": to_uri(str(tmp_path / "a.txt")), "basename": "a.txt",
        "nameroot": "a", "nameext": ".txt", "size": 3,
    }  # fmt: skip


def test_a_listing_of_a_literal_stays() -> None:
    literal = {"class": "Directory", "basename": "d", "listing": [{"class": "File", "contents": "x"}]}
    assert load_listing(literal, "no_listing") == literal


def test_a_directory_that_contains_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    with pytest.raises(InputInvalid, match="contains itself"):
        load_listing({"class": "Directory", "location": to_uri(str(tmp_path))}, "deep_listing")


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("edam:x", "http://e/x"),
        ("http://e/x", "http://e/x"),
        ("other:x", "other:x"),
        ("edam://x", "edam://x"),
        ("x", "x"),
    ],
)
def test_prefixes_of_namespaces_are_written_out(name: str, full: str) -> None:
    assert expanded(name, {"edam": "http://e/"}) == full
