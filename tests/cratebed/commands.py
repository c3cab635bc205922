"""The command line, as tests of crates call it."""

from __future__ import annotations

import subprocess
from typing import Protocol


class Recrate(Protocol):
    """Runs `recrate` in the test's directory, with the store of a data directory in it."""

    def __call__(self, *words: str, code: int = 0, store: str = "one") -> subprocess.CompletedProcess[str]: ...
