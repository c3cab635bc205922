"""A crate is run again on other places than the run had: which is said beforehand, and so is what these lack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cratebed.commands import Recrate


def tool(script: str, **resources: Any) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "requirements": {"ResourceRequirement": resources, "InlineJavascriptRequirement": {}},
        "baseCommand": ["sh", "-c", script],
        "inputs": {"word": {"type": "string", "inputBinding": {}}, "amount": "int?"},
        "outputs": {"out": "stdout"},
        "stdout": "out.txt",
    }


def binding(tmp_path: Path, name: str, *deployments: str, step: str | None = None) -> str:
    bindings = [{"step": "/", "target": {"deployment": step}}] if step else []
    workflows = {"main": {"type": "cwl", "config": {"file": "tool.cwl"}, "bindings": bindings}}
    described = {each: {"type": "local", "workdir": str(tmp_path / each), "config": {}} for each in deployments}
    (tmp_path / name).write_text(json.dumps({"version": "v1.0", "workflows": workflows, "deployments": described}))
    return name


def crate(recrate: Recrate, tmp_path: Path, document: Any, *words: str) -> str:
    (tmp_path / "tool.cwl").write_text(json.dumps(document))
    recrate("run", "-q", "--on", binding(tmp_path, "a.yml", "boxa", step="boxa"), "tool.cwl", "--set", "word=x", *words)
    recrate("export", "last", "-o", "crate.zip")
    return "crate.zip"


def places_of(recrate: Recrate, run: str, store: str) -> list[str]:
    found = json.loads(recrate("show", run, "--json", store=store).stdout)
    return [attempt["location"]["name"] for job in found["jobs"] for attempt in job["attempts"]]


def test_a_place_is_what_it_is_mapped_to(recrate: Recrate, tmp_path: Path) -> None:
    path = crate(recrate, tmp_path, tool('echo "$0"'))
    on = binding(tmp_path, "b.yml", "boxb", "boxc")
    done = recrate("rerun", path, "--on", on, "--map", "boxa=boxb", "--json", store="two")
    assert json.loads(done.stdout)["verdict"] == "identical" and done.stderr == ""
    assert (tmp_path / "boxb").exists() and not (tmp_path / "boxc").exists()


def test_a_place_that_nothing_is_mapped_to_is_said_and_the_step_runs_here(recrate: Recrate, tmp_path: Path) -> None:
    path = crate(recrate, tmp_path, tool('echo "$0"'))
    on = binding(tmp_path, "b.yml", "boxb")
    done = recrate("rerun", path, "--on", on, "-q", store="two")
    assert done.stderr == "" and not (tmp_path / "boxb").exists(), "a deployment that is this machine is no other place"


def test_a_run_of_the_store_runs_where_it_did(recrate: Recrate, tmp_path: Path) -> None:
    crate(recrate, tmp_path, tool('echo "$0"'))
    before = len(list((tmp_path / "boxa").iterdir()))
    recrate("rerun", "last", "-q")
    assert len(list((tmp_path / "boxa").iterdir())) == before + 1


def test_what_no_place_has_is_said_before_anything_runs(recrate: Recrate, tmp_path: Path) -> None:
    document = tool('echo "$0"', ramMin="$(inputs.amount || 16)")
    path = crate(recrate, tmp_path, document)
    given = ("--set", "amount=900000000", "--outdir", "again")
    said = recrate("rerun", path, *given, code=33, store="two").stderr
    assert "step / cannot run: local: the job asks for 900000000 MiB of memory" in said
    assert not (tmp_path / "again").exists()


def test_fewer_cores_are_said(recrate: Recrate, tmp_path: Path) -> None:
    path = crate(recrate, tmp_path, tool('echo "$0"', coresMin=500))
    done = recrate("rerun", path, "-q", store="two")
    assert "of the 500 cores that the job asks for" in done.stderr


@pytest.mark.parametrize("word", ["boxx=boxb", "boxa=boxx"])
def test_a_name_that_is_wrong_ends_it_before_anything_runs(recrate: Recrate, tmp_path: Path, word: str) -> None:
    path = crate(recrate, tmp_path, tool('echo "$0"'))
    on = binding(tmp_path, "b.yml", "boxb")
    said = recrate("rerun", path, "--on", on, "--map", word, "--outdir", "again", code=2, store="two").stderr
    assert "boxx" in said and not (tmp_path / "again").exists()


def test_packages_that_a_step_needs_are_named(recrate: Recrate, tmp_path: Path) -> None:
    document = tool('echo "$0"')
    document["hints"] = {"SoftwareRequirement": {"packages": {"samtools": {"version": ["1.9"]}}}}
    done = recrate("rerun", crate(recrate, tmp_path, document), "-q", store="two")
    assert "needs samtools 1.9 on its place" in done.stderr
