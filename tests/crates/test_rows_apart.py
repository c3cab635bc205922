"""Another process makes the lines of a run, the same ones; when it cannot, they are made here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storebed.samples import Sample

from recrate.crates import rows_apart
from recrate.crates.rows import row_lines
from recrate.crates.rows_apart import RowsApart
from recrate.provenance.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "a st\u00f6re\n.db")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_apart, "has_second_core", lambda: True)
    monkeypatch.setattr(rows_apart, "FEW_JOBS", 0)


@pytest.fixture
def never_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the lines come from the other process, or fail."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("the lines were made here")

    monkeypatch.setattr(rows_apart, "row_lines", refuse)


def lines(store: Store, run_id: str) -> bytes:
    with RowsApart(store, run_id) as apart:
        apart.begin()
        return b"".join(apart.lines(store.database))


@pytest.mark.usefixtures("never_here")
def test_another_process_makes_the_same_lines(store: Store, sample: Sample) -> None:
    assert lines(store, sample.run) == b"".join(row_lines(store.database, sample.run))


@pytest.mark.usefixtures("never_here")
def test_it_masks_the_same_secrets(store: Store, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRATE_SECRETS", "PASSWORD")
    monkeypatch.setenv("PASSWORD", "s3cr\u00e9t-word")
    store.database.execute("UPDATE attempt SET argv = ?", ('["login","s3cr\u00e9t-word"]',))
    made = lines(store, sample.run)
    assert b"s3cr" not in made and b"***" in made


@pytest.mark.usefixtures("never_here")
def test_it_imports_nothing_from_where_the_command_was_given(
    store: Store, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("json.py", "recrate.py", "sqlite3.py"):
        (tmp_path / name).write_text("raise SystemExit('a stranger is imported')\n")
    assert lines(store, sample.run)


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python", ""])
def test_when_it_fails_the_lines_are_made_here(
    store: Store, sample: Sample, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    assert lines(store, sample.run) == b"".join(row_lines(store.database, sample.run))


@pytest.mark.parametrize(("limit", "value"), [("has_second_core", lambda: False), ("FEW_JOBS", 200)])
def test_without_a_second_core_and_for_few_jobs_there_is_no_other_process(
    store: Store, sample: Sample, limit: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_apart, limit, value)
    monkeypatch.setattr(rows_apart, "begin", lambda *_: pytest.fail("a process was started"))
    assert lines(store, sample.run) == b"".join(row_lines(store.database, sample.run))
