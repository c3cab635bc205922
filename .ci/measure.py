"""Measure what an installation of the core takes; fail above the limits that the project set itself.

Run by the Python of the environment that is to be measured.
"""

from __future__ import annotations

import sys
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

MOST_PACKAGES = 60
MOST_MEGABYTES = 140


def megabytes(directory: Path) -> float:
    """Return what the files below a directory hold, in units of 10^6 bytes, .pyc included."""
    return sum(path.lstat().st_size for path in directory.rglob("*") if not path.is_dir()) / 1e6


def main() -> int:
    """Print both figures and return 1 when one is above its limit."""
    names = sorted({distribution.metadata["Name"] for distribution in distributions()})
    size = megabytes(Path(sysconfig.get_path("purelib")))
    print(f"{len(names)} packages (at most {MOST_PACKAGES}): {' '.join(names)}")
    print(f"{size:.1f} MB with .pyc (at most {MOST_MEGABYTES})")
    return int(len(names) > MOST_PACKAGES or size > MOST_MEGABYTES)


if __name__ == "__main__":
    sys.exit(main())
