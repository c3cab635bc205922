"""Readers: check a node against a part of the schema, and bring its short forms to the long one.

Each reader answers to one kind of loader in the schema tables (`make_schemas`). `read` returns the
normalised node and adds what is wrong to the reading's problems; it never raises for bad input.
Short forms are those of Schema Salad: maps instead of lists (idMap), types (`File[]?`), secondary
files (`.bai?`), and terms of the vocabulary with a prefix or as full URIs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from ...errors import Where
from .problems import Problem, did_you_mean
from .tree import Map, Node, Seq, where_of, where_of_key

KINDS = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    type(None): "null",
    Map: "a mapping",
    Seq: "a list",
}
"""By class of a node: what a person calls it."""

Key = str | int


def is_extension(field: str) -> bool:
    """Tell whether a field belongs to a foreign namespace (`prefix:name` or a URI)."""
    return ":" in field


class Reading:
    """One pass over a document: collects problems, and knows the vocabulary and the prefixes."""

    def __init__(
        self,
        version: str,
        terms: Mapping[str, str],
        namespaces: Mapping[str, Mapping[str, str]],
        since: Callable[[str, str, str], str | None],
    ) -> None:
        self.version = version
        self.since = since
        """Tells from which later version on a kind of record has a field."""
        self.terms = terms
        self.short = {uri: term for term, uri in terms.items()}
        self.namespaces = namespaces
        """By URI of a file: its `$namespaces`."""
        self.problems: list[Problem] = []

    def expand(self, text: str, file: str) -> str:
        """Return the URI that a prefixed name stands for, or the text as it is."""
        prefix, colon, rest = text.partition(":")
        base = self.namespaces.get(file, {}).get(prefix) if colon else None
        return text if base is None else base + rest

    def term(self, text: str, file: str) -> str:
        """Return the short name of a term of the vocabulary, or the text as it is."""
        if text in self.terms or ":" not in text:
            return text
        return self.short.get(self.expand(text, file), text)

    def wrong(self, text: str, where: Where | None, hint: str | None = None) -> None:
        """Note an error."""
        self.problems.append(Problem(text, where, hint))


class Reader(Protocol):
    """Checks and normalises a node that stands in `parent` under `key`."""

    kinds: frozenset[type]
    """The classes of nodes that it may accept."""

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the normalised node."""
        ...


def expected(kinds: Iterable[type]) -> str:
    """Return in words which kinds of nodes would have been right."""
    words = [word for kind, word in KINDS.items() if kind in kinds]
    return " or ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} or {words[-1]}"


def wrong_kind(node: Node, kinds: Iterable[type], parent: Node, key: Key, reading: Reading) -> Node:
    """Note that a node is of the wrong kind, and return it."""
    name = f"{key!r}" if isinstance(key, str) else "an item"
    found = KINDS.get(type(node), "something else")
    shown = f" {node!r}" if isinstance(node, str | int | float) and node is not None and len(repr(node)) < 40 else ""
    if isinstance(node, bool):
        found, shown = str(node).lower(), ""
    reading.wrong(f"{name} must be {expected(kinds)}, not {found}{shown}", where_of(parent, key))
    return node


class PrimitiveReader:
    """A string, a number, a boolean or null."""

    def __init__(self, kind: type) -> None:
        self.kinds = frozenset([kind])

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the node."""
        return node if type(node) in self.kinds else wrong_kind(node, self.kinds, parent, key, reading)


class AnyReader:
    """Whatever is not null; it stays as it is."""

    kinds = frozenset(set(KINDS) - {type(None)})

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the node."""
        return node if node is not None else wrong_kind(node, self.kinds, parent, key, reading)


class EnumReader:
    """One of some strings."""

    kinds: frozenset[type] = frozenset([str])

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = tuple(symbols)

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the string."""
        if node in self.symbols:
            return node
        hint = did_you_mean(node, self.symbols) if isinstance(node, str) else None
        known = ", ".join(self.symbols)
        reading.wrong(f"{key!r} must be one of {known}, not {node!r}", where_of(parent, key), hint)
        return node


class ArrayReader:
    """A list; lists in it are laid flat, as an imported list stands in another."""

    kinds: frozenset[type] = frozenset([Seq])

    def __init__(self, items: Reader) -> None:
        self.items = items

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the list of the normalised items."""
        if not isinstance(node, Seq):
            return wrong_kind(node, self.kinds, parent, key, reading)
        made = Seq(node.uri, node.line, node.column)
        self._append(made, node, reading)
        return made

    def _append(self, made: Seq, node: Seq, reading: Reading) -> None:
        for number, item in enumerate(node):
            if isinstance(item, Seq):
                self._append(made, item, reading)
            else:
                made.add(self.items.read(item, node, number, reading), node.marks[number] if node.marks else (0, 0))


