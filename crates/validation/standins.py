"""An archive as the folder that the official validator wants, without unpacking it.

The validator asks which files there are and how large; it reads none but the metadata and the
preview. So all others are laid out empty, at their size, which takes no space.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..holders import Folder
from ..read import METADATA, PREVIEW, Crate

READ = (*METADATA, PREVIEW)


@contextmanager
def as_folder(crate: Crate) -> Iterator[str]:
    """Yield the path of a folder with the names and sizes of all files of a crate."""
    if isinstance(crate.holder, Folder) and not crate.prefix:
        yield crate.holder.root
        return
    with tempfile.TemporaryDirectory(prefix="recrate-validate-") as folder:
        for name in crate.folders():
            Path(folder, name).mkdir(parents=True, exist_ok=True)
        for name in crate.paths():
            with Path(folder, name).open("wb") as stream:
                if name in READ:
                    with crate.open(name) as content:
                        shutil.copyfileobj(content, stream)
                else:
                    os.truncate(stream.fileno(), crate.size(name))
        yield folder
