"""Two values compared: files by their contents, wherever these lie, and all else as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ...data_classes import dataclass
from .files import compare_files, compare_paths
from .tolerance import Tolerances
from .verdict import ORDER, Finding, Grade, shown

Locate = Callable[[Mapping[str, Any]], Path | None]
"""Returns where the content of a File or Directory object lies on this machine; None when it is not to be had."""
NOTHING = object()


@dataclass(frozen=True, slots=True)
class Values:
    """Compares the values of two sides."""

    first: Locate
    second: Locate
    tolerances: Tolerances = field(default_factory=Tolerances)

    def compare(self, one: Any, other: Any) -> Finding:
        """Return how two values compare: the worst of their parts, and the first part that is so."""
        return _worst(self._parts(one, other, ""))

    def _parts(self, one: Any, other: Any, pointer: str) -> Iterator[Finding]:
        if one is NOTHING or other is NOTHING:
            yield Finding(Grade.MISSING, detail=f"{pointer}: there is one on one side only")
        elif _is_file(one) and _is_file(other) and one["class"] == other["class"]:
            yield from self._references(one, other, pointer)
        elif isinstance(one, list) and isinstance(other, list):
            for number, (a, b) in enumerate(zip_longest(one, other, fillvalue=NOTHING)):
                yield from self._parts(a, b, f"{pointer}/{number}")
        elif isinstance(one, dict) and isinstance(other, dict) and not _is_file(one) and not _is_file(other):
            for name in sorted({*one, *other}):
                yield from self._parts(one.get(name, NOTHING), other.get(name, NOTHING), f"{pointer}/{name}")
        else:
            yield self._plain(one, other, pointer)

    def _plain(self, one: Any, other: Any, pointer: str) -> Finding:
        if type(one) is type(other) and one == other:
            return Finding(Grade.IDENTICAL, "value")
        name = pointer.rpartition("/")[2]
        if _is_number(one) and _is_number(other) and self.tolerances.are_close(float(one), float(other), name):
            return Finding(Grade.EQUIVALENT, "value")
        return Finding(Grade.DIFFERENT, "value", f"{pointer or 'the value'}: {shown(one)} and {shown(other)}")

    def _references(self, one: Mapping[str, Any], other: Mapping[str, Any], pointer: str) -> Iterator[Finding]:
        if one.get("basename") != other.get("basename"):
            names = f"{one.get('basename')!r} and {other.get('basename')!r}"
            yield Finding(Grade.DIFFERENT, "value", f"{pointer}/basename: {names}")
        yield _at(pointer, self._contents(one, other))
        mates = [each.get("secondaryFiles") or [] for each in (one, other)]
        yield from self._parts(mates[0], mates[1], f"{pointer}/secondaryFiles")

    def _contents(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Finding:
        """Return how the contents of two files, or of two directories, compare."""
        if one.get("contents") is not None and one.get("contents") == other.get("contents"):
            return Finding(Grade.IDENTICAL)
        for name in ("sha256", "checksum"):
            if one.get(name) is not None and one.get(name) == other.get(name):
                return Finding(Grade.IDENTICAL)
        paths = self.first(one), self.second(other)
        if paths[0] is None or paths[1] is None:
            side = "first" if paths[0] is None else "second"
            known = all(each.get("sha256") or each.get("checksum") for each in (one, other))
            what = "the contents differ, and" if known else "whether the contents differ is not known:"
            return Finding(Grade.UNVERIFIED, detail=f"{what} that of the {side} side is not to be had")
        if one["class"] == "Directory":
            found = compare_paths(paths[0], paths[1], self.tolerances)
            return _worst(_at(name, finding) for name, finding in found.items())
        name = str(other.get("basename") or paths[1].name)
        return compare_files(paths[0], paths[1], name, self.tolerances)


def _worst(findings: Iterator[Finding]) -> Finding:
    worst = Finding(Grade.IDENTICAL)
    for finding in findings:
        if ORDER[finding.grade] > ORDER[worst.grade]:
            worst = finding
    return worst


def _at(pointer: str, finding: Finding) -> Finding:
    if not pointer or not finding.detail:
        return finding
    return Finding(finding.grade, finding.comparator, f"{pointer}: {finding.detail}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_file(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class") in ("File", "Directory")
