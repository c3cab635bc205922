"""Container images that a crate holds, offered to a place that is to run them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import CrateInvalid, Where
from ...hashing import digest_file
from ..read import Crate
from ..safety import shown
from .archive import check_archive
from .wanted import IMAGES, of_entities

if TYPE_CHECKING:
    from ...connectors.images import Image

_IMAGE_ID = re.compile("sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ArchivedImage:
    """An image whose archive is in a crate.

    Attributes:
        name: what the run called it, with its tag.
        digest: `sha256:...` on record, of its manifest in a registry or of its configuration.
        image_id: `sha256:...` of its configuration: what an engine calls it by once it is loaded.
        path: of the archive in the crate.
        sha256: of the archive, as the metadata say.
    """

    name: str
    digest: str
    image_id: str
    path: str
    sha256: str


def archived_images(crate: Crate) -> Iterator[ArchivedImage]:
    """Yield the images that a crate holds; it must have been opened with `is_about_images` or all its entities."""
    for entity in crate.entities.values():
        path = crate.path_of(entity.id)
        image_id, sha256 = entity.text("identifier") or "", entity.text("sha256")
        if path is None or not path.startswith(IMAGES) or not _IMAGE_ID.fullmatch(image_id) or sha256 is None:
            continue
        for _, wanted in of_entities(crate.related(entity, "encodesCreativeWork")):
            if wanted is not None:
                yield ArchivedImage(wanted.called, wanted.digest, image_id, path, sha256)


def extracted(crate: Crate, image: ArchivedImage, folder: Path) -> Path:
    """Copy the archive of an image to a folder, and return where it is.

    Raises CrateInvalid when it is not what the metadata say, or holds another image.
    """
    target = folder / f"{image.image_id.replace(':', '-')}.tar"
    with crate.open(image.path) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    where = Where(f"{crate.path}/{image.path}")
    if digest_file(target).sha256 != image.sha256:
        raise CrateInvalid(
            "the archive of the image was changed: it has another sha256 than the metadata say", where=where
        )
    found = check_archive(target)
    if found.image_id != image.image_id:
        raise CrateInvalid(f"it holds another image than {shown(image.name)}: {found.image_id}", where=where)
    return target


def image_of(image: ArchivedImage, path: Path) -> Image:
    """Return what a connector is asked for to have exactly this image: by its id, else loaded from an archive."""
    from ...connectors.images import Image

    return Image(image.image_id, load=str(path))
