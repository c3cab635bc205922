"""Valid documents kept between runs of the program, so that a second load parses and checks nothing.

An entry is JSON (never pickle): the processes as plain data, and the sha256 of each file that was
read for them. It counts only while every file still has that content, only for the program that
wrote it, and only when nobody but the user can have written it: who can write an entry can say
which commands run. The cache is a convenience: whatever is wrong with it, the document is loaded
anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import Any

from ... import __version__
from ...errors import DocumentInvalid, Where
from ...hashing import hash_text
from ..software import software
from . import process as processes
from . import types
from .fetch import Fetcher
from .process import LoadedDocument, Process
from .tree import file_name

FORMAT = 2
"""Raised when the shape of an entry changes."""
VARIABLE = "RECRATE_DOCUMENT_CACHE"
"""Names another directory for the cache of a user; empty: there is none."""
MOST_ENTRIES = 500
MOST_BYTES = 64 << 20
"""Of all entries; those that were used least recently make room."""

CLASSES: tuple[type, ...] = (
    Where,
    types.Primitive,
    types.ArrayType,
    types.EnumType,
    types.UnionType,
    types.RecordType,
    types.Field,
    types.Binding,
    types.OutputBinding,
    types.SecondaryFile,
    processes.Input,
    processes.Output,
    processes.SourceLink,
    processes.WorkflowOutput,
    processes.StepInput,
    processes.LoopInput,
    processes.LoopSpec,
    processes.WorkflowStep,
    processes.CommandLineTool,
    processes.ExpressionTool,
    processes.Operation,
    processes.Workflow,
)
PROCESSES = (processes.CommandLineTool, processes.ExpressionTool, processes.Operation, processes.Workflow)

_ENTRY = re.compile(r"[0-9a-f]{64}\.json(\.[0-9]+)?")
"""Names of files that are ours: entries, and those that a program which was killed did not finish."""
_NUMBERS = {kind: number for number, kind in enumerate(CLASSES)}
_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in CLASSES}
_DEFAULTS = {kind: tuple(field.default for field in fields(kind)) for kind in CLASSES}
_BAD_ENTRY = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


class DocumentCache:
    """Entries in a directory of the user's own."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    def get(self, uri: str, fragment: str, fetcher: Fetcher) -> LoadedDocument | None:
        """Return the document of an earlier load, when none of its files changed; they are read by `fetcher`."""
        try:
            path = self._path(uri, fragment)
            entry = json.loads(_read_own(path))
            if not _is_current(entry["sources"], fetcher):
                return None
            process = _Decoder(entry["files"]).decode(entry["processes"])
            document = LoadedDocument(process, {name: fetcher.sources[name] for name in entry["sources"]}, valid=True)
        except (OSError, DocumentInvalid, *_BAD_ENTRY):
            return None
        with suppress(OSError):
            os.utime(path)
        return document

    def put(self, uri: str, fragment: str, document: LoadedDocument) -> None:
        """Keep a valid document; nothing happens when the directory cannot be written."""
        encoder = _Encoder(document.sources)
        entry = {
            "sources": {name: hashlib.sha256(content).hexdigest() for name, content in document.sources.items()},
            "processes": encoder.encode(document.process),
            "files": encoder.files,
        }
        try:
            text = json.dumps(entry, separators=(",", ":"))
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            _require_own(os.stat(self.directory), self.directory)
            self._write(self._path(uri, fragment), text.encode())
            self._make_room()
        except (OSError, TypeError, ValueError):
            return

    @staticmethod
    def _write(path: str, content: bytes) -> None:
        """Put an entry in its place as a whole, so that another program never reads half of one."""
        own = f"{path}.{os.getpid()}"
        # Where something is in the way, nothing is written: a link could lead anywhere.
        handle = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with open(handle, "wb") as stream:
                stream.write(content)
            os.replace(own, path)
        except OSError:
            os.unlink(own)
            raise

    def _make_room(self) -> None:
        with os.scandir(self.directory) as entries:
            ours = [entry for entry in entries if _ENTRY.fullmatch(entry.name)]
        found = sorted(((entry.stat(follow_symlinks=False), entry.path) for entry in ours), key=_last_use)
        count, size = len(found), sum(facts.st_size for facts, _ in found)
        for facts, path in found:
            if count <= MOST_ENTRIES and size <= MOST_BYTES:
                return
            os.unlink(path)
            count, size = count - 1, size - facts.st_size

    def _path(self, uri: str, fragment: str) -> str:
        return os.path.join(self.directory, hash_text(json.dumps([_program(), uri, fragment])) + ".json")


