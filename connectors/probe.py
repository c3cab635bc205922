"""Facts about this machine, read from /proc (see proc(5))."""

from __future__ import annotations

import os
import platform
import socket

from .base import Facts

MIB = 1 << 20


def this_machine() -> Facts:
    """Return the facts of the machine that the controller runs on."""
    return Facts(
        hostname=socket.gethostname(),
        os=_os_name(),
        kernel=f"{platform.system()} {platform.release()}",
        cpu_model=_cpu_model(),
        cores=usable_cores(),
        memory=usable_memory(),
        gpus=_gpus(),
    )


def usable_cores() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_memory() -> int:
    """Return the memory of this machine in MiB, or what its control group is limited to."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(path).strip()
        if text.isdigit():
            total = min(total, int(text) // MIB)
    return total


def _os_name() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return platform.platform()


def _cpu_model() -> str | None:
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, text = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return text.strip()
    return platform.machine() or None


def _gpus() -> int:
    try:
        return len(os.listdir("/proc/driver/nvidia/gpus"))
    except OSError:
        return 0


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
