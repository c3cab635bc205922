"""Paths of step instances and jobs, and the shapes of scatters that they tell of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

_INDICES: Final = re.compile(r"\[[\d,]*\]|~\d+")
_ENCODED: Final = str.maketrans({mark: f"%{ord(mark):02X}" for mark in "%/[]~"})


def job_path(step: str, shape: tuple[int, ...], index: int, *, loop: bool) -> str:
    """Return the path of the job with a flat (row-major) index of a step instance."""
    if loop:
        return f"{step}~{index}"
    if not shape:
        return step
    position = []
    for length in reversed(shape):
        index, offset = divmod(index, length)
        position.append(str(offset))
    return f"{step}[{','.join(reversed(position))}]"


def count(shape: tuple[int, ...]) -> int:
    """Return the number of jobs of a shape."""
    total = 1
    for length in shape:
        total *= length
    return total


def positions(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the positions of a shape in row-major order."""
    return product(*(range(length) for length in shape))


def step_path(scope_job: str, name: str) -> str:
    """Return the path of a step instance in the scope of a job.

    What has a meaning in paths is percent-encoded in the name, so that no two things share a path.
    """
    return f"{scope_job.rstrip('/')}/{name.translate(_ENCODED)}"


def plain_path(path: str) -> str:
    """Return a path without the indices of scatters and loops."""
    return _INDICES.sub("", path)
