"""The schema of each version of CWL, as readers made from the tables in `schemas/` (`make_schemas`).

`normalise` checks a process node field by field and brings it to its long form. What stands in a
step's `run` is left for its own turn, since it may be of another version; defaults stay as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .problems import Problem, Severity, did_you_mean
from .readers import (
    AnyReader,
    ArrayReader,
    EnumReader,
    IdMapReader,
    Key,
    MapReader,
    PrimitiveReader,
    Reader,
    Reading,
    RecordReader,
    SecondaryReader,
    TermReader,
    TypeReader,
    UnionReader,
    mark,
)
from .tree import Map, Node, Seq, where_of

VERSIONS = ("v1.0", "v1.1", "v1.2", "v1.3")
CWLTOOL = "http://commonwl.org/cwltool#"
EXTENSION = "cwltool:"
CORE_NAMES = {
    "cwltool:LoadListingRequirement": "LoadListingRequirement",
    "cwltool:InplaceUpdateRequirement": "InplaceUpdateRequirement",
    "cwltool:TimeLimit": "ToolTimeLimit",
    "cwltool:WorkReuse": "WorkReuse",
    "cwltool:NetworkAccess": "NetworkAccess",
    "http://arvados.org/cwl#ReuseRequirement": "WorkReuse",
}
"""Extensions that became part of the core in v1.1, with the same fields."""

PRIMITIVES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "null": type(None)}


class Schema:
    """The readers of one version."""

    def __init__(self, version: str, table: Mapping[str, Any]) -> None:
        self.version = version
        self.terms: dict[str, str] = {
            term: uri
            for term, uri in table["terms"].items()
            if not uri.startswith(CWLTOOL) or "/" in uri.removeprefix(CWLTOOL)
        }
        self.table = table
        self.readers: dict[int, Reader] = {}
        self.records: dict[str, RecordReader] = {}
        self.requirements = {
            name: record
            for name in table["records"]
            if "class" in table["records"][name] and name not in ("File", "Directory")
            for record in [self._record(name)]
        }
        self._complete()

    def normalise(self, node: Map, reading: Reading) -> Map:
        """Return a process node in its long form; what is wrong goes to the reading's problems."""
        reader = self.records.get(reading.term(node["class"], node.uri))
        assert reader is not None, "callers know that it is a process"
        made: Map = reader.read(node, node, "class", reading)
        return made

    # -- making readers of the table -----------------------------------------------------------

    def _reader(self, index: int) -> Reader:
        known = self.readers.get(index)
        if known is None:
            known = self._made(index)
            self.readers[index] = known
        return known

    def _made(self, index: int) -> Reader:
        kind, *rest = self.table["loaders"][index]
        match kind:
            case "primitive":
                return PrimitiveReader(PRIMITIVES[rest[0]])
            case "any":
                return AnyReader()
            case "enum":
                return EnumReader(rest[0])
            case "array":
                return ArrayReader(self._reader(rest[0]))
            case "map":
                return MapReader(self._reader(rest[0]))
            case "record":
                return self._record(rest[0])
            case "union":
                return self._union(index, rest[0])
            case _:
                return self._wrapper(kind, self._reader(rest[0]), rest[1:])

    def _union(self, index: int, alternatives: list[int]) -> UnionReader:
        alternatives = self._flat(alternatives)
        made = UnionReader(())
        self.readers[index] = made  # it may contain itself
        made.alternatives = tuple(self._reader(one) for one in dict.fromkeys(alternatives))
        return made

    def _flat(self, alternatives: list[int]) -> list[int]:
        """Return the alternatives without unions among them."""
        flat: list[int] = []
        for one in alternatives:
            kind, *rest = self.table["loaders"][one]
            flat += self._flat(rest[0]) if kind == "union" else [one]
        return flat

    @staticmethod
    def _wrapper(kind: str, inner: Reader, rest: list[Any]) -> Reader:
        match kind:
            case "idmap" if rest[0] == "class":
                return RequirementsReader(IdMapReader(inner, rest[0], rest[1]))
            case "idmap":
                return IdMapReader(inner, rest[0], rest[1])
            case "uri" if rest[0] == "term":
                return TermReader(inner)
            case "uri":
                return inner
            case "type":
                return TypeReader(inner, rest[0])
            case "secondary":
                return SecondaryReader(inner)
            case _:
                raise ValueError(f"a loader of an unknown kind in the schema table: {kind}")

    def _record(self, name: str) -> RecordReader:
        if name not in self.records:
            made = self.records[name] = RecordReader(name)
            fields = self.table["records"][name]
            made.required = tuple(field for field, (_, required) in fields.items() if required and field != "class")
            made.fields = {field: self._field(field, index) for field, (index, _) in fields.items()}
            label = next((one for one in ("class", "type") if one in fields), "")
            symbols = getattr(getattr(made.fields.get(label), "inner", None), "symbols", None)
            if label == "class":
                made.label, made.value = label, name
            elif symbols is not None and len(symbols) == 1:
                made.label, made.value = label, symbols[0]
        return self.records[name]

    def _field(self, field: str, index: int) -> Reader:
        if field in ("default", "cwlVersion", "class"):
            return AsIsReader()
        if field == "run":
            return ProcessReader()
        return self._reader(index)

    def _complete(self) -> None:
        """Say what each reader accepts; only unions and wrappers depend on others for that."""
        for reader in self.readers.values():
            _complete(reader)


def _complete(reader: Reader) -> frozenset[type]:
    if reader.kinds:
        return reader.kinds
    if isinstance(reader, UnionReader):
        for one in reader.alternatives:
            _complete(one)
        reader.complete()
    elif isinstance(reader, IdMapReader | TermReader | TypeReader):
        reader.kinds = _complete(reader.inner) | ({Map} if isinstance(reader, IdMapReader) else frozenset())
    return reader.kinds


