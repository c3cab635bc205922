"""A crate is run again in the images that it holds, with no registry; another image is said, and counts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cratebed.commands import Recrate
from testbed.containers import given

from .conftest import NAME, Having

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "requirements": {"DockerRequirement": {"dockerPull": NAME}},
    "baseCommand": ["sh", "-c", "cat /etc/note 2>/dev/null; echo same"],
    "inputs": {},
    "outputs": {"out": "stdout"},
    "stdout": "out.txt",
}


@pytest.fixture
def crate(recrate: Recrate, docker: Having, tmp_path: Path) -> Iterator[Path]:
    """Yield the crate of a run in an image, without the image."""
    (tmp_path / "tool.cwl").write_text(json.dumps(TOOL))
    with given(docker.engine):
        recrate("run", "-q", "--name", "first", "tool.cwl")
        recrate("export", "first", "-o", "crate")
        shutil.rmtree(tmp_path / "stores")
        yield tmp_path / "crate"
        docker.engine.run("tag", docker.image_id, NAME)


@pytest.fixture
def packed(recrate: Recrate, crate: Path) -> Path:
    """Return the crate with the image in it."""
    recrate("pack", "crate", "--images")
    return crate


def tag_another(docker: Having) -> None:
    """Call another image as the one of the run is called."""
    docker.engine.run("tag", docker.image_id, "kept:1")
    docker.engine.import_image(NAME, "debian")


def test_the_image_comes_out_of_the_crate(recrate: Recrate, packed: Path, docker: Having) -> None:
    docker.engine.run("rmi", "--force", docker.image_id)
    done = json.loads(recrate("rerun", "crate", "--json", store="two").stdout)
    assert done["verdict"] == "identical" and done["images"] == [] and docker.has()


def test_the_image_of_the_run_counts_and_not_what_is_called_so(recrate: Recrate, crate: Path, docker: Having) -> None:
    tag_another(docker)
    done = recrate("rerun", "crate", "--json", store="two")
    assert json.loads(done.stdout)["images"] == [] and "another" not in done.stderr


def test_another_image_is_said_before_and_counts_after(recrate: Recrate, crate: Path, docker: Having) -> None:
    kept = docker.engine.run("save", docker.image_id).stdout
    docker.engine.run("rmi", "--force", docker.image_id)
    docker.engine.import_image(NAME, "debian")
    try:
        done = recrate("rerun", "crate", code=1, store="two")
    finally:
        docker.engine.run("load", stdin=kept)
    assert "is another one than the run had" in done.stderr
    assert "step / ran in another image" in done.stdout and "identical" in done.stdout


def test_a_swapped_image_is_found_out_before_anything_runs(recrate: Recrate, packed: Path, tmp_path: Path) -> None:
    (archive,) = (packed / "images").iterdir()
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)
    said = recrate("rerun", "crate", "--outdir", "again", code=1, store="two").stderr
    assert "changed" in said and not (tmp_path / "again").exists()
