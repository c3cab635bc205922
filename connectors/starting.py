"""The start of an attempt on this machine: its shell, and the process that this shell lets go on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ..errors import PlaceFailed
from . import processes, wrapper
from .base import Launch
from .claim import give_up, read_claim

PR_SET_CHILD_SUBREAPER = 36
DEFAULTS = (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)
"""Signals that do to a job what they do by default, whatever the controller does with them."""


def command(launch: Launch) -> list[str]:
    """Return the command line of an attempt's processes, its leader among them."""
    return ["/bin/sh", launch.script, wrapper.APART]


def spawn(launch: Launch) -> int:
    """Start the shell of an attempt in a session of its own; return it: the leader."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    argv = command(launch)
    return os.posix_spawn(
        argv[0],
        argv,
        {"PATH": os.environ.get("PATH", os.defpath)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, f"{launch.directory}/stderr", append, 0o644),
        ],
        setsid=True,
        setsigdef=DEFAULTS,
    )


def started_by(leader: int, launch: Launch) -> int:
    """Return the process that a leader, which has ended, let go on. Raises PlaceFailed when there is none."""
    claim = read_claim(launch.directory)
    if claim is None:
        raise PlaceFailed(f"the script of {launch.name} could not begin: see {launch.directory}/stderr")
    if claim.leader is None and not claim.given_up:
        raise PlaceFailed(f"{launch.name} did not start, since {launch.directory} cannot be written")
    if claim.leader != leader:
        raise PlaceFailed(f"{launch.name} was started or given up before, in {launch.directory}")
    if claim.process is None:
        # The number could not be written, on a full disk: nobody would find the job by it.
        processes.kill_group(leader, signal.SIGKILL)
        raise PlaceFailed(f"{launch.name} was ended, since {launch.directory} cannot be written")
    return claim.process


def prevent(launch: Launch) -> None:
    """See to it that an attempt, which may or may not have been started, does not run."""
    if give_up(launch.directory):
        return
    claim = read_claim(launch.directory)
    leader = claim.leader if claim is not None else None
    if leader is None:
        # Its shell has just made the claim, and not yet written its number.
        leader = processes.find_process(command(launch))
        processes.kill_begun(launch.directory)
    if leader is not None:
        processes.kill_group(leader, signal.SIGKILL)


class Adoption:
    """Whether this process becomes the parent of processes below it whose own parent has ended (prctl(2)).

    The kernel counts the memory of whoever calls exec into the peak of what is executed. So a job
    starts from a shell that has already ended, and not from this large process, and is ours to
    wait for all the same. It is so only while somebody asks for it: orphans of others, which nobody
    here waits for, would be zombies for as long as this process lives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0

    def begin(self) -> None:
        """Adopt orphans until `end` was called as often."""
        with self._lock:
            self._asked += 1
            if self._asked == 1:
                _set_subreaper(True)

    def end(self) -> None:
        """Take back one `begin`. Children that were adopted stay children."""
        with self._lock:
            self._asked -= 1
            if self._asked == 0:
                _set_subreaper(False)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        """Adopt orphans within a block."""
        self.begin()
        try:
            yield
        finally:
            self.end()


adopting = Adoption()


def _set_subreaper(wanted: bool) -> None:
    _libc().prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


@lru_cache(maxsize=1)
def _libc() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
