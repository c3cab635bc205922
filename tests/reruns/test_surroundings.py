"""Jobs of a run that is carried out again have the umask, variables and locale that the run had."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from cratebed.commands import Recrate

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "requirements": {"EnvVarRequirement": {"envDef": {"SEED": "7"}}},
    "baseCommand": [
        "sh",
        "-c",
        "env | grep -e SEED -e LANG -e LC_; touch made; ls -l made | cut -c1-10",
    ],
    "inputs": {},
    "outputs": {"out": "stdout"},
    "stdout": "out.txt",
}


@pytest.fixture
def crate(recrate: Recrate, tmp_path: Path) -> str:
    (tmp_path / "tool.cwl").write_text(json.dumps(TOOL))
    before = os.umask(0o027)
    try:
        recrate("run", "-q", "tool.cwl")
    finally:
        os.umask(before)
    recrate("export", "last", "-o", "crate.zip")
    return "crate.zip"


def test_umask_variables_and_locale_are_as_they_were(
    recrate: Recrate, crate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("SEED", "8")
    done = recrate("rerun", crate, "--outdir", "again", store="two")
    assert "identical" in done.stdout and "SEED=7" in (tmp_path / "again" / "out.txt").read_text()
    assert "-rw-r-----" in (tmp_path / "again" / "out.txt").read_text()


def test_another_time_zone_is_said(recrate: Recrate, crate: str, tmp_path: Path) -> None:
    recrate("import", crate, store="two")
    (path,) = (tmp_path / "stores" / "two").rglob("*.db")
    with sqlite3.connect(path) as store:
        store.execute("UPDATE run SET options = json_set(options, '$.surroundings.\"time zone\"', 'Asia/Tokyo')")
    assert "in the time zone Asia/Tokyo" in recrate("rerun", "last", "-q", store="two").stderr
