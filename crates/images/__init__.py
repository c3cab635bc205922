"""Container images in crates, so that a re-run needs no registry."""

from __future__ import annotations

from .loading import ArchivedImage, archived_images, extracted, image_of
from .packing import Packed, PackedImage, pack_crate, pack_run

__all__ = [
    "ArchivedImage", "Packed", "PackedImage", "archived_images", "extracted", "image_of", "pack_crate", "pack_run",
]  # fmt: skip
