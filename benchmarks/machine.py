"""What the machine is, in words; never its name."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path


def describe(scratch: Path) -> dict[str, str]:
    """Return the facts about this machine that figures depend on."""
    one, five, _ = os.getloadavg()
    return {
        "processor": processor(),
        "cores": f"{len(os.sched_getaffinity(0))}",
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "node": node(),
        "file system of the runs": file_system(scratch),
        "load before": f"{one:.1f} in the last minute, {five:.1f} in the last five",
    }


def processor() -> str:
    """Return the model of the processor."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def node() -> str:
    """Return the version of node, which peers need for JavaScript."""
    program = shutil.which("node")
    if program is None:
        return "none: peers cannot evaluate JavaScript"
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.strip()


def file_system(path: Path) -> str:
    """Return the type of the file system that a path is on (see proc(5), mounts)."""
    here = str(path.resolve())
    found = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split()
        inside = here == place or here.startswith(f"{place.rstrip('/')}/")
        if inside and len(place) >= len(found[0]):
            found = (place, kind)
    return found[1]
