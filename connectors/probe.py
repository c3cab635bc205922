"""Facts about this machine and its processes, read from /proc (see proc(5))."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Sequence

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


def start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; '' when there is no such process."""
    status = _read(f"/proc/{pid}/stat")
    fields = status.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] == "Z":
        return ""
    return fields[19]


def find_process(command: Sequence[str]) -> int | None:
    """Return the process with this command line, or None."""
    wanted = b"\0".join(os.fsencode(word) for word in command) + b"\0"
    for name in os.listdir("/proc"):
        if name.isdigit() and _read_bytes(f"/proc/{name}/cmdline") == wanted:
            return int(name)
    return None


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
    return _read_bytes(path).decode("utf-8", "replace")


def _read_bytes(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
