"""Types, bindings and secondary files: from the nodes of a document to data (CWL v1.2, section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...errors import DocumentInvalid
from .fields import check_fields
from .tree import Map, Node, Seq, to_plain, where_of
from .types import (
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

Names = Mapping[str, Type]
"""Types by the names they are known under."""

LONG_NAMES = re.compile(
    r"\A(?:http://www\.w3\.org/2001/XMLSchema#|https?://w3id\.org/cwl/(?:salad|cwl)#|org\.w3id\.cwl\.(?:salad|cwl)\.|cwl:|sld:|xsd:)"
)


def build_type(node: Node, names: Names, holder: Node, key: str) -> Type:
    """Return the type that a node says, in any of its short forms."""
    if isinstance(node, str):
        return _named(node, names, holder, key)
    if isinstance(node, list):
        alternatives: list[Type] = []
        for item in node:
            built = build_type(item, names, node, key)
            for one in built.alternatives if isinstance(built, UnionType) else (built,):
                if one not in alternatives:
                    alternatives.append(one)
        return alternatives[0] if len(alternatives) == 1 else UnionType(tuple(alternatives))
    if isinstance(node, Map):
        return _schema(node, names)
    raise DocumentInvalid(f"{key!r} must be a type, not {node!r}", where=where_of(holder, key))


def _named(text: str, names: Names, holder: Node, key: str) -> Type:
    if text.endswith("?"):
        inner = _named(text[:-1], names, holder, key)
        rest = inner.alternatives if isinstance(inner, UnionType) else (inner,)
        return UnionType((NULL, *(item for item in rest if item != NULL)))
    if text.endswith("[]"):
        return ArrayType(_named(text[:-2], names, holder, key))
    short = LONG_NAMES.sub("", text)
    if short in PRIMITIVES:
        return Primitive(short)
    found = names.get(text) or names.get(_last(text))
    if found is None:
        raise DocumentInvalid(f"unknown type {text!r}", where=where_of(holder, key))
    return found


def _last(name: str) -> str:
    return re.split(r"[#/]", name)[-1]


def _schema(node: Map, names: Names) -> Type:
    kind = node.get("type")
    if isinstance(kind, str):
        kind = LONG_NAMES.sub("", kind)
    name = _last(str(node["name"])) if node.get("name") else None
    binding = build_binding(node.get("inputBinding"), node)
    if kind == "array":
        _need(node, "items", "an array type")
        return ArrayType(build_type(node["items"], names, node, "items"), binding, name)
    if kind == "enum":
        _need(node, "symbols", "an enum type")
        return EnumType(tuple(_last(str(symbol)) for symbol in node["symbols"]), binding, name)
    if kind == "record":
        return RecordType(tuple(_fields(node.get("fields"), names, node)), binding, name)
    if "type" not in node:
        raise DocumentInvalid("this type has no 'type'", where=where_of(node))
    return build_type(node["type"], names, node, "type")


def _need(node: Map, key: str, what: str) -> None:
    if key not in node:
        raise DocumentInvalid(f"{what} needs {key!r}", where=where_of(node))


def _fields(node: Node, names: Names, holder: Map) -> list[Field]:
    return [_field(name, item, names) for name, item in entries(node, "name", "type", holder, "fields")]


def _field(name: str, node: Map, names: Names) -> Field:
    check_fields(node, "RecordField")
    _need(node, "type", f"the field {name!r}")
    return Field(
        name=_last(name),
        type=build_type(node["type"], names, node, "type"),
        secondary_files=build_secondary_files(node.get("secondaryFiles"), node),
        format=_format(node.get("format")),
        streamable=bool(node.get("streamable")),
        load_contents=bool(node.get("loadContents")),
        load_listing=node.get("loadListing"),
        binding=build_binding(node.get("inputBinding"), node),
        output_binding=build_output_binding(node.get("outputBinding"), node),
        label=node.get("label"),
        doc=text_of(node.get("doc")),
        default=to_plain(node.get("default")),
        has_default="default" in node,
    )


def _format(node: Node) -> Any:
    return tuple(str(item) for item in node) if isinstance(node, list) else node


def entries(node: Node, key: str, short: str | None, holder: Node, name: str) -> list[tuple[str, Map]]:
    """Return the entries of a list or of a map by name, each as its name and a mapping.

    `key` is the field that holds the name in the list form; `short` the field that a value which
    is no mapping stands for in the map form.
    """
    if node is None:
        return []
    found: list[tuple[str, Map]] = []
    if isinstance(node, Map):
        for identity, item in node.items():
            found.append((identity, _entry(item, node, identity, short)))
    elif isinstance(node, Seq):
        for index, item in enumerate(node):
            if not isinstance(item, Map) or not isinstance(item.get(key), str):
                raise DocumentInvalid(f"an entry of {name!r} needs {key!r}", where=where_of(node, index))
            found.append((str(item[key]), item))
    else:
        raise DocumentInvalid(f"{name!r} must be a list or a mapping", where=where_of(holder, name))
    _no_doubles(found, name)
    return found


def _entry(item: Node, node: Map, identity: str, short: str | None) -> Map:
    if isinstance(item, Map) and not (short == "type" and _is_type(item)):
        return item
    if short is None:
        if item is None:
            return Map(node.uri, *(node.marks.get(identity, (0, 0, 0, 0))[2:]))
        raise DocumentInvalid(f"{identity!r} must be a mapping", where=where_of(node, identity))
    mark = node.marks.get(identity, (0, 0, 0, 0))
    made = Map(node.uri, mark[2], mark[3])
    made.put(short, item, (mark[0], mark[1], mark[2], mark[3]))
    return made


def _is_type(item: Map) -> bool:
    """Tell whether a mapping is itself a type and not an entry that has one."""
    kind = item.get("type")
    return (
        isinstance(kind, str)
        and LONG_NAMES.sub("", kind) in ("array", "enum", "record")
        and (
            ("items" in item and kind.endswith("array"))
            or ("symbols" in item and kind.endswith("enum"))
            or ("fields" in item and kind.endswith("record"))
        )
    )


def _no_doubles(found: list[tuple[str, Map]], name: str) -> None:
    seen: set[str] = set()
    for identity, item in found:
        if _last(identity) in seen:
            raise DocumentInvalid(f"{_last(identity)!r} stands twice in {name!r}", where=where_of(item))
        seen.add(_last(identity))


def build_binding(node: Node, holder: Map) -> Binding | None:
    """Return a CommandLineBinding; a plain string stands for its valueFrom."""
    if node is None:
        return None
    if not isinstance(node, Map):
        raise DocumentInvalid("inputBinding must be a mapping", where=where_of(holder, "inputBinding"))
    check_fields(node, "CommandLineBinding")
    position = node.get("position")
    return Binding(
        position=0 if position is None else position,
        prefix=node.get("prefix"),
        separate=node.get("separate", True) is not False,
        item_separator=node.get("itemSeparator"),
        value_from=node.get("valueFrom"),
        shell_quote=node.get("shellQuote", True) is not False,
        load_contents=bool(node.get("loadContents")),
    )


def build_output_binding(node: Node, holder: Map) -> OutputBinding | None:
    """Return a CommandOutputBinding."""
    if node is None:
        return None
    if not isinstance(node, Map):
        raise DocumentInvalid("outputBinding must be a mapping", where=where_of(holder, "outputBinding"))
    check_fields(node, "CommandOutputBinding")
    glob = node.get("glob")
    return OutputBinding(
        glob=tuple(str(item) for item in glob) if isinstance(glob, list) else glob,
        load_contents=bool(node.get("loadContents")),
        load_listing=node.get("loadListing"),
        output_eval=node.get("outputEval"),
    )


def build_secondary_files(node: Node, holder: Map) -> tuple[SecondaryFile, ...]:
    """Return secondary files; `pattern?` is one that need not be there."""
    if node is None:
        return ()
    items = node if isinstance(node, list) else [node]
    return tuple(_secondary(item, holder) for item in items)


def _secondary(item: Node, holder: Map) -> SecondaryFile:
    if isinstance(item, str):
        if item.endswith("?") and "$(" not in item and "${" not in item:
            return SecondaryFile(item[:-1], False)
        return SecondaryFile(item)
    if isinstance(item, Map) and isinstance(item.get("pattern"), str):
        check_fields(item, "SecondaryFileSchema")
        pattern = str(item["pattern"])
        if pattern.endswith("?") and "$(" not in pattern and "${" not in pattern:
            return SecondaryFile(pattern[:-1], item.get("required", False))
        return SecondaryFile(pattern, item.get("required"))
    raise DocumentInvalid("secondaryFiles must be patterns", where=where_of(holder, "secondaryFiles"))


def text_of(node: Node) -> str | None:
    """Return a `doc`, which may be a list of lines."""
    if node is None:
        return None
    return "\n".join(str(line) for line in node) if isinstance(node, list) else str(node)
