"""Copies from one storage to another: a file, a directory, or many small files at once, and what they are checked by.

Nothing here knows of tokens or of the store. All functions raise PlaceFailed.
"""

from __future__ import annotations

import asyncio
import posixpath
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..connectors.base import EntryKind
from ..connectors.data import Data, Sending
from ..data_classes import dataclass
from ..errors import PlaceFailed
from ..hashing import hash_json
from .places import Storage
from .streams import Meter

PART = ".part"
"""Ends the name of a file that is not whole yet."""


class SourceChanged(PlaceFailed):
    """What was read at the source is not the content that is wanted."""


class ArrivedWrong(PlaceFailed):
    """What lies at the target is not what was read at the source."""


@dataclass(frozen=True, slots=True)
class Item:
    """A content on its way: its hash, where it is read, where it is to lie."""

    sha256: str
    source: str
    target: str


def data_of(storage: Storage) -> Data:
    """Return the part of a storage's connector that moves data. Raises PlaceFailed when it has none."""
    connector = storage.connector
    if not isinstance(connector, Data):
        raise PlaceFailed(f"the connector of {storage.row.name!r} cannot move data")
    return connector


async def copy_file(source: Storage, target: Storage, item: Item, meter: Meter) -> None:
    """Copy a file; what an earlier try has left of it is gone on with."""
    reading, writing = data_of(source), data_of(target)
    part = item.target + PART
    [at_source] = await reading.states(source.location, [item.source])
    if at_source is None:
        raise SourceChanged(f"{item.source!r} is not on {source.row.name} any more")
    there, whole = await writing.states(target.location, [part, item.target])
    if whole is not None and whole.size == at_source.size and await _has(target, item):
        return
    offset = there.size if there is not None and there.size <= at_source.size else 0
    size = at_source.size - offset
    async with (
        aclosing(reading.read(source.location, item.source, offset=offset)) as chunks,
        aclosing(meter.through(chunks)) as measured,
    ):
        mode = at_source.mode | 0o600
        arrived = await writing.write(target.location, part, measured, offset=offset, mode=mode, size=size)
    if arrived is None:
        arrived = (await hashes(target, [part], []))[part]
    if arrived != item.sha256:
        # What was read is hashed once, where it arrives; the source is asked only when something is wrong.
        await target.connector.remove(target.location, part)
        if (await hashes(source, [item.source], []))[item.source] != item.sha256:
            raise SourceChanged(f"{item.source!r} on {source.row.name} has changed")
        raise ArrivedWrong(f"{item.target!r} did not arrive intact on {target.row.name}")
    await writing.rename(target.location, [(part, item.target)])


async def _has(target: Storage, item: Item) -> bool:
    """Tell whether an earlier try, whose end nobody saw, has brought a file."""
    return (await hashes(target, [item.target], []))[item.target] == item.sha256


async def copy_many(source: Storage, target: Storage, items: Sequence[Item], incoming: str, meter: Meter) -> None:
    """Copy several files in one stream, by way of a directory `incoming` at the target that is theirs alone.

    Either all arrive or none.
    """
    reading, writing = data_of(source), data_of(target)
    top = posixpath.commonpath([posixpath.dirname(item.source) for item in items])
    names = [posixpath.relpath(item.source, top) for item in items]
    async with aclosing(reading.pack(source.location, top, names)) as chunks:
        await writing.unpack(target.location, incoming, meter.through(chunks))
    arrived = [f"{incoming}/{name}" for name in names]
    digests = await writing.digests(target.location, arrived)
    for item, digest in zip(items, digests, strict=True):
        if digest is None or digest.sha256 != item.sha256:
            raise ArrivedWrong(f"{item.target!r} did not arrive intact on {target.row.name}")
    await _make_directories(target, {posixpath.dirname(item.target) for item in items})
    await writing.rename(target.location, list(zip(arrived, (item.target for item in items), strict=True)))
    await target.connector.remove(target.location, incoming)


