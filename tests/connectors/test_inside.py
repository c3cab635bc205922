"""A container as a place passes the tests of a place, is started and ended, and gets the options of the format."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testbed import containers

from recrate.connectors.inside import ContainerPlace, DockerConnector, PodmanConnector, SingularityConnector, flags
from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.shell.words import name, plain_program
from recrate.errors import DocumentInvalid, PlaceFailed

IMAGE = "docker.io/debian:stable-slim"
LIMITS = ["nofile=1024:1024", "nproc=1024:1024"]


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


def test_podman_is_not_asked_for_an_init_that_may_not_be_installed_unless_the_user_does() -> None:
    assert "--init" not in PodmanConnector("box", {"image": "i"}).started()
    assert "--init" in PodmanConnector("box", {"image": "i", "init": True}).started()


def test_an_instance_of_singularity_is_started_entered_and_stopped_by_its_name() -> None:
    made = SingularityConnector("box", {"image": "i.sif", "nv": True})
    assert made.started() == ["singularity", "instance", "start", "--nv", "i.sif", made.container]
    assert made.entered() == ["singularity", "exec", f"instance://{made.container}"]
    assert made.ended() == ["singularity", "instance", "stop", made.container]


@pytest.mark.parametrize("kind", [DockerConnector, SingularityConnector])
def test_an_external_container_must_be_named(kind: type[ContainerPlace]) -> None:
    with pytest.raises(DocumentInvalid, match="an external container needs"):
        kind("box", {"image": "i", "external": True})


@dataclass(frozen=True)
class Engine:
    """A container engine that is there, and the places that it makes."""

    name: str
    testbed: containers.Testbed
    kind: type[DockerConnector]

    @property
    def config(self) -> dict[str, Any]:
        """Return a configuration that works on this machine, where podman's own limits may be too high."""
        limits = {"ulimit": LIMITS} if self.name == "podman" else {}
        return {"image": IMAGE, "network": ["none"], **limits}

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        """Return what the engine's own program prints."""
        return self.testbed.run(*words, stdin=stdin).stdout


@pytest.fixture(scope="module", params=[("docker", DockerConnector), ("podman", PodmanConnector)], ids=lambda it: it[0])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    name, kind = request.param
    testbed = request.getfixturevalue(f"{name}_testbed")
    with containers.given(testbed):
        yield Engine(name, testbed, kind)


@pytest.fixture(scope="module")
def running(engine: Engine) -> Iterator[str]:
    """A container that somebody else has started."""
    theirs = f"theirs-{secrets.token_hex(4)}"
    stay = ["--entrypoint", "/bin/sh", IMAGE, "-c", "while :; do sleep 60; done"]
    engine.run("run", "--detach", "--rm", *flags(engine.config), f"--name={theirs}", *stay)
    yield theirs
    engine.run("rm", "--force", theirs)


class TestContainerOfSomebodyElse(ConnectorTests):
    @pytest.fixture
    def place(self, engine: Engine, running: str) -> PlaceUnderTest:
        def made() -> DockerConnector:
            return engine.kind("box", {"image": IMAGE, "external": True, "containerId": running})

        def peek(path: str) -> bytes:
            return engine.run("exec", running, "sh", "-c", plain_program(f"cat {name(path)}"))

        def plant(path: str, content: bytes) -> None:
            program = plain_program(f"mkdir -p {name(os.path.dirname(path))} && cat >{name(path)}")
            engine.run("exec", "--interactive", running, "sh", "-c", program, stdin=content)

        directory = f"/work/{secrets.token_hex(4)}"
        engine.run("exec", running, "mkdir", "-p", directory)
        return PlaceUnderTest(made(), "box", directory, peek, plant, made)


async def test_a_container_is_there_as_long_as_its_deployment(engine: Engine) -> None:
    made = engine.kind("box", {"cpus": 1, "memory": 512 << 20, **engine.config})
    await made.deploy()
    await made.deploy()
    [location] = await made.locations()
    assert (location.facts.cores, location.facts.memory, location.storage) == (1, 512, None)
    assert (await made.run("box", ["cat", "/etc/hostname"])).code == 0
    await made.run("box", ["sh", "-c", "sh -c 'sleep 0.1 &'; sleep 0.3"])
    assert b" Z " not in (await made.run("box", ["sh", "-c", "cat /proc/[0-9]*/stat"])).stdout
    assert made.container in engine.run("ps", "--format", "{{.Names}}").decode().split()
    await made.undeploy()
    await made.undeploy()
    assert made.container not in engine.run("ps", "--all", "--format", "{{.Names}}").decode().split()


async def test_what_the_engine_says_is_the_reason(engine: Engine) -> None:
    made = engine.kind("box", {"image": "localhost:1/no/such:image"})
    expected = f"box: {engine.name} cannot start a container of 'localhost:1/no/such:image': "
    with pytest.raises(PlaceFailed, match=expected):
        await made.deploy()
    await made.undeploy()


WORKFLOW = """
cwlVersion: v1.2
class: CommandLineTool
baseCommand: [sh, -c, 'cat "$0"; { test -e /.dockerenv || test -e /run/.containerenv; } && echo inside']
inputs: {text: {type: File, inputBinding: {position: 1}}}
outputs: {out: {type: stdout}}
stdout: out.txt
"""
BINDING = """
version: v1.0
workflows:
  w:
    type: cwl
    config: {file: tool.cwl, settings: inputs.yml}
    bindings: [{step: /, target: {deployment: box}}]
deployments:
  box: {type: TYPE, workdir: /work, config: CONFIG}
"""


def test_a_step_runs_in_a_container_of_a_binding_file(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "tool.cwl").write_text(WORKFLOW)
    (tmp_path / "binding.yml").write_text(
        BINDING.replace("TYPE", engine.name).replace("CONFIG", json.dumps(engine.config))
    )
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "inputs.yml").write_text("text: {class: File, path: text}\n")
    argv = [sys.executable, "-m", "recrate", "run", "binding.yml", "--store", "store.db", "--outdir", "out"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "out.txt").read_text() == "hello\ninside\n"
    assert b"recrate-box" not in engine.run("ps", "--all", "--format", "{{.Names}}")
