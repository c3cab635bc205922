"""What do wide links cost? Many jobs whose files meet in one, and many files given to one job."""

from __future__ import annotations

from pathlib import Path

from . import cwl
from .base import Prepared, Question, prepared


def fan_in(directory: Path, size: int) -> Prepared:
    """Write a scatter whose files are all joined by one job."""
    steps = {
        "many": cwl.step(cwl.echo(), {"number": "numbers"}, "number"),
        "one": cwl.step(cwl.join(), {"files": "many/out"}),
    }
    document = cwl.workflow({"numbers": "int[]"}, steps, "one", "File")
    many = cwl.xargs(size, 'exec echo "$0" > "$0"')
    floor = f'{many}\nseq 0 {size - 1} | xargs cat > "$OUT/0"'
    return prepared(directory, document, {"numbers": list(range(size))}, ["".join(cwl.lines(size))], floor)


def file_array(directory: Path, size: int) -> Prepared:
    """Write many small files, and one job that is given them all."""
    folder = directory / "files"
    folder.mkdir()
    for number, text in enumerate(cwl.lines(size)):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    files = [{"class": "File", "path": str(folder / f"{number}.txt")} for number in range(size)]
    document = cwl.workflow({"files": "File[]"}, {"one": cwl.step(cwl.join(), {"files": "files"})}, "one", "File")
    floor = f'cd "$DATA/files"; seq -f "%.0f.txt" 0 {size - 1} | xargs cat > "$OUT/0"'
    return prepared(directory, document, {"files": files}, ["".join(cwl.lines(size))], floor)


def one_more(size: int) -> int:
    """Return the jobs of a scatter and of the one that joins it."""
    return size + 1


def one(size: int) -> int:
    """Return 1: a single job takes all files."""
    return 1


QUESTIONS = [
    Question("fan-in", "fan-in of {size:,}", (10_000,), 20, fan_in, one_more),
    Question("file-array", "array of {size:,} files", (10_000,), 50, file_array, one),
]
