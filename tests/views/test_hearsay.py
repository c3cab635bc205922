"""Rows that came with somebody else's crate: odd ones break nothing, and lead to no file of this machine."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import pytest
from storebed.samples import WORKFLOW, Sample

from recrate.provenance.queries import AttemptDetail
from recrate.provenance.rows import AttemptRow, DeploymentRow, LocationRow
from recrate.provenance.states import AttemptState
from recrate.provenance.store import Store, open_store
from recrate.redaction import Redactor
from recrate.views.logs import log_path, shown, tail
from recrate.views.report import report


@pytest.fixture
def made_up(tmp_path: Path) -> Any:
    with open_store(str(tmp_path / "made-up.db")) as store:
        yield store, Sample.stored_in(store)


@pytest.mark.parametrize(
    "structure",
    [
        None, "null", "[]", "{}",
        '{"kind": "workflow"}', '{"kind": "workflow", "inputs": [], "steps": 3, "outputs": {}}',
        '{"kind": "workflow", "inputs": [], "outputs": {}, "steps": {"a": {"body": null}}}', "not JSON", "[" * 100_000,
    ],
)  # fmt: skip
def test_a_structure_that_is_none_of_ours_is_not_drawn(made_up: tuple[Store, Sample], structure: str | None) -> None:
    store, sample = made_up
    store.database.execute("UPDATE workflow SET structure = ? WHERE id = ?", (structure, WORKFLOW))
    page = "".join(report(store.database, sample.run))
    assert "How the steps are linked is not on record" in page
    assert "/count[1]" in page


@pytest.mark.parametrize(
    "column, value", [("options", "not JSON"), ("options", "[]"), ("command_line", "x"), ("command_line", "{}")]
)
def test_odd_texts_of_a_run_are_shown_or_left_out(made_up: tuple[Store, Sample], column: str, value: str) -> None:
    store, sample = made_up
    store.database.execute(f"UPDATE run SET {column} = ? WHERE id = ?", (value, sample.run))
    assert "About this run" in "".join(report(store.database, sample.run))


def attempt(
    directory: str, stderr: str, *, token: str = "secret", host: str | None = None, kind: str = "local"
) -> AttemptDetail:
    row = AttemptRow(
        id="a", job_id="j", number=1, state=AttemptState.FAILED, location_id="l", work_directory=directory, token=token,
        stderr=stderr,
    )  # fmt: skip
    return AttemptDetail(
        row=row,
        argv=None,
        environment={},
        image=None,
        location=LocationRow(id="l", deployment_id="d", name="local", hostname=host or platform.node()),
        deployment=DeploymentRow(id="d", name="local", kind=kind, config="{}"),
    )


def test_a_log_of_an_attempt_of_this_store_is_read() -> None:
    assert log_path(attempt("/work/1", "/work/1/stderr"), "stderr") == "/work/1/stderr"
    assert log_path(attempt("/work/1", "/work/1/stderr"), "stdout") is None


@pytest.mark.parametrize(
    "detail",
    [
        attempt("/work/1", "/work/1/stderr", token=""),
        attempt("/work/1", "/work/1/stderr", host="elsewhere"),
        attempt("/work/1", "/work/1/stderr", kind="ssh"),
        attempt("/work/1", "/etc/passwd"),
        attempt("/work/1", "/work/1/../../etc/passwd"),
        attempt("/work/1", "/work/10/stderr"),
    ],
)
def test_no_other_file_is_taken_for_a_log(detail: AttemptDetail) -> None:
    assert log_path(detail, "stderr") is None


def test_the_last_lines_of_a_log_are_shown_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\nthe key is hunter2\r\n\x1b[31mred\xff\n")
    assert tail(str(path), 2, Redactor(frozenset(["hunter2"]))) == "the key is ***\n\ufffd[31mred\ufffd"
    assert tail(str(tmp_path / "none"), 2) == ""
    assert shown("  \n", 5, Redactor()) == ""
