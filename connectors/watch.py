"""Attempts that run on this machine, watched until they end: children of the controller, and adopted ones.

A descriptor of a process (pidfd_open(2)) becomes readable when it ends, whosever child it is. So
an attempt that an earlier controller started is waited for like one of our own; only its exit
status is for its parent alone, and its result record has to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Set
from dataclasses import field

from ..data_classes import dataclass
from . import processes, sampler
from .base import Ended, Ending, Launch
from .claim import Supervisor, claim_age, read_claim
from .launcher import Over, Started
from .oom import KillCount
from .outcome import LOST_MESSAGE, collect, ended_of, read_ended, record_of

GRACE_SECONDS = 5.0
"""How long a job has to end by itself after SIGTERM."""
YOUNG_SECONDS = 0.2
"""A shell that is just forking the command hears no SIGTERM: so young an attempt gets a second one."""
LOOK_SOON_SECONDS = 0.01
LOOK_AGAIN_SECONDS = 0.2
"""A process has ended and left no record: when to look a last time."""


@dataclass(slots=True)
class Watched:
    """An attempt that runs."""

    pid: int
    """Its wrapper, or the command itself where somebody supervises it."""
    start: str
    """When that started (processes.start_time); with it the number is never another process's."""
    session: int
    """Session of the job and of all that it started; its process group has the same number."""
    token: str
    directory: str
    time_limit: float | None
    is_child: bool
    """The controller waits for it, and not its helper or somebody else."""
    kills: int | None = None
    """How many processes the kernel had killed for want of memory when it was first seen."""
    done: asyncio.Future[Ended] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    cause: Ending | None = None
    """Why the controller ended it, if it did."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    sampler: int | None = None
    is_supervised: bool = False
    """Its process has no wrapper: whoever waits for it writes its result record."""
    supervisor: Supervisor | None = None
    """Who does so, of one that an earlier controller's helper started."""

    @property
    def native_id(self) -> str:
        """Return `pid@start`, which no later process of this boot can have."""
        return f"{self.pid}@{self.start}"