class MapReader:
    """A mapping with any keys."""

    kinds: frozenset[type] = frozenset([Map])

    def __init__(self, values: Reader) -> None:
        self.values = values

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the mapping with normalised values."""
        if not isinstance(node, Map):
            return wrong_kind(node, self.kinds, parent, key, reading)
        made = node.like()
        for name, value in node.items():
            made.put(name, self.values.read(value, node, name, reading), mark(node, name))
        return made


class RecordReader:
    """A mapping with known fields."""

    kinds: frozenset[type] = frozenset([Map])

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Reader] = {}
        self.required: tuple[str, ...] = ()
        self.label = ""
        """The field that tells records of this kind from others: `class` or `type`, or nothing."""
        self.value = ""
        """What that field says."""

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the mapping with normalised fields; those of foreign namespaces stay as they are."""
        if not isinstance(node, Map):
            return wrong_kind(node, self.kinds, parent, key, reading)
        made = node.like()
        for name, value in node.items():
            reader = self.fields.get(name)
            if reader is not None:
                made.put(name, reader.read(value, node, name, reading), mark(node, name))
            elif is_extension(name):
                made.put(name, value, mark(node, name))
            else:
                self._unknown(name, node, reading)
        for name in self.required:
            if node.get(name) is None:
                reading.wrong(f"{self.shown(node)} has no field {name!r}", where_of(node))
        return made

    def _unknown(self, field: str, node: Map, reading: Reading) -> None:
        since = reading.since(reading.version, self.name, field)
        hint = f"it is a field since {since}, and this document is {reading.version}" if since else None
        if field in ("items", "symbols", "fields") and "type" in self.fields:
            hint = f"it belongs into the type: `type: {{type: ..., {field}: ...}}`"
        text = f"unknown field {field!r} in {self.shown(node)}"
        reading.wrong(text, where_of_key(node, field), hint or did_you_mean(field, self.fields))

    def shown(self, node: Map) -> str:
        """Return what a person calls such a record."""
        name = next((node[key] for key in ("id", "name") if isinstance(node.get(key), str)), None)
        return f"{self.name} {name!r}" if name and self.label != "class" else self.name


def mark(node: Map, key: str) -> tuple[int, int, int, int]:
    """Return the position of a key and its value; zeros where it is not known."""
    return node.marks.get(key, (node.line, node.column, node.line, node.column))


class UnionReader:
    """One of several readers: the class of the node chooses, and `class` or `type` of a mapping."""

    def __init__(self, alternatives: Sequence[Reader]) -> None:
        self.alternatives = tuple(alternatives)
        self.kinds = frozenset[type]()
        self.by_kind: dict[type, list[Reader]] = {}
        self.labelled: dict[tuple[str, str], RecordReader] = {}

    def complete(self) -> None:
        """Index the alternatives, once these are complete themselves."""
        for one in self.alternatives:
            self.kinds |= one.kinds
            for kind in one.kinds:
                self.by_kind.setdefault(kind, []).append(one)
            if isinstance(one, RecordReader) and one.label:
                self.labelled[one.label, one.value] = one

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return what the alternative that fits makes of the node."""
        kind: type = type(node)
        candidates = self.by_kind.get(kind)
        if candidates is None:
            return wrong_kind(node, self.kinds, parent, key, reading)
        if kind is Map and self.labelled:
            return self._read_labelled(node, parent, key, reading)
        if len(candidates) == 1:
            return candidates[0].read(node, parent, key, reading)
        return self._try(candidates, node, parent, key, reading)

    def _read_labelled(self, node: Map, parent: Node, key: Key, reading: Reading) -> Node:
        for label in dict.fromkeys(label for label, _ in self.labelled):
            value = node.get(label)
            if isinstance(value, str):
                chosen = self.labelled.get((label, reading.term(value, node.uri)))
                if chosen is not None:
                    return chosen.read(node, parent, key, reading)
        others = [one for one in self.by_kind[Map] if not (isinstance(one, RecordReader) and one.label)]
        if others:
            return self._try(others, node, parent, key, reading)
        self._no_such_label(node, reading)
        return node

    def _no_such_label(self, node: Map, reading: Reading) -> None:
        label = next(iter(self.labelled))[0]
        known = [value for _, value in self.labelled]
        value = node.get(label)
        if value is None:
            reading.wrong(f"no field {label!r} here", where_of(node), f"one of {', '.join(known[:6])}")
            return
        hint = did_you_mean(value, known) if isinstance(value, str) else None
        what = "unknown class" if label == "class" else "unknown kind of type"
        text = f"{what} {value!r}" if isinstance(value, str) else f"{label!r} must be a string"
        reading.wrong(text, where_of(node, label), hint or (f"one of {', '.join(known)}" if len(known) < 6 else None))

    def _try(self, candidates: Sequence[Reader], node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Read with each candidate until one has nothing to complain; else keep the least complaints."""
        before, best, made = reading.problems, None, node
        for candidate in candidates:
            reading.problems = []
            read = candidate.read(node, parent, key, reading)
            if best is None or len(reading.problems) < len(best):
                best, made = reading.problems, read
            if not best:
                break
        reading.problems = [*before, *(best or [])] if best else before
        return made


