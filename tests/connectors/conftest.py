"""Fixtures of this folder: private container engines, started once a session."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest
from testbed import containers, rootless

Engine = TypeVar("Engine")
IMAGES = (("docker.io/debian:stable-slim", "debian"), ("docker.io/bash:4.4", "bash"))


@contextlib.contextmanager
def started_or_skipped(engine: AbstractContextManager[Engine]) -> Iterator[Engine]:
    """Start an engine, or skip with the reason; RECRATE_REQUIRE_CONTAINERS=1 makes that a failure."""
    with contextlib.ExitStack() as stack:
        try:
            started = stack.enter_context(engine)
        except containers.Unavailable as reason:
            if os.environ.get("RECRATE_REQUIRE_CONTAINERS"):
                raise
            pytest.skip(str(reason))
        yield started


@pytest.fixture(scope="session")
def docker_testbed() -> Iterator[containers.Testbed]:
    """A private dockerd with the images of debian and bash."""
    with started_or_skipped(containers.dockerd()) as testbed:
        for name, kind in IMAGES:
            testbed.import_image(name, kind)
        yield testbed


@pytest.fixture(scope="session")
def podman_testbed() -> Iterator[containers.Testbed]:
    """A private podman of root with the images of debian and bash."""
    with started_or_skipped(containers.podman()) as testbed:
        for name, kind in IMAGES:
            testbed.import_image(name, kind)
        yield testbed


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[rootless.OrdinaryUser]:
    """An ordinary user with a podman of its own that has the image of debian."""
    with started_or_skipped(rootless.rootless_podman("docker.io/debian:stable-slim", "debian")) as user:
        yield user
