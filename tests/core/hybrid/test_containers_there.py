"""Jobs in containers on a machine behind SSH that reaches no registry: its apptainer gets the image from here, once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed import containers
from testbed.hosts import Hosts, make_hosts, or_skip
from testbed.newer_debian import newer_debian

TOOL = """
cwlVersion: v1.2
class: CommandLineTool
requirements:
  DockerRequirement: {dockerImageId: lab/bash, dockerImport: "%s"}
baseCommand: [sh, -c, 'hostname; cat "$0" | tr a-z A-Z; ls -d /.singularity.d']
inputs: {text: {type: File, inputBinding: {position: 1}}}
outputs: {out: {type: stdout}}
stdout: out.txt
"""
WORKFLOW = """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}}
inputs: {texts: "File[]"}
outputs: {all: {type: "File[]", outputSource: up/out}}
steps:
  up: {run: tool.cwl, scatter: text, in: {text: texts}, out: [out]}
"""
BINDING = """
version: v1.0
workflows:
  w:
    type: cwl
    config: {file: workflow.cwl, settings: inputs.yml}
    bindings: [{step: /up, target: {deployment: site}}]
deployments:
  site: {type: ssh, workdir: /scratch/work, config: {nodes: [host1], sshConfig: "%s"}}
"""


@pytest.fixture(scope="module")
def newer() -> Iterator[Hosts]:
    with or_skip(pytest.skip), make_hosts(bases={"host1": str(newer_debian())}) as hosts:
        hosts.start("host1")
        yield hosts


def run(folder: Path, hosts: Hosts) -> subprocess.CompletedProcess[str]:
    """Run a scatter over four files on the host."""
    (folder / "tool.cwl").write_text(TOOL % containers.image_archive("bash").as_uri())
    (folder / "workflow.cwl").write_text(WORKFLOW)
    (folder / "binding.yml").write_text(BINDING % hosts.ssh_config)
    for number in range(4):
        (folder / f"text {number}").write_text(f"hello {number}\n")
    texts = "".join(f"- {{class: File, path: 'text {number}'}}\n" for number in range(4))
    (folder / "inputs.yml").write_text(f"texts:\n{texts}")
    argv = [sys.executable, "-m", "recrate", "run", "binding.yml", "--store", "store.db", "--outdir", "out"]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def test_a_scatter_runs_in_containers_there_and_its_image_is_made_once(newer: Hosts, tmp_path: Path) -> None:
    ended = run(tmp_path, newer)
    assert ended.returncode == 0, ended.stderr
    found = sorted(path.read_text() for path in (tmp_path / "out").iterdir())
    assert found == [f"host1\nHELLO {number}\n/.singularity.d\n" for number in range(4)]
    images = newer.inside("host1", "find", "/home/alice/.cache/recrate/images", "-type", "f").decode().split()
    assert sorted(path.rpartition(".")[2] for path in images) == ["json", "sif"]


def test_what_the_engine_says_there_is_the_reason_of_a_failure(newer: Hosts, tmp_path: Path) -> None:
    newer.inside("host1", "sh", "-c", "for f in /home/alice/.cache/recrate/images/*.sif; do echo broken >$f; done")
    ended = run(tmp_path, newer)
    assert ended.returncode == 1
    assert "the container did not start" in ended.stderr


STACKED = """
version: v1.0
workflows:
  w:
    type: cwl
    config: {file: workflow.cwl, settings: inputs.yml}
    bindings: [{step: /up, target: {deployment: box}}]
deployments:
  site: {type: ssh, workdir: /scratch/work, config: {nodes: [host1], sshConfig: "%s"}}
  box: {type: apptainer, wraps: site, workdir: /tmp/box, config: {image: /scratch/box.sif, contain: true}}
"""


def test_a_container_that_stays_is_a_place_of_its_own_there(newer: Hosts, tmp_path: Path) -> None:
    build = "mkdir -p /scratch/root && tar -xf - -C /scratch/root && apptainer build /scratch/box.sif /scratch/root"
    newer.ssh("host1", build, stdin=containers.image_archive("bash").read_bytes())
    (tmp_path / "tool.cwl").write_text("\n".join(line for line in TOOL.split("\n") if "equirement" not in line))
    (tmp_path / "workflow.cwl").write_text(WORKFLOW)
    (tmp_path / "binding.yml").write_text(STACKED % newer.ssh_config)
    for number in range(4):
        (tmp_path / f"text {number}").write_text(f"hello {number}\n")
    texts = "".join(f"- {{class: File, path: 'text {number}'}}\n" for number in range(4))
    (tmp_path / "inputs.yml").write_text(f"texts:\n{texts}")
    argv = [sys.executable, "-m", "recrate", "run", "binding.yml", "--store", "store.db", "--outdir", "out"]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
    found = sorted(path.read_text() for path in (tmp_path / "out").iterdir())
    assert found == [f"host1\nHELLO {number}\n/.singularity.d\n" for number in range(4)]
    assert b"recrate-box" not in newer.ssh("host1", "apptainer instance list")
