"""What do large inputs cost? Four files that a job is given and of which it only tells the size."""

from __future__ import annotations

import os
from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared

FILES = 4
MEGABYTE = 1_000_000
SIZES = 'for file; do wc -c < "$file"; done'


def staging(directory: Path, size: int) -> Prepared:
    """Write four files of so many megabytes, not sparse and each different, and a job that takes them."""
    block = os.urandom(MEGABYTE - 8)
    paths = [directory / f"large{number}.bin" for number in range(FILES)]
    for number, path in enumerate(paths):
        with path.open("wb") as file:
            for part in range(size):
                file.write((number * size + part).to_bytes(8, "little") + block)
    tell = cwl.tool(
        ["sh", "-c", SIZES, "sizes"], "files", {"type": "File[]", "inputBinding": {"position": 1}}, "sizes.txt"
    )
    document = cwl.workflow({"files": "File[]"}, {"tell": cwl.step(tell, {"files": "files"})}, "tell", "File")
    order = {"files": [{"class": "File", "path": str(path)} for path in paths]}
    floor = f'ls "$DATA"/large*.bin | xargs sh -c \'{SIZES}\' sizes > "$OUT/0"'
    return prepared(directory, document, order, [f"{size * MEGABYTE}\n" * FILES], floor)


def one(size: int) -> int:
    """Return 1: a single job takes all files."""
    return 1


QUESTIONS = [Question("staging", "4 files of {size:,} MB staged", (1_000,), 5, staging, one)]
