"""Fixtures of this folder: private container engines with one small image."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
from testbed import containers
from testbed.containers import Testbed

NAME = "docker.io/library/tool:1"


@dataclass(frozen=True)
class Having:
    """An engine that has an image, and the id of that."""

    engine: Testbed
    image_id: str

    @property
    def hex(self) -> str:
        return self.image_id.removeprefix("sha256:")

    def has(self) -> bool:
        return self.engine.run("image", "inspect", self.image_id, check=False).returncode == 0


def having(engine: Testbed) -> Having:
    engine.import_image(NAME, "busybox")
    (found,) = json.loads(engine.run("image", "inspect", NAME).stdout)
    return Having(engine, f"sha256:{found['Id'].removeprefix('sha256:')}")


@contextlib.contextmanager
def started(engine: AbstractContextManager[Testbed]) -> Iterator[Having]:
    """Start an engine, or skip with the reason; RECRATE_REQUIRE_CONTAINERS=1 makes that a failure."""
    try:
        with engine as testbed:
            yield having(testbed)
    except containers.Unavailable as reason:
        if os.environ.get("RECRATE_REQUIRE_CONTAINERS"):
            raise
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def docker() -> Iterator[Having]:
    with started(containers.dockerd()) as having:
        yield having


@pytest.fixture(scope="session")
def podman() -> Iterator[Having]:
    with started(containers.podman()) as having:
        yield having


@pytest.fixture(scope="session", params=["docker", "podman"])
def source(request: pytest.FixtureRequest) -> Having:
    """Each engine that has the image."""
    found: Having = request.getfixturevalue(request.param)
    return found
