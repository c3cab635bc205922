"""Crates of others are run again as far as they carry what is needed; what they lack is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cratebed import foreign
from cratebed.building import archive, folder, head, ref
from cratebed.commands import Recrate
from cratebed.foreign import entity, parameter, workflow


def tool(name: str, script: str, stdout: str = "out.txt", **inputs: Any) -> dict[str, Any]:
    return {
        "id": f"#{name}", "class": "CommandLineTool", "baseCommand": ["sh", "-c", script],
        "inputs": [{"id": f"#{name}/{port}", **said} for port, said in inputs.items()],
        "outputs": [{"id": f"#{name}/out", "type": "stdout"}], "stdout": stdout,
    }  # fmt: skip


BOUND = {"inputBinding": {"position": 1}}
SAY = tool("say.cwl", 'echo "$0"', "said.txt", text={"type": "string", **BOUND})
PARTS = {"type": {"type": "array", "items": "File"}, **BOUND}
JOIN = tool("join.cwl", 'cat "$0" "$@"', "all.txt", parts=PARTS, n={"type": "int"})
MAIN = {
    "id": "#main",
    "class": "Workflow",
    "requirements": [{"class": "ScatterFeatureRequirement"}],
    "inputs": [
        {"id": "#main/words", "type": {"type": "array", "items": "string"}},
        {"id": "#main/n", "type": "int"},
    ],
    "outputs": [{"id": "#main/total", "type": "File", "outputSource": "#main/join/out"}],
    "steps": [
        {
            "id": "#main/say", "run": "#say.cwl", "scatter": "#main/say/text", "out": ["#main/say/out"],
            "in": [{"id": "#main/say/text", "source": "#main/words"}],
        },
        {
            "id": "#main/join", "run": "#join.cwl", "out": ["#main/join/out"],
            "in": [
                {"id": "#main/join/parts", "source": "#main/say/out"},
                {"id": "#main/join/n", "source": "#main/n"},
            ],
        },
    ],
}  # fmt: skip
PACKED = json.dumps({"cwlVersion": "v1.2", "$graph": [SAY, JOIN, MAIN]})
SCRIPT = {"cwlVersion": "v1.2", **tool("main", 'echo "$0"', word={"type": "string", **BOUND}, other={"type": "int?"})}


@pytest.mark.parametrize("make", [foreign.runcrate, foreign.runcrate_old, foreign.line_06])
def test_a_crate_of_runcrate_is_run_again(make: Any, recrate: Recrate, tmp_path: Path) -> None:
    make(tmp_path / "crate")
    (tmp_path / "crate" / "packed.cwl").write_text(PACKED)
    done = recrate("rerun", "crate", "--outdir", "again", "--json", code=1)
    found = json.loads(done.stdout)
    assert found["verdict"] == "identical" and found["intermediate"] == {"identical": 3}
    assert (tmp_path / "again" / "all.txt").read_text() == "a\nb\n"
    assert found["images"] == [
        f"step /say ran in another image: docker.io/library/debian:12 (sha256:{'ab' * 32}) -> none"
    ]
    assert "elsewhere" not in done.stderr


@pytest.mark.parametrize(
    "make", [foreign.wfexs, foreign.galaxy, foreign.nextflow, foreign.compss, foreign.snakemake, foreign.autosubmit]
)
def test_other_languages_need_their_own_engine(make: Any, recrate: Recrate, tmp_path: Path) -> None:
    make(tmp_path / "crate")
    said = recrate("rerun", "crate", code=33).stderr
    assert said.count("\n") == 1 and "its own engine is needed" in said


def test_inputs_that_a_crate_of_sapporo_does_not_tell_are_listed(recrate: Recrate, tmp_path: Path) -> None:
    foreign.sapporo(tmp_path / "crate")
    (tmp_path / "crate" / "exe" / "wf.cwl").write_text(PACKED)
    said = recrate("rerun", "crate", code=1).stderr
    assert "does not say what these inputs are: words, n" in said and said.count("\n") == 1
    recrate("rerun", "crate", "-q", "--set", 'words=["a"]', "--set", "n=1", "--outdir", "again", code=1)
    assert (tmp_path / "again" / "all.txt").read_text() == "a\n"


def test_files_that_a_crate_of_wfexs_refers_to_are_listed(recrate: Recrate, tmp_path: Path) -> None:
    foreign.wfexs(tmp_path / "crate")
    metadata = tmp_path / "crate" / "ro-crate-metadata.json"
    metadata.write_text(metadata.read_text().replace('"Nextflow"', '"Common Workflow Language"'))
    document = tool("main", 'cat "$0"', ref={"type": "File", **BOUND}, reads={"type": "File"})
    (tmp_path / "crate" / "main.nf").write_text(json.dumps({"cwlVersion": "v1.2", **document}))
    said = recrate("rerun", "crate", code=1).stderr
    assert "not to be had: reads.fq.gz of reads" in said and "ref" not in said.replace("reference", "")


def plain(make: Any, path: Path, name: str = "main.cwl", language: str = "Common Workflow Language") -> Path:
    """Make a Workflow RO-Crate that is about no run, as WorkflowHub has them."""
    graph = [
        *head([name], mainEntity=ref(name)),
        *workflow(name, language, input=[ref("#word")]),
        parameter("#word", "word", "Text"),
        entity("#test", "CreativeWork", name="nothing of a run"),
    ]
    return make(path, graph, {name: json.dumps(SCRIPT)})


@pytest.mark.parametrize("make", [folder, archive])
def test_a_workflow_alone_is_run_for_the_first_time(make: Any, recrate: Recrate, tmp_path: Path) -> None:
    path = plain(make, tmp_path / ("crate.zip" if make is archive else "crate"))
    said = recrate("rerun", str(path), code=1).stderr
    assert "does not say what these inputs are: word (give them with --set)" in said
    done = recrate("rerun", str(path), "--set", "word=hello", "--outdir", "out", "--json")
    assert json.loads(done.stdout)["state"] == "completed"
    assert (tmp_path / "out" / "out.txt").read_text() == "hello\n"


def test_a_workflow_alone_in_another_language_needs_its_engine(recrate: Recrate, tmp_path: Path) -> None:
    plain(folder, tmp_path / "crate", "Snakefile", "Snakemake")
    assert "is written in Snakemake" in recrate("rerun", "crate", code=33).stderr


def test_a_crate_that_holds_nothing_to_run_says_so(recrate: Recrate, tmp_path: Path) -> None:
    folder(tmp_path / "crate", head(["a.txt"]), {"a.txt": "a"})
    assert "neither a run nor a workflow" in recrate("rerun", "crate", code=1).stderr
