"""`validate`, `plan`, `schema` and `run` with binding files, and a connector that another package brings along."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from recrate.core.binding import Binding, Deployment, StepBinding, Target

from ..elsewhere.program import installed, recrate, write_file

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
inputs: {word: {type: string, inputBinding: {}}}
outputs: {o: stdout}
baseCommand: echo
stdout: said.txt
"""


@dataclass
class Desk:
    """A directory with a tool, its inputs, and a place for it."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "tool.cwl").write_text(TOOL)
        (self.folder / "inputs.yml").write_text("word: hello\n")

    def file(self, target: str = "east", **more: object) -> Path:
        east = Deployment("east", "elsewhere", {"root": str(self.folder / "east")}, str(self.folder / "east/work"))
        binding = Binding(deployments={"east": east}, steps=(StepBinding("/", (Target(target),)),))
        return write_file(self.folder / "binding.yml", binding, "tool.cwl", "inputs.yml", **more)

    def do(self, *words: str, store: str | None = "store.db") -> tuple[int, str, str]:
        environment = installed(self.folder / "installed") | {
            "RECRATE_STORE": str(self.folder / store) if store else ""
        }
        done = recrate(environment, *words, cwd=self.folder)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_run_takes_workflow_inputs_and_places_from_the_file(desk: Desk) -> None:
    desk.file()
    code, out, _ = desk.do("run", "binding.yml", "--json", "--outdir", "out", "--work", "work")
    assert code == 0
    assert Path(json.loads(out)["outputs"]["o"]["path"]).read_text() == "hello\n"
    code, out, _ = desk.do("show", "last")
    assert "moved from" in out and "east" in out
    assert "east" in desk.do("show", json.loads(desk.do("show", "last", "--json")[1])["transfers"][0]["run_id"])[1]


def test_another_workflow_runs_on_the_places_of_a_file(desk: Desk) -> None:
    desk.file()
    words = ["--set", "word=you", "--outdir", "out", "--work", "work", "--json"]
    code, out, _ = desk.do("run", "--on", "binding.yml", "tool.cwl", *words)
    assert code == 0 and Path(json.loads(out)["outputs"]["o"]["path"]).read_text() == "you\n"


def test_what_the_file_says_of_retries_and_store_is_taken(desk: Desk) -> None:
    desk.file(recrate={"retries": 2, "store": "mine.db"})
    assert desk.do("run", "binding.yml", "-q", "--outdir", "out", "--work", "work")[0] == 0
    assert not (desk.folder / "mine.db").exists()  # RECRATE_STORE is the user's own word
    code, _, said = desk.do("run", "binding.yml", "-q", "--outdir", "out", "--work", "work", store=None)
    assert code == 0 and (desk.folder / "mine.db").exists() and "mine.db" in said
    code, out, _ = desk.do("show", "last", "--json", "--store", "mine.db")
    assert json.loads(json.loads(out)["row"]["options"])["retries"] == 2


def test_validate_finds_what_is_wrong_and_asks_nobody(desk: Desk) -> None:
    desk.file()
    code, out, _ = desk.do("validate", "binding.yml")
    assert code == 0 and "valid binding file: 1 workflow, 1 deployment" in out
    assert not (desk.folder / "east/work").exists()
    desk.file("nowhere")
    code, _, words = desk.do("validate", "binding.yml")
    assert code == 1 and "no deployment is called 'nowhere'" in words and "binding.yml:1:" in words


def test_a_binding_that_matches_nothing_is_a_warning(desk: Desk) -> None:
    path = desk.file()
    said = json.loads(path.read_text())
    said["workflows"]["main"]["bindings"].append({"step": "/gone", "target": {"deployment": "east"}})
    path.write_text(json.dumps(said))
    code, _, words = desk.do("validate", "binding.yml")
    assert code == 0 and "nothing in it is called /gone" in words


def test_plan_says_what_would_be_done(desk: Desk) -> None:
    desk.file()
    code, out, _ = desk.do("plan", "binding.yml")
    assert code == 0 and "it can run there" in out
    (desk.folder / "east" / "down").touch()
    code, out, _ = desk.do("plan", "binding.yml", "--json")
    assert code == 1 and not json.loads(out)["main"]["ok"]


def test_the_schema_is_json_and_names_the_types(desk: Desk) -> None:
    code, out, _ = desk.do("schema")
    assert code == 0 and {"ssh", "slurm", "docker"} <= set(json.loads(out)["$defs"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "missing.yml"], "missing.yml"),
        (["run", "--on", "missing.yml", "tool.cwl"], "missing.yml"),
        (["run", "--on", "binding.yml#other", "tool.cwl"], "has no workflow 'other'"),
        (["run", "--on", "binding.yml", "binding.yml"], "is a binding file itself"),
    ],
)
def test_bad_calls_are_one_line(desk: Desk, words: Sequence[str], expected: str) -> None:
    desk.file()
    code, _, said = desk.do(*words)
    assert code != 0 and expected in said and len(said.strip().splitlines()) == 1
