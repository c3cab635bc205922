"""Images: pixel by pixel. Dates, names of programs and other metadata do not count."""

from __future__ import annotations

from pathlib import Path

from .arrays import difference
from .base import Lacking, Sample, Unreadable
from .tolerance import Tolerances
from .verdict import Difference

BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF")
ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")


class Image:
    """Compares images by their pixels."""

    name = "image"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether name and beginning are those of an image."""
        return sample.ending in ENDINGS and sample.head.startswith(BEGINNINGS)

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first pixel that differs. Raises Unreadable for an image that is a decompression bomb."""
        try:
            import numpy as np
            from PIL import Image as pillow
        except ImportError as error:
            raise Lacking("pillow and numpy") from error
        try:
            with pillow.open(first) as one, pillow.open(second) as other:
                if one.size != other.size:
                    return Difference.between("size", one.size, other.size)
                frames = [getattr(each, "n_frames", 1) for each in (one, other)]
                if frames[0] != frames[1]:
                    return Difference.between("frames", *frames)
                for number in range(frames[0]):
                    one.seek(number)
                    other.seek(number)
                    pixels, others = (np.asarray(each.convert("RGBA")) for each in (one, other))
                    place = "pixels" if frames[0] == 1 else f"pixels of frame {number}"
                    found = difference(pixels, others, tolerances, place)
                    if found is not None:
                        return found
        except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
            raise Unreadable(f"the image cannot be read: {error}") from error
        return None
