"""The example of a sweep: trained, measured, described, and trained again from its crate with the same result."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the example trains with scikit-learn, which is not installed")

VARIANTS = [{"hidden": 2, "rate": 0.01, "epochs": 5}, {"hidden": 8, "rate": 0.1, "epochs": 20}]


class Lab:
    """Runs `recrate` with a store of its own, and this Python as `python3`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (folder / "bin" / "python3").chmod(0o755)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "RECRATE_STORE": str(self.folder / "store.db"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "recrate", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def ml(request: pytest.FixtureRequest) -> Path:
    return Path(__file__).parents[2] / "examples" / "ml"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, ml: Path) -> Lab:
    """A laboratory in which two variants were trained, as run `first`."""
    lab = Lab(tmp_path_factory.mktemp("lab") / "one")
    table = {"class": "File", "location": (ml.parent / "penguins/data/penguins.csv").as_uri()}
    (lab.folder / "job.json").write_text(json.dumps({"table": table, "variants": VARIANTS}))
    lab("run", "-q", str(ml / "workflow.cwl"), "job.json", "--outdir", "out", "--name", "first")
    return lab


def test_the_larger_network_that_learns_longer_wins(lab: Lab) -> None:
    best, other = csv.DictReader((lab.folder / "out/leaderboard.csv").open())
    assert (best["hidden"], other["hidden"]) == ("8", "2")
    assert float(best["f1"]) > 0.95 > float(other["f1"])


def test_each_attempt_has_its_metrics(lab: Lab) -> None:
    lines = list(csv.DictReader(io.StringIO(lab("metrics", "first", "--format", "csv"))))
    losses = {job: [float(line["value"]) for line in lines if (line["job"], line["metric"]) == (job, "loss")]
              for job in ("/sweep[0]/fit", "/sweep[1]/fit")}  # fmt: skip
    assert [len(values) for values in losses.values()] == [5, 20]
    assert all(values[-1] < values[0] for values in losses.values())
    ranked = lab("metrics", "first", "--step", "sweep/judge", "--max", "f1").splitlines()
    assert ranked[0].split()[:3] == ["job", "variant.hidden", "variant.rate"]
    assert ranked[2].split()[0] == "/sweep[1]/judge"


def test_the_model_has_a_card(lab: Lab) -> None:
    lab("model-card", "out/best.npz", "-o", "card.md")
    card = (lab.folder / "card.md").read_text()
    assert "job /sweep\\[1\\]/fit of run first" in card and "| variant.hidden | `8` |" in card
    assert "| table | penguins.csv |" in card and "/sweep\\[1\\]/judge of run first" in card


def test_the_crate_gives_the_same_model_elsewhere(lab: Lab, tmp_path: Path) -> None:
    lab("export", "first", "-o", "first.crate.zip")
    other = Lab(tmp_path / "two")
    said = other("rerun", str(lab.folder / "first.crate.zip"), "--rtol", "1e-6")
    assert "identical" in said or "equivalent" in said
    assert len(json.loads(other("metrics", "last", "--format", "json"))) == 4
