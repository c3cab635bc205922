"""Packing the container images of a run: saved by the engine that has them, checked, put into or beside its crate.

Decision 0018: an image is known again by its digest on record, and carried as an archive whose every content is
checked against the image's configuration.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.replacing import replacing
from ...data_classes import dataclass
from ...errors import CrateFailed, CrateInvalid, PlaceFailed, Where
from ...hashing import digest_file
from ...provenance import queries
from ...provenance.store import Store
from ..changing import change_files, write_metadata
from ..read import Crate, open_crate
from ..signing.manifest import SIGNATURES
from .archive import ImageArchive, check_archive, rewrite_archive
from .wanted import WantedImage, each_once, is_about_images, of_entities, of_rows

if TYPE_CHECKING:
    from ...connectors.base import Completed
    from ...connectors.container import ContainerEngine
    from ...connectors.images import ImageFacts


@dataclass(frozen=True, slots=True)
class PackedImage:
    """An image that was packed.

    Attributes:
        image: which one.
        archive: what is in its archive.
        path: of the archive, in the crate or beside it.
        size: of the archive, in bytes.
        sha256: of the archive.
        is_new: false when the archive was there already.
    """

    image: WantedImage
    archive: ImageArchive
    path: str
    size: int
    sha256: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Packed:
    """What came of packing.

    Attributes:
        images: those that are packed now.
        unknown: names of images of which no digest is on record, so that nobody can tell which they were.
        kept: names of images that were in the crate already.
    """

    images: Sequence[PackedImage]
    unknown: Sequence[str]
    kept: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PackOptions:
    """How images are packed.

    Attributes:
        engine: `docker`, `podman` or the path of one; None: the first that works.
        pull: whether an image that is not here is got from its registry.
    """

    engine: str | None = None
    pull: bool = False


_DEFAULTS = PackOptions()


def pack_crate(path: str, to: str | None = None, options: PackOptions = _DEFAULTS) -> Packed:
    """Put the images that a crate names into it, or beside it.

    Args:
        path: a folder or a zip archive.
        to: a folder for the archives; None: they become files of the crate, in `images/`.
        options: how.

    Raises:
        CrateInvalid: it is no crate, is not safe, or is signed and would be changed.
        CrateFailed: it cannot be changed.
        PlaceFailed: an image is not here, or is another one than the run had.
        Unsupported: no container engine works here.
    """
    with open_crate(path, keep=is_about_images) as crate:
        found = list(of_entities(crate.entities.values()))
        return _pack_into(Path(to), found, options) if to is not None else _pack_inside(crate, found, options)


def _pack_inside(crate: Crate, found: Sequence[tuple[str, WantedImage | None]], options: PackOptions) -> Packed:
    there = set(crate.paths())
    kept = tuple(one.called for _, one in found if one is not None and one.path in there)
    missing = [(name, one) for name, one in found if one is None or one.path not in there]
    if any(name.startswith(SIGNATURES) for name in there):
        raise CrateInvalid(
            "it is signed, and images in it would make another crate of it",
            where=Where(crate.path),
            hint="pack beside it with --to, or pack before you sign",
        )
    with tempfile.TemporaryDirectory(prefix=".recrate-images-", dir=Path(crate.path).absolute().parent) as part:
        packed = _pack_into(Path(part), missing, options)
        if packed.images:
            changed = Path(part, "metadata")
            with changed.open("wb") as stream:
                write_metadata(crate, [_entity(one) for one in packed.images], stream)
            files = {one.image.path: Path(one.path) for one in packed.images}
            change_files(crate, {**files, crate.metadata: changed})
    return Packed([replace(one, path=one.image.path) for one in packed.images], packed.unknown, kept)


def pack_run(store: Store, run: str, to: str, options: PackOptions = _DEFAULTS) -> Packed:
    """Put the images of a run into a folder. Arguments and errors as for `pack_crate`; UsageError: no such run."""
    run_id = queries.resolve(store.database, queries.Kind.RUN, run)
    return _pack_into(Path(to), list(of_rows(queries.images_of_run(store.database, run_id))), options)


def _pack_into(folder: Path, found: Sequence[tuple[str, WantedImage | None]], options: PackOptions) -> Packed:
    wanted = each_once(one for _, one in found if one is not None)
    unknown = tuple(dict.fromkeys(name for name, one in found if one is None))
    if not wanted:
        return Packed((), unknown)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrateFailed(f"the images cannot be written to {folder}: {error.strerror}") from None
    return Packed(asyncio.run(_packed(folder, wanted, options)), unknown)


async def _packed(folder: Path, wanted: Iterable[WantedImage], options: PackOptions) -> list[PackedImage]:
    from ...connectors.container import detect
    from ...connectors.local import LocalConnector

    connector = LocalConnector()

    async def run(argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        return await connector.run("local", argv, stdin=stdin, timeout=timeout)

    engine: ContainerEngine | None = None
    packed = []
    for image in wanted:
        target = folder / os.path.basename(image.path)
        is_new = not target.exists()
        if is_new:
            engine = engine or await detect(run, options.engine)
            archive = await _save(engine, image, target, options.pull)
        else:
            archive = await asyncio.to_thread(check_archive, target)
        digest = await asyncio.to_thread(digest_file, target)
        packed.append(PackedImage(image, archive, str(target), digest.size, digest.sha256, is_new))
    return packed


async def _save(engine: ContainerEngine, image: WantedImage, target: Path, pull: bool) -> ImageArchive:
    facts = await _found(engine, image) or (await _pulled(engine, image) if pull else None)
    if facts is None:
        raise PlaceFailed(
            f"the image {image.called} ({image.digest}) is not on this machine",
            hint="--pull gets it from its registry" if not pull else None,
        )
    with replacing(str(target)) as part, tempfile.TemporaryDirectory(prefix=".recrate-", dir=target.parent) as space:
        saved = Path(space, "saved.tar")
        await engine.save_image(facts, str(saved))
        archive = await asyncio.to_thread(rewrite_archive, saved, Path(part), image.called)
    if archive.image_id != facts.id:
        target.unlink()
        raise PlaceFailed(f"{facts.engine} saved another image than {image.called}: {archive.image_id}")
    return archive


async def _found(engine: ContainerEngine, image: WantedImage) -> ImageFacts | None:
    """Return the image that the run had, if the engine has it; one that only has its name is another one."""
    from ...connectors.images import Image

    for reference in image.references:
        facts = await engine.find_image(Image(reference))
        if facts is not None and image.digest in (facts.digest, facts.id):
            return facts
    return None


async def _pulled(engine: ContainerEngine, image: WantedImage) -> ImageFacts | None:
    from ...connectors.images import Image

    name = f"{image.name}@{image.digest}"
    facts = await engine.ensure_image(Image(name, pull=name))
    return facts if image.digest in (facts.digest, facts.id) else None


def _entity(one: PackedImage) -> dict[str, Any]:
    """Return the entity of an archive in a crate."""
    about = [{"@id": identity} for identity in one.image.entities]
    return {
        "@id": one.image.path,
        "@type": "File",
        "name": f"container image {one.image.called}",
        "description": (
            f"an OCI image archive for {one.archive.platform}, which docker load and podman load read as well"
        ),
        "encodingFormat": "application/x-tar",
        "contentSize": str(one.size),
        "sha256": one.sha256,
        "identifier": one.archive.image_id,
        "encodesCreativeWork": about[0] if len(about) == 1 else about,
    }


__all__ = ["PackOptions", "Packed", "PackedImage", "pack_crate", "pack_run"]
