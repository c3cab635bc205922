"""The end of a file, such as of a log."""

from __future__ import annotations


def last_bytes(path: str, limit: int = 4096) -> bytes:
    """Return the last bytes of a file; none when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - limit))
            return stream.read()
    except OSError:
        return b""
