"""File and Directory objects: completed, with secondary files, contents and listings (CWL v1.2, section 5.1.2)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, unquote, urljoin

from ...errors import InputInvalid, Where
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue, Value
from .types import SecondaryFile

CONTENTS_LIMIT = 64 * 1024
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def absolute_location(item: FileValue, base: str) -> FileValue:
    """Return an object whose `location` is absolute; `base` is the URI of the document it stands in.

    A `path` is a path and not a URI; literals stay as they are.
    """
    item = dict(item)
    path = item.pop("path", None)
    if path is not None and "location" not in item:
        folder = to_path(base.partition("#")[0]) if is_file_uri(base) else os.getcwd() + "/"
        plain = to_path(path) if is_file_uri(str(path)) else str(path)
        item["location"] = to_uri(os.path.normpath(os.path.join(os.path.dirname(folder), plain)))
    elif item.get("location") is not None:
        item["location"] = resolve_location(str(item["location"]), base)
    for name in ("secondaryFiles", "listing"):
        if isinstance(item.get(name), list):
            item[name] = [absolute_location(other, base) if isinstance(other, dict) else other for other in item[name]]
    return item


def resolve_location(location: str, base: str) -> str:
    """Return a location as an absolute URI.

    What is no URI is a relative reference to the document: a name in it may hold `#` or `:`
    percent-encoded, or as they are when such a file exists.
    """
    if _SCHEME.match(location):
        return location
    if location.startswith("/"):
        return to_uri(unquote(location) if "%" in location and not os.path.exists(location) else location)
    if is_file_uri(base):
        folder = os.path.dirname(to_path(base.partition("#")[0]))
        plain = os.path.join(folder, location)
        if os.path.lexists(plain):
            return to_uri(os.path.normpath(plain))
        return to_uri(os.path.normpath(os.path.join(folder, unquote(location, errors="surrogateescape"))))
    return urljoin(base, quote(location, safe="/:%#?&=@!$'()*+,;~"))


def complete(item: FileValue, where: Where | None = None) -> FileValue:
    """Return an object with its basename, nameroot, nameext and size, its members completed.

    Raises InputInvalid for a file that is not there or is not what its class says.
    """
    item = dict(item)
    location = item.get("location")
    if location is None:
        _complete_literal(item, where)
    else:
        item.setdefault("basename", os.path.basename(_local(location).rstrip("/")))
        if is_file_uri(location):
            _check(item, to_path(location), where)
    if item["class"] == "File":
        item["nameroot"], item["nameext"] = split_name(item["basename"])
    for name in ("secondaryFiles", "listing"):
        if isinstance(item.get(name), list):
            item[name] = [complete(other, where) for other in item[name]]
    return item


def _local(location: str) -> str:
    return to_path(location) if is_file_uri(location) else unquote(location.partition("?")[0])


def _complete_literal(item: FileValue, where: Where | None) -> None:
    if item["class"] == "File":
        if not isinstance(item.get("contents"), str):
            raise InputInvalid("a File needs a location, a path or contents", where=where)
        item.setdefault("basename", "literal")
        item["size"] = len(item["contents"].encode("utf-8", "surrogateescape"))
    elif not isinstance(item.get("listing"), list):
        raise InputInvalid("a Directory needs a location, a path or a listing", where=where)
    else:
        item.setdefault("basename", "literal")


def split_name(basename: str) -> tuple[str, str]:
    """Return nameroot and nameext of a basename; a leading dot belongs to the root."""
    return os.path.splitext(basename)


def _check(item: FileValue, path: str, where: Where | None) -> None:
    try:
        found = os.stat(path)
    except OSError as error:
        raise InputInvalid(f"cannot find {path!r}: {error.strerror}", where=where) from error
    directory = os.path.isdir(path)
    if directory != (item["class"] == "Directory"):
        kind = "a directory" if directory else "not a directory"
        raise InputInvalid(f"{path!r} is {kind}, but is given as a {item['class']}", where=where)
    if not directory:
        item["size"] = found.st_size
        if not os.access(path, os.R_OK):
            raise InputInvalid(f"cannot read {path!r}: Permission denied", where=where)


def load_contents(value: Value, *, version: str = "v1.2", where: Where | None = None) -> Value:
    """Return a value whose Files, alone or in lists, have the text of their first 64 KiB as `contents`.

    Raises InputInvalid for a larger file, except in v1.0, which takes the beginning.
    """
    if isinstance(value, list):
        return [load_contents(item, version=version, where=where) for item in value]
    if not isinstance(value, dict) or value.get("class") != "File" or "contents" in value:
        return value
    path = to_path(value["location"])
    try:
        with open(path, "rb") as stream:
            content = stream.read(CONTENTS_LIMIT + 1)
    except OSError as error:
        raise InputInvalid(f"cannot read {path!r}: {error.strerror}", where=where) from error
    return {**value, "contents": contents_text(content, path, version, where)}


def contents_text(content: bytes, name: str, version: str, where: Where | None = None) -> str:
    """Return the text for `contents` of up to 64 KiB and one byte of a file."""
    if len(content) > CONTENTS_LIMIT and version != "v1.0":
        raise InputInvalid(f"{name!r} is larger than 64 KiB, the most that loadContents may load", where=where)
    try:
        return content[:CONTENTS_LIMIT].decode("utf-8")
    except UnicodeDecodeError:
        return content[:CONTENTS_LIMIT].decode("utf-8", "replace")


def load_listing(value: Value, depth: str | None) -> Value:
    """Return a value whose Directories, alone or in lists, have the listing that a `loadListing` asks for."""
    if isinstance(value, list):
        return [load_listing(item, depth) for item in value]
    if not isinstance(value, dict) or value.get("class") != "Directory":
        return value
    if depth == "no_listing":
        return {name: field for name, field in value.items() if name != "listing" or "location" not in value}
    if depth is None or "location" not in value or not is_file_uri(value["location"]):
        return value
    return {**value, "listing": _listing(to_path(value["location"]), deep=depth == "deep_listing")}


def _listing(folder: str, *, deep: bool) -> list[FileValue]:
    found: list[FileValue] = []
    try:
        names = sorted(os.listdir(folder), key=os.fsencode)
    except OSError as error:
        raise InputInvalid(f"cannot list {folder!r}: {error.strerror}") from error
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            item: FileValue = {"class": "Directory", "location": to_uri(path), "basename": name}
            if deep:
                item["listing"] = _listing(path, deep=True)
        else:
            root, ending = split_name(name)
            item = {"class": "File", "location": to_uri(path), "basename": name, "nameroot": root, "nameext": ending}
            if os.path.exists(path):
                item["size"] = os.path.getsize(path)
        found.append(item)
    return found


def apply_pattern(basename: str, pattern: str) -> str:
    """Return the name that a secondary file pattern gives: each `^` takes one ending off (section 5.1.2)."""
    while pattern.startswith("^"):
        pattern = pattern[1:]
        basename = os.path.splitext(basename)[0]
    return basename + pattern


def secondary_names(
    item: FileValue, secondary: SecondaryFile, evaluate: Callable[[Any, FileValue], Value]
) -> Sequence[str | FileValue]:
    """Return what one secondaryFiles entry names: names beside the primary file, or whole objects."""
    if "$(" in secondary.pattern or "${" in secondary.pattern:
        result = evaluate(secondary.pattern, item)
        results = result if isinstance(result, list) else [result]
        return [entry for entry in results if entry is not None]
    return [apply_pattern(item["basename"], secondary.pattern)]


def is_required(
    secondary: SecondaryFile, item: FileValue, evaluate: Callable[[Any, FileValue], Value], default: bool
) -> bool:
    """Tell whether a secondary file must be there."""
    if secondary.required is None:
        return default
    result = evaluate(secondary.required, item)
    if result is None:
        return default
    if not isinstance(result, bool):
        raise InputInvalid(f"required of secondaryFiles must be true or false, not {result!r}")
    return result
