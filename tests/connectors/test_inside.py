"""A container as a place passes the tests of a place, is started and ended, and gets the options of the format."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed import containers

from recrate.connectors.inside import ContainerPlace, DockerConnector, SingularityConnector, flags
from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.shell.words import name, plain_program
from recrate.errors import DocumentInvalid, PlaceFailed

IMAGE = "docker.io/debian:stable-slim"
NO_NETWORK = {"network": ["none"]}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"addHost": ["a:1", "b:2"]}, ["--add-host=a:1", "--add-host=b:2"]),
        ({"cpus": 2, "memory": 1024, "cpuRTPeriod": 5}, ["--cpus=2", "--memory=1024", "--cpu-rt-period=5"]),
        ({"privileged": True, "readOnly": False}, ["--privileged"]),
        ({"logOpts": ["a=b"], "logOpt": ["c=d"]}, ["--log-opt=a=b", "--log-opt=c=d"]),
        ({"writableTmpfs": True, "nv": True, "bind": ["/a:/b"]}, ["--writable-tmpfs", "--nv", "--bind=/a:/b"]),
        ({"volume": ["/x y:/z"]}, ["--volume=/x y:/z"]),
        ({"image": "i", "command": ["c"], "external": True, "transferBufferSize": 1}, []),
    ],
)
def test_options_become_those_of_the_engine(options: dict[str, Any], expected: list[str]) -> None:
    assert flags(options) == expected


def test_a_container_stays_by_itself_unless_it_has_a_command() -> None:
    words = DockerConnector("box", {"image": "i", "env": ["A=b"]}).started()
    assert words[:3] == ["docker", "run", "--detach"]
    assert {"--init", "--rm", "--env=A=b", "--entrypoint=/bin/sh"} <= set(words)
    assert words[words.index("--") + 1 : -1] == ["i", "-c"]
    assert DockerConnector("box", {"image": "i", "command": ["serve", "-p"]}).started()[-3:] == ["i", "serve", "-p"]


def test_an_instance_of_singularity_is_started_entered_and_stopped_by_its_name() -> None:
    made = SingularityConnector("box", {"image": "i.sif", "nv": True})
    assert made.started() == ["singularity", "instance", "start", "--nv", "i.sif", made.container]
    assert made.entered() == ["singularity", "exec", f"instance://{made.container}"]
    assert made.ended() == ["singularity", "instance", "stop", made.container]


@pytest.mark.parametrize("kind", [DockerConnector, SingularityConnector])
def test_an_external_container_must_be_named(kind: type[ContainerPlace]) -> None:
    with pytest.raises(DocumentInvalid, match="an external container needs"):
        kind("box", {"image": "i", "external": True})


@pytest.fixture(scope="module")
def docker(docker_testbed: containers.Testbed) -> Iterator[containers.Testbed]:
    with containers.given(docker_testbed):
        yield docker_testbed


@pytest.fixture(scope="module")
def running(docker: containers.Testbed) -> Iterator[str]:
    """A container that somebody else has started."""
    theirs = f"theirs-{secrets.token_hex(4)}"
    stay = ["--entrypoint", "/bin/sh", IMAGE, "-c", "while :; do sleep 60; done"]
    docker.run("run", "--detach", "--rm", "--init", "--network=none", f"--name={theirs}", *stay)
    yield theirs
    docker.run("rm", "--force", theirs)


class TestContainerOfSomebodyElse(ConnectorTests):
    @pytest.fixture
    def place(self, docker: containers.Testbed, running: str) -> PlaceUnderTest:
        def made() -> DockerConnector:
            return DockerConnector("box", {"image": IMAGE, "external": True, "containerId": running})

        def peek(path: str) -> bytes:
            return docker.run("exec", running, "sh", "-c", plain_program(f"cat {name(path)}")).stdout

        def plant(path: str, content: bytes) -> None:
            program = plain_program(f"mkdir -p {name(os.path.dirname(path))} && cat >{name(path)}")
            docker.run("exec", "--interactive", running, "sh", "-c", program, stdin=content)

        directory = f"/work/{secrets.token_hex(4)}"
        docker.run("exec", running, "mkdir", "-p", directory)
        return PlaceUnderTest(made(), "box", directory, peek, plant, made)


async def test_a_container_is_there_as_long_as_its_deployment(docker: containers.Testbed) -> None:
    made = DockerConnector("box", {"image": IMAGE, "cpus": 1, "memory": 512 << 20, **NO_NETWORK})
    await made.deploy()
    await made.deploy()
    [location] = await made.locations()
    assert (location.facts.cores, location.facts.memory, location.storage) == (1, 512, None)
    assert (await made.run("box", ["cat", "/etc/hostname"])).code == 0
    assert made.container in docker.run("ps", "--format", "{{.Names}}").stdout.decode().split()
    await made.undeploy()
    await made.undeploy()
    assert made.container not in docker.run("ps", "--all", "--format", "{{.Names}}").stdout.decode().split()


async def test_what_the_engine_says_is_the_reason(docker: containers.Testbed) -> None:
    made = DockerConnector("box", {"image": "localhost:1/no/such:image"})
    with pytest.raises(PlaceFailed, match="box: docker cannot start a container of 'localhost:1/no/such:image': "):
        await made.deploy()
    await made.undeploy()


WORKFLOW = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, 'cat "$0"; test -e /.dockerenv && echo inside']
inputs: {text: {type: File, inputBinding: {position: 1}}}
outputs: {out: {type: stdout}}
stdout: out.txt
"""
BINDING = f"""
version: v1.0
workflows:
  w:
    type: cwl
    config: {{file: tool.cwl, settings: inputs.yml}}
    bindings: [{{step: /, target: {{deployment: box}}}}]
deployments:
  box: {{type: docker, workdir: /work, config: {{image: "{IMAGE}", network: [none]}}}}
"""


def test_a_step_runs_in_a_container_of_a_binding_file(docker: containers.Testbed, tmp_path: Path) -> None:
    (tmp_path / "tool.cwl").write_text(WORKFLOW)
    (tmp_path / "binding.yml").write_text(BINDING)
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "inputs.yml").write_text("text: {class: File, path: text}\n")
    argv = [sys.executable, "-m", "recrate", "run", "binding.yml", "--store", "store.db", "--outdir", "out"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "out.txt").read_text() == "hello\ninside\n"
    assert b"recrate-box" not in docker.run("ps", "--all", "--format", "{{.Names}}").stdout
