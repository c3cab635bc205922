"""A root file system of Debian's next release: newer Slurm, apptainer. Made once a machine, by mmdebstrap.

with make_hosts(bases={"hpca": str(newer_debian())}) as hosts: ...
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

from testbed.containers import cache_directory
from testbed.hosts import Unavailable

SUITE = "sid"
PACKAGES = (
    "slurmctld", "slurmd", "slurm-client", "munge", "openssh-server", "iproute2", "procps", "nftables",
    "iputils-ping", "apptainer", "squashfs-tools", "squashfuse", "busybox-static",
)  # fmt: skip
BUILD_SECONDS = 600
SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))


def newer_debian() -> Path:
    """Return the root; it is made when this machine has none yet (a minute). Raises Unavailable."""
    if os.getuid() != 0:
        raise Unavailable("a root file system can be made by root alone")
    directory = cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    root = directory / f"root-{SUITE}"
    with open(directory / "lock-root", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _make(root)
    return root


def _make(root: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise Unavailable("not installed: mmdebstrap")
    part = root.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    options = ['APT::Install-Recommends "false"', 'Acquire::Check-Valid-Until "false"']
    argv = ["mmdebstrap", "--variant=minbase", "--mode=root", *(f"--aptopt={option}" for option in options)]
    source = f"deb [trusted=yes] {_mirror()} {SUITE} main"
    argv += [f"--include={','.join(PACKAGES)}", SUITE, str(part), source]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    if done.returncode != 0:
        shutil.rmtree(part, ignore_errors=True)
        lines = done.stderr.strip().splitlines() or ["it gave no reason"]
        raise Unavailable(f"no root of Debian {SUITE} can be made here: {lines[-1]}")
    part.rename(root)


def _mirror() -> str:
    """Return the mirror that this machine takes its own packages from. Raises Unavailable."""
    files = [path for each in SOURCES for path in (sorted(each.glob("*")) if each.is_dir() else [each])]
    for path in files:
        text = path.read_text(errors="replace") if path.is_file() else ""
        found = re.search(r"^(?:URIs:\s*|deb\s+(?:\[[^]]*\]\s*)?)(\S+debian/?)(?:\s|$)", text, re.M)
        if found:
            return found[1]
    raise Unavailable("no mirror of Debian's packages is configured here")
