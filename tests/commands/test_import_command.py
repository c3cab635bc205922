"""`recrate import` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cratebed import foreign
from cratebed.building import archive, folder, head, zipped

from recrate.cli.main import main


def store_of(tmp_path: Path) -> list[str]:
    return ["--store", str(tmp_path / "data" / "store.db")]


def test_it_says_what_came_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crate = foreign.sapporo(tmp_path / "crate")
    assert main(["import", str(crate), *store_of(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "state          failed" in shown and "made by        cwltool 3.1.20240909164951" in shown
    assert main(["import", str(crate), *store_of(tmp_path)]) == 0
    assert "in the store already" in capsys.readouterr().out


def test_programs_are_told_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crate = zipped(foreign.galaxy(tmp_path / "crate"), tmp_path / "galaxy.crate.zip")
    assert main(["import", str(crate), "--json", *store_of(tmp_path)]) == 0
    (done,) = json.loads(capsys.readouterr().out)
    assert (done["state"], done["new"], done["crate"]["is_own"]) == ("completed", True, False)
    assert "https://w3id.org/ro/wfrun/workflow/0.1" in done["crate"]["profiles"]
    assert main(["runs", "--json", *store_of(tmp_path)]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["id"] == done["run"] and run["imported"] is True


def test_imported_runs_are_marked_in_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(foreign.nextflow(tmp_path / "crate")), *store_of(tmp_path)])
    capsys.readouterr()
    assert main(["runs", *store_of(tmp_path)]) == 0
    assert "a crate" in capsys.readouterr().out
    assert main(["show", "last", *store_of(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "imported from" in shown and "recrate 24" not in shown and "Nextflow 24.10.0" in shown
    assert main(["why", "last/SAY", *store_of(tmp_path)]) == 0
    assert main(["log", "last", "--at", "1", *store_of(tmp_path)]) == 1 + 1
    assert "another engine" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing-here", "text.txt"])
def test_what_is_no_crate_is_refused_in_one_line(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("x")
    assert main(["import", str(tmp_path / name), *store_of(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "Traceback" not in shown


def test_an_archive_is_not_used_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crate = zipped(foreign.galaxy(tmp_path / "crate"), tmp_path / "crate.zip")
    assert main(["import", str(crate), "--in-place", *store_of(tmp_path)]) == 1
    assert "unpack it first" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "crate"), "--in-place", *store_of(tmp_path)]) == 0
    assert not (tmp_path / "data" / "crates").exists()


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bomb = archive(tmp_path / "crate.zip", head(["zeros"]), {"zeros": bytes(96 << 20)})
    assert main(["import", str(bomb), *store_of(tmp_path)]) == 1
    assert "times its size" in capsys.readouterr().err
    assert not (tmp_path / "data" / "crates").exists()


def test_an_odd_path_of_a_crate_is_no_trouble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = [*head(), {"@id": "#a", "@type": "CreateAction"}]
    crate = folder(tmp_path / "a [red]crate\udcff", graph)
    assert main(["import", str(crate), *store_of(tmp_path)]) == 0
    assert "[red]crate?" in capsys.readouterr().out
