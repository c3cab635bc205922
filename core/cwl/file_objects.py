"""File and Directory objects: located, completed, with contents and listings (CWL v1.2, section 5.1.2)."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from urllib.parse import quote, unquote, urljoin

from ...errors import FileElsewhere, InputInvalid, Unsupported, Where
from ..uris import is_file_uri, is_placed_uri, to_path, to_uri
from ..values import FileValue, Value, is_reference

CONTENTS_LIMIT = 64 * 1024
"""Bytes that `loadContents` loads."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:/")


# -- locations ----------------------------------------------------------------------------------


def absolute_location(item: FileValue, base: str) -> FileValue:
    """Return an object whose `location` is absolute; `base` is the URI of the document it stands in.

    A `path` is a path and not a URI; literals stay as they are.
    """
    item = dict(item)
    path = item.pop("path", None)
    if item.get("location") is not None:
        item["location"] = resolve_location(str(item["location"]), base)
    elif path is not None:
        item["location"] = _location_of_path(str(path), base)
    for name in ("secondaryFiles", "listing"):
        if isinstance(item.get(name), list):
            item[name] = [absolute_location(other, base) if isinstance(other, dict) else other for other in item[name]]
    return item


def _location_of_path(path: str, base: str) -> str:
    if _SCHEME.match(path):
        return resolve_location(path, base)
    folder = os.path.dirname(to_path(base.partition("#")[0])) if is_file_uri(base) else os.getcwd()
    return to_uri(os.path.normpath(os.path.join(folder, path)))


def resolve_location(location: str, base: str) -> str:
    """Return a location as an absolute URI.

    What is no URI is a relative reference to the document: a name in it may hold `#`, `:` or `%`
    percent-encoded, or as they are when such a file exists.
    """
    if location.startswith("file:/") and not location.startswith("file://"):
        return "file://" + location.removeprefix("file:")
    if _SCHEME.match(location):
        return location
    if not is_file_uri(base) and not location.startswith("/"):
        return urljoin(base, quote(location, safe="/:%#?&=@!$'()*+,;~"))
    folder = os.path.dirname(to_path(base.partition("#")[0])) if is_file_uri(base) else "/"
    plain = os.path.join(folder, location)
    if "%" not in location or os.path.lexists(plain):
        return to_uri(os.path.normpath(plain))
    return to_uri(os.path.normpath(os.path.join(folder, unquote(location, errors="surrogateescape"))))


def expanded(name: str, namespaces: Mapping[str, str]) -> str:
    """Return a name as a full URI: a prefix of `$namespaces` stands for its URI."""
    prefix, colon, rest = name.partition(":")
    if colon and prefix in namespaces and not rest.startswith("//"):
        return namespaces[prefix] + rest
    return name


# -- completion ---------------------------------------------------------------------------------


def complete(item: FileValue, where: Where | None = None) -> FileValue:
    """Return an object with its basename, nameroot, nameext and size, its members completed.

    Raises InputInvalid for a file that is not there or is not what its class says, Unsupported for
    a location that is not of this machine.
    """
    item = dict(item)
    location = item.get("location")
    if location is None:
        _complete_literal(item, where)
    else:
        path = _path(str(location), where)
        if not item.get("basename"):
            item["basename"] = os.path.basename(os.path.normpath(path))
        _check(item, path, where)
    _check_basename(item, where)
    if item["class"] == "File":
        item["nameroot"], item["nameext"] = split_name(item["basename"])
    for name in ("secondaryFiles", "listing"):
        if isinstance(item.get(name), list):
            item[name] = [_completed_member(other, name, where) for other in item[name]]
        elif item.get(name) is None:
            item.pop(name, None)
    return item


def _completed_member(item: Value, name: str, where: Where | None) -> FileValue:
    if not is_reference(item):
        raise InputInvalid(f"{name} must hold Files and Directories, not {item!r}"[:200], where=where)
    return complete(item, where)


def _path(location: str, where: Where | None) -> str:
    """Return the path of a location. Raises InputInvalid, Unsupported."""
    if is_placed_uri(location):
        raise FileElsewhere(location, where=where)
    if not is_file_uri(location):
        if location.startswith(("http://", "https://")):
            raise Unsupported(
                f"{location!r} is on the network, and was not fetched", where=where, hint="give a local copy of it"
            )
        raise Unsupported(f"the location {location!r} is no file of this machine", where=where)
    try:
        path = to_path(location)
    except ValueError as error:
        raise InputInvalid(str(error), where=where) from error
    if "\0" in path:
        raise InputInvalid(f"the location {location!r} has a null byte in it", where=where)
    return path


def _complete_literal(item: FileValue, where: Where | None) -> None:
    if item["class"] == "File":
        if not isinstance(item.get("contents"), str):
            raise InputInvalid("a File needs a location, a path or contents", where=where)
        item["size"] = len(item["contents"].encode("utf-8", "surrogatepass"))
    elif not isinstance(item.get("listing"), list):
        raise InputInvalid("a Directory needs a location, a path or a listing", where=where)
    item.pop("location", None)
    if not item.get("basename"):
        item["basename"] = "literal"


