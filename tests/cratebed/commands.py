"""The command line, called in a directory of its own with a store by name."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recrate:
    """Runs `recrate` in a folder; stores are below it, each in a data directory of its own."""

    folder: Path

    def __call__(self, *words: str, code: int = 0, store: str = "one") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_DATA_HOME": str(self.folder / "stores" / store)}
        environment.pop("RECRATE_STORE", None)
        done = subprocess.run(
            [sys.executable, "-m", "recrate", *words],
            cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done