class Watch:
    """The attempts that this controller waits for, by token."""

    def __init__(self, kill_count: KillCount | None = None) -> None:
        self._watched: dict[str, Watched] = {}
        self._settled: dict[str, Ended] = {}
        """Ends of which the record alone does not tell all: those that this controller brought about, and
        all others until somebody has waited for them."""
        self._reported: dict[int, Watched] = {}
        """Attempts whose end the helper will report, by process."""
        self._kills = kill_count or KillCount()

    def get(self, token: str) -> Watched | None:
        """Return an attempt that is watched."""
        return self._watched.get(token)

    def settled(self, token: str) -> Ended | None:
        """Return the end of an attempt that is over, where its record does not tell all of it."""
        return self._settled.get(token)

    def waited(self, token: str, ended: Ended) -> None:
        """Note that somebody was told of an end. Of one that came by itself the record tells well enough."""
        if ended.ending is Ending.EXITED:
            self._settled.pop(token, None)

    def settle(self, token: str, directory: str, peak: int) -> None:
        """Note the end of a child that its own parent waited for; `peak` is what that one was told."""
        ended = read_ended(directory, token, peak=peak)
        self._settled[token] = ended or Ended(Ending.LOST, message=LOST_MESSAGE)

    def add_child(self, child: Watched) -> bool:
        """Watch a process that is ours to wait for; False when it has been waited for already."""
        try:
            descriptor = os.pidfd_open(child.pid)
        except ProcessLookupError:
            return False
        self._register(child, 0.0)
        self._follow(child, descriptor)
        return True

    def keep(self, token: str, ended: Ended) -> None:
        """Note the end of an attempt that was over when it was asked for."""
        self._settled[token] = ended

    def started(self, launch: Launch, started: Started) -> None:
        """Watch an attempt that the helper has started, and whose end it will report."""
        pid = started.process
        watched = Watched(
            pid,
            started.start,
            pid,
            launch.token,
            launch.directory,
            launch.time_limit,
            is_child=False,
            is_supervised=True,
        )
        self._reported[pid] = watched
        self._register(watched, 0.0)

    def reported(self, pid: int, over: Over) -> None:
        """Take over the outcome of an attempt from the helper, which has waited for it."""
        watched = self._reported.pop(pid, None)
        if watched is None:
            return
        self._clear_up(watched)
        record = record_of(over.code, over.started, over.ended, over.cpu_seconds, over.peak)
        self._settle(
            watched,
            ended_of(
                record,
                time.time(),
                cause=watched.cause,
                time_limit=watched.time_limit,
                is_oom=lambda: self._kills.rose_above(watched.kills),
            ),
        )

    def take_back(self) -> None:
        """Watch all attempts of a helper that is gone: its children are the controller's now."""
        reported, self._reported = self._reported, {}
        for watched in reported.values():
            watched.is_child = processes.is_child(watched.pid, watched.start)
            try:
                self._follow(watched, os.pidfd_open(watched.pid))
            except ProcessLookupError:
                # The helper has waited for it, and could not say so any more.
                self._finish(watched, None, None, False)

    def adopt(
        self, pid: int, token: str, directory: str, time_limit: float | None, is_it: Callable[[], bool]
    ) -> Watched | None:
        """Watch a process that somebody else started; None when it is over.

        `is_it` tells whether the process of that number is the attempt's. It is asked when the
        descriptor is open: from then on the number cannot come to mean another process.
        """
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, descriptor)
            start, session = processes.start_time(pid), processes.session_of(pid)
            if session is None or not is_it():
                return None
            undo.pop_all()
        claim = read_claim(directory)
        # A helper that was killed may have started it without saying so; then it is ours to wait for by now.
        is_child = processes.is_child(pid, start)
        adopted = Watched(pid, start, session, token, directory, time_limit, is_child)
        adopted.supervisor = claim.supervisor if claim is not None else None
        adopted.is_supervised = adopted.supervisor is not None
        self._register(adopted, _elapsed(pid, directory))
        self._follow(adopted, descriptor)
        return adopted

    def _follow(self, watched: Watched, descriptor: int) -> None:
        asyncio.get_running_loop().add_reader(descriptor, self._over, watched, descriptor)

    def _register(self, watched: Watched, elapsed: float) -> None:
        loop = asyncio.get_running_loop()
        watched.kills = self._kills.recent()
        self._watched[watched.token] = watched
        if not watched.is_supervised:
            watched.timers.append(loop.call_later(max(0.0, sampler.AFTER_SECONDS - elapsed), _sample, watched))
        if watched.time_limit and elapsed >= watched.time_limit:
            self.end(watched, Ending.TIMED_OUT)
        elif watched.time_limit:
            rest = watched.time_limit - elapsed
            watched.timers.append(loop.call_later(rest, self.end, watched, Ending.TIMED_OUT))

    def end(self, watched: Watched, cause: Ending) -> None:
        """End an attempt: it is asked to, and made to after a while."""
        if watched.cause is None:
            watched.cause = cause
            loop = asyncio.get_running_loop()
            _signal({watched.session}, signal.SIGTERM)
            if _elapsed(watched.pid, watched.directory) < YOUNG_SECONDS:
                again = loop.call_later(YOUNG_SECONDS, _signal, {watched.session}, signal.SIGTERM)
                watched.timers.append(again)
            watched.timers.append(loop.call_later(GRACE_SECONDS, _signal, {watched.session}, signal.SIGKILL))

    def end_all(self) -> None:
        """Kill all attempts at once."""
        for watched in self._watched.values():
            watched.cause = watched.cause or Ending.CANCELLED
        _signal({watched.session for watched in self._watched.values()}, signal.SIGKILL)

    def _over(self, watched: Watched, descriptor: int) -> None:
        """Take over the outcome of a process that the kernel says has ended."""
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        collected = _collected(watched) if watched.is_child else None
        code, peak = collected or (None, None)
        self._finish(watched, code, peak, collected is not None)

    def _finish(self, watched: Watched, code: int | None, peak: int | None, finally_: bool) -> None:
        """Clear up after an attempt whose process has ended, and settle how."""
        self._clear_up(watched)
        if not self._conclude(watched, code, peak, finally_):
            self._conclude_later(watched, code, peak)

    def _conclude_later(self, watched: Watched, code: int | None, peak: int | None) -> None:
        """Look for the record again: a supervisor writes it after the process has ended."""
        supervisor, loop = watched.supervisor, asyncio.get_running_loop()
        if supervisor is None or not processes.is_running(supervisor):
            loop.call_later(LOOK_AGAIN_SECONDS, self._conclude, watched, code, peak, True)
        elif not self._conclude(watched, code, peak, False):
            loop.call_later(LOOK_SOON_SECONDS, self._conclude_later, watched, code, peak)

    def _clear_up(self, watched: Watched) -> None:
        for timer in watched.timers:
            timer.cancel()
        _cleared(watched)

    def _conclude(self, watched: Watched, code: int | None, peak: int | None, finally_: bool) -> bool:
        """Settle how an attempt ended; False when there is no record and it is to be looked for again."""
        ended = read_ended(
            watched.directory,
            watched.token,
            cause=watched.cause,
            time_limit=watched.time_limit,
            peak=peak,
            is_oom=lambda: self._kills.rose_above(watched.kills),
        )
        if ended is None and not finally_:
            return False
        self._settle(watched, ended or self._without_record(watched, code))
        return True

    def _settle(self, watched: Watched, ended: Ended) -> None:
        self._watched.pop(watched.token, None)
        self._settled[watched.token] = ended
        if not watched.done.done():
            watched.done.set_result(ended)

    def _without_record(self, watched: Watched, code: int | None) -> Ended:
        """Return the end of an attempt whose wrapper was ended too."""
        message = LOST_MESSAGE if code is None else f"{LOST_MESSAGE} (status {code})"
        killed = code == -signal.SIGKILL and self._kills.rose_above(watched.kills)
        return Ended(watched.cause or (Ending.OUT_OF_MEMORY if killed else Ending.LOST), message=message)


def _collected(watched: Watched) -> tuple[int, int] | None:
    """Wait for a child that has ended; return its exit code and its peak memory in bytes.

    None when another watch of this process has waited for it: then that one's record tells.
    """
    with contextlib.suppress(ChildProcessError):
        if watched.is_supervised:
            return collect(watched.pid, watched.start, watched.directory, watched.token)
        _, status, usage = os.wait4(watched.pid, 0)
        return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024
    return None


def _cleared(watched: Watched) -> None:
    """Kill what the attempt left behind, its sampler included."""
    if watched.cause is None:
        processes.kill_group(watched.session, signal.SIGKILL)
    else:
        _signal({watched.session}, signal.SIGKILL)
    if watched.is_child:
        processes.reap(watched.session, patiently=False)
    if watched.sampler is not None:
        sampler.stop(watched.sampler)


def _signal(sessions: Set[int], number: signal.Signals) -> None:
    for group in processes.groups_of_sessions(sessions):
        processes.kill_group(group, number)


def _sample(watched: Watched) -> None:
    try:
        watched.sampler = sampler.start(watched.directory, watched.pid, watched.session)
    except OSError:
        return  # The machine has no room for one more process; then this figure is missing.


def _elapsed(pid: int, directory: str) -> float:
    """Return for how long an attempt has run: its process tells, or else its claim."""
    elapsed = processes.elapsed(pid)
    return claim_age(directory) if elapsed is None else elapsed
