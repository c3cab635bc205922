"""This machine as a place: jobs are processes of the controller's own user."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ..errors import PlaceFailed
from . import files, probe, wrapper
from .base import Completed, Ended, Ending, Figures, FileAction, Handle, Launch, Location

GRACE_SECONDS = 5.0
"""How long a job has to end by itself after SIGTERM."""

PR_SET_CHILD_SUBREAPER = 36
LOST_MESSAGE = "the job's wrapper ended without a result record"


@dataclass(slots=True)
class _Process:
    """A child of this controller, until it was waited for."""

    pid: int
    group: int
    """Process group of the job and of all that it started."""
    launch: Launch
    done: asyncio.Future[Ended]
    cause: Ending | None = None
    """Why the controller ended it, if it did."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)


class LocalConnector:
    """The machine that the controller runs on."""

    def __init__(self, name: str = "local", options: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.options = options or {}
        self._processes: dict[str, _Process] = {}
        self._location: Location | None = None
        self._boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0

    async def deploy(self) -> None:
        """Do nothing: this machine is there."""

    async def undeploy(self) -> None:
        """Do nothing: this machine stays."""

    async def locations(self) -> Sequence[Location]:
        """Return this machine, with its facts."""
        if self._location is None:
            self._location = Location(name=self.name, deployment=self.name, facts=probe.this_machine())
        return [self._location]

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command and return what it printed."""
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise PlaceFailed(f"cannot run {argv[0]!r}: {error.strerror}") from error
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin), timeout)
        except TimeoutError as error:
            raise PlaceFailed(f"{argv[0]!r} gave no answer within {timeout:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return Completed(process.returncode or 0, stdout, stderr)

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt's script in a session of its own."""
        log = f"{launch.directory}/stderr"
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        _adopt_orphans()
        try:
            leader = os.posix_spawn(
                "/bin/sh",
                ["/bin/sh", launch.script, wrapper.APART],
                {"PATH": os.environ.get("PATH", os.defpath)},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, log, append, 0o644),
                ],
                setsid=True,
                setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP],
            )
            os.waitpid(leader, 0)
            with open(f"{launch.directory}/{wrapper.PID}", encoding="ascii") as stream:
                pid = int(stream.read())
        except (OSError, ValueError) as error:
            raise PlaceFailed(f"cannot start a job on {self.name}: {error}") from error
        self._watch(pid, leader, launch)
        return Handle(launch.token, launch.directory, _native_id(pid))

    def _watch(self, pid: int, group: int, launch: Launch) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            # It is over and was waited for by the shell that started it, as shells do after a built-in
            # command when there is somebody to wait for: then `wait` finds the result record.
            _kill(group, signal.SIGKILL)
            _reap(group)
            return
        loop = asyncio.get_running_loop()
        process = _Process(pid, group, launch, loop.create_future())
        self._processes[launch.token] = process
        loop.add_reader(descriptor, self._ended, process, descriptor)
        if launch.time_limit:
            process.timers.append(loop.call_later(launch.time_limit, self._end, process, Ending.TIMED_OUT))

    def _ended(self, process: _Process, descriptor: int) -> None:
        """Take over the outcome of a child that the kernel says has ended."""
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        _, status, usage = os.wait4(process.pid, 0)
        for timer in process.timers:
            timer.cancel()
        self._processes.pop(process.launch.token, None)
        peak = usage.ru_maxrss * 1024
        _kill(process.group, signal.SIGKILL)
        _reap(process.group)
        ended = self._outcome(process.launch.directory, process.launch.token, process.cause, peak)
        if ended is None:
            code = os.waitstatus_to_exitcode(status)
            ended = Ended(process.cause or Ending.LOST, message=f"{LOST_MESSAGE} (status {code})")
        if not process.done.done():
            process.done.set_result(ended)

    def _outcome(self, directory: str, token: str, cause: Ending | None, peak: int | None) -> Ended | None:
        """Return what a result record says, or None where there is no complete one."""
        try:
            with open(f"{directory}/{wrapper.RESULT}", encoding="utf-8", errors="replace") as stream:
                record = wrapper.parse_record(stream.read(), token)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Ended(Ending.LOST, message=f"cannot read the result record: {error.strerror}")
        if record is None:
            return None
        ending = cause or (Ending.SIGNALLED if record.signal else Ending.EXITED)
        figures = Figures(
            started=self._instant(record.started),
            ended=self._instant(record.ended),
            cpu_seconds=record.cpu_seconds,
            peak_rss=max(filter(None, (peak, record.peak_rss)), default=None),
        )
        return Ended(ending, record.code, record.signal, figures)

    def _instant(self, uptime: float | None) -> float | None:
        return None if uptime is None else self._boot + uptime

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended: a child's end is an event, another's is polled."""
        process = self._processes.get(handle.token)
        if process is not None:
            return await asyncio.shield(process.done)
        while True:
            alive = _is_alive(handle.native_id)
            ended = self._outcome(handle.directory, handle.token, None, None)
            if ended is not None:
                return ended
            if not alive:
                return Ended(Ending.LOST, message=LOST_MESSAGE)
            await asyncio.sleep(0.2)

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Look for the result record of an attempt, then for its session among the processes."""
        ended = self._outcome(launch.directory, launch.token, None, None)
        if ended is not None:
            return ended
        pid = probe.find_process(["/bin/sh", launch.script, wrapper.APART])
        if pid is not None:
            return Handle(launch.token, launch.directory, _native_id(pid))
        return self._outcome(launch.directory, launch.token, None, None)

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt and all processes of its session."""
        process = self._processes.get(handle.token)
        if process is not None:
            self._end(process, Ending.CANCELLED)
        elif _is_alive(handle.native_id):
            group = os.getpgid(int(handle.native_id.partition("@")[0]))
            _kill(group, signal.SIGTERM)
            await asyncio.sleep(GRACE_SECONDS)
            _kill(group, signal.SIGKILL)

    def end_all(self) -> None:
        """Kill all attempts that this controller watches, with all that they started."""
        for process in list(self._processes.values()):
            _kill(process.group, signal.SIGKILL)

    def _end(self, process: _Process, cause: Ending) -> None:
        if process.cause is None:
            process.cause = cause
            _kill(process.group, signal.SIGTERM)
            loop = asyncio.get_running_loop()
            process.timers.append(loop.call_later(GRACE_SECONDS, _kill, process.group, signal.SIGKILL))

    def tree(self, location: str, root: str) -> files.LocalTree:
        """Return reading access to what lies below a directory."""
        return files.LocalTree(root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order."""
        files.carry_out(actions)

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        await asyncio.to_thread(files.remove_tree, directory)


def _native_id(pid: int) -> str:
    """Return `pid@start`, which no later process of this boot can have."""
    return f"{pid}@{probe.start_time(pid)}"


def _is_alive(native_id: str) -> bool:
    pid, _, start = native_id.partition("@")
    return probe.start_time(int(pid)) == start


@lru_cache(maxsize=1)
def _adopt_orphans() -> None:
    """Become the parent of processes below this one whose own parent has ended (prctl(2)).

    The kernel counts the memory of whoever calls exec into the peak of what is executed. So a job
    starts from a shell that has already ended, and not from this large process, and is ours to
    wait for all the same.
    """
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap(group: int) -> None:
    """Wait for what a job left behind, which was killed with its group."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
