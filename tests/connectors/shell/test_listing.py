"""Directories listed together are told apart, and those of which one program does not tell all are left to another."""

from __future__ import annotations

import subprocess
from pathlib import Path

from recrate.connectors.base import Entry, EntryKind
from recrate.connectors.kit import ODD_NAMES
from recrate.connectors.shell.listing import list_all_text, parse_all


def listed(*directories: Path) -> dict[str, list[Entry]]:
    program = list_all_text([str(each) for each in directories])
    printed = subprocess.run(["sh", "-c", program], capture_output=True, check=True).stdout
    return {path: sorted(found, key=lambda entry: entry.path) for path, found in parse_all(printed).items()}


def test_each_has_its_own_entries_whatever_their_names(tmp_path: Path) -> None:
    for name in ODD_NAMES:
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / name).write_bytes(b"12345")
    found = listed(*(tmp_path / name for name in ODD_NAMES))
    assert found == {
        str(tmp_path / name): [Entry("sub", EntryKind.DIRECTORY), Entry(f"sub/{name}", EntryKind.FILE, 5)]
        for name in ODD_NAMES
    }


def test_an_empty_one_is_not_one_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert listed(tmp_path / "empty", tmp_path / "missing") == {str(tmp_path / "empty"): []}
    assert listed(tmp_path / "missing") == {}


def test_one_with_a_link_in_it_or_that_is_a_link_is_left_out(tmp_path: Path) -> None:
    for name in ("plain", "linked"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked" / "to").symlink_to(tmp_path / "plain")
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    assert list(listed(tmp_path / "plain", tmp_path / "linked", tmp_path / "link")) == [str(tmp_path / "plain")]
