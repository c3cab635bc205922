"""Out of memory: told from other ends by SIGKILL by what the kernel counts.

The kernel's OOM killer sends the same signal as a person does, and tells nobody; but it counts.
A job that was killed by SIGKILL while the count rose is taken to be what it killed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import field

from ..data_classes import dataclass

VMSTAT = "/proc/vmstat"
OWN_GROUP = "/proc/self/cgroup"
GROUPS = "/sys/fs/cgroup"
FRESH_SECONDS = 1.0


def kernel_kills() -> int | None:
    """Return how many processes the OOM killer has killed; None where nothing tells.

    The control group of this process (version 2) counts for itself and the groups below it; the
    machine counts for all, the neighbours of a container among them, and is asked second.
    """
    for line in _lines(OWN_GROUP):
        if line.startswith("0::"):
            kills = _field(f"{GROUPS}{line[3:].rstrip('/')}/memory.events")
            if kills is not None:
                return kills
    return _field(VMSTAT)


@dataclass(slots=True)
class KillCount:
    """The count, looked at no more than once a second, so that a job costs nothing."""

    count: Callable[[], int | None] = kernel_kills
    clock: Callable[[], float] = time.monotonic
    _known: int | None = None
    _looked: float = field(default=float("-inf"))

    def recent(self) -> int | None:
        """Return the count as it was at most a second ago."""
        if self.clock() - self._looked >= FRESH_SECONDS:
            self._look()
        return self._known

    def rose_above(self, before: int | None) -> bool:
        """Tell whether the OOM killer has killed since the count was `before`."""
        self._look()
        return before is not None and self._known is not None and self._known > before

    def _look(self) -> None:
        self._known, self._looked = self.count(), self.clock()


def _field(path: str) -> int | None:
    for line in _lines(path):
        name, _, number = line.partition(" ")
        if name == "oom_kill" and number.isdigit():
            return int(number)
    return None


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:
        return []
