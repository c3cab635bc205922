"""Where files lie in a crate: readable names, one for each content, that every file system takes."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.crates.export.jsonld import path_id
from recrate.crates.export.names import FileKey, FileNames, safe_name
from recrate.crates.safety import leads_out

A, B = "a" * 64, "b" * 64


def key(basename: str, content: str = A, kind: str = "FILE") -> FileKey:
    return FileKey(kind, content, basename)


def test_files_of_the_run_keep_their_names() -> None:
    names = FileNames()
    names.give("inputs", [key("reads.fastq")])
    names.give("outputs", [key("report.txt", B)])
    assert names.id(key("reads.fastq")) == "inputs/reads.fastq"
    assert names.id(key("report.txt", B)) == "outputs/report.txt"


def test_what_is_given_and_returned_is_one_file() -> None:
    names = FileNames()
    names.give("outputs", [key("data.csv")])
    names.give("inputs", [key("data.csv")])
    assert names.id(key("data.csv")) == "outputs/data.csv"


@pytest.mark.parametrize(
    "one, other", [("a.txt", "a.txt"), ("a.txt", "A.TXT"), ("é.txt", "é.txt"), ("ﬁ.txt", "fi.txt")]
)
def test_names_that_a_file_system_folds_together_get_folders_of_their_own(one: str, other: str) -> None:
    names = FileNames()
    names.give("outputs", [key(one, A), key(other, B)])
    first, second = names.path(key(one, A)), names.path(key(other, B))
    assert first.count("/") == 1 and second.count("/") == 2


def test_a_file_between_steps_is_below_intermediate() -> None:
    path = FileNames().path(key("x.bam"))
    assert path.startswith("intermediate/") and path.endswith("/x.bam")


def test_equal_contents_of_different_names_are_different_files() -> None:
    names = FileNames()
    assert names.path(key("x.txt")) != names.path(key("y.txt"))


def test_a_folder_ends_in_a_slash() -> None:
    assert FileNames().id(key("d", kind="DIRECTORY")).endswith("/d/")


def test_what_is_not_in_the_crate_is_named_by_its_hash() -> None:
    names = FileNames()
    names.lack(key("x.txt"))
    assert names.id(key("x.txt")) == f"ni:///sha-256;{'qqqq' * 10}qqo?name=x.txt"
    assert names.id(key("y.txt")).startswith("intermediate/")


@pytest.mark.parametrize(
    "name, safe",
    [
        ("a b.txt", "a b.txt"),
        ("données.csv", "données.csv"),
        ("a:b?c*.txt", "a_b_c_.txt"),
        ("new\nline", "new_line"),
        ("con.txt", "_con.txt"),
        ("trailing. ", "trailing"),
        ("..", "_"),
        ("", "_"),
    ],
)
def test_a_name_is_kept_where_it_can_be(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text(max_size=300), st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_any_name_gives_a_path_that_stays_in_the_crate(name: str, content: str) -> None:
    names = FileNames()
    names.give("inputs", [key(name, content)])
    path = names.path(key(name, content))
    folder, last = path.rsplit("/", 1)
    assert folder == "inputs" and last not in ("", ".", "..") and last == last.rstrip(" .")
    assert leads_out(path) is None and len(last.encode()) <= 255 and last.isprintable()
    assert unquote(path_id(path)) == path