async def copy_directory(source: Storage, target: Storage, item: Item, incoming: str, meter: Meter) -> None:
    """Copy a whole directory, by way of a directory `incoming` at the target."""
    reading, writing = data_of(source), data_of(target)
    top, name = posixpath.split(item.source.rstrip("/"))
    async with aclosing(reading.pack(source.location, top or "/", [name])) as chunks:
        await writing.unpack(target.location, incoming, meter.through(chunks))
    if await directory_digest(target, f"{incoming}/{name}") != item.sha256:
        if await directory_digest(source, item.source) != item.sha256:
            raise SourceChanged(f"the directory {item.source!r} on {source.row.name} has changed")
        raise ArrivedWrong(f"the directory {item.target!r} did not arrive intact on {target.row.name}")
    await _make_directories(target, {posixpath.dirname(item.target)})
    await target.connector.remove(target.location, item.target)
    await writing.rename(target.location, [(f"{incoming}/{name}", item.target)])
    await target.connector.remove(target.location, incoming)


async def _make_directories(target: Storage, paths: set[str]) -> None:
    done = await target.connector.run(target.location, ["mkdir", "-p", "--", *sorted(paths)])
    if done.code != 0:
        words = done.stderr.decode("utf-8", "replace").strip()
        raise PlaceFailed(f"cannot make directories on {target.row.name}: {words}")


# -- what lies there ------------------------------------------------------------------------------


async def hashes(storage: Storage, files: Sequence[str], directories: Sequence[str]) -> Mapping[str, str | None]:
    """Return the hashes of files and of directories by path; None for what is not there."""
    found: dict[str, str | None] = {}
    if files:
        digests = await data_of(storage).digests(storage.location, files)
        found.update(
            (path, None if digest is None else digest.sha256) for path, digest in zip(files, digests, strict=True)
        )
    for path in directories:
        found[path] = await directory_digest(storage, path)
    return found


async def looked_up(storage: Storage, path: str, *, is_directory: bool) -> dict[str, Any] | None:
    """Return the hashes of a file or directory, and the size of a file, as values have them; None when it is gone."""
    if is_directory:
        found = await directory_digest(storage, path)
        return None if found is None else {"sha256": found}
    [digest] = await data_of(storage).digests(storage.location, [path])
    return None if digest is None else {"sha256": digest.sha256, "checksum": digest.checksum, "size": digest.size}


async def directory_digest(storage: Storage, path: str) -> str | None:
    """Return the hash of a directory: of the sorted list of its members' names and hashes; None when it is gone."""
    listed = await asyncio.to_thread(_members, storage, path)
    if listed is None:
        return None
    folders, files = listed
    digests = await data_of(storage).digests(storage.location, [f"{path}/{name}" for name in files])
    manifest = [[name, ""] for name in folders]
    for name, digest in zip(files, digests, strict=True):
        if digest is not None:
            manifest.append([name, digest.sha256])
    return hash_json(sorted(manifest))


def _members(storage: Storage, path: str) -> tuple[list[str], list[str]] | None:
    tree = storage.connector.tree(storage.location, path)
    top = tree.stat("")
    if top is None or top.kind is not EntryKind.DIRECTORY:
        return None
    folders: list[str] = []
    files: list[str] = []
    waiting = [""]
    while waiting:
        for entry in tree.list(waiting.pop()):
            if entry.kind is EntryKind.DIRECTORY and entry.target is None:
                folders.append(entry.path)
                waiting.append(entry.path)
            elif entry.kind is EntryKind.DIRECTORY:
                folders.append(entry.path)
            elif entry.kind is EntryKind.FILE:
                files.append(entry.path)
    return folders, files


async def copy_directly(source: Storage, target: Storage, item: Item, address: str, *, is_directory: bool) -> None:
    """Have one place send a content to another one at an address, without the controller in between."""
    sending, there = source.connector, data_of(target)
    if not isinstance(sending, Sending):
        raise PlaceFailed(f"{source.row.name} sends nothing to other places")
    part = item.target + PART
    await _make_directories(target, {posixpath.dirname(item.target)})
    await target.connector.remove(target.location, part)
    await sending.send(source.location, item.source, address, part)
    found = (await hashes(target, [], [part]) if is_directory else await hashes(target, [part], []))[part]
    if found != item.sha256:
        await target.connector.remove(target.location, part)
        raise ArrivedWrong(f"{item.target!r} did not arrive intact on {target.row.name}")
    await there.rename(target.location, [(part, item.target)])
