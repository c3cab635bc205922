"""What is seen of an output directory: patterns, links, things that were mounted."""

from __future__ import annotations

import glob as reference
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.errors import OutputInvalid

from .left_behind import Left

NAMES = ["a", "b.txt", ".hidden", "dir/a", "dir/.b", "dir/sub/c.txt", "x[1].txt", "new\nline", "ü", "Z"]


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path)


@pytest.fixture
def contained(tmp_path: Path) -> Left:
    return Left(tmp_path, container=True)


def paths(left: Left, pattern: str) -> list[str]:
    return [found.path for found in left.files.glob(pattern)]


PATTERNS = [
    ("*", ["Z", "a", "b.txt", "dir", "new\nline", "x[1].txt", "ü"]),
    ("*.txt", ["b.txt", "x[1].txt"]),
    (".*", [".hidden"]),
    ("?", ["Z", "a", "ü"]),
    ("[a-c]*", ["a", "b.txt"]),
    ("[!a-c]*", ["Z", "dir", "new\nline", "x[1].txt", "ü"]),
    ("[^a-c]", ["Z", "ü"]),
    ("[[:upper:]]", ["Z"]),
    ("[]a]", ["a"]),
    ("dir/*", ["dir/a", "dir/sub"]),
    ("dir/.b", ["dir/.b"]),
    ("*/*/*", ["dir/sub/c.txt"]),
    ("**", ["Z", "a", "b.txt", "dir", "new\nline", "x[1].txt", "ü"]),
    ("d*/a", ["dir/a"]),
    ("*/", ["dir"]),
    ("./a", ["a"]),
    ("dir/../a", ["a"]),
    ("x[1].txt", ["x[1].txt"]),
    (r"x\[1\].txt", ["x[1].txt"]),
    (r"\a", ["a"]),
    ("a/b", []),
    ("none", []),
    ("none*", []),
    ("[", []),
    (".", [""]),
    ("", [""]),
]


@pytest.mark.parametrize("pattern, expected", PATTERNS)
def test_a_pattern_matches_as_glob_3_does(left: Left, pattern: str, expected: list[str]) -> None:
    for name in NAMES:
        left.write(name)
    assert paths(left, pattern) == expected


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ab*?[]!-./", min_size=1, max_size=6))
def test_patterns_match_as_those_of_the_standard_library_do(left: Left, pattern: str) -> None:
    for name in ["a", "b", "ab", ".a", "a.b", "ba/a", "ba/b", "ba/.a"]:
        left.write(name)
    parts = pattern.split("/")
    if "." in parts or ".." in parts or pattern.startswith("/") or any("**" in part for part in parts):
        return
    expected = sorted({os.path.normpath(path) for path in reference.glob(pattern, root_dir=left.out)})
    assert [path or "." for path in paths(left, pattern)] == [path for path in expected if path not in ("..",)]


def test_an_absolute_pattern_is_of_the_job_s_view(contained: Left) -> None:
    contained.write("sub/a")
    assert paths(contained, "/var/spool/cwl/sub/*") == ["sub/a"]
    assert paths(contained, "/var/spool/cwl") == [""]


@pytest.mark.parametrize("pattern", ["../x", "a/../../x", "/etc/*", "..", "/var/spool/cwl2/x"])
def test_a_pattern_that_leads_out_is_an_error(contained: Left, pattern: str) -> None:
    with pytest.raises(OutputInvalid, match="output directory '/var/spool/cwl'"):
        contained.files.glob(pattern)


def test_a_link_within_the_directory_stands_for_its_target(left: Left) -> None:
    left.write("data/real.txt", "content")
    (left.out / "link.txt").symlink_to("data/real.txt")
    (left.out / "chain.txt").symlink_to("link.txt")
    (found,) = left.files.glob("chain.txt")
    assert found.linked
    item = left.files.object_of(found)
    assert (item["basename"], item["size"]) == ("chain.txt", 7)
    assert item["location"].endswith("/out/data/real.txt")