class IdMapReader:
    """A list, or a mapping from a field of the items to the items, or to another field of them."""

    def __init__(self, inner: Reader, subject: str, predicate: str | None) -> None:
        self.inner = inner
        self.subject = subject
        self.predicate = predicate
        self.kinds: frozenset[type] = frozenset()

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the list."""
        listed = self.to_list(node, key, reading) if isinstance(node, Map) else node
        return self.inner.read(listed, parent, key, reading)

    def to_list(self, node: Map, key: Key, reading: Reading) -> Seq:
        """Return the list that a mapping stands for."""
        made = Seq(node.uri, node.line, node.column)
        for name, value in node.items():
            place = mark(node, name)
            if isinstance(value, Map):
                item = Map(value.uri, value.line or place[0], value.column or place[1])
                item.update(value)
                item.marks.update(value.marks)
            elif self.predicate is None:
                hint = f"write `{name}: {{}}`" if value is None else None
                reading.wrong(f"{name!r} in {key!r} must be a mapping", where_of_key(node, name), hint)
                continue
            else:
                item = Map(node.uri, place[0], place[1])
                item.put(self.predicate, value, place)
            item.put(self.subject, name, (place[0], place[1], place[0], place[1]))
            made.add(item, (place[0], place[1]))
        return made


class TermReader:
    """Strings that are terms of the vocabulary."""

    def __init__(self, inner: Reader) -> None:
        self.inner = inner
        self.kinds: frozenset[type] = frozenset()

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return the node with short terms."""
        file = getattr(parent, "uri", "")
        if isinstance(node, str):
            node = reading.term(node, file)
        elif isinstance(node, Seq):
            made = Seq(node.uri, node.line, node.column)
            made.extend(reading.term(item, file) if isinstance(item, str) else item for item in node)
            made.marks = node.marks
            node = made
        return self.inner.read(node, parent, key, reading)


class TypeReader:
    """Types, with `?` for optional and `[]` for arrays."""

    def __init__(self, inner: Reader, version: str) -> None:
        self.inner = inner
        self.nested = version >= "v1.3"
        """Whether arrays of arrays may be written so; our v1.2 allows it too."""
        self.kinds: frozenset[type] = frozenset()

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return a string, a mapping or a list of them, without short forms."""
        if isinstance(node, str):
            made = self._resolve(node, parent, key, reading)
            if isinstance(made, str):
                return made if str not in self.inner.kinds else self.inner.read(made, parent, key, reading)
            return made
        if isinstance(node, Seq):
            flat = Seq(node.uri, node.line, node.column)
            for number, item in enumerate(node):
                made = self._resolve(item, node, number, reading) if isinstance(item, str) else item
                for one in made if isinstance(made, Seq) else [made]:
                    if one not in flat:
                        flat.add(one, node.marks[number] if node.marks else (0, 0))
            node = flat
        return self.inner.read(node, parent, key, reading)

    def _resolve(self, text: str, parent: Node, key: Key, reading: Reading) -> Node:
        uri = getattr(parent, "uri", "")
        if text.endswith("?"):
            made = Seq(uri)
            made.extend(["null", self._resolve_array(text[:-1], parent, key, reading)])
            return made
        return self._resolve_array(text, parent, key, reading)

    def _resolve_array(self, text: str, parent: Node, key: Key, reading: Reading) -> Node:
        uri = getattr(parent, "uri", "")
        if not text.endswith("[]"):
            return reading.term(text, uri)
        if text.endswith("[][]") and not (self.nested or reading.version >= "v1.2"):
            reading.wrong(f"{text!r}: arrays of arrays cannot be written so before v1.2", where_of(parent, key))
        where = where_of(parent, key)
        made = Map(uri, where.line if where else 0, where.column if where else 0)
        made.update(type="array", items=self._resolve_array(text[:-2], parent, key, reading))
        return made


class SecondaryReader:
    """Patterns of secondary files, with `?` for optional ones."""

    kinds: frozenset[type] = frozenset([str, Map, Seq])

    def __init__(self, inner: Reader) -> None:
        self.inner = inner

    def read(self, node: Node, parent: Node, key: Key, reading: Reading) -> Node:
        """Return a list of mappings with `pattern` and perhaps `required`."""
        if node is None:
            return None
        items = node if isinstance(node, Seq) else [node]
        made = Seq(getattr(parent, "uri", ""), getattr(node, "line", 0), getattr(node, "column", 0))
        for number, item in enumerate(items):
            place = (node, number) if isinstance(node, Seq) else (parent, key)
            if isinstance(item, str):
                item = self._pattern(item, made.uri)
            elif not isinstance(item, Map) or "pattern" not in item:
                reading.wrong("a secondary file must be a pattern, or have one", where_of(*place))
                continue
            made.add(item, node.marks[number] if isinstance(node, Seq) and node.marks else (0, 0))
        return self.inner.read(made, parent, key, reading)

    @staticmethod
    def _pattern(text: str, uri: str) -> Map:
        made = Map(uri)
        made["pattern"] = text.removesuffix("?")
        if text.endswith("?"):
            made["required"] = False
        return made
