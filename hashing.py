"""Every hash of the system: of files, of texts and of JSON values.

Content is identified by sha256; CWL's output object also wants `sha1$...`. Both are
computed in one pass over the bytes, and returned together with the size, so that a
label and its value cannot part.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, BinaryIO

from .data_classes import dataclass

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Digest:
    """What identifies a content: hex digests without a prefix, and its size in bytes."""

    sha256: str
    sha1: str
    size: int

    @property
    def checksum(self) -> str:
        """The `checksum` field of a CWL File: `sha1$` and the hex digest."""
        return f"sha1${self.sha1}"


EMPTY = Digest(hashlib.sha256().hexdigest(), hashlib.sha1(usedforsecurity=False).hexdigest(), 0)


def digest_stream(stream: BinaryIO) -> Digest:
    """Hash what is left of a binary stream."""
    sha256, sha1, size = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    while chunk := stream.read(CHUNK_BYTES):
        sha256.update(chunk)
        sha1.update(chunk)
        size += len(chunk)
    return Digest(sha256.hexdigest(), sha1.hexdigest(), size)


def digest_file(path: str | os.PathLike[str]) -> Digest:
    """Hash a file. Raises OSError when it cannot be read."""
    with open(path, "rb", buffering=0) as stream:
        return digest_stream(stream)


def digest_bytes(content: bytes) -> Digest:
    """Hash bytes in memory."""
    return Digest(
        hashlib.sha256(content).hexdigest(),
        hashlib.sha1(content, usedforsecurity=False).hexdigest(),
        len(content),
    )


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, non-ASCII kept.

    Raises TypeError for what JSON cannot say.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_text(text: str) -> str:
    """Return the sha256 of a text in UTF-8; lone surrogates (odd file names) are kept apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def hash_json(value: Any) -> str:
    """Return the sha256 of a value's canonical JSON."""
    return hash_text(canonical_json(value))
