"""How work at a host fails, besides by PlaceFailed for good."""

from __future__ import annotations

from ...errors import PlaceFailed


class Broken(Exception):
    """The shell or the way to it was lost before it answered; what it was told may have been carried out or not."""


class CommandFailed(PlaceFailed):
    """A command ended badly; `words` is the last that it said."""

    def __init__(self, place: str, words: str) -> None:
        super().__init__(f"{place}: {words}", hint=hint_of(words.encode("utf-8", "replace")))
        self.words = words


def hint_of(words: bytes) -> str | None:
    """Return what to do about the last words of a command, where that is known."""
    for said, hint in _HINTS:
        if said in words:
            return hint
    return None


_HINTS = (
    (b"No space left on device", "make room on that disk, or choose another work directory (`workdir`)"),
    (b"Disk quota exceeded", "make room within your quota, or choose another work directory (`workdir`)"),
    (b"Read-only file system", "choose a work directory that can be written (`workdir`)"),
    (b"Permission denied", "choose a work directory that can be written (`workdir`)"),
)
