"""`file://` URIs and paths, also for names that are not UTF-8 (RFC 8089).

A URI without a host names a file of the controller's machine. One with a host names a file of
another place: the host is the name of a storage (see `core.storages`), such as `file://cloud/tmp/x`.
"""

from __future__ import annotations

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

SCHEME = "file://"
_HERE = ("file:///", "file://localhost/")
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
    if "%" not in rest and rest.isascii():
        return rest
    return os.fsdecode(unquote_to_bytes(rest))


def is_file_uri(uri: str) -> bool:
    """Tell whether a URI names a file of this machine."""
    return uri.startswith(_HERE)


def is_placed_uri(uri: str) -> bool:
    """Tell whether a URI names a file of another place."""
    return uri.startswith(SCHEME) and not uri.startswith(_HERE)


def to_placed_uri(storage: str, path: str) -> str:
    """Return the URI of an absolute path on a storage."""
    return f"{SCHEME}{storage}{quote_from_bytes(os.fsencode(path), safe=_SAFE)}"


def split_placed_uri(uri: str) -> tuple[str, str]:
    """Return the storage and the path of a URI that `is_placed_uri`. Raises ValueError for one without a path."""
    storage, slash, path = uri[len(SCHEME) :].partition("/")
    if not slash:
        raise ValueError(f"{uri!r} has no path")
    return storage, os.fsdecode(unquote_to_bytes(slash + path))
