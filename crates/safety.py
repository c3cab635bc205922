"""What a crate may not do: names that lead out of it, sizes that nobody can want.

A crate is written by others: nothing in it is believed. Identifiers (`@id`) are URI references
(RFC 3986), so that a path may be percent-encoded; each form is looked at, and the forms of Windows
too, since the crate may go on to there.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from ..data_classes import dataclass
from ..errors import CrateInvalid, Where

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # one letter is a drive: no scheme has so short a name
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SEPARATOR = re.compile(r"[/\\]")
_LOCAL_FILE = re.compile(r"file:(?://(?:localhost|127\.0\.0\.1|\[::1\])?/|/?(?!/))", re.IGNORECASE)
_ROUNDS = 4
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a crate may be. Of a folder only the numbers of files and the metadata are limited."""

    files: int = 1_000_000
    total_bytes: int = 1 << 40
    """Of all files in an archive, unpacked."""
    ratio: int = 250
    """How many times larger an archive may become, once it is larger than `small_bytes`."""
    small_bytes: int = 64 << 20
    depth: int = 64
    """Names in a path."""
    metadata_bytes: int = 4 << 30
    graph_bytes: int = 128 << 20
    """Of the metadata that are kept in memory."""
    entity_bytes: int = 128 << 20
    json_depth: int = 32


def shown(text: str) -> str:
    """Return a text of a crate as it can stand in one line of a message: what is not printable escaped."""
    return printable(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def printable(text: str) -> str:
    """Return a text with what is not printable escaped."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode() for char in text
    )


def is_local_file(uri: str) -> bool:
    """Tell whether a URI names a file of the machine that reads it (RFC 8089)."""
    return _LOCAL_FILE.match(uri) is not None


def leads_out(text: str) -> str | None:
    """Return how a path, or a percent-encoded form of one, leads out of where it is; None when it does not."""
    for form in _forms(text):
        if _DRIVE.match(form) and not form[2:3].isalnum():
            return "names a drive"
        if form.startswith(("/", "\\")):
            return "is an absolute path"
        if any(part.startswith("..") and not part.strip(" .") for part in _SEPARATOR.split(form)):
            return "leads out of the crate"
    return None


def _forms(text: str) -> Iterable[str]:
    """Yield a text, and what comes of it when it is decoded again and again."""
    for _ in range(_ROUNDS):
        yield text
        decoded = decoded_path(text)
        if decoded == text:
            return
        text = decoded
    raise CrateInvalid(f"{shown(text)!r} is percent-encoded again and again")


def decoded_path(text: str) -> str:
    """Return a percent-encoded path as the file system knows it; bytes that are no UTF-8 as surrogates."""
    return os.fsdecode(unquote_to_bytes(text.encode("utf-8", "surrogateescape"))) if "%" in text else text


def check_identifier(identifier: str, where: Where, *, is_data: bool) -> None:
    """Refuse an `@id` that could name a file outside of the crate; `is_data`: it is that of a file or folder.

    Raises CrateInvalid.
    """
    if is_local_file(identifier):
        raise CrateInvalid(f"@id {shown(identifier)!r} names a file of this machine", where=where)
    if _DRIVE.match(identifier) and (is_data or not identifier[2:3].isalnum()):
        raise CrateInvalid(f"@id {shown(identifier)!r} names a drive", where=where)
    if identifier.startswith(("#", "_:")) or _SCHEME.match(identifier):
        return
    how = leads_out(identifier)
    if how is not None and (is_data or how != "is an absolute path"):
        raise CrateInvalid(f"@id {shown(identifier)!r} {how}", where=where)
    if is_data and _CONTROL.search(decoded_path(identifier)):
        raise CrateInvalid(f"@id {shown(identifier)!r} holds a control character", where=where)


def is_web(identifier: str) -> bool:
    """Tell whether an identifier has a scheme, so that it is no path in a crate."""
    return _SCHEME.match(identifier) is not None


def check_name(name: str, prop: str, where: Where) -> None:
    """Refuse the name that a file had (`alternateName`, `localPath`) when it leads elsewhere. Raises CrateInvalid."""
    how = "names a file of this machine" if is_local_file(name) else "holds NUL" if "\0" in name else leads_out(name)
    if how is not None:
        raise CrateInvalid(f"{prop} {shown(name)!r} {how}", where=where)


def check_path(path: str, limits: Limits, where: Where) -> None:
    """Refuse the path of a file in a crate: relative, with `/`. Raises CrateInvalid."""
    how = leads_out(path)
    if how is None and _CONTROL.search(path):
        how = "holds a control character"
    if how is None and path.count("/") >= limits.depth:
        how = f"lies deeper than {limits.depth} folders"
    if how is not None:
        raise CrateInvalid(f"the path {shown(path)!r} {how}", where=where)


def check_folding(paths: Iterable[str], where: Where) -> None:
    """Refuse paths that are two here and one in a file system that folds case or forms of Unicode.

    Raises CrateInvalid.
    """
    folded: dict[str, str] = {}
    for path in _with_folders(paths):
        if path.isascii() and path.islower():
            key = path
        else:
            key = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
        other = folded.setdefault(key, path)
        if other != path:
            raise CrateInvalid(
                f"{shown(other)!r} and {shown(path)!r} are one name in file systems that fold case or Unicode",
                where=where,
            )


def _with_folders(paths: Iterable[str]) -> Iterator[str]:
    """Yield paths, and those of the folders that they are in, each once."""
    seen: set[str] = set()
    for path in paths:
        yield path
        above = path.rpartition("/")[0]
        while above and above not in seen:
            seen.add(above)
            yield above
            above = above.rpartition("/")[0]
