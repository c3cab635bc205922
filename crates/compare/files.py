"""Two files compared: by their bytes first, then by what knows their type."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from ...errors import InputInvalid
from ...hashing import digest_file
from .archives import Compressed, Tar, Zip
from .arrays import Hdf5, Numpy, Parquet
from .base import HEAD_BYTES, Comparator, Lacking, Sample, Unreadable
from .images import Image
from .structures import Json, JsonLines
from .tables import Table
from .texts import Text
from .tolerance import Tolerances
from .verdict import Finding, Grade, worst
from .weights import Onnx, PyTorch, Safetensors

GROUP = "recrate.comparators"
CHUNK = 1 << 20


@cache
def comparators() -> Sequence[Comparator]:
    """Return all comparators, those of other packages first; of several that accept a file, the first one compares."""
    from importlib.metadata import entry_points

    others = [entry.load()() for entry in entry_points(group=GROUP)]
    typed: list[Comparator] = [Safetensors(), Onnx(), PyTorch(), Numpy(), Hdf5(), Parquet(), Image()]
    packed: list[Comparator] = [Tar(compare_files), Compressed(compare_files), Zip(compare_files)]
    return [*others, *typed, *packed, Json(), JsonLines(), Table(), Text()]


def compare_files(first: Path, second: Path, name: str, tolerances: Tolerances) -> Finding:
    """Compare two files that both have this name. Raises OSError when one cannot be read."""
    if first.stat().st_size == second.stat().st_size and digest_file(first).sha256 == digest_file(second).sha256:
        return Finding(Grade.IDENTICAL)
    samples = [Sample(name, _head(path)) for path in (first, second)]
    lacking = ""
    for comparator in comparators():
        if not all(map(comparator.accepts, samples)):
            continue
        try:
            found = comparator.compare(first, second, tolerances)
        except Lacking as error:
            lacking = lacking or f"{comparator.name} needs {error}, which is not installed"
            continue
        except Unreadable as error:
            return Finding(Grade.DIFFERENT, comparator.name, f"{_first_byte(first, second)}; {error}")
        if found is None:
            return Finding(Grade.EQUIVALENT, comparator.name)
        return Finding(Grade.DIFFERENT, comparator.name, found.text)
    if lacking:
        return Finding(Grade.UNVERIFIED, "bytes", f"{_first_byte(first, second)}; {lacking}")
    return Finding(Grade.DIFFERENT, "bytes", _first_byte(first, second))


def compare_paths(first: Path, second: Path, tolerances: Tolerances) -> dict[str, Finding]:
    """Compare two files, or two directories file by file; return what was found by relative path.

    Raises InputInvalid when one is not there, or one is a file and the other one a directory.
    """
    for path in (first, second):
        if not path.exists():
            raise InputInvalid(f"there is no {str(path)!r}")
    if first.is_dir() != second.is_dir():
        raise InputInvalid(f"{str(first)!r} and {str(second)!r} cannot be compared: one of them is a directory")
    if not first.is_dir():
        return {second.name: compare_files(first, second, second.name, tolerances)}
    one, other = dict(_below(first)), dict(_below(second))
    return {name: _compared(one.get(name), other.get(name), name, tolerances) for name in sorted({*one, *other})}


def _compared(first: Path | None, second: Path | None, name: str, tolerances: Tolerances) -> Finding:
    if first is None or second is None:
        return Finding(Grade.MISSING, detail=f"only the {'second' if first is None else 'first'} one has it")
    return compare_files(first, second, os.path.basename(name), tolerances)


def overall(findings: dict[str, Finding]) -> Grade:
    """Return the grade of the whole: that of its worst part."""
    return worst(finding.grade for finding in findings.values())


def _below(directory: Path) -> Iterator[tuple[str, Path]]:
    for current, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = Path(current, name)
            yield str(path.relative_to(directory)), path


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(HEAD_BYTES)


def _first_byte(first: Path, second: Path) -> str:
    """Return in words where the bytes of two files part."""
    offset = 0
    with first.open("rb") as one, second.open("rb") as other:
        while True:
            a, b = one.read(CHUNK), other.read(CHUNK)
            if a != b:
                at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
                sizes = [path.stat().st_size for path in (first, second)]
                return f"byte {offset + at}: they differ ({sizes[0]} and {sizes[1]} bytes)"
            if not a:
                return "no byte differs"
            offset += len(a)
