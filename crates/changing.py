"""Files added to a crate that is there, or taken out of it; it is whole at any moment.

A folder gets each file at once under its name, the metadata last. An archive is written anew beside itself.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ..core.replacing import replacing
from ..errors import CrateFailed, Where
from .graph import Ref, top_level
from .holders import Folder
from .read import Crate

_MODE = 0o644

Content = bytes | Path
"""The content of a file: as it is, or the path of a file that has it."""


def change_files(crate: Crate, files: Mapping[str, Content], without: Collection[str] = ()) -> None:
    """Put files into a crate, and take others out.

    Args:
        crate: an open one; it is not to be used any more.
        files: contents by path in the crate, in the order in which they are put there; what is there is replaced.
        without: paths of files that are taken out.

    Raises:
        CrateFailed: they cannot be written. An archive is then as it was.
    """
    try:
        if isinstance(crate.holder, Folder):
            _change_folder(os.path.join(crate.holder.root, crate.prefix), files, without)
        else:
            _change_archive(crate, files, without)
    except OSError as error:
        raise CrateFailed(f"the crate {crate.path} cannot be changed: {error.strerror}") from None


def _change_folder(root: str, files: Mapping[str, Content], without: Collection[str]) -> None:
    for path in set(without) - set(files):
        os.unlink(os.path.join(root, path))
    for path, content in files.items():
        target = os.path.join(root, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with replacing(target) as part, open(part, "wb") as stream:
            _write(content, stream)


def _change_archive(crate: Crate, files: Mapping[str, Content], without: Collection[str]) -> None:
    named = {f"{crate.prefix}{path}": content for path, content in files.items()}
    dropped = {f"{crate.prefix}{path}" for path in without} | (set(named) & set(crate.files))
    with replacing(crate.path) as part:
        if dropped:
            _copy_entries(crate.path, part, dropped)
        else:
            shutil.copyfile(crate.path, part)
        with zipfile.ZipFile(part, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path, content in named.items():
                info = zipfile.ZipInfo(path, time.gmtime()[:6])
                info.external_attr = _MODE << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(info, "w", force_zip64=True) as stream:
                    _write(content, stream)


def _copy_entries(source: str, target: str, without: set[str]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            if info.filename not in without:
                with old.open(info) as stream, new.open(info, "w", force_zip64=True) as copy:
                    shutil.copyfileobj(stream, copy, 1 << 20)


def _write(content: Content, stream: IO[bytes]) -> None:
    if isinstance(content, bytes):
        stream.write(content)
        return
    with content.open("rb") as source:
        shutil.copyfileobj(source, stream, 1 << 20)


# -- metadata --------------------------------------------------------------------------------------


def write_metadata(crate: Crate, added: Sequence[Mapping[str, Any]], out: IO[bytes]) -> None:
    """Write the metadata of a crate with further entities, which become parts of the root.

    They replace those of the same `@id`. Memory is bounded by the largest entity. Raises CrateInvalid.
    """
    new = {str(entity["@id"]): entity for entity in added}
    where = Where(f"{crate.path}/{crate.metadata}")
    out.write(b"{")
    count, in_graph = 0, False
    with crate.open(crate.metadata) as stream:
        for name, value in top_level(stream, crate.limits, where):
            if name != "@graph":
                out.write((b"]" if in_graph else b"") + (b",\n" if count else b"") + _encoded(name) + b":")
                out.write(_encoded(_raw(value)))
                in_graph = False
            else:
                entity = _raw(value)
                if entity.get("@id") in new:
                    continue
                if entity.get("@id") == crate.root.id:
                    entity = _with_parts(entity, new)
                out.write(b",\n" if in_graph else (b",\n" if count else b"") + b'"@graph":[\n')
                out.write(_encoded(entity))
                in_graph = True
            count += 1
    if not in_graph:
        raise CrateFailed(f"the metadata of {crate.path} do not end with their @graph", hint="pack beside it with --to")
    for entity in new.values():
        out.write(b",\n" + _encoded(entity))
    out.write(b"\n]}\n")


def _with_parts(root: dict[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    parts = root.get("hasPart") or []
    parts = parts if isinstance(parts, list) else [parts]
    known = {part.get("@id") for part in parts if isinstance(part, dict)}
    return {**root, "hasPart": [*parts, *({"@id": name} for name in new if name not in known)]}


def _raw(value: Any) -> Any:
    """Return a value as JSON has it: references as objects."""
    if isinstance(value, Ref):
        return {"@id": str(value)}
    if isinstance(value, dict):
        return {name: _raw(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_raw(item) for item in value]
    return value


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()
