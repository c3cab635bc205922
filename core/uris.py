"""`file://` URIs of this machine and paths, also for names that are not UTF-8 (RFC 8089)."""

from __future__ import annotations

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

SCHEME = "file://"
_SAFE = "/~!$&'()*+,;=@"


def to_uri(path: str) -> str:
    """Return the file:// URI of an absolute path."""
    return SCHEME + quote_from_bytes(os.fsencode(path), safe=_SAFE)


def to_path(uri: str) -> str:
    """Return the path of a file:// URI. Raises ValueError for another scheme or a remote host."""
    if not uri.startswith(SCHEME):
        raise ValueError(f"{uri!r} is not a file:// URI")
    rest = uri[len(SCHEME) :]
    if rest.startswith("localhost/"):
        rest = rest[len("localhost") :]
    if not rest.startswith("/"):
        raise ValueError(f"{uri!r} names another host")
    return os.fsdecode(unquote_to_bytes(rest))


def is_file_uri(uri: str) -> bool:
    """Tell whether a URI names a file of this machine."""
    return uri.startswith(SCHEME)
