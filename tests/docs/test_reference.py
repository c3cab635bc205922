"""The reference of the command line is what the program says of itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REFERENCE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMAND = "python -m recrate.cli.reference > docs/cli.md"


def test_the_reference_of_the_command_line_is_current() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "recrate.cli.reference"], capture_output=True, text=True, check=True
    ).stdout
    assert REFERENCE.read_text(encoding="utf-8") == printed, f"run: {COMMAND}"
