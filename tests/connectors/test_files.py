"""Directories of this machine, as they are looked into when a job has ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from recrate.connectors.files import SMALL_BYTES, SMALL_FILES, LocalTree, small_tree


def test_a_few_small_files_are_known_at_once(tmp_path: Path) -> None:
    for name in ("b", "a", "é", ".hidden"):
        (tmp_path / name).write_text(name)
    small, whole = small_tree(str(tmp_path)), LocalTree(str(tmp_path))
    assert small is not None
    assert small.list() == whole.list()
    for path in ("a", "é", "nothing", "", ".", "a/b", "./a", str(tmp_path / "b")):
        assert small.stat(path) == whole.stat(path), path
    assert small.read("a", 10) == b"a"


def test_what_is_asked_for_again_is_as_it_was_at_first(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    small = small_tree(str(tmp_path))
    assert small is not None
    (tmp_path / "b").touch()
    assert small.stat("b") is None
    assert [entry.path for entry in small.list()] == ["a"]


@pytest.mark.parametrize(
    "more",
    [
        lambda folder: (folder / "folder").mkdir(),
        lambda folder: (folder / "link").symlink_to("a"),
        lambda folder: os.mkfifo(folder / "pipe"),
        lambda folder: (folder / "large").write_bytes(bytes(SMALL_BYTES + 1)),
        lambda folder: [(folder / f"{number}").touch() for number in range(SMALL_FILES)],
    ],
    ids=["a directory", "a link", "a pipe", "a large file", "many files"],
)
def test_anything_else_is_no_small_tree(tmp_path: Path, more: Callable[[Path], None]) -> None:
    (tmp_path / "a").touch()
    assert small_tree(str(tmp_path)) is not None
    more(tmp_path)
    assert small_tree(str(tmp_path)) is None


def test_a_directory_that_is_not_there_is_no_small_tree(tmp_path: Path) -> None:
    assert small_tree(str(tmp_path / "nothing")) is None
