"""Images of real engines: packed into crates and beside them, and loaded again."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import archive, folder, head, ref
from cratebed.checking import checked, rules, shown
from cratebed.run_crates import CONTENT, LINES, Line, run_crate
from storebed.samples import IMAGE, Sample
from testbed.containers import given, image_archive
from testbed.registry import registry

from recrate.connectors.base import Completed
from recrate.connectors.container import ContainerEngine, detect
from recrate.connectors.images import ImageFacts
from recrate.connectors.local import LocalConnector
from recrate.crates.images import archived_images, extracted, image_of, pack_crate, pack_run
from recrate.crates.images.packing import PackOptions
from recrate.crates.images.wanted import is_about_images
from recrate.crates.read import open_crate
from recrate.crates.signing import sign_crate
from recrate.crates.signing.keys import load_key
from recrate.crates.signing.manifest import SIGNATURES
from recrate.crates.validation.report import Severity
from recrate.errors import CrateInvalid, PlaceFailed
from recrate.provenance.store import open_store

from .conftest import NAME, Having

DOCKER_IMAGE = "https://w3id.org/ro/terms/workflow-run#DockerImage"


def entity(name: str, sha256: str | None, **more: Any) -> dict[str, Any]:
    made = {"@type": "ContainerImage", "registry": "docker.io", "name": name, "tag": "1", **more}
    return {"@id": f"#{name}{more.get('tag', '')}", **made, **({"sha256": sha256} if sha256 else {})}


def graph(source: Having) -> list[dict[str, Any]]:
    """Entities that name the image by two tags, and another one of which no digest is known."""
    return [
        *head(),
        entity("library/tool", source.hex, operatingSystem="linux"),
        entity("library/tool", source.hex, tag="latest"),
        entity("nobody/knows", None),
    ]


@pytest.fixture
def crate(tmp_path: Path, docker: Having) -> Path:
    return folder(tmp_path / "crate", graph(docker))


def options(source: Having) -> PackOptions:
    return PackOptions(engine=source.engine.program)


@pytest.mark.parametrize("make", [folder, archive])
def test_an_image_is_packed_once_and_described(make: Callable[..., Path], source: Having, tmp_path: Path) -> None:
    crate = make(tmp_path / "crate", graph(source))
    with given(source.engine):
        packed = pack_crate(str(crate), None, options(source))
    (one,) = packed.images
    path = f"images/sha256-{source.hex}.tar"
    assert (one.path, one.archive.image_id) == (path, source.image_id)
    assert packed.unknown == ("docker.io/nobody/knows",)
    with open_crate(str(crate)) as opened:
        described = opened.entities[path]
        assert described.text("sha256") == opened.digest(path).sha256
        assert described.text("contentSize") == str(opened.size(path))
        assert set(described.refs("encodesCreativeWork")) == {"#library/tool", "#library/toollatest"}
        assert path in opened.root.refs("hasPart")


def test_packing_again_changes_nothing(crate: Path, docker: Having) -> None:
    with given(docker.engine):
        pack_crate(str(crate), None, options(docker))
        before = crate.stat().st_mtime_ns
        packed = pack_crate(str(crate), None, options(docker))
    assert (packed.images, packed.kept) == ([], ("docker.io/library/tool:1", "docker.io/library/tool:latest"))
    assert crate.stat().st_mtime_ns == before


def test_a_packed_image_is_loaded_where_it_is_not(source: Having, tmp_path: Path) -> None:
    crate = folder(tmp_path / "crate", graph(source))
    with given(source.engine):
        pack_crate(str(crate), None, options(source))
        source.engine.run("rmi", "--force", source.image_id)
        assert not source.has()
        facts = asyncio.run(_loaded(crate, source, tmp_path))
    assert facts.id == source.image_id
    assert source.engine.run("image", "inspect", NAME).returncode == 0


async def _loaded(crate: Path, source: Having, space: Path) -> ImageFacts:
    with open_crate(str(crate), keep=is_about_images) as opened:
        image = next(archived_images(opened))
        path = extracted(opened, image, space)
    return await (await _engine(source)).ensure_image(image_of(image, path), offline=True)


async def _engine(source: Having) -> ContainerEngine:
    async def run(argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        return await LocalConnector().run("local", argv, stdin=stdin, timeout=timeout)

    return await detect(run, source.engine.program)


def test_what_docker_had_podman_loads(crate: Path, docker: Having, podman: Having, tmp_path: Path) -> None:
    with given(docker.engine):
        pack_crate(str(crate), None, options(docker))
    with given(podman.engine):
        assert asyncio.run(_loaded(crate, podman, tmp_path)).id == docker.image_id


def test_skopeo_reads_the_archive_as_oci(crate: Path, docker: Having, tmp_path: Path) -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    with given(docker.engine):
        packed = pack_crate(str(crate), str(tmp_path / "beside"), options(docker))
    printed = subprocess.run(
        ["skopeo", "inspect", "--config", "--raw", f"oci-archive:{packed.images[0].path}"],
        capture_output=True,
        check=True,
    )
    assert json.loads(printed.stdout)["os"] == "linux"


def test_images_beside_a_crate_leave_it_as_it_is(crate: Path, docker: Having, tmp_path: Path) -> None:
    with open_crate(str(crate)) as opened:
        before = opened.digest("ro-crate-metadata.json")
    with given(docker.engine):
        packed = pack_crate(str(crate), str(tmp_path / "beside"), options(docker))
        again = pack_crate(str(crate), str(tmp_path / "beside"), options(docker))
    assert [path.name for path in (tmp_path / "beside").iterdir()] == [f"sha256-{docker.hex}.tar"]
    assert (packed.images[0].is_new, again.images[0].is_new) == (True, False)
    with open_crate(str(crate)) as opened:
        assert opened.digest("ro-crate-metadata.json") == before


def test_the_images_of_a_run_are_packed_from_the_store(docker: Having, tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store.db")) as store, given(docker.engine):
        sample = Sample.stored_in(store)
        store.database.execute(
            "UPDATE image SET name = 'docker.io/library/tool', tag = '1', digest = ? WHERE id = ?",
            (docker.image_id, IMAGE),
        )
        (one,) = pack_run(store, sample.run, str(tmp_path / "beside"), options(docker)).images
    assert one.archive.image_id == docker.image_id


def test_another_image_of_the_same_name_is_not_taken_for_it(tmp_path: Path, docker: Having) -> None:
    crate = folder(tmp_path / "crate", [*head(), entity("library/tool", "0" * 64)])
    with given(docker.engine), pytest.raises(PlaceFailed, match=r"tool:1 \(sha256:0+\) is not on this machine"):
        pack_crate(str(crate), None, options(docker))
    assert not (crate / "images").exists()


def test_an_image_that_is_not_here_is_pulled_by_its_digest_when_asked(tmp_path: Path, docker: Having) -> None:
    with registry(image_archive("busybox"), "lab/far") as there:
        far = entity("lab/far", there.digest.removeprefix("sha256:"), registry=there.host)
        crate = folder(tmp_path / "crate", [*head(), far])
        with given(docker.engine):
            with pytest.raises(PlaceFailed, match=r"lab/far:1 .* is not on this machine \(--pull"):
                pack_crate(str(crate), None, options(docker))
            (one,) = pack_crate(str(crate), None, replace(options(docker), pull=True)).images
    assert one.path == f"images/{there.digest.replace(':', '-')}.tar"
    assert one.archive.image_id != there.digest


def test_a_signed_crate_is_not_changed(tmp_path: Path, docker: Having) -> None:
    graph = [*head(), entity("library/tool", docker.hex)]
    crate = folder(tmp_path / "crate", graph, {f"{SIGNATURES}manifest.json": "{}"})
    with given(docker.engine), pytest.raises(CrateInvalid, match="it is signed"):
        pack_crate(str(crate), None, options(docker))


def test_an_archive_that_was_changed_is_not_loaded(crate: Path, docker: Having, tmp_path: Path) -> None:
    with given(docker.engine):
        pack_crate(str(crate), None, options(docker))
    with open_crate(str(crate)) as opened:
        image = next(archived_images(opened))
        with pytest.raises(CrateInvalid, match="was changed"):
            extracted(opened, replace(image, sha256="0" * 64), tmp_path)
        with pytest.raises(CrateInvalid, match="another image"):
            extracted(opened, replace(image, image_id=f"sha256:{'0' * 64}"), tmp_path)


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_crate_is_as_valid_with_images_and_signatures_as_without(tmp_path: Path, docker: Having, line: Line) -> None:
    entities = [*run_crate(line).values(), entity("library/tool", docker.hex, additionalType=ref(DOCKER_IMAGE))]
    crate = folder(tmp_path / "crate", entities, CONTENT, context=line.contexts)
    before = rules(checked(crate, Severity.RECOMMENDED))
    with given(docker.engine):
        assert pack_crate(str(crate), None, options(docker)).images
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    sign_crate(str(crate), load_key(str(key), lambda path: pytest.fail(f"{path} is not encrypted")))
    after = checked(crate, Severity.RECOMMENDED)
    assert rules(after) <= before, shown([after])
