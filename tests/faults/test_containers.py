"""Jobs in containers outlive their controller as others do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recrate.provenance.rows import AttemptRow
from recrate.provenance.store import open_store

from ..testbed import containers
from .driver import Bed, Server

MakeBed = Callable[..., Bed]
IMAGE = "localhost/faults:1"


@pytest.fixture(scope="module")
def docker() -> Iterator[containers.Testbed]:
    try:
        with containers.dockerd() as testbed:
            testbed.import_image(IMAGE, "busybox")
            yield testbed
    except containers.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def bed(docker: containers.Testbed, make_bed: MakeBed) -> Iterator[Bed]:
    """A bed whose one job sleeps in a container, then says so."""

    def sleeper(_: Path) -> dict[str, Any]:
        return {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "requirements": {"DockerRequirement": {"dockerPull": IMAGE}},
            "baseCommand": ["sh", "-c", "sleep 3; echo awake"],
            "inputs": {},
            "outputs": {"o": "stdout"},
        }

    with containers.given(docker):
        made = make_bed(sleeper, containers="docker")
        made.server = Server()
        yield made
        made.server.close()


def started(bed: Bed, docker: containers.Testbed) -> None:
    """Run until the container is there, and kill the controller."""
    assert bed.run(seconds=2.0)["status"] == -9
    deadline = time.monotonic() + 20
    while not docker.run("ps", "--quiet").stdout.strip():
        assert time.monotonic() < deadline, "the container never came"
        time.sleep(0.05)


def test_a_container_that_runs_is_awaited(bed: Bed, docker: containers.Testbed) -> None:
    started(bed, docker)
    answer = bed.resume()
    assert answer.get("state") == "completed", answer
    assert Path(answer["outputs"]["o"]["path"]).read_text() == "awake\n"
    with open_store(bed.store) as store:
        (attempt,) = store.database.rows(AttemptRow)
    assert (attempt.number, attempt.exit_code) == (1, 0)
    assert not docker.run("ps", "--all", "--quiet").stdout.strip()


def test_a_container_that_was_killed_meanwhile_is_started_again(bed: Bed, docker: containers.Testbed) -> None:
    started(bed, docker)
    for container in docker.run("ps", "--quiet").stdout.split():
        docker.run("kill", container.decode() if isinstance(container, bytes) else container)
    answer = bed.resume()
    assert answer.get("state") == "completed", answer
    with open_store(bed.store) as store:
        attempts = store.database.rows(AttemptRow, "ORDER BY number")
    assert [row.exit_code for row in attempts][-1] == 0 and len(attempts) == 2
    assert not docker.run("ps", "--all", "--quiet").stdout.strip()
