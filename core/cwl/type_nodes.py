"""Types, bindings and secondary files: from normalised nodes to data (CWL v1.2, section 5.1).

Named types are known by absolute URI, and by their short name where that is clear; a
SchemaDefRequirement defines them, and so does a type with a `name` anywhere in the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .fetch import join
from .problems import Problem, did_you_mean
from .tree import Map, Node, Seq, where_of
from .types import (
    ANY,
    NULL,
    PRIMITIVES,
    ArrayType,
    Binding,
    EnumType,
    Field,
    OutputBinding,
    Primitive,
    RecordType,
    SecondaryFile,
    Type,
    UnionType,
)

_PRIMITIVES: dict[str, Type] = {name: Primitive(name) for name in sorted(PRIMITIVES)}
MAX_TYPE_PARTS = 100_000
"""Of one type with all that it is made of, a named type counted wherever it is used."""
MAX_TYPE_DEPTH = 60
"""Of named types in each other."""
UNSAID = UnionType((NULL, ANY))
"""The type of a parameter of v1.0 that does not say one."""


def short_name(name: str) -> str:
    """Return the last part of an id (CWL v1.2 Workflow, section 4.2.1 "Input object")."""
    return name.rpartition("#")[2].rpartition("/")[2]


def short_symbol(symbol: str) -> str:
    """Return a symbol of an enum without the URI of its type; a slash alone belongs to the symbol."""
    return short_name(symbol) if symbol.startswith("#") or "://" in symbol else symbol


Expand = Callable[[str, str], str]
"""Returns the URI of a prefixed name that stands in the file with the given URI."""


class Types:
    """Builds the types of one process; `around` are those of the process it stands in."""

    def __init__(self, problems: list[Problem], expand: Expand, around: Types | None = None) -> None:
        self.problems = problems
        self.expand = expand
        self.around = around
        self.nodes: dict[str, Map] = {}
        """Named types by absolute URI."""
        self.built: dict[int, Type] = {}
        self.weights: dict[int, int] = {}
        """By identity of a built type: the number of its parts."""
        self.open: set[int] = set()

    # -- names -------------------------------------------------------------------------------

    def define(self, node: Node) -> None:
        """Make the named types in a type node known."""
        for one in _nested(node):
            name = one.get("name")
            if isinstance(name, str):
                self.nodes[_absolute(name, one.uri)] = one

    def find(self, name: str, uri: str) -> Map | None:
        """Return the node of the named type that a reference in the file `uri` means."""
        absolute = _absolute(name, uri)
        found = self.nodes.get(absolute)
        if found is None:
            short, file = short_name(name), absolute.partition("#")[0]
            near = {key: node for key, node in self.nodes.items() if short_name(key) == short}
            same = [node for key, node in near.items() if key.partition("#")[0] == file]
            others = same or ([] if "#" in name and not name.startswith("#") else list(near.values()))
            found = others[0] if others else None
        if found is None and self.around is not None:
            return self.around.find(name, uri)
        return found

    # -- types -------------------------------------------------------------------------------

    def build(self, node: Node, parent: Node, key: str | int) -> Type:
        """Return the type that a normalised node says."""
        if isinstance(node, str):
            primitive = _PRIMITIVES.get(node)
            return primitive if primitive is not None else self._reference(node, parent, key)
        if isinstance(node, Seq):
            return self._union(node, parent, key)
        if isinstance(node, Map):
            return self._schema(node)
        return UNSAID

    def _reference(self, name: str, parent: Node, key: str | int) -> Type:
        found = self.find(name, getattr(parent, "uri", ""))
        if found is not None:
            return self._schema(found)
        where = where_of(parent, key)
        hint = did_you_mean(name, [*_PRIMITIVES, *map(short_name, self.nodes)])
        if name.endswith(("?", "[]")):
            hint = "only `type` knows the short forms ? and []: write the type out"
        self.problems.append(Problem(f"unknown type {name!r}", where, hint))
        return ANY

    def _union(self, node: Seq, parent: Node, key: str | int) -> Type:
        alternatives: list[Type] = []
        for number, item in enumerate(node):
            made = self.build(item, node, number)
            for one in made.alternatives if isinstance(made, UnionType) else (made,):
                if one not in alternatives:
                    alternatives.append(one)
        if not alternatives:
            self.problems.append(Problem("a list of types must not be empty", where_of(parent, key)))
            return ANY
        return alternatives[0] if len(alternatives) == 1 else UnionType(tuple(alternatives))

    def _schema(self, node: Map) -> Type:
        identity = id(node)
        if identity in self.built:
            return self.built[identity]
        if identity in self.open:
            self.problems.append(Problem(f"type {node.get('name')!r} contains itself", where_of(node)))
            return ANY
        if len(self.open) >= MAX_TYPE_DEPTH:
            self.problems.append(Problem(f"types in each other more than {MAX_TYPE_DEPTH} times", where_of(node)))
            return ANY
        self.open.add(identity)
        made = self._made(node)
        self.open.discard(identity)
        if self._weight(made) > MAX_TYPE_PARTS:
            self.problems.append(Problem(f"this type has more than {MAX_TYPE_PARTS} parts", where_of(node)))
            made = ANY
        self.built[identity] = made
        return made

    def _weight(self, made: Type) -> int:
        """Return the number of parts of a type; those of the mappings in it were counted before."""
        known = self.weights.get(id(made))
        if known is not None or isinstance(made, Primitive):
            return known or 1
        if isinstance(made, UnionType):
            return sum(self._weight(one) for one in made.alternatives)
        if isinstance(made, ArrayType):
            weight = 1 + self._weight(made.items)
        elif isinstance(made, RecordType):
            weight = 1 + sum(self._weight(field.type) for field in made.fields)
        else:
            weight = 1
        self.weights[id(made)] = weight
        return weight

    def _made(self, node: Map) -> Type:
        name = short_name(node["name"]) if node.get("name") else None
        binding = build_binding(node.get("inputBinding"))
        if node["type"] == "array":
            return ArrayType(self.build(node["items"], node, "items"), binding, name)
        if node["type"] == "enum":
            return EnumType(tuple(short_symbol(symbol) for symbol in node["symbols"]), binding, name)
        fields = tuple(self._field(field) for field in node.get("fields") or ())
        twice = _first_twice([field.name for field in fields])
        if twice is not None:
            self.problems.append(Problem(f"two fields of this record are called {twice!r}", where_of(node)))
        return RecordType(fields, binding, name)

    def _field(self, node: Map) -> Field:
        return Field(
            name=short_name(node["name"]),
            type=self.build(node["type"], node, "type"),
            secondary_files=build_secondary_files(node.get("secondaryFiles")),
            format=build_format(node.get("format"), node.uri, self.expand),
            streamable=bool(node.get("streamable")),
            load_contents=bool(node.get("loadContents")),
            load_listing=node.get("loadListing"),
            binding=build_binding(node.get("inputBinding")),
            output_binding=build_output_binding(node.get("outputBinding")),
            label=node.get("label"),
            doc=text_of(node.get("doc")),
        )


def _first_twice(names: list[str]) -> str | None:
    return next((name for number, name in enumerate(names) if name in names[:number]), None)


def _absolute(name: str, uri: str) -> str:
    return join(uri, name if "#" in name or "://" in name else f"#{name}")


def _nested(node: Node) -> Iterator[Map]:
    """Yield each mapping among the types in a type node."""
    if isinstance(node, Seq):
        for item in node:
            yield from _nested(item)
    elif isinstance(node, Map):
        yield node
        if not isinstance(node.get("type"), str):
            yield from _nested(node.get("type"))
        yield from _nested(node.get("items"))
        for field in node.get("fields") or ():
            yield from _nested(field.get("type"))


# -- what stands beside a type ---------------------------------------------------------------


def build_binding(node: Node) -> Binding | None:
    """Return a command line binding."""
    if not isinstance(node, Map):
        return None
    return Binding(
        position=0 if node.get("position") is None else node["position"],
        prefix=node.get("prefix"),
        separate=node.get("separate") is not False,
        item_separator=node.get("itemSeparator"),
        value_from=node.get("valueFrom"),
        shell_quote=node.get("shellQuote") is not False,
        load_contents=bool(node.get("loadContents")),
    )


def build_output_binding(node: Node) -> OutputBinding | None:
    """Return an output binding."""
    if not isinstance(node, Map):
        return None
    glob = node.get("glob")
    return OutputBinding(
        glob=tuple(glob) if isinstance(glob, list) else glob,
        load_contents=bool(node.get("loadContents")),
        load_listing=node.get("loadListing"),
        output_eval=node.get("outputEval"),
    )


def build_secondary_files(node: Node) -> tuple[SecondaryFile, ...]:
    """Return the patterns of secondary files: plain ones in v1.0, later with `required`."""
    items: Any = () if node is None else node if isinstance(node, list) else (node,)
    return tuple(
        SecondaryFile(item["pattern"], item.get("required")) if isinstance(item, dict) else SecondaryFile(item)
        for item in items
    )


def build_format(node: Node, uri: str, expand: Expand) -> str | tuple[str, ...] | None:
    """Return a format, or several, as absolute URIs; expressions stay as they are."""
    if isinstance(node, list):
        return tuple(_format(str(one), uri, expand) for one in node)
    return _format(node, uri, expand) if isinstance(node, str) else None


def _format(text: str, uri: str, expand: Expand) -> str:
    full = expand(text, uri)
    return full if ":" in full or "$(" in full or "${" in full else join(uri, full)


def text_of(node: Node) -> str | None:
    """Return a documentation text; the lines of a list are joined."""
    return "\n".join(node) if isinstance(node, list) else node
