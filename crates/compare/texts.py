"""Text: the same but for dates and paths, and for numbers within the tolerances."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from .base import Sample
from .tolerance import Tolerances
from .verdict import Difference

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AP]M)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[A-Z]{3,4}|[+-]\d{2}:?\d{2}))?"
_DATES = re.compile(
    rf"\b(?:\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_TIME}{_ZONE})?"
    rf"|\d{{4}}/\d{{1,2}}/\d{{1,2}}(?: {_TIME}{_ZONE})?"
    rf"|(?:{_DAY} )?\d{{1,2}} {_MONTH} \d{{4}}(?: {_TIME}{_ZONE})?"
    rf"|(?:{_DAY} )?{_MONTH} +\d{{1,2}} (?:{_TIME}{_ZONE} )?\d{{4}}"
    rf"|{_TIME}{_ZONE})(?![\w])"
)
_PATHS = re.compile(r"(?<![\w.:/~-])(?:file://)?/(?:[^\s'\"`<>|:;,()\[\]{}]+/)+([^\s'\"`<>|:;,()\[\]{}/]*)")
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")


class Text:
    """Compares text line by line."""

    name = "text"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file is text in UTF-8."""
        return sample.is_text

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first pair of lines that differ in more than dates, directories and close numbers."""
        for number, (one, other) in enumerate(zip_longest(_lines(first), _lines(second)), 1):
            if one is None or other is None:
                return Difference(f"line {number}: there is one on one side only")
            if one != other and not are_equivalent(one, other, tolerances):
                return Difference.between(f"line {number}", one, other)
        return None


def are_equivalent(first: str, second: str, tolerances: Tolerances) -> bool:
    """Tell whether two lines differ at most in dates, in the directories of paths, and in close numbers."""
    one, other = masked(first), masked(second)
    if one == other:
        return True
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(tolerances.are_close(float(a), float(b)) for a, b in pairs)


def masked(line: str) -> str:
    """Return a line without dates and times, and with the last names of absolute paths alone."""
    return _DATES.sub("<date>", _PATHS.sub(r"<directory>/\1", line)).rstrip()


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline=None) as stream:
        for line in stream:
            yield line.rstrip("\n")
