"""A helper process that starts attempts for a controller, so that the controller need not wait for their shells.

Starting an attempt means to start a shell and to wait until it has let the attempt's own process
go on. Both take longer than all else that a controller does for a short job, and both keep its
event loop. The helper (`spawner`) does it beside the controller, and waits for the attempts too,
whose end and peak memory it reports.

Nothing depends on it. It is started when enough attempts were that it pays; where it cannot be, or
has ended, the connector starts attempts itself, as it does until the helper has said that it is
ready. When it ends, the kernel makes its children those of the controller, which then watches
them itself. See `docs/decisions/0008-a-helper-starts-attempts.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .base import Launch
from .wrapper import APART, CLAIM

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spawner.py")
READ_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Started:
    """What the helper says of an attempt that it was to start."""

    leader: int
    process: int
    """0 when the attempt's claim does not name one: look there for the reason."""
    start: str
    """When the process started (processes.start_time)."""


class HelperGone(Exception):
    """The helper has ended before it answered: whether the attempt was started, its claim tells."""


class Launcher:
    """One helper of one event loop."""

    def __init__(
        self,
        started: Callable[[Launch, Started], None],
        ended: Callable[[int, int | None, int], None],
        gone: Callable[[], None],
    ) -> None:
        """Start the helper. `started` and `ended` (process, exit code, peak in bytes) hear of attempts, in order.

        `gone` is called when the helper has ended, and the controller is the parent of its children.
        Raises OSError when the helper cannot be started.
        """
        self.loop = asyncio.get_running_loop()
        self.path = os.environ.get("PATH", os.defpath)
        self.is_ready = False
        self._started = started
        self._ended = ended
        self._gone = gone
        self._pending: dict[int, tuple[Launch, asyncio.Future[Started]]] = {}
        self._count = 0
        self._rest = b""
        self.pid, self._to, self._from = _helper(self.path)
        self._close = weakref.finalize(self, _close, self.pid, self._to, self._from)
        self.loop.add_reader(self._from, self._read)

    def is_usable(self) -> bool:
        """Tell whether the helper would start an attempt now just as the controller would."""
        is_ours = self.loop is asyncio.get_running_loop()
        return self.is_ready and is_ours and self.path == os.environ.get("PATH", os.defpath)

    def ask(self, launch: Launch) -> asyncio.Future[Started] | None:
        """Ask for an attempt to be started; None when the helper cannot take one more request."""
        fields = (os.fsencode(launch.directory).hex(), os.fsencode(launch.script).hex())
        line = f"{self._count} {' '.join(fields)}\n".encode()
        # Up to this length a pipe takes all of it or nothing.
        if len(line) > select.PIPE_BUF:
            return None
        try:
            os.write(self._to, line)
        except (BlockingIOError, BrokenPipeError):
            return None
        future: asyncio.Future[Started] = self.loop.create_future()
        self._pending[self._count] = (launch, future)
        self._count += 1
        return future

    def kill(self) -> list[Launch]:
        """End the helper at once; return the attempts that it may have started without saying so."""
        self.is_ready = False
        if self._close.alive:
            os.kill(self.pid, signal.SIGKILL)
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return [launch for launch, _ in self._pending.values()]

    def _read(self) -> None:
        try:
            got = os.read(self._from, READ_BYTES)
        except BlockingIOError:
            return
        if not got:
            self.close()
            return
        *lines, self._rest = (self._rest + got).split(b"\n")
        for line in lines:
            self._heard(line.decode().split())

    def _heard(self, words: list[str]) -> None:
        match words:
            case ["started", number, leader, process, start, _]:
                launch, future = self._pending.pop(int(number))
                said = Started(int(leader), int(process), start.strip("-"))
                self._started(launch, said)
                _settle(future, said)
            case ["ended", process, code, peak]:
                self._ended(int(process), None if code == "-" else int(code), int(peak) * 1024)
            case ["failed", number, reason]:
                _, future = self._pending.pop(int(number))
                _settle(future, OSError(int(reason), os.strerror(int(reason))))
            case ["ready"]:
                self.is_ready = True

    def close(self) -> None:
        """End the helper if it has not ended; what it started goes on, and nothing is forgotten."""
        self.is_ready = False
        if not self._close.alive:
            return
        if not self.loop.is_closed():
            self.loop.remove_reader(self._from)
        self._close()
        self._gone()
        pending, self._pending = self._pending, {}
        for _, future in pending.values():
            _settle(future, HelperGone())


def _settle(future: asyncio.Future[Started], result: Started | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _helper(path: str) -> tuple[int, int, int]:
    """Start the helper; return its process and the descriptors to write to it and to read from it."""
    if not sys.executable:
        raise FileNotFoundError("there is no Python interpreter to start")
    with contextlib.ExitStack() as mine, contextlib.ExitStack() as its:
        its_input, to = os.pipe()
        mine.callback(os.close, to)
        its.callback(os.close, its_input)
        from_, its_output = os.pipe()
        mine.callback(os.close, from_)
        its.callback(os.close, its_output)
        os.set_blocking(to, False)
        os.set_blocking(from_, False)
        pid = _spawn(path, its_input, its_output)
        mine.pop_all()
    return pid, to, from_


def _spawn(path: str, its_input: int, its_output: int) -> int:
    environment: Mapping[str, str] = {"PATH": path}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", PROGRAM, CLAIM, APART],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, its_input, 0),
            (os.POSIX_SPAWN_DUP2, its_output, 1),
            (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
        ],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD],
    )


def _close(pid: int, to: int, from_: int) -> None:
    """Close both descriptors, end the helper and wait for it; not in a process that was forked from its parent."""
    os.close(to)
    os.close(from_)
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


__all__ = ["HelperGone", "Launcher", "Started"]
