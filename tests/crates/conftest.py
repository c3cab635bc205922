"""The command line in a directory of its own, with a store by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cratebed.commands import Recrate


@pytest.fixture
def recrate(tmp_path: Path) -> Recrate:
    def call(*words: str, code: int = 0, store: str = "one") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path / "stores" / store)}
        environment.pop("RECRATE_STORE", None)
        done = subprocess.run(
            [sys.executable, "-m", "recrate", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done

    return call
