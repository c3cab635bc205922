"""The files of a large folder copied by another process, while this one stores what the crate says of the run.

The process is this module as a program: by its standard input it is told what to copy, and it prints the hash and
the size of each file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, BinaryIO

from ..hashing import CHUNK_BYTES
from .apart import begin
from .holders import Folder
from .reaching import Reach

FEW_FILES = 2_000
"""No more files are copied in less time than it is worth to start a process for."""


def copy_stream(source: BinaryIO, target: str) -> tuple[str, int]:
    """Copy a file to a path where nothing is, hashing on the way.

    Returns its SHA-256 in hex, and its bytes. Raises OSError.
    """
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb", buffering=0) as copy:
        while chunk := source.read(CHUNK_BYTES):
            digest.update(chunk)
            copy.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


class CopiesApart:
    """Files of one folder, being copied by another process."""

    def __init__(self, folder: Folder, folders: Iterable[str], paths: Iterable[str], target: str, lock: int) -> None:
        """Begin to copy `paths` of a folder to a directory that is there; the process has its lock too."""
        self._answers: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        told = {"root": folder.root, "folders": sorted(folders), "paths": list(paths), "target": target}
        self._process = begin(__name__, told, self._answers, [lock])

    def is_done(self) -> bool:
        """Wait for the process, and tell whether all went well."""
        return self._process is not None and self._process.wait() == 0

    def copied(self) -> Iterator[tuple[str, int]]:
        """Yield the hash and the size of each file, in their order, once the process has ended.

        There are fewer than files when something went wrong; of the next one there may be a part.
        """
        self._answers.seek(0)
        for line in self._answers:
            if line.endswith(b"\n"):
                sha256, size = line.decode("ascii").split()
                yield sha256, int(size)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._answers.close()


def main() -> None:
    """Copy what the standard input names."""
    told = json.load(sys.stdin)
    target, folder = told["target"], Folder(told["root"], {}, frozenset(), Reach(told["root"]))
    for path in told["folders"]:
        os.makedirs(os.path.join(target, path), mode=0o700, exist_ok=True)
    for path in told["paths"]:
        with folder.open(path) as source:
            print(*copy_stream(source, os.path.join(target, path)))


if __name__ == "__main__":
    main()
