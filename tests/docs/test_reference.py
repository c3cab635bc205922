"""The reference of the command line is what the program says of itself."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMAND = "python -m recrate.cli.reference > docs/cli.md"


@pytest.mark.skipif(importlib.util.find_spec("recrate.cli.reference") is None, reason="there is no reference yet")
def test_the_reference_of_the_command_line_is_current() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "recrate.cli.reference"], capture_output=True, text=True, check=True
    ).stdout
    assert REFERENCE.exists(), f"run: {COMMAND}"
    assert REFERENCE.read_text(encoding="utf-8") == printed, f"run: {COMMAND}"
