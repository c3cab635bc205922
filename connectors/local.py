"""This machine as a place: jobs are processes of the controller's own user."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Literal

from ..errors import PlaceFailed
from . import files, probe, processes, starting
from .base import HERE, ActionKind, Completed, Ended, Ending, FileAction, Handle, Launch, Location, NotStarted
from .claim import give_up, read_claim
from .launcher import HelperGone, Launcher, Started
from .local_data import LocalData, begun
from .outcome import LOST_MESSAGE, read_ended
from .watch import Watch, Watched
from .wrapper import encode, script_text

START_SECONDS = 5.0
"""How long a shell may take from its claim to the job's own process; it takes a millisecond."""
LOOK_SECONDS = 0.005
"""How soon to look again at an attempt that is about to start, or to end."""

HELPER_AFTER = 8
"""So many attempts are started before there is a helper for it, which takes as long to start as some of them."""


class LocalConnector(LocalData):
    """The machine that the controller runs on."""

    starts_tasks: Literal[True] = True
    SUPPORTED: ClassVar[frozenset[str]] = frozenset()
    """Keys of a deployment's `config` that change something."""

    def __init__(self, name: str = "local", options: Mapping[str, object] | None = None) -> None:
        self.name = name
        self.options = options or {}
        self._watch = Watch()
        self._location: Location | None = None
        self._launcher: Launcher | None = None
        self._launches = 0

    async def deploy(self) -> None:
        """Do nothing: this machine is there."""

    async def undeploy(self) -> None:
        """Do without the helper; this machine stays."""
        if self._launcher is not None:
            self._launcher.close()
            self._launcher = None
            starting.adopting.end()

    async def locations(self) -> Sequence[Location]:
        """Return this machine, with its facts."""
        if self._location is None:
            self._location = Location(name=self.name, deployment=self.name, facts=probe.this_machine(), storage=HERE)
        return [self._location]

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command and return what it printed."""
        command = await begun(argv)
        try:
            async with asyncio.timeout(timeout):
                stdout, stderr = await command.communicate(stdin)
        except TimeoutError as error:
            raise PlaceFailed(f"{argv[0]!r} gave no answer within {timeout:g} s") from error
        finally:
            await command.end()
        return Completed(command.returncode or 0, stdout, stderr)

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt in a session of its own."""
        asked = self._asked(launch)
        if asked is None:
            await self._is_over(launch.after)
            return self._launch_here(launch)
        try:
            started = await self._uninterrupted(asked)
        except OSError as error:
            if error.errno == errno.ECANCELED:
                raise NotStarted from error
            # Its shell will say what is wrong, or do better.
            return self._launch_here(launch)
        except HelperGone:
            await self._is_over(launch.after)
            return await self._launch_or_find(location, launch)
        return Handle(launch.token, launch.directory, f"{started.process}@{started.start}")

    async def _is_over(self, token: str | None) -> None:
        """Return when an attempt does not run any more."""
        watched = self._watch.get(token) if token is not None else None
        if watched is not None:
            await asyncio.shield(watched.done)

    async def _uninterrupted(self, asked: asyncio.Future[Started]) -> Started:
        """Return the helper's answer, also when the task is cancelled: what was started must be known.

        The cancellation comes at the next moment at which the task waits.
        """
        task = asyncio.current_task()
        was_cancelled = False
        while not asked.done():
            try:
                await asyncio.wait([asked])
            except asyncio.CancelledError:
                was_cancelled = True
                if self._launcher is not None:
                    self._launcher.withdraw(asked)
        if was_cancelled and task is not None:
            task.uncancel()
            task.cancel()
        return asked.result()

    def _asked(self, launch: Launch) -> asyncio.Future[Started] | None:
        """Ask the helper to start an attempt; None when the controller has to."""
        self._launches += 1
        if self._launches == HELPER_AFTER:
            with contextlib.suppress(OSError):
                self._launcher = Launcher(self._watch.started, self._watch.reported, self._watch.take_back)
                # If it were to end, its children have to be ours to wait for.
                starting.adopting.begin()
        launcher = self._launcher
        return launcher.ask(launch) if launcher is not None and launcher.is_usable() else None

    def _launch_here(self, launch: Launch) -> Handle:
        """Start an attempt's script as a child of the controller."""
        files.carry_out(launch.preparation)
        if launch.task is not None:
            script = encode(script_text(launch.task))
            files.carry_out([FileAction(ActionKind.WRITE, launch.script, content=script, mode=0o700)])
        with starting.adopting():
            try:
                leader = starting.spawn(launch)
            except OSError as error:
                raise PlaceFailed(f"cannot start a job on {self.name}: {error}") from error
            # The leader is waited for last, since until then nobody else can get its number.
            os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
        try:
            pid = starting.started_by(leader, launch)
        finally:
            _, _, usage = os.wait4(leader, 0)
        start = processes.start_time(pid)
        child = Watched(pid, start, leader, launch.token, launch.directory, launch.time_limit, is_child=True)
        if not self._watch.add_child(child):
            self._watch.settle(launch.token, launch.directory, usage.ru_maxrss * 1024)
        return _handle(child)

    async def _launch_or_find(self, location: str, launch: Launch) -> Handle:
        """Start an attempt that the helper may have started before it ended: it is carried out once."""
        try:
            return self._launch_here(launch)
        except PlaceFailed:
            found = await self.find(location, launch)
            if found is None:
                raise
        if isinstance(found, Ended):
            claim = read_claim(launch.directory)
            self._watch.keep(launch.token, found)
            return Handle(launch.token, launch.directory, f"{(claim and claim.process) or 0}@")
        return found

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended, whoever started it."""
        watched = self._watched(handle)
        if watched is not None:
            ended = await asyncio.shield(watched.done)
        else:
            ended = self._watch.settled(handle.token) or self._over(handle.token, handle.directory, None)
        self._watch.waited(handle.token, ended)
        return ended

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
                pid, may_come = processes.of_attempt(claim, starting.command(launch))
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
            return claim is not None and processes.of_attempt(claim, starting.command(launch))[0] == pid

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
            elif claim is not None and claim.supervisor is not None:
                processes.kill_begun(directory)
        return ended or Ended(Ending.LOST, message=LOST_MESSAGE)

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt and all processes of its session."""
        watched = self._watched(handle)
        if watched is not None:
            self._watch.end(watched, Ending.CANCELLED)

    def end_all(self) -> None:
        """Kill all attempts at once, those among them that the helper is just starting."""
        for launch in self._launcher.kill() if self._launcher is not None else []:
            with contextlib.suppress(PlaceFailed):
                starting.prevent(launch)
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


def _handle(watched: Watched) -> Handle:
    return Handle(watched.token, watched.directory, watched.native_id)


def _on_record(launch: Launch) -> Ended | None:
    return read_ended(launch.directory, launch.token, time_limit=launch.time_limit)
