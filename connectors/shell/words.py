"""Words, programs and command lines for a POSIX shell; whatever is in a name, it is never taken for more.

Texts hold bytes that are not UTF-8 as surrogates. A NUL byte cannot be in a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ...errors import PlaceFailed
from ..wrapper import encode, quote

SHELL = "/bin/sh"
LONGEST_COMMAND = 100_000
"""Bytes: Linux takes no single argument of 128 KiB or more (execve(2))."""
_PLAIN = re.compile(rb"[\x20-\x7e]*\Z")
_PLAIN_LINES = re.compile(rb"[\x20-\x7e\n]*\Z")
_AWKWARD = re.compile(rb"['!\\]")
_ESCAPED = re.compile(rb"[^A-Za-z0-9 _./=,:+@-]")


def word(text: str) -> str:
    """Return one word of a program. Raises PlaceFailed for a NUL byte, which no file name and no argument can have."""
    if "\0" in text:
        raise PlaceFailed(f"a NUL byte cannot be in a name or an argument: {text!r}")
    return quote(text)


def words(texts: Iterable[str]) -> str:
    """Return several words, with spaces between them."""
    return " ".join(word(text) for text in texts)


def name(path: str) -> str:
    """Return the word of a path that no program takes for an option."""
    return word(f"./{path}" if path.startswith("-") else path)


def names(paths: Iterable[str]) -> str:
    """Return the words of several paths."""
    return " ".join(name(path) for path in paths)


def command_line(program: str) -> str | None:
    """Return the command line that has a shell carry out a program, whatever shell the user logs in with.

    It holds printable ASCII alone, and nothing that csh or fish read in another way than sh
    within single quotes. None when it would be too long.
    """
    text = encode(program)
    if _PLAIN.match(text) and not _AWKWARD.search(text):
        line = f"exec {SHELL} -c '{text.decode('ascii')}'"
    else:
        escaped = _ESCAPED.sub(lambda found: b"\\0%03o" % found[0][0], text).decode("ascii")
        line = f'exec {SHELL} -c \'eval "$(printf %b "{escaped}")"\''
    return line if len(line) <= LONGEST_COMMAND else None


def plain_program(program: str) -> str:
    """Return a program of printable ASCII and newlines that does the same: not everybody hands on other bytes."""
    text = encode(program)
    if _PLAIN_LINES.match(text):
        return program
    escaped = _ESCAPED.sub(lambda found: b"\\0%03o" % found[0][0], text).decode("ascii")
    return f"eval \"$(printf %b '{escaped}')\""


def content(text: bytes) -> str:
    """Return a command of a shell's own that prints bytes, NUL among them."""
    if b"\0" not in text:
        return f"printf %s {quote(text.decode('utf-8', 'surrogateescape'))}"
    escaped = _ESCAPED.sub(lambda found: b"\\0%03o" % found[0][0], text).decode("ascii")
    return f"printf %b '{escaped}'"


def batches(paths: Iterable[str], most: int = LONGEST_COMMAND // 2, count: int = 500) -> Iterator[list[str]]:
    """Yield paths in groups whose words are not too long for one command line."""
    group: list[str] = []
    size = 0
    for path in paths:
        length = len(encode(path)) + 3
        if group and (size + length > most or len(group) >= count):
            yield group
            group, size = [], 0
        group.append(path)
        size += length
    if group:
        yield group
