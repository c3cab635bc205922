"""The examples run from beginning to end, and give what their descriptions say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LIMIT_SECONDS = 180


@dataclass(frozen=True)
class Runner:
    """Runs `recrate cwl` with a store of its own."""

    directory: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        outdir = self.directory / "results"
        environment = {**os.environ, "RECRATE_STORE": str(self.directory / "store.db"), "HOME": str(self.directory)}
        return subprocess.run(
            [sys.executable, "-m", "recrate", "cwl", "--outdir", str(outdir), *map(str, arguments)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def outputs(self, *arguments: str | Path) -> dict[str, Any]:
        """Return the outputs object of a run that completes."""
        ended = self(*arguments)
        assert ended.returncode == 0, ended.stderr
        outputs: dict[str, Any] = json.loads(ended.stdout)
        return outputs


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def small_job(penguins: Path, directory: Path, **changes: Any) -> Path:
    """Write a job of two configurations and two folds."""
    job = directory / "job.json"
    configurations = [
        {"name": "bayes", "kind": "bayes"},
        {"name": "tree", "kind": "tree", "depth": 1},
    ]
    table = {"class": "File", "location": (penguins / "data/penguins.csv").as_uri()}
    values = {"table": table, "folds": 2, "configurations": configurations, **changes}
    job.write_text(json.dumps(values), encoding="utf-8")
    return job


def test_the_experiment_finds_the_same_best_model_as_the_picture_in_the_docs(runner: Runner, penguins: Path) -> None:
    outputs = runner.outputs(penguins / "workflow.cwl", penguins / "job.yml")
    assert outputs["best"]["name"] == "1 neighbour"
    assert outputs["accuracy"] == pytest.approx(0.988406)
    drawn = Path(outputs["figure"]["path"]).read_text(encoding="utf-8")
    assert drawn == (penguins.parents[1] / "docs/images/accuracy.svg").read_text(encoding="utf-8")
    rows = Path(outputs["results"]["path"]).read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 8 * 5
    model = json.loads(Path(outputs["model"]["path"]).read_text(encoding="utf-8"))
    assert len(model["classifier"]["points"]) == 342
    report = Path(outputs["report"]["path"]).read_text(encoding="utf-8").splitlines()
    assert report[1].split() == ["1", "neighbour", "0.9884", "0.9858", "5"]


def test_two_runs_of_the_experiment_give_the_same_bytes(tmp_path: Path, penguins: Path) -> None:
    digests = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        outputs = Runner(directory).outputs(penguins / "workflow.cwl", small_job(penguins, directory))
        digests.append(
            {name: file["checksum"] for name, file in outputs.items() if isinstance(file, dict) and "checksum" in file}
        )
    assert digests[0] == digests[1]
    assert len(digests[0]) == 5


def test_no_final_model_is_trained_when_none_is_good_enough(runner: Runner, penguins: Path, tmp_path: Path) -> None:
    outputs = runner.outputs(penguins / "workflow.cwl", small_job(penguins, tmp_path, good_enough=0.99))
    assert outputs["model"] is None
    assert outputs["best"]["name"] == "bayes"


def test_a_configuration_of_an_unknown_kind_is_refused_before_anything_runs(
    runner: Runner, penguins: Path, tmp_path: Path
) -> None:
    job = small_job(penguins, tmp_path, configurations=[{"name": "x", "kind": "forest"}])
    ended = runner(penguins / "workflow.cwl", job)
    assert ended.returncode != 0
    assert "configurations" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_greeting(runner: Runner, examples: Path) -> None:
    outputs = runner.outputs(examples / "hello.cwl", "--name", "Ada")
    assert Path(outputs["greeting"]["path"]).read_text() == "Hello Ada\n"


def test_words_of_several_texts_are_counted(runner: Runner, examples: Path) -> None:
    outputs = runner.outputs(examples / "words/workflow.cwl", examples / "words/job.yml")
    assert [file["basename"] for file in outputs["counts"]] == ["adelie.counts", "chinstrap.counts", "gentoo.counts"]
    assert Path(outputs["frequent"]["path"]).read_text().splitlines()[:2] == ["21 the", "11 of"]


def test_the_failing_example_fails_with_the_words_of_its_job(runner: Runner, examples: Path) -> None:
    ended = runner(examples / "failing/workflow.cwl")
    assert ended.returncode == 1
    assert "cannot divide 100 by 0" in ended.stderr


def test_running_the_examples_leaves_nothing_beside_them(tmp_path: Path, examples: Path) -> None:
    copy = tmp_path / "examples"
    shutil.copytree(examples, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(copy.rglob("*"))
    penguins = copy / "penguins"
    Runner(tmp_path).outputs(penguins / "workflow.cwl", small_job(penguins, tmp_path))
    assert sorted(copy.rglob("*")) == before