class AsIsReader:
    """Anything, also null: read elsewhere."""

    kinds: frozenset[type] = frozenset([str, bool, int, float, type(None), Map, Seq])

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the node."""
        return node


class ProcessReader:
    """A reference to a process, or a process, which is read in its own turn."""

    kinds: frozenset[type] = frozenset([str, Map])

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the node."""
        if not isinstance(node, str | Map):
            reading.wrong(f"{key!r} must be a process or refer to one", where_of(parent, key))
        return node


class RequirementsReader:
    """Requirements or hints: as a list or by class, of the core or extensions.

    Unknown requirements are noted as unsupported; unknown hints are kept, and those that break
    the schema are left out with a warning (CWL v1.2 Workflow, section 4.5).
    """

    def __init__(self, listing: IdMapReader) -> None:
        self.listing = listing
        self.kinds: frozenset[type] = frozenset([Map, Seq, type(None)])

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return a list of mappings, each with its canonical class."""
        if node is None:
            return None
        if not isinstance(node, Map | Seq):
            reading.wrong(f"{key!r} must be a list or a mapping", where_of(parent, key))
            return None
        items = self.listing.to_list(node, key, reading) if isinstance(node, Map) else node
        made = Seq(items.uri, items.line, items.column)
        for number, item in enumerate(_flat(items)):
            if not isinstance(item, Map) or not isinstance(item.get("class"), str):
                if key == "requirements":
                    reading.wrong("a requirement must have a class", where_of(items, number) or where_of(items))
                continue
            read = _hint(item, reading) if key == "hints" else _requirement(item, reading)
            if read is not None:
                made.add(read, (item.line, item.column))
        return made


def _flat(items: Seq) -> list[Node]:
    return [one for item in items for one in (_flat(item) if isinstance(item, Seq) else [item])]


def canonical(name: str, uri: str, reading: Reading) -> str:
    """Return the canonical name of a requirement's class: short, or `cwltool:...`, or a full URI."""
    full = reading.expand(name, uri)
    if full.startswith(CWLTOOL):
        full = EXTENSION + full.removeprefix(CWLTOOL)
    return CORE_NAMES.get(full, reading.short.get(full, full))


def _requirement(item: Map, reading: Reading) -> Map:
    name = canonical(item["class"], item.uri, reading)
    was_extension = canonical(item["class"], item.uri, reading) != reading.term(item["class"], item.uri)
    record = _record_of(name, reading.version, extension=was_extension)
    if record is None:
        _note_unknown(item, name, reading)
        return item
    return _normal(record, item, name, reading)


def _normal(record: RecordReader, item: Map, name: str, reading: Reading) -> Map:
    made: Map = record.read(item, item, "class", reading)
    made.put("class", name, mark(item, "class"))
    return made


def _hint(item: Map, reading: Reading) -> Map | None:
    name = canonical(item["class"], item.uri, reading)
    record = _record_of(name, reading.version, extension=True)
    if record is None:
        made = item.like()
        made.update(item)
        made.marks.update(item.marks)
        made["class"] = name
        return made
    before, reading.problems = reading.problems, []
    made = _normal(record, item, name, reading)
    found, reading.problems = reading.problems, before
    for one in found:
        text = f"this hint is left out: {one.text}"
        reading.problems.append(Problem(text, one.where, one.hint, Severity.WARNING))
    return None if found else made


def _record_of(name: str, version: str, *, extension: bool) -> RecordReader | None:
    """Return the reader of a requirement; that of an extension may be in the table of another version."""
    schema = schema_of(version)
    short = name.removeprefix(EXTENSION)
    known = schema.requirements.get(short)
    if known is not None and (name.startswith(EXTENSION) or name in schema.terms):
        return known
    if not extension and not name.startswith(EXTENSION):
        return None
    homes = [schema_of(home).requirements.get(short) for home in reversed(VERSIONS) if home != version]
    return next((home for home in homes if home is not None), None)


def _note_unknown(item: Map, name: str, reading: Reading) -> None:
    where = where_of(item, "class") or where_of(item)
    since = next((version for version in VERSIONS if name in schema_of(version).terms), None)
    if since is not None:
        reading.wrong(f"{name} is a requirement since {since}, and this document is {reading.version}", where)
        return
    hint = did_you_mean(name, (one for one in schema_of(reading.version).requirements if one in reading.terms))
    if hint is not None and ":" not in name:
        reading.wrong(f"unknown requirement {name!r}", where, hint)
        return
    text = f"this document requires {name!r}, which Recrate does not know"
    reading.problems.append(Problem(text, where, "make it a hint if it may be ignored", Severity.UNSUPPORTED))


def start_reading(version: str, namespaces: Mapping[str, Mapping[str, str]]) -> Reading:
    """Return a new pass over nodes of a version; `namespaces` are prefixes by URI of the file."""
    return Reading(version, schema_of(version).terms, namespaces, _since)


def _since(version: str, record: str, field: str) -> str | None:
    """Return the first version in which a kind of record has a field that it has not in this one."""
    for later in VERSIONS[VERSIONS.index(version) + 1 :]:
        known = schema_of(later).records.get(record)
        if known is not None and field in known.fields:
            return later
    return None


@lru_cache(maxsize=len(VERSIONS))
def schema_of(version: str) -> Schema:
    """Return the schema of a version, `v1.0` to `v1.3`."""
    with open(os.path.join(os.path.dirname(__file__), "schemas", f"{version}.json"), encoding="utf-8") as stream:
        return Schema(version, json.load(stream))
