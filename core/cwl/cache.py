"""Loaded documents kept between runs of the program, so that a second load parses nothing.

An entry is JSON (never pickle): the processes as plain data, and the sha256 of each file that was
read for them. It counts only while every file still has that content, and only for the program
that wrote it. The cache is a convenience: whatever is wrong with it, the document is loaded anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from ... import __version__
from ...errors import DocumentInvalid, Where
from ...hashing import hash_text
from . import process as processes
from . import types
from .fetch import Fetcher
from .process import LoadedDocument, Process
from .tree import file_name

FORMAT = 1
"""Raised when the shape of an entry changes."""

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

_NUMBERS = {kind: number for number, kind in enumerate(CLASSES)}
_NAMES = {kind: tuple(field.name for field in fields(kind)) for kind in CLASSES}
_DEFAULTS = {kind: tuple(field.default for field in fields(kind)) for kind in CLASSES}
_BAD_ENTRY = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


class DocumentCache:
    """Entries in a directory of the user's own."""

    def __init__(self, directory: str | None = None) -> None:
        self.directory = directory or default_directory()

    def get(self, uri: str, fragment: str, fetcher: Fetcher) -> LoadedDocument | None:
        """Return the document of an earlier load, when none of its files changed; they are read by `fetcher`."""
        try:
            with open(self._path(uri, fragment), encoding="utf-8") as stream:
                entry = json.load(stream)
            if not _is_current(entry["sources"], fetcher):
                return None
            process = _Decoder(entry["files"]).decode(entry["processes"])
            return LoadedDocument(process, {name: fetcher.sources[name] for name in entry["sources"]})
        except (OSError, DocumentInvalid, *_BAD_ENTRY):
            return None

    def put(self, uri: str, fragment: str, document: LoadedDocument) -> None:
        """Keep a document; nothing happens when the directory cannot be written."""
        encoder = _Encoder(document.sources)
        entry = {
            "sources": {name: hashlib.sha256(content).hexdigest() for name, content in document.sources.items()},
            "processes": encoder.encode(document.process),
            "files": encoder.files,
        }
        try:
            text = json.dumps(entry, separators=(",", ":"))
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            path = self._path(uri, fragment)
            with open(f"{path}.{os.getpid()}", "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(stream.name, path)
        except (OSError, TypeError, ValueError):
            return

    def _path(self, uri: str, fragment: str) -> str:
        return os.path.join(self.directory, hash_text(json.dumps([_program(), uri, fragment])) + ".json")


def default_directory() -> str:
    """Return the user's directory for loaded documents."""
    from platformdirs import user_cache_dir

    return os.path.join(user_cache_dir("recrate"), "documents")


def _program() -> list[Any]:
    """Return what tells this program from another one that may read documents in another way."""
    with os.scandir(os.path.dirname(__file__)) as entries:
        changed = max(entry.stat().st_mtime_ns for entry in entries if entry.name.endswith(".py"))
    return [FORMAT, __version__, changed]


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