def _check_basename(item: FileValue, where: Where | None) -> None:
    name = item["basename"]
    if not isinstance(name, str) or "/" in name or "\0" in name or name in (".", ".."):
        raise InputInvalid(f"the basename {name!r} is not the name of a file", where=where)


def split_name(basename: str) -> tuple[str, str]:
    """Return nameroot and nameext of a basename; leading dots belong to the root."""
    return os.path.splitext(basename)


def _check(item: FileValue, path: str, where: Where | None) -> None:
    """Check that there is what an object says, and set the size of a File."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise InputInvalid(f"cannot find {path!r}: {error.strerror}", where=where) from error
    directory = stat.S_ISDIR(found.st_mode)
    if directory != (item["class"] == "Directory"):
        kind = "a directory" if directory else "not a directory"
        raise InputInvalid(f"{path!r} is {kind}, but is given as a {item['class']}", where=where)
    if not directory and not stat.S_ISREG(found.st_mode) and path != os.devnull:
        raise InputInvalid(f"{path!r} is a device, pipe or socket, not a regular file", where=where)
    if not os.access(path, os.R_OK | os.X_OK if directory else os.R_OK):
        raise InputInvalid(f"cannot read {path!r}: Permission denied", where=where)
    if not directory:
        item["size"] = found.st_size


# -- contents and listings ----------------------------------------------------------------------


def load_contents(value: Value, *, version: str = "v1.2", where: Where | None = None) -> Value:
    """Return a value whose Files, alone or in lists, have the text of their first 64 KiB as `contents`.

    Raises InputInvalid for a larger file, except in v1.0, which takes the beginning.
    """
    if isinstance(value, list):
        return [load_contents(item, version=version, where=where) for item in value]
    if not isinstance(value, dict) or value.get("class") != "File" or "contents" in value:
        return value
    path = _path(value["location"], where)
    try:
        with open(path, "rb") as stream:
            content = stream.read(CONTENTS_LIMIT + 1)
    except OSError as error:
        raise InputInvalid(f"cannot read {path!r}: {error.strerror}", where=where) from error
    return {**value, "contents": contents_text(content, path, version, where)}


def contents_text(content: bytes, name: str, version: str, where: Where | None = None) -> str:
    """Return the text for `contents` of up to 64 KiB and one byte of a file; what is no UTF-8 is replaced.

    Raises InputInvalid for more than 64 KiB, except in v1.0.
    """
    if len(content) > CONTENTS_LIMIT and version != "v1.0":
        raise InputInvalid(f"{name!r} is larger than 64 KiB, the most that loadContents may load", where=where)
    return content[:CONTENTS_LIMIT].decode("utf-8", "replace")


def load_listing(value: Value, depth: str | None, where: Where | None = None) -> Value:
    """Return a value whose Directories, alone or in lists, have the listing that a `loadListing` asks for.

    Args:
        value: any value.
        depth: `no_listing`, `shallow_listing`, `deep_listing`; None leaves things as they are.
        where: place in the document, for errors.

    Raises:
        InputInvalid: a directory cannot be read.
    """
    if isinstance(value, list):
        return [load_listing(item, depth, where) for item in value]
    if not isinstance(value, dict) or value.get("class") != "Directory" or "location" not in value or depth is None:
        return value
    if depth == "no_listing":
        return {name: field for name, field in value.items() if name != "listing"}
    return {**value, "listing": _listing(_path(value["location"], where), depth == "deep_listing", where, ())}


def _listing(folder: str, deep: bool, where: Where | None, above: tuple[tuple[int, int], ...]) -> list[FileValue]:
    """Return what lies in a directory; `above` are the directories around it, against loops of links."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        status = os.stat(folder)
    except OSError as error:
        raise InputInvalid(f"cannot list {folder!r}: {error.strerror}", where=where) from error
    here = (status.st_dev, status.st_ino)
    if here in above:
        raise InputInvalid(f"the directory {folder!r} contains itself through a link", where=where)
    return [_listed(entry, deep, where, (*above, here)) for entry in found if _is_listed(entry)]


def _is_listed(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir() or entry.is_file()


def _listed(entry: os.DirEntry[str], deep: bool, where: Where | None, above: tuple[tuple[int, int], ...]) -> FileValue:
    item: FileValue = {"location": to_uri(entry.path), "basename": entry.name}
    if entry.is_dir():
        if deep:
            item["listing"] = _listing(entry.path, deep, where, above)
        return {"class": "Directory", **item}
    root, ending = split_name(entry.name)
    return {"class": "File", **item, "nameroot": root, "nameext": ending, "size": entry.stat().st_size}
