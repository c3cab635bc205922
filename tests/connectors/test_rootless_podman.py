"""Podman of an ordinary user: files belong to the user, and nothing of root is in reach."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from testbed.rootless import UID, OrdinaryUser

from recrate.connectors.base import Completed
from recrate.connectors.container import ContainerEngine, detect
from recrate.connectors.images import Image
from recrate.connectors.oci import ContainerJob, Mount

from .running import run


class AsUser:
    """Runs commands as the ordinary user."""

    def __init__(self, user: OrdinaryUser) -> None:
        self._user = user

    async def __call__(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        return await run([*self._user.prefix, *argv], stdin=stdin, timeout=timeout)


@pytest.fixture
async def engine(ordinary_user: OrdinaryUser) -> ContainerEngine:
    return await detect(AsUser(ordinary_user), "podman")


@pytest.fixture
def outdir(ordinary_user: OrdinaryUser) -> Path:
    path = ordinary_user.home / uuid.uuid4().hex
    ordinary_user.run("mkdir", str(path))
    return path


async def run_job(
    user: OrdinaryUser, engine: ContainerEngine, outdir: Path, *argv: str, mounts: tuple[Mount, ...] = ()
) -> Completed:
    image = await engine.ensure_image(Image("debian:stable-slim"))
    every = (Mount(str(outdir), "/out", True), *mounts)
    job = ContainerJob(uuid.uuid4().hex, image.reference, argv, "/out", mounts=every, memory=500, cpus=1)
    return await AsUser(user)(engine.argv(job))


async def test_it_is_known_to_be_rootless(engine: ContainerEngine) -> None:
    assert (engine.facts.rootless, engine.facts.uid, engine.facts.gid, engine.facts.ulimits) == (True, UID, UID, ())


async def test_outputs_belong_to_the_user(ordinary_user: OrdinaryUser, engine: ContainerEngine, outdir: Path) -> None:
    done = await run_job(ordinary_user, engine, outdir, "sh", "-c", "id -u; id -g; echo made > file")
    assert (done.code, done.stdout.split()) == (0, [str(UID).encode()] * 2), done.stderr
    assert (outdir / "file").read_text() == "made\n"
    assert ((outdir / "file").stat().st_uid, (outdir / "file").stat().st_gid) == (UID, UID)


async def test_private_inputs_can_be_read_and_not_written(
    ordinary_user: OrdinaryUser, engine: ContainerEngine, outdir: Path
) -> None:
    ordinary_user.run("sh", "-c", f"umask 077; echo private > {outdir}.in")
    command = ("sh", "-c", "cat /in; echo x > /in || echo refused")
    done = await run_job(ordinary_user, engine, outdir, *command, mounts=(Mount(f"{outdir}.in", "/in"),))
    assert done.stdout == b"private\nrefused\n", done.stderr


async def test_no_capability_and_no_network(ordinary_user: OrdinaryUser, engine: ContainerEngine, outdir: Path) -> None:
    done = await run_job(ordinary_user, engine, outdir, "sh", "-c", "grep CapEff /proc/self/status; cat /proc/net/dev")
    assert b"CapEff:\t0000000000000000\n" in done.stdout
    assert [line.split(b":")[0].strip() for line in done.stdout.splitlines()[1:] if b":" in line] == [b"lo"]
