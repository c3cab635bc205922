"""This machine as a place: jobs are processes of the controller's own user."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from ..errors import PlaceFailed
from . import files, probe, processes, wrapper
from .base import Completed, Ended, Ending, FileAction, Handle, Launch, Location
from .claim import give_up, read_claim
from .outcome import LOST_MESSAGE, read_ended
from .watch import Watch, Watched

START_SECONDS = 5.0
"""How long a shell may take from its claim to the job's own process; it takes a millisecond."""
LOOK_SECONDS = 0.005
"""How soon to look again at an attempt that is about to start, or to end."""

PR_SET_CHILD_SUBREAPER = 36


class LocalConnector:
    """The machine that the controller runs on."""

    def __init__(self, name: str = "local", options: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.options = options or {}
        self._watch = Watch()
        self._location: Location | None = None

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
        _adopt_orphans()
        try:
            leader = _spawn(launch)
        except OSError as error:
            raise PlaceFailed(f"cannot start a job on {self.name}: {error}") from error
        # The leader is waited for last, since until then nobody else can get its number.
        os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        try:
            pid = _started_by(leader, launch)
        finally:
            _, _, usage = os.wait4(leader, 0)
        start = processes.start_time(pid)
        child = Watched(pid, start, leader, launch.token, launch.directory, launch.time_limit, is_child=True)
        if not self._watch.add_child(child):
            self._watch.settle(launch.token, launch.directory, usage.ru_maxrss * 1024)
        return _handle(child)

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended, whoever started it."""
        watched = self._watched(handle)
        if watched is not None:
            return await asyncio.shield(watched.done)
        return self._watch.settled(handle.token) or self._over(handle.token, handle.directory, None)

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Ask the claim, the processes and the result record about an attempt, until they agree."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            watched = self._watch.get(launch.token)
            if watched is not None:
                return _handle(watched)
            ended = self._watch.settled(launch.token) or _on_record(launch)
            if ended is not None:
                return ended
            claim = read_claim(launch.directory)
            if (claim is None and give_up(launch.directory)) or (claim is not None and claim.given_up):
                return None
            if claim is not None:
                pid, may_come = processes.of_attempt(claim, _command(launch))
                adopted = self._adopt(pid, launch) if pid is not None else None
                if adopted is not None:
                    return _handle(adopted)
                if pid is None and not may_come and read_claim(launch.directory) == claim:
                    return self._over(launch.token, launch.directory, launch.time_limit)
            await asyncio.sleep(0 if claim is None else LOOK_SECONDS)
        raise PlaceFailed(f"{launch.name} on {self.name} was about to start and does not: it may be suspended")

    def _adopt(self, pid: int, launch: Launch) -> Watched | None:
        def is_it() -> bool:
            claim = read_claim(launch.directory)
            return claim is not None and processes.of_attempt(claim, _command(launch))[0] == pid

        return self._watch.adopt(pid, launch.token, launch.directory, launch.time_limit, is_it)

    def _watched(self, handle: Handle) -> Watched | None:
        """Return an attempt that runs, adopted by its handle when nobody asked for it before."""
        watched = self._watch.get(handle.token)
        if watched is not None or self._watch.settled(handle.token) is not None:
            return watched
        number, _, start = handle.native_id.partition("@")

        def is_it() -> bool:
            return processes.is_attempt(int(number), start, read_claim(handle.directory))

        return self._watch.adopt(int(number), handle.token, handle.directory, None, is_it)

    def _over(self, token: str, directory: str, time_limit: float | None) -> Ended:
        """Return the end of an attempt of which no process is left: so its record is there, or never will be."""
        ended = read_ended(directory, token, time_limit=time_limit)
        if ended is None:
            claim = read_claim(directory)
            if claim is not None and claim.leader is not None:
                processes.kill_strays(claim.leader, directory)
        return ended or Ended(Ending.LOST, message=LOST_MESSAGE)

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt and all processes of its session."""
        watched = self._watched(handle)
        if watched is not None:
            self._watch.end(watched, Ending.CANCELLED)

    def end_all(self) -> None:
        """Kill all attempts at once."""
        self._watch.end_all()

    def tree(self, location: str, root: str) -> files.LocalTree:
        """Return reading access to what lies below a directory."""
        return files.LocalTree(root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order."""
        files.carry_out(actions)

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        await asyncio.to_thread(files.remove_tree, directory)


def _spawn(launch: Launch) -> int:
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    command = _command(launch)
    return os.posix_spawn(
        command[0],
        command,
        {"PATH": os.environ.get("PATH", os.defpath)},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, f"{launch.directory}/stderr", append, 0o644),
        ],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP],
    )


def _command(launch: Launch) -> list[str]:
    return ["/bin/sh", launch.script, wrapper.APART]


def _started_by(leader: int, launch: Launch) -> int:
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


def _handle(watched: Watched) -> Handle:
    return Handle(watched.token, watched.directory, watched.native_id)


def _on_record(launch: Launch) -> Ended | None:
    return read_ended(launch.directory, launch.token, time_limit=launch.time_limit)


@lru_cache(maxsize=1)
def _adopt_orphans() -> None:
    """Become the parent of processes below this one whose own parent has ended (prctl(2)).

    The kernel counts the memory of whoever calls exec into the peak of what is executed. So a job
    starts from a shell that has already ended, and not from this large process, and is ours to
    wait for all the same.
    """
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
