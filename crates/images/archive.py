"""Archives of container images: one tar that is an OCI image layout and what `docker load` of any age reads.

What an engine saved is written anew, each content under its hash, so that the same image gives the same bytes
whichever engine had it. See the OCI image specification, "Image Layout" and "Image Manifest", v1.1.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ...data_classes import dataclass
from ...errors import CrateInvalid, Where
from ...hashing import CHUNK_BYTES

_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_INDEX = "application/vnd.oci.image.index.v1+json"
_GZIP = b"\x1f\x8b"
_LARGEST_JSON = 16 << 20


@dataclass(frozen=True, slots=True)
class ImageArchive:
    """What is in an archive, all of it checked.

    Attributes:
        image_id: `sha256:` and the hash of its configuration: what engines call it by.
        platform: operating system and architecture, such as `linux/arm/v7`.
    """

    image_id: str
    platform: str


@dataclass(frozen=True, slots=True)
class _Blob:
    """A content of an archive: the member of a tar that has it, and its hash."""

    member: str
    sha256: str
    size: int
    compressed: bool = False

    @property
    def path(self) -> str:
        return f"blobs/sha256/{self.sha256}"

    def descriptor(self, kind: str) -> dict[str, Any]:
        return {"mediaType": kind, "digest": f"sha256:{self.sha256}", "size": self.size}


@dataclass(frozen=True, slots=True)
class _Image:
    config: bytes
    layers: Sequence[_Blob]
    archive: ImageArchive


def check_archive(path: Path) -> ImageArchive:
    """Return what is in an archive. Raises CrateInvalid when a content is not what its hash says, or one is missing."""
    with _opened(path) as archive:
        return _image(archive, path).archive


def rewrite_archive(source: Path, target: Path, name: str | None) -> ImageArchive:
    """Write what an engine saved in docker's format as an archive of ours.

    Args:
        source: the file that the engine wrote; it holds one image.
        target: the file to write.
        name: what the image is called when it is loaded, such as `docker.io/library/debian:12`; None: it has no name.

    Raises:
        CrateInvalid: it does not hold one image that is complete and what its hashes say.
    """
    with _opened(source) as archive, tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as made:
        image = _image(archive, source)
        for path, content in _documents(image, name):
            made.addfile(_member(path, len(content)), io.BytesIO(content))
        seen: set[str] = set()
        for blob in image.layers:
            if blob.sha256 not in seen:
                seen.add(blob.sha256)
                made.addfile(_member(blob.path, blob.size), _content(archive, blob.member, source))
    return image.archive


def _documents(image: _Image, name: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of an archive: of OCI, and of docker."""
    config = _Blob("", hashlib.sha256(image.config).hexdigest(), len(image.config))
    layers = [blob.descriptor(f"{_LAYER}+gzip" if blob.compressed else _LAYER) for blob in image.layers]
    manifest = _json(
        {"schemaVersion": 2, "mediaType": _MANIFEST, "config": config.descriptor(_CONFIG), "layers": layers}
    )
    described = _Blob("", hashlib.sha256(manifest).hexdigest(), len(manifest))
    entry = described.descriptor(_MANIFEST)
    if name is not None:
        tag = name.rpartition(":")[2]
        entry["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
    yield "oci-layout", _json({"imageLayoutVersion": "1.0.0"})
    yield "index.json", _json({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]})
    paths = [blob.path for blob in image.layers]
    yield "manifest.json", _json([{"Config": config.path, "RepoTags": [name] if name else None, "Layers": paths}])
    yield described.path, manifest
    yield config.path, image.config


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _member(path: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o644
    return info


# -- reading ---------------------------------------------------------------------------------------


def _wrong(path: Path, problem: str) -> CrateInvalid:
    return CrateInvalid(f"the archive of the image {problem}", where=Where(str(path)))


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except (tarfile.TarError, OSError) as error:
        raise _wrong(path, f"cannot be read: {error}") from None


def _image(archive: tarfile.TarFile, path: Path) -> _Image:
    """Read the image of an archive by docker's list, and check all that it consists of."""
    listed = _parsed(_bytes(archive, "manifest.json", path), path)
    match listed:
        case [{"Config": str(config_path), "Layers": [*layer_paths]}] if all(
            isinstance(one, str) for one in layer_paths
        ):
            config = _bytes(archive, config_path, path)
        case _:
            raise _wrong(path, "does not hold one image")
    said = _parsed(config, path)
    match said:
        case {"rootfs": {"diff_ids": [*diff_ids]}, "os": str(system), "architecture": str(machine)}:
            parts = (system, machine, said.get("variant"))
        case _:
            raise _wrong(path, "has a configuration that is none")
    if len(diff_ids) != len(layer_paths):
        raise _wrong(path, f"has {len(layer_paths)} layers, and its configuration names {len(diff_ids)}")
    layers = [_layer(archive, str(name), diff_id, path) for name, diff_id in zip(layer_paths, diff_ids, strict=True)]
    platform = "/".join(part for part in parts if isinstance(part, str) and part)
    return _Image(config, layers, ImageArchive(f"sha256:{hashlib.sha256(config).hexdigest()}", platform))


def _parsed(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _wrong(path, "has documents that are no JSON") from None


def _content(archive: tarfile.TarFile, name: str, path: Path) -> IO[bytes]:
    try:
        stream = archive.extractfile(name)
    except (KeyError, tarfile.TarError):
        stream = None
    if stream is None:
        raise _wrong(path, f"lacks {name!r}")
    return stream


def _bytes(archive: tarfile.TarFile, name: str, path: Path) -> bytes:
    content = _content(archive, name, path).read(_LARGEST_JSON + 1)
    if len(content) > _LARGEST_JSON:
        raise _wrong(path, f"has more than {_LARGEST_JSON >> 20} MiB in {name!r}")
    return content


def _layer(archive: tarfile.TarFile, name: str, diff_id: Any, path: Path) -> _Blob:
    """Hash a layer as it is and as it is unpacked; the latter is what the configuration says of it."""
    stored, plain, size = hashlib.sha256(), hashlib.sha256(), 0
    unpack, compressed = None, False
    with _content(archive, name, path) as stream:
        while chunk := stream.read(CHUNK_BYTES):
            if size == 0 and chunk.startswith(_GZIP):
                unpack, compressed = zlib.decompressobj(wbits=31), True
            stored.update(chunk)
            size += len(chunk)
            try:
                for part in _unpacked(unpack, chunk):
                    plain.update(part)
            except zlib.error:
                raise _wrong(path, f"has a damaged layer {name!r}") from None
    if f"sha256:{plain.hexdigest()}" != diff_id:
        raise _wrong(path, f"has a layer {name!r} that is not the one that its configuration names")
    return _Blob(name, stored.hexdigest(), size, compressed)


def _unpacked(unpack: zlib._Decompress | None, chunk: bytes) -> Iterator[bytes]:
    """Yield what a chunk comes to, in pieces of a bounded size."""
    if unpack is None:
        yield chunk
        return
    while chunk:
        yield unpack.decompress(chunk, CHUNK_BYTES)
        chunk = unpack.unconsumed_tail
