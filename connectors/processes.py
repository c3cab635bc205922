"""Processes of this machine, read from /proc (see proc(5)), and what is known where there is none."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence, Set

from ..data_classes import dataclass
from .claim import Claim, Supervisor
from .spawner import boot_id

PROC = "/proc"


@dataclass(frozen=True, slots=True)
class Status:
    """What /proc/PID/stat says of a process that is not a zombie."""

    pid: int
    parent: int
    group: int
    session: int
    start: str
    """Clock ticks since boot."""


def are_visible() -> bool:
    """Tell whether /proc is there and is that of our own processes, which it may not be in a chroot."""
    try:
        return os.readlink(f"{PROC}/self") == str(os.getpid())
    except OSError:
        return False


def status_of(pid: int) -> Status | None:
    """Return the status of a process, or None when there is none, or only a zombie."""
    fields = _read(f"{PROC}/{pid}/stat").decode("utf-8", "replace").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X"):
        return None
    return Status(pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[19])


def start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; '' when there is no such process."""
    status = status_of(pid)
    return status.start if status else ""


def has_command(pid: int, command: Sequence[str]) -> bool:
    """Tell whether a process has this command line."""
    return _read(f"{PROC}/{pid}/cmdline") == _command_line(command)


def find_process(command: Sequence[str]) -> int | None:
    """Return the process with this command line, or None. Of several it is the one that forked the others."""
    return _root(_with_command(command))


def of_session(session: int) -> list[Status]:
    """Return the processes of a session."""
    return [status for status in map(status_of, _pids()) if status and status.session == session]


def groups_of_sessions(sessions: Set[int]) -> set[int]:
    """Return the process groups of sessions, those of their leaders among them, in one look at all processes."""
    return {*sessions, *(status.group for status in map(status_of, _pids()) if status and status.session in sessions)}


def of_attempt(claim: Claim, command: Sequence[str]) -> tuple[int | None, bool]:
    """Return the process that carries out a claimed attempt, and whether it may yet come up.

    The number in the claim counts only when that process has the attempt's command line: so one
    that got the same number later is never taken for it. Where the number was not written yet,
    or could not be, all processes are looked at. An attempt that somebody supervises may come up, or
    its record, as long as that one is there.
    """
    if claim.supervisor is not None:
        runs = claim.process is not None and is_attempt(claim.process, claim.start or "", claim)
        if runs and claim.supervisor.boot == boot_id():
            return claim.process, False
        return None, is_running(claim.supervisor)
    if not are_visible():
        return _without_proc(claim)
    if claim.process is not None:
        return (claim.process if has_command(claim.process, command) else None), False
    found = _with_command(command)
    if claim.leader is None or claim.leader in found:
        return None, bool(found)
    return _root(found), False


def is_attempt(pid: int, start: str, claim: Claim | None) -> bool:
    """Tell whether a process runs that had this number and start; `start` is '' where that was not known."""
    if start and are_visible():
        return start_time(pid) == start
    return claim is not None and claim.leader is not None and session_of(pid) == claim.leader


def is_running(supervisor: Supervisor) -> bool:
    """Tell whether the process that saw to an attempt is still there."""
    if supervisor.boot != boot_id():
        return False
    if not are_visible():
        return session_of(supervisor.process) is not None
    return start_time(supervisor.process) == supervisor.start


def session_of(pid: int) -> int | None:
    """Return the session of a process, or None when there is no such process."""
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def is_child(pid: int, start: str) -> bool:
    """Tell whether a process that had this number and start is ours to wait for; it may have ended."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return False
    return start_time(pid) in ("", start)


def elapsed(pid: int) -> float | None:
    """Return for how many seconds a process has been there, or None where that is not known."""
    status = status_of(pid)
    if status is None:
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(status.start) / os.sysconf("SC_CLK_TCK")


def kill_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group; no error when nobody of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def reap(group: int, patiently: bool = True) -> None:
    """Wait for children of a process group that were killed; else only for those that have ended by now."""
    try:
        while os.waitpid(-group, 0 if patiently else os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def kill_strays(session: int, directory: str) -> None:
    """Kill what is left of the session of an attempt whose wrapper is gone.

    The number of a session can be used again when nobody of it is left. So a process counts
    only when it works in the attempt's directory, or has a file of it open as one of its streams.
    """
    inside = os.path.realpath(directory) + "/"
    for status in of_session(session):
        links = (f"{PROC}/{status.pid}/{name}" for name in ("cwd", "fd/0", "fd/1", "fd/2"))
        if any(_link(link).startswith(inside) for link in links):
            _kill(status)


def kill_begun(directory: str) -> None:
    """Kill what was started in an attempt's directory by somebody who could not write its number down any more."""
    inside = b"PWD=" + os.fsencode(directory) + b"/"
    for status in map(status_of, _pids()):
        if status is not None and status.session == status.pid:  # noqa: SIM102
            if any(each.startswith(inside) for each in _read(f"{PROC}/{status.pid}/environ").split(b"\0")):
                _kill(status)


def _kill(status: Status) -> None:
    try:
        descriptor = os.pidfd_open(status.pid)
    except OSError:
        return
    try:
        if start_time(status.pid) == status.start:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        os.close(descriptor)


def _without_proc(claim: Claim) -> tuple[int | None, bool]:
    """Return what of_attempt does, from system calls alone: the session is what a process keeps."""
    if claim.process is not None:
        return (claim.process if session_of(claim.process) == claim.leader else None), False
    return None, claim.leader is not None and session_of(claim.leader) == claim.leader


def _with_command(command: Sequence[str]) -> set[int]:
    return {pid for pid in _pids() if has_command(pid, command)}


def _root(pids: set[int]) -> int | None:
    """Return the process whose parent is none of the others: a shell and its forks share a command line."""
    for status in map(status_of, sorted(pids)):
        if status is not None and status.parent not in pids:
            return status.pid
    return None


def _pids() -> Iterator[int]:
    try:
        names = os.listdir(PROC)
    except OSError:
        return
    yield from (int(name) for name in names if name.isdigit())


def _command_line(command: Sequence[str]) -> bytes:
    return b"\0".join(os.fsencode(word) for word in command) + b"\0"


def _link(path: str) -> str:
    try:
        return os.readlink(path) + "/"
    except OSError:
        return ""


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
