"""What identifies a process, so that another one can tell whether it is still alive."""

from __future__ import annotations

import os
import signal
import socket
from enum import Enum
from pathlib import Path

from ..data_classes import dataclass

PROC = Path("/proc")
_START_FIELD = 19
"""Place of the start time in /proc/PID/stat, counted from after the name in parentheses."""


class Life(Enum):
    """What can be said of a process."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"
    """It is of another machine or name space: only its heartbeat tells."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process, by host, boot and process id. Empty texts and a start of 0 mean 'not known'."""

    host: str
    machine: str
    boot: str
    pid_space: str
    pid: int
    start: int


def this_process(proc: Path = PROC) -> Process:
    """Return what identifies this process."""
    pid = os.getpid()
    return Process(
        host=socket.gethostname(),
        machine=_read(Path("/etc/machine-id")),
        boot=_read(proc / "sys/kernel/random/boot_id"),
        pid_space=_pid_space(proc),
        pid=pid,
        start=process_start(pid, proc) or 0,
    )


def life_of(process: Process, seen_from: Process, proc: Path = PROC) -> Life:
    """Tell whether a process lives, as far as another process, the one that asks, can see."""
    if process.boot and process.boot == seen_from.boot:
        if process.pid_space != seen_from.pid_space:
            return Life.UNKNOWN
        start = process_start(process.pid, proc)
        return Life.ALIVE if start is not None and start == process.start else Life.DEAD
    if process.boot and process.machine and (process.host, process.machine) == (seen_from.host, seen_from.machine):
        return Life.DEAD
    return Life.UNKNOWN


def process_start(pid: int, proc: Path = PROC) -> int | None:
    """Return when a process started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        text = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = text.rpartition(b")")[2].split()
    if len(fields) <= _START_FIELD or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[_START_FIELD])


def signal_process(process: Process, number: int, seen_from: Process, proc: Path = PROC) -> bool:
    """Send a signal to a process that lives on this machine and handles it; tell whether it was sent.

    It is not sent when there is any doubt about who would get it: the process id may have been
    given to another process meanwhile, and a process without a handler would just be killed.
    """
    try:
        # From here on the descriptor stands for one process, whatever becomes of its id.
        descriptor = os.pidfd_open(process.pid)
    except (OSError, AttributeError):
        return False
    try:
        if life_of(process, seen_from, proc) is not Life.ALIVE or not handles(process.pid, number, proc):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def handles(pid: int, number: int, proc: Path = PROC) -> bool:
    """Tell whether a process has a handler for a signal (`SigCgt` of proc(5))."""
    for line in _read(proc / str(pid) / "status").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def _pid_space(proc: Path) -> str:
    try:
        return os.readlink(proc / "self/ns/pid")
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
