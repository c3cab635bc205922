"""Trees of YAML and JSON documents in which each key, value and item knows its line and column.

A tree is plain data: dict, list, str, int, float, bool and None, so that all that works on values
works on it; only the classes of dicts and lists are ours (`Map`, `Seq`), and carry positions,
counted from 1. Trees are made by `nodes.parse_text`.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, TypeAlias

from ...errors import Where
from ..uris import is_file_uri, to_path

Node: TypeAlias = Any
"""A `Map`, a `Seq`, or a str, int, float, bool or None."""


class Map(dict[str, Any]):
    """A mapping: where it starts, and in `marks` by key: line and column of the key, of the value."""

    __slots__ = ("column", "line", "marks", "uri")

    def __init__(self, uri: str, line: int = 0, column: int = 0) -> None:
        super().__init__()
        self.uri = uri
        self.line = line
        self.column = column
        self.marks: dict[str, tuple[int, int, int, int]] = {}

    def put(self, key: str, value: Node, mark: tuple[int, int, int, int]) -> None:
        """Set a key, its value and the position of both."""
        self[key] = value
        self.marks[key] = mark

    def like(self) -> Map:
        """Return an empty mapping at the same place."""
        return Map(self.uri, self.line, self.column)


class Seq(list[Any]):
    """A list: where it starts, and in `marks` line and column of each item."""

    __slots__ = ("column", "line", "marks", "uri")

    def __init__(self, uri: str, line: int = 0, column: int = 0) -> None:
        super().__init__()
        self.uri = uri
        self.line = line
        self.column = column
        self.marks: list[tuple[int, int]] = []

    def add(self, value: Node, mark: tuple[int, int]) -> None:
        """Append an item and its position."""
        self.append(value)
        self.marks.append(mark)


def file_name(uri: str) -> str:
    """Return what a person calls a file: its path, relative when it is below the working directory."""
    if not is_file_uri(uri):
        return uri
    try:
        return _file_name(uri, os.getcwd())
    except (ValueError, OSError):
        return uri


@lru_cache(maxsize=64)
def _file_name(uri: str, here: str) -> str:
    return to_path(uri).removeprefix(here.rstrip("/") + "/")


def where_of(node: Node, *path: str | int) -> Where | None:
    """Return where the value stands that `path` leads to from a node, or the last known place on the way."""
    found: Where | None = None
    for step in path:
        mark = _mark_of(node, step)
        if mark is None:
            break
        found = Where(file_name(node.uri), mark[-2], mark[-1])
        node = node[step]
    if isinstance(node, Map | Seq) and (node.line or found is None):
        return Where(file_name(node.uri), node.line, node.column)
    return found


def _mark_of(node: Node, step: str | int) -> tuple[int, ...] | None:
    if isinstance(node, Map) and isinstance(step, str):
        return node.marks.get(step)
    if isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.marks):
        return node.marks[step]
    return None


def where_of_key(node: Map, key: str) -> Where:
    """Return where a key of a mapping stands; the mapping itself when it has no such key."""
    line, column = node.marks[key][:2] if key in node.marks else (node.line, node.column)
    return Where(file_name(node.uri), line, column)


def to_plain(node: Node) -> Any:
    """Return a deep copy of a tree as dicts and lists without positions; aliases become copies."""
    if isinstance(node, dict):
        return {key: to_plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [to_plain(item) for item in node]
    return node
