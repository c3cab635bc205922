"""Removing directory trees of this machine."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator


def remove_tree(path: str) -> None:
    """Remove a file, a link or a directory with all below it; links are not followed.

    Directories that their owner may not write to are made writable first. What is gone already
    is no error. Raises OSError.
    """
    try:
        if not _is_directory(path):
            os.unlink(path)
            return
        for folder in reversed(list(_folders(path))):
            _empty(folder)
            os.rmdir(folder)
    except FileNotFoundError:
        return


def _folders(path: str) -> Iterator[str]:
    """Yield a directory and all below it, parents first, after making each writable."""
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        os.chmod(folder, stat.S_IMODE(os.lstat(folder).st_mode) | stat.S_IRWXU)
        yield folder
        with os.scandir(folder) as entries:
            waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _empty(folder: str) -> None:
    with os.scandir(folder) as entries:
        paths = [entry.path for entry in entries]
    for path in paths:
        os.unlink(path)


def disk_usage(path: str) -> int:
    """Return the bytes that a file or a tree takes up on disk; what cannot be read counts as nothing."""
    total = 0
    waiting = [path]
    while waiting:
        current = waiting.pop()
        try:
            total += os.lstat(current).st_blocks * 512
            if _is_directory(current):
                with os.scandir(current) as entries:
                    waiting += [entry.path for entry in entries]
        except OSError:
            continue
    return total


def unneeded_below(path: str, needed: Iterable[str]) -> Iterator[str]:
    """Yield the paths to remove so that of a tree only what is needed stays, with the directories above that.

    `needed` are absolute paths; one that is a directory is needed with all below it. Paths that
    are not in the tree do not matter.
    """
    wanted = frozenset(needed)
    above = frozenset(parent for item in wanted for parent in _parents(item))
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in wanted:
            continue
        if current not in above:
            if os.path.lexists(current):
                yield current
        elif _is_directory(current):
            with os.scandir(current) as entries:
                waiting += sorted((entry.path for entry in entries), reverse=True)


def _parents(path: str) -> Iterator[str]:
    while path != (parent := os.path.dirname(path)):
        yield parent
        path = parent


def _is_directory(path: str) -> bool:
    return stat.S_ISDIR(os.lstat(path).st_mode)
