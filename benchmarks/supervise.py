"""Run one command and measure it:  python supervise.py SECONDS RESULT COMMAND...

A process of its own, so that what it measures is this command alone. It becomes the parent of all
that the command leaves behind: their CPU time counts, and nothing goes on when the time is up.

How each figure is taken (see proc(5)):

- seconds: from the start of the command until it has ended.
- peak memory: VmHWM of the command's own process, the controller; its jobs are other processes.
  It is read every 10 ms because a process that has ended has no memory any more. `wait4` will not
  do: its ru_maxrss is the largest of the process and of all its children.
- CPU of the controller: utime and stime of its own process, read when it has ended and before it
  is waited for. CPU of the jobs: what `getrusage` knows of all descendants, less the controller's.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

PR_SET_CHILD_SUBREAPER = 36
EVERY_MILLISECONDS = 10
TICKS = os.sysconf("SC_CLK_TCK")


class Measured(TypedDict):
    """What is known of a command that has ended, or was ended."""

    code: int
    timed_out: bool
    seconds: float
    peak_bytes: int
    controller_cpu: float
    jobs_cpu: float


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def peak_bytes(pid: int) -> int:
    """Return the peak resident memory of a process so far; 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = [line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")]
    return 1024 * int(found[0]) if found else 0


def own_cpu(pid: int) -> float:
    """Return the CPU seconds of a process itself, which may have ended but was not waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children() -> list[int]:
    """Return the processes whose parent is this one."""
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]


def clear_away() -> None:
    """End and wait for all descendants; as long as one is ended its children come to us."""
    while True:
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def watch(pid: int, limit: float) -> tuple[bool, int]:
    """Wait until a process ends or the time is up; return whether it ended, and its peak memory."""
    poll = select.poll()
    descriptor = os.pidfd_open(pid)
    poll.register(descriptor, select.POLLIN)
    until, peak = time.monotonic() + limit, 0
    ended = False
    while not ended and time.monotonic() < until:
        ended = bool(poll.poll(EVERY_MILLISECONDS))
        peak = max(peak, peak_bytes(pid))
    os.close(descriptor)
    return ended, peak


def measure(command: list[str], limit: float) -> Measured:
    """Run a command with the standard streams of this process and measure it."""
    begun = time.monotonic()
    process = subprocess.Popen(command, start_new_session=True)
    ended, peak = watch(process.pid, limit)
    seconds = time.monotonic() - begun
    cpu = own_cpu(process.pid)
    if not ended:
        process.kill()
    code = process.wait()
    clear_away()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Measured(
        code=code,
        timed_out=not ended,
        seconds=seconds,
        peak_bytes=peak,
        controller_cpu=cpu,
        jobs_cpu=max(0.0, used.ru_utime + used.ru_stime - cpu),
    )


def main() -> None:
    """Measure the command of the command line and write the figures as JSON."""
    limit, result, *command = sys.argv[1:]
    adopt_orphans()
    try:
        measured = measure(command, float(limit))
    finally:
        clear_away()  # also when somebody has pressed Ctrl-C: the command has a session of its own
    Path(result).write_text(json.dumps(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
