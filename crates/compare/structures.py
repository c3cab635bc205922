"""JSON and JSON lines: the same values whatever the order of keys, and numbers within the tolerances."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from .base import Sample, Unreadable
from .texts import are_equivalent
from .tolerance import Tolerances
from .verdict import Difference

MOST_BYTES = 256 << 20


class Json:
    """Compares JSON documents."""

    name = "JSON"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says JSON."""
        return sample.is_text and sample.ending in (".json", ".geojson", ".ipynb", ".jsonld")

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first place where two documents differ, as a JSON pointer (RFC 6901)."""
        return difference(_document(first), _document(second), tolerances)


class JsonLines:
    """Compares files that hold one JSON value a line, such as metrics."""

    name = "JSON lines"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says so."""
        return sample.is_text and sample.ending in (".jsonl", ".ndjson")

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first line and place where two files differ."""
        for number, (one, other) in enumerate(zip_longest(_documents(first), _documents(second)), 1):
            if one is None or other is None:
                return Difference(f"line {number}: there is one on one side only")
            found = difference(one[0], other[0], tolerances)
            if found is not None:
                return Difference(f"line {number}, {found.text}")
        return None


def difference(first: Any, second: Any, tolerances: Tolerances, pointer: str = "", name: str = "") -> Difference | None:
    """Return the first place where two JSON values differ; None when they are equivalent."""
    if _are_numbers(first, second):
        if tolerances.are_close(float(first), float(second), name):
            return None
    elif isinstance(first, dict) and isinstance(second, dict):
        return _objects(first, second, tolerances, pointer)
    elif isinstance(first, list) and isinstance(second, list):
        return _lists(first, second, tolerances, pointer, name)
    elif (isinstance(first, str) and isinstance(second, str) and are_equivalent(first, second, tolerances)) or (
        first == second and type(first) is type(second)
    ):
        return None
    return Difference.between(pointer or "the whole", first, second)


def _objects(first: dict[str, Any], second: dict[str, Any], tolerances: Tolerances, pointer: str) -> Difference | None:
    for key in sorted(first.keys() ^ second.keys()):
        return Difference(f"{_below(pointer, key)}: there is one on one side only")
    for key, value in first.items():
        found = difference(value, second[key], tolerances, _below(pointer, key), key)
        if found is not None:
            return found
    return None


def _lists(first: list[Any], second: list[Any], tolerances: Tolerances, pointer: str, name: str) -> Difference | None:
    for number, (one, other) in enumerate(zip(first, second, strict=False)):
        found = difference(one, other, tolerances, f"{pointer}/{number}", name)
        if found is not None:
            return found
    if len(first) != len(second):
        return Difference.between(f"length of {pointer or 'the whole'}", len(first), len(second))
    return None


def _are_numbers(first: Any, second: Any) -> bool:
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in (first, second))


def _below(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def _document(path: Path) -> Any:
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable("the document is too large to be compared as JSON")
    return _parsed(path.read_bytes())


def _documents(path: Path) -> Iterator[tuple[Any]]:
    with path.open("rb") as stream:
        for line in stream:
            if line.strip():
                yield (_parsed(line),)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON: {error}") from error