def _last_use(entry: tuple[os.stat_result, str]) -> float:
    return entry[0].st_mtime


def user_cache() -> DocumentCache | None:
    """Return the cache of the user who runs this program, or None when RECRATE_DOCUMENT_CACHE is empty."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return DocumentCache(os.path.abspath(named)) if named else None
    # As the XDG specification says, and platformdirs does on Linux; its import costs 14 ms.
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return DocumentCache(os.path.join(base, "recrate", "documents"))


def _read_own(path: str) -> bytes:
    """Return the content of a file that only its owner, who is the user, can have written. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as stream:
        _require_own(os.fstat(handle), path)
        _require_own(os.stat(os.path.dirname(path)), path)
        return stream.read(MOST_BYTES)


def _require_own(facts: os.stat_result, path: str) -> None:
    if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} can be written by others")


def _program() -> list[Any]:
    """Return what tells this program from another one that may read documents in another way."""
    here = os.path.dirname(__file__)
    changed, size = 0, 0
    for folder in (here, os.path.join(here, "schemas")):
        with os.scandir(folder) as entries:
            found = [entry.stat() for entry in entries if entry.name.endswith((".py", ".json"))]
        changed = max(changed, *(facts.st_mtime_ns for facts in found))
        size += sum(facts.st_size for facts in found)
    return [FORMAT, __version__, changed, size, software()]


def _is_current(sources: Mapping[str, str], fetcher: Fetcher) -> bool:
    return all(hashlib.sha256(fetcher.read(uri)).hexdigest() == digest for uri, digest in sources.items())


# -- dataclasses as JSON ---------------------------------------------------------------------
# An object is a list that starts with the number of its class; lists, tuples and mappings start
# with a letter; a process that stands in a step is a number in the table of processes.


class _Encoder:
    def __init__(self, sources: Iterable[str]) -> None:
        self.uris = {file_name(uri): uri for uri in sources}
        self.files: list[str] = []
        self.numbers: dict[str, int] = {}
        self.table: list[Any] = []
        self.known: dict[int, int] = {}

    def encode(self, process: Process) -> list[Any]:
        """Return the table of a process and all that it runs; what is run stands before what runs it."""
        self._process(process)
        return self.table

    def _process(self, process: Any) -> list[Any]:
        if id(process) not in self.known:
            made = self._object(process)
            self.known[id(process)] = len(self.table)
            self.table.append(made)
        return ["p", self.known[id(process)]]

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, tuple | list):
            return ["t" if isinstance(value, tuple) else "l", *map(self._value, value)]
        if isinstance(value, Mapping):
            return ["d", *(part for key, item in value.items() for part in (key, self._value(item)))]
        return self._process(value) if isinstance(value, PROCESSES) else self._object(value)

    def _object(self, value: Any) -> list[Any]:
        kind = type(value)
        if kind is Where:
            return [0, self._file(value.file), value.line, value.column]
        values = [getattr(value, name) for name in _NAMES[kind]]
        while values and values[-1] is _DEFAULTS[kind][len(values) - 1]:
            values.pop()
        return [_NUMBERS[kind], *map(self._value, values)]

    def _file(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.files)
            self.files.append(self.uris.get(name, name))
        return self.numbers[name]


class _Decoder:
    def __init__(self, files: Iterable[str]) -> None:
        self.files = [file_name(uri) for uri in files]
        self.table: list[Process] = []

    def decode(self, table: Iterable[list[Any]]) -> Process:
        """Return the last process of a table."""
        for item in table:
            self.table.append(self._value(item))
        return self.table[-1]

    def _value(self, data: Any) -> Any:
        if not isinstance(data, list):
            return data
        match data[0]:
            case 0:
                return Where(self.files[data[1]], data[2], data[3])
            case "t":
                return tuple(map(self._value, data[1:]))
            case "l":
                return list(map(self._value, data[1:]))
            case "d":
                return dict(zip(data[1::2], map(self._value, data[2::2]), strict=True))
            case "p":
                return self.table[data[1]]
            case number:
                kind = CLASSES[number]
                values = map(self._value, data[1:])
                if kind in PROCESSES:
                    return kind(**dict(zip(_NAMES[kind], values, strict=False)))
                return kind(*values)
