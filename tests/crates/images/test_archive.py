"""Archives of images: written anew from what engines save, and checked to the last byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from recrate.crates.images.archive import check_archive, rewrite_archive
from recrate.errors import CrateInvalid

NAME = "docker.io/library/tool:1"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def layer(text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("file")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()


LAYERS = (layer("one"), layer("two"))


def config(layers: Sequence[bytes] = LAYERS, **more: Any) -> bytes:
    diff_ids = [f"sha256:{sha256(one)}" for one in layers]
    return json.dumps(
        {"architecture": "arm", "variant": "v7", "os": "linux", "rootfs": {"diff_ids": diff_ids}} | more
    ).encode()


def tar(path: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write a tar archive; a text is the target of a link."""
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def saved(path: Path, *, config: bytes = config(), layers: Sequence[bytes] = LAYERS, **more: bytes | str) -> Path:
    """Write what old engines save: one folder for each layer."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    listed = json.dumps([{"Config": "abc.json", "RepoTags": ["tool:1"], "Layers": names}]).encode()
    files = dict(zip(names, layers, strict=True))
    return tar(path, {"abc.json": config, **files, "manifest.json": listed, **more})


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}  # type: ignore[union-attr]


def test_an_archive_is_an_oci_layout_in_which_each_content_is_under_its_hash(tmp_path: Path) -> None:
    made = rewrite_archive(saved(tmp_path / "saved"), tmp_path / "made", NAME)
    files = contents(tmp_path / "made")
    assert made.image_id == f"sha256:{sha256(config())}"
    assert made.platform == "linux/arm/v7"
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(files[f"blobs/sha256/{entry['digest'].removeprefix('sha256:')}"])
    assert [one["digest"] for one in manifest["layers"]] == [f"sha256:{sha256(one)}" for one in LAYERS]
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{sha256(content)}"


def test_an_archive_is_what_docker_loads_too(tmp_path: Path) -> None:
    rewrite_archive(saved(tmp_path / "saved"), tmp_path / "made", NAME)
    files = contents(tmp_path / "made")
    (listed,) = json.loads(files["manifest.json"])
    assert listed["RepoTags"] == [NAME]
    assert files[listed["Config"]] == config()
    assert [files[name] for name in listed["Layers"]] == list(LAYERS)


def test_the_same_image_gives_the_same_bytes_and_so_does_its_archive(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    rewrite_archive(saved(tmp_path / "saved", other=b"x"), first, NAME)
    rewrite_archive(first, second, NAME)
    assert first.read_bytes() == second.read_bytes()
    assert check_archive(first).image_id == f"sha256:{sha256(config())}"


def test_layers_may_be_compressed_links_or_twice_the_same(tmp_path: Path) -> None:
    one = LAYERS[0]
    packed = saved(
        tmp_path / "saved", config=config([one, one, one]), layers=[gzip.compress(one), gzip.compress(one), one]
    )
    rewrite_archive(packed, tmp_path / "made", None)
    (listed,) = json.loads(contents(tmp_path / "made")["manifest.json"])
    assert len(listed["Layers"]) == 3
    linked = tar(
        tmp_path / "linked",
        {
            "c": config([one, one]), "a/layer.tar": one, "b/layer.tar": "../a/layer.tar",
            "manifest.json": json.dumps([{"Config": "c", "Layers": ["a/layer.tar", "b/layer.tar"]}]).encode(),
        },
    )  # fmt: skip
    rewrite_archive(linked, tmp_path / "made", None)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"layers": (LAYERS[1], LAYERS[0])}, "not the one that its configuration names"),
        ({"layers": LAYERS[:1]}, "has 1 layers, and its configuration names 2"),
        ({"layers": (LAYERS[0], gzip.compress(LAYERS[1])[:-9] + b"123456789")}, "layer"),
        ({"config": b"{}"}, "configuration that is none"),
        ({"config": b"{"}, "no JSON"),
        ({"manifest.json": b"[]"}, "does not hold one image"),
        ({"manifest.json": b'[{"Config": "none", "Layers": []}]'}, "lacks 'none'"),
        ({"manifest.json": b'[{"Config": "../../etc/passwd", "Layers": []}]'}, "lacks"),
    ],
)
def test_an_archive_that_is_not_what_it_says_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(CrateInvalid, match=said):
        rewrite_archive(saved(tmp_path / "saved", **more), tmp_path / "made", NAME)


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"junk" * 1000)
    for name in ("junk", "none"):
        with pytest.raises(CrateInvalid, match="cannot be read"):
            check_archive(tmp_path / name)
