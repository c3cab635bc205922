"""A helper process that starts attempts for a controller, and sees them to their end.

A shell that starts an attempt, waits for it and writes its result down costs more than all else that
is done for a short job. The helper (`spawner`) does the same for all attempts, beside the
controller, and reports their end.

It is started when enough attempts were that it pays; where it cannot be, or cannot start an attempt, the
connector starts the attempt's script, as it does until the helper has said that it is ready. It outlives the
controller as long as its attempts run. When it is killed, the kernel makes its children those of the
controller, which then sees to them itself. See `docs/decisions/0008-a-helper-starts-attempts.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import marshal
import os
import signal
import socket
import sys
import weakref
from collections.abc import Callable

from ..data_classes import dataclass
from .base import Launch
from .wrapper import Script

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "spawner.py")
MESSAGE_BYTES = 1 << 18
FILE_SYSTEM_ENCODING = sys.getfilesystemencoding()


@dataclass(frozen=True, slots=True)
class Started:
    """What the helper says of an attempt that it has started."""

    process: int
    start: str
    """When the process started (processes.start_time)."""


@dataclass(frozen=True, slots=True)
class Over:
    """What the helper says of an attempt that is over. Instants are seconds since boot."""

    code: int
    """Negative for a signal."""
    peak: int
    """Bytes."""
    cpu_seconds: float
    started: float
    ended: float


class HelperGone(Exception):
    """The helper has ended before it answered: whether the attempt was started, its claim tells."""


class Launcher:
    """One helper of one event loop."""

    def __init__(
        self,
        started: Callable[[Launch, Started], None],
        ended: Callable[[int, Over], None],
        gone: Callable[[], None],
    ) -> None:
        """Start the helper. `started` and `ended` (with its process) hear of attempts, in order.

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
        self._running = 0
        self.pid, self._channel = _helper(self.path)
        self._close = weakref.finalize(self, _close, self.pid, self._channel)
        self.loop.add_reader(self._channel, self._read)

    def is_usable(self) -> bool:
        """Tell whether the helper would start an attempt now just as the controller would."""
        is_ours = self.loop is asyncio.get_running_loop()
        return self.is_ready and is_ours and self.path == os.environ.get("PATH", os.defpath)

    def ask(self, launch: Launch) -> asyncio.Future[Started] | None:
        """Ask for an attempt to be started; None when the helper cannot take this request."""
        if launch.task is None or not launch.task.is_plain or not all(action.is_light for action in launch.preparation):
            return None
        try:
            self._channel.send(_request(self._count, launch, launch.task, self.path))
        except OSError:  # It has ended, has too much to do, or the request is too long.
            return None
        future: asyncio.Future[Started] = self.loop.create_future()
        self._pending[self._count] = (launch, future)
        self._count += 1
        return future

    def withdraw(self, asked: asyncio.Future[Started]) -> None:
        """Ask for an attempt that waits for another one not to be started; its future tells what became of it."""
        for number, (_, future) in self._pending.items():
            if future is asked:
                with contextlib.suppress(OSError):
                    self._channel.send(marshal.dumps((number,)))

    def kill(self) -> list[Launch]:
        """End the helper at once; return the attempts that it may have started without saying so."""
        self.is_ready = False
        if self._close.alive:
            os.kill(self.pid, signal.SIGKILL)
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return [launch for launch, _ in self._pending.values()]

    def _read(self) -> None:
        try:
            got = self._channel.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        if not got:
            # The kernel closes its files before it gives its children to the controller.
            with contextlib.suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            self.close()
            return
        for report in marshal.loads(got):
            self._heard(report)

    def _heard(self, report: tuple[object, ...]) -> None:
        match report:
            case ("started", int(number), int(process), str(start)):
                launch, future = self._pending.pop(number)
                started = Started(process, start.strip("-"))
                self._running += 1
                self._started(launch, started)
                _settle(future, started)
            case ("ended", int(process), int(code), int(peak), float(cpu), float(began), float(ended)):
                self._running -= 1
                self._ended(process, Over(code, peak * 1024, cpu, began, ended))
            case ("failed", int(number), int(reason)):
                _, future = self._pending.pop(number)
                _settle(future, OSError(reason, os.strerror(reason)))
            case ("ready",):
                self.is_ready = True

    def close(self) -> None:
        """Do without the helper. It ends when its attempts are over, and nothing is forgotten."""
        self.is_ready = False
        if not self._close.alive:
            return
        if not self.loop.is_closed():
            self.loop.remove_reader(self._channel)
        self._close()
        self._gone()
        pending, self._pending = self._pending, {}
        for _, future in pending.values():
            _settle(future, HelperGone())


_LEFT: set[int] = set()
"""Helpers that nobody speaks to any more, and that have not been waited for."""


def _settle(future: asyncio.Future[Started], result: Started | Exception) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _request(number: int, launch: Launch, task: Script, path: str) -> bytes:
    """Return the message that asks for an attempt (see `spawner`)."""
    variables = {"PATH": path, "PWD": task.workdir, **task.environment}
    return marshal.dumps(
        (
            number,
            tuple([(_bytes(action.path), _bytes(action.source or "")) for action in launch.preparation]),
            (launch.after or "").encode(),
            launch.token.encode(),
            _bytes(launch.directory),
            _bytes(task.workdir),
            tuple(map(_bytes, task.command)),
            {_bytes(name): _bytes(text) for name, text in variables.items()},
            _bytes(task.stdin or "/dev/null"),
            _stream(task.stdout, launch.directory, "stdout"),
            _stream(task.stderr, launch.directory, "stderr"),
        )
    )


def _stream(path: str | None, directory: str, log: str) -> tuple[bytes, bool]:
    """Return where a stream goes: to the job's own file, made anew, or to the end of the attempt's log."""
    return _bytes(path or f"{directory}/{log}"), path is None


def _bytes(text: str) -> bytes:
    """Return what `os.fsencode` does for a text, in half the time."""
    return text.encode(FILE_SYSTEM_ENCODING, "surrogateescape")


def _helper(path: str) -> tuple[int, socket.socket]:
    """Start the helper; return its process and the socket by which it is spoken to."""
    if not sys.executable:
        raise FileNotFoundError("there is no Python interpreter to start")
    mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its, contextlib.ExitStack() as undo:
        undo.callback(mine.close)
        mine.setblocking(False)
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", PROGRAM],
            {"PATH": path},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, its.fileno(), 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
            ],
            setsid=True,
            setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD],
        )
        undo.pop_all()
    return pid, mine


def _close(pid: int, channel: socket.socket) -> None:
    """Close the channel, upon which the helper ends as soon as it has nothing to do; wait for those that have."""
    channel.close()
    _LEFT.add(pid)
    for left in list(_LEFT):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(left, os.WNOHANG)[0] == 0:
                continue
        _LEFT.discard(left)


__all__ = ["HelperGone", "Launcher", "Over", "Started"]
