"""Jobs of a run that is carried out again have the umask, variables, locale and time zone that the run had."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from cratebed.commands import Recrate

from recrate.core import surroundings

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "requirements": {"EnvVarRequirement": {"envDef": {"SEED": "7"}}},
    "baseCommand": [
        "sh",
        "-c",
        'env | grep -e SEED -e LANG -e LC_; touch made; ls -l made | cut -c1-10; echo "$(date +%z) $TZ"',
    ],
    "inputs": {},
    "outputs": {"out": "stdout"},
    "stdout": "out.txt",
}


@pytest.fixture
def crate(recrate: Recrate, tmp_path: Path) -> str:
    (tmp_path / "tool.cwl").write_text(json.dumps(TOOL))
    with surroundings.as_before(surroundings.Surroundings("027", None)):
        recrate("run", "-q", "tool.cwl")
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


def in_zone(recrate: Recrate, crate: str, folder: Path, zone: str) -> None:
    """Import a crate of a run that says to have been made in a time zone."""
    recrate("import", crate, store="two")
    (path,) = (folder / "stores" / "two").rglob("*.db")
    with sqlite3.connect(path) as store:
        store.execute("UPDATE run SET options = json_set(options, '$.surroundings.\"time zone\"', ?)", (zone,))


@pytest.mark.skipif(not Path(surroundings.ZONES, "Asia/Tokyo").exists(), reason="this machine has no tz database")
def test_jobs_are_told_the_time_zone_that_the_run_had(recrate: Recrate, crate: str, tmp_path: Path) -> None:
    in_zone(recrate, crate, tmp_path, "Asia/Tokyo")
    done = recrate("rerun", "last", "--outdir", "again", store="two", code=1)
    assert "in the time zone Asia/Tokyo: jobs are told so" in done.stderr
    assert (tmp_path / "again" / "out.txt").read_text().splitlines()[-1] == "+0900 Asia/Tokyo"
    recrate("export", "last", "-o", "again.zip", store="two")
    done = recrate("rerun", "again.zip", "--outdir", "third", store="three")
    assert "identical" in done.stdout and "Asia/Tokyo" in done.stderr


def test_a_time_zone_that_is_not_known_here_is_said(recrate: Recrate, crate: str, tmp_path: Path) -> None:
    in_zone(recrate, crate, tmp_path, "Mars/Olympus")
    done = recrate("rerun", "last", store="two")
    assert (
        "in the time zone Mars/Olympus, which this machine does not know" in done.stderr and "identical" in done.stdout
    )


@pytest.mark.parametrize("told", [{"umask": "99", "time zone": "../../etc/passwd"}, {"umask": 5, "time zone": ":x"}])
def test_what_others_wrote_is_taken_only_when_it_can_be(told: dict[str, object]) -> None:
    assert surroundings.Surroundings.of_json(told) == surroundings.Surroundings(None, None)


def test_elsewhere_jobs_have_them_only_when_those_of_the_run_were_all_here() -> None:
    known = surroundings.Surroundings("027", "Asia/Tokyo")
    assert (known.umask_of_jobs(here=False), known.zone_of_jobs(here=False)) == (None, None)
    known = replace(known, everywhere=True)
    assert (known.umask_of_jobs(here=False), known.zone_of_jobs(here=False)) == ("027", "Asia/Tokyo")
    assert known.umask_of_jobs(here=True) is None
    assert surroundings.Surroundings.of_json(known.as_json()) == known
