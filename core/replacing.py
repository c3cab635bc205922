"""Files that take the place of others at once: whoever looks sees the old one or the new one, and no part of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..errors import UsageError


@contextmanager
def replacing(target: str) -> Iterator[str]:
    """Give the path of a file that takes the place of another when the block ends well.

    It gets the mode of the file that it replaces, or that of a new file. Raises OSError.
    """
    handle, part = tempfile.mkstemp(prefix=".recrate-", dir=os.path.dirname(os.path.abspath(target)))
    os.close(handle)
    try:
        yield part
        os.chmod(part, os.stat(target).st_mode if os.path.exists(target) else 0o666 & ~own_umask())
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise


def write_text(path: str, parts: Iterable[str]) -> None:
    """Write a file as a whole or not at all, in UTF-8. Raises UsageError when that cannot be."""
    try:
        with replacing(path) as part, open(part, "w", encoding="utf-8") as stream:
            stream.writelines(parts)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def own_umask() -> int:
    """Return the umask of this process, which can only be read by setting it."""
    current = os.umask(0o077)
    os.umask(current)
    return current
