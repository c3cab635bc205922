"""`python -m benchmarks`: one command for a whole sitting."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks.engines.base import Missing, Venv
from benchmarks.engines.recrate import command_of

ROOT = Path(__file__).parents[2]


def test_a_sitting_prints_its_table_and_keeps_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(command, "LATEST", tmp_path / "results" / "latest.json")
    options = ["--quick", "--only", "steps", "--engines", "recrate,xargs", "--scratch", str(tmp_path)]
    assert command.main(options) == 0
    printed = capsys.readouterr().out
    assert "| 3 trivial steps, new document |" in printed
    assert "xargs -P2: " in printed
    (kept,) = (tmp_path / "results").iterdir()
    assert json.loads(kept.read_text())["cases"][0]["entries"]["recrate"]["skipped"] is None
    assert kept.name != "latest.json", "a part of a sitting is not what the docs are made of"


def test_it_runs_from_the_root_of_the_repository() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "scatter-1000" in listed and "cwltool-provenance" in listed


@pytest.mark.parametrize("option, said", [("--only", "no such question"), ("--engines", "no such engine")])
def test_a_name_that_is_not_there_is_refused(option: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([option, "nonesuch"]) == 2
    assert said in capsys.readouterr().err


def test_a_peer_that_cannot_be_installed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(Missing, match="No matching distribution"):
        Venv(tmp_path / "venv", "no-such-peer==1").make_ready()


def test_the_name_of_what_is_installed() -> None:
    assert [Venv(Path("x"), text).distribution for text in ("toil[cwl]", "streamflow==0.2", "cwltool")] == [
        "toil", "streamflow", "cwltool",
    ]  # fmt: skip


def test_paths_hold_wherever_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "venv").mkdir()
    options = command.parser().parse_args(["--recrate", "venv", "--scratch", "s", "--peers", "p"])
    assert (options.scratch, options.peers) == (tmp_path / "s", tmp_path / "p")
    assert command_of(options.recrate) == f"{tmp_path}/venv/bin/recrate"