def test_a_link_out_of_the_directory_is_an_error_that_names_it(left: Left) -> None:
    (left.out / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(OutputInvalid, match=r"link 'passwd' .* '/etc/passwd'"):
        left.files.glob("*")


def test_a_link_to_a_directory_outside_is_an_error_even_for_what_is_in_it(left: Left) -> None:
    (left.out / "etc").symlink_to("/etc")
    with pytest.raises(OutputInvalid, match="link 'etc'"):
        left.files.glob("etc/passwd")


def test_a_link_to_an_input_keeps_the_input_s_identity(left: Left) -> None:
    item = {**left.source("a.txt", "abc"), "size": 3, "checksum": "sha1$known", "sha256": "known"}
    left.stage(f"{left.outdir}/renamed.txt", item)
    (found,) = left.files.glob("*.txt")
    assert left.files.location(found) == item["location"]
    assert left.files.hashes(found) == {"size": 3, "checksum": "sha1$known", "sha256": "known"}
    assert left.files.object_of(found)["basename"] == "renamed.txt"


def test_what_a_job_put_in_the_place_of_a_link_is_its_own(left: Left) -> None:
    left.stage(f"{left.outdir}/a.txt", {**left.source("a.txt", "abc"), "sha256": "old"})
    (left.out / "a.txt").unlink()
    left.write("a.txt", "new")
    (found,) = left.files.glob("a.txt")
    assert found.note is None
    assert left.files.location(found).endswith("/out/a.txt")


def test_a_file_in_an_input_directory_is_reached_through_a_link(left: Left) -> None:
    item = left.source("folder/inner/x", "12345")
    folder = {"class": "Directory", "location": item["location"].removesuffix("/inner/x"), "basename": "folder"}
    left.stage(f"{left.outdir}/folder", folder)
    (found,) = left.files.glob("folder/inner/*")
    assert left.files.location(found) == item["location"]
    assert found.size == 5


def test_a_mounted_input_is_read_where_it_comes_from(contained: Left) -> None:
    item = contained.source("a.txt", "abc")
    contained.stage("/var/spool/cwl/sub/b.txt", item)
    (found,) = contained.files.glob("sub/*")
    assert (found.size, contained.files.location(found)) == (3, item["location"])
    assert contained.files.hashes(found)["size"] == 3


def test_a_mounted_directory_is_listed_where_it_comes_from(contained: Left) -> None:
    item = contained.source("folder/x", "abc")
    folder = {"class": "Directory", "location": item["location"].removesuffix("/x"), "basename": "folder"}
    contained.stage("/var/spool/cwl/d", folder)
    (found,) = contained.files.glob("d/*")
    assert contained.files.location(found) == item["location"]


def test_a_writable_copy_in_a_container_is_the_job_s_own(contained: Left) -> None:
    contained.notes["/var/spool/cwl/a"] = contained.source("a", "old")
    contained.write("a", "changed")
    (found,) = contained.files.glob("a")
    assert found.note is None
    assert contained.files.hashes(found)["size"] == 7


def test_links_made_in_a_container_hold_paths_of_the_container(contained: Left) -> None:
    item = contained.source("a.txt", "abc")
    contained.notes["/in/0/a.txt"] = item
    contained.write("real", "xy")
    (contained.out / "to_input").symlink_to("/in/0/a.txt")
    (contained.out / "to_output").symlink_to("/var/spool/cwl/real")
    first, second = contained.files.glob("to_*")
    assert contained.files.location(first) == item["location"]
    assert (second.size, contained.files.location(second)) == (
        2,
        contained.files.location(contained.files.glob("real")[0]),
    )


def test_a_file_changed_in_place_is_hashed_again(left: Left) -> None:
    item = {**left.source("a", "changed"), "size": 3, "checksum": "sha1$old", "sha256": "old"}
    left.inplace_update = True
    left.stage(f"{left.outdir}/a", item, writable=True, in_place=True)
    (found,) = left.files.glob("a")
    assert left.files.location(found) == item["location"]
    assert left.files.hashes(found)["size"] == 7


def test_links_that_lead_to_nothing_or_go_round_are_nothing(left: Left) -> None:
    (left.out / "a").symlink_to("b")
    (left.out / "b").symlink_to("a")
    (left.out / "c").symlink_to("none")
    assert left.files.glob("*") == []


def test_devices_and_pipes_are_no_outputs(left: Left) -> None:
    os.mkfifo(left.out / "pipe")
    left.write("file")
    assert paths(left, "*") == ["file"]


def test_a_plain_directory_keeps_its_location_and_is_known_by_its_content(left: Left) -> None:
    left.write("d/x", "1")
    left.write("d/sub/y", "2")
    left.write("e/x", "1")
    left.write("e/sub/y", "2")
    left.write("f/x", "1")
    d, e, f = (left.files.whole(found) for found in left.files.glob("*"))
    assert d["location"].endswith("/out/d")
    assert "listing" not in d
    assert d["sha256"] == e["sha256"] != f["sha256"]


def test_a_directory_with_links_becomes_a_literal_of_what_they_lead_to(left: Left) -> None:
    item = left.source("in.txt", "abc")
    left.stage(f"{left.outdir}/d/in.txt", item)
    left.write("d/own", "x")
    (found,) = left.files.glob("d")
    whole = left.files.whole(found)
    assert "location" not in whole
    assert [(member["basename"], member["size"]) for member in whole["listing"]] == [("in.txt", 3), ("own", 1)]
    assert whole["listing"][0]["location"] == item["location"]


def test_a_directory_with_a_link_out_is_an_error(left: Left) -> None:
    left.write("d/own", "x")
    (left.out / "d" / "passwd").symlink_to("/etc/passwd")
    (found,) = left.files.glob("d")
    with pytest.raises(OutputInvalid, match="link 'd/passwd'"):
        left.files.whole(found)


def test_a_directory_that_contains_itself_is_an_error(left: Left) -> None:
    left.write("d/own", "x")
    (left.out / "d" / "again").symlink_to("../d")
    (found,) = left.files.glob("d")
    with pytest.raises(OutputInvalid, match="contains itself"):
        left.files.whole(found)


@pytest.mark.parametrize("name", ["a b", "it's", "new\nline", "#1?", "%41", "\udcff\udc81"])
def test_locations_of_odd_names_lead_back_to_the_file(left: Left, name: str) -> None:
    from recrate.core.uris import to_path

    left.write(name, "x")
    (found,) = left.files.glob("*")
    location = left.files.location(found)
    assert location.isascii()
    assert to_path(location) == str(left.out / name)


def test_the_root_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    left = Left(tmp_path / "alias")
    left.write("a", "x")
    (left.out / "b").symlink_to("a")
    assert paths(left, "*") == ["a", "b"]
