"""Attempts at one host: launched, awaited, found again, ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import field

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ..base import Ended, Ending, Handle, Launch
from ..news import news_within
from ..outcome import LOST_MESSAGE, ended_by
from ..wrapper import parse_record
from .facts import Known
from .failures import Broken
from .host import TRIES, Host
from .launcher import Launcher
from .looking import Look, end_text, give_up_text, look_text, parse_looks
from .words import batches

SLOW_SECONDS = 15.0
"""How often to look at attempts whose end the launcher will tell: it may have been lost on the way."""
FAST_SECONDS = 0.1
SLOWEST_SECONDS = 2.0
"""How often to look at the others, at first and later."""
START_SECONDS = 10.0
"""How long an attempt may take from its launch to its claim; it takes some milliseconds."""
GRACE_SECONDS = 2.0
"""How long an attempt may take to end when it is asked to."""
PATIENCE_SECONDS = 600.0
"""How long to try to reach a host before its attempts are given up."""
NEW_BOOT = "its host was started anew while it ran"
NO_DIRECTORY = "its directory on the host is gone"
NEVER_BEGAN = "its script could not begin; it was started or given up before, or its directory cannot be written"


@dataclass(slots=True, eq=False)
class Tracked:
    """An attempt whose end is awaited."""

    token: str
    directory: str
    time_limit: float | None
    launcher: Launcher | None
    """Who will tell its end; None: somebody has to look."""
    done: asyncio.Future[Ended]
    native_id: str = ""
    cause: Ending | None = None
    """Why this controller ended it, if it did."""
    since: float = field(default_factory=time.monotonic)
    timer: asyncio.TimerHandle | None = None

    @property
    def handle(self) -> Handle:
        """How it is known to others."""
        return Handle(self.token, self.directory, self.native_id)


class Attempts:
    """All attempts of this controller at a host."""

    def __init__(self, host: Host, patience: float = PATIENCE_SECONDS) -> None:
        self.host = host
        self.patience = patience
        self._tracked: dict[str, Tracked] = {}
        self._settled: dict[str, Ended] = {}
        """Ends that this controller brought about, of which the record does not tell all."""
        self._launcher: Launcher | None = None
        self._hurry = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._reached = time.monotonic()

    async def launch(self, launch: Launch) -> Handle:
        """Start an attempt; return once the host has it."""
        known = await self.host.known()
        for _ in range(TRIES):
            launcher = self._current(known)
            tracked = self._track(launch.token, launch.directory, launch.time_limit, launcher)
            try:
                tracked.native_id = f"{await launcher.launch(launch)}@{known.boot}"
            except Broken:
                # Started or not: it is carried out once, and whoever looks at it is told how it ended.
                tracked.launcher = None
                continue
            except PlaceFailed:
                self._forget(tracked)
                raise
            self._limit(tracked, 0.0)
            self._watch()
            return tracked.handle
        raise PlaceFailed(f"{self.host.name}: the shell that starts jobs ends again and again")

    def _current(self, known: Known) -> Launcher:
        launcher = self._launcher
        if launcher is None or not launcher.is_open:
            launcher = self._launcher = Launcher(self.host.transport, known, self._heard, self._gone)
        return launcher

    async def wait(self, handle: Handle) -> Ended:
        """Return when an attempt has ended, whoever started it."""
        tracked = self._tracked.get(handle.token)
        if tracked is None:
            settled = self._settled.get(handle.token)
            if settled is not None:
                return settled
            tracked = self._track(handle.token, handle.directory, None, None)
            tracked.native_id = handle.native_id
            self._watch()
            self._hurry.set()
        return await asyncio.shield(tracked.done)

    async def find(self, launch: Launch) -> Handle | Ended | None:
        """Ask the attempt's directory and its process, until they agree; take over one that runs."""
        known = await self.host.known()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if launch.token in self._settled:
                return self._settled[launch.token]
            # What this controller has just started must not be given up before it could begin.
            text = look_text([launch.directory]) if launch.token in self._tracked else give_up_text(launch.directory)
            looks = parse_looks(await self.host.printed(text, f"look for {launch.name}"))
            look = looks.attempts[0]
            if look.given_up or not look.exists:
                return None
            ended = _ended(look, launch.token, known, None, launch.time_limit)
            if ended is not None:
                return ended
            if look.alive:
                return self._taken_over(launch, look, looks.now).handle
            await asyncio.sleep(FAST_SECONDS)
        raise PlaceFailed(f"{launch.name} on {self.host.name} was about to start and does not: it may be suspended")

    def _taken_over(self, launch: Launch, look: Look, now: float | None) -> Tracked:
        tracked = self._tracked.get(launch.token)
        if tracked is None:
            tracked = self._track(launch.token, launch.directory, launch.time_limit, None)
            tracked.native_id = f"{look.leader}@{look.boot or ''}"
            self._limit(tracked, now - look.up if now is not None and look.up is not None else 0.0)
            self._watch()
        return tracked

    async def cancel(self, handle: Handle) -> None:
        """End an attempt and all its processes."""
        tracked = self._tracked.get(handle.token)
        if tracked is None:
            if handle.token in self._settled:
                return
            tracked = self._track(handle.token, handle.directory, None, None)
            self._watch()
        self._begin_end(tracked, Ending.CANCELLED)

    async def end_all(self) -> None:
        """Kill all attempts without grace."""
        for tracked in self._tracked.values():
            tracked.cause = tracked.cause or Ending.CANCELLED
        for group in batches([tracked.directory for tracked in self._tracked.values()]):
            await self.host.printed(end_text(group, 0), "end jobs")
        self._hurry.set()

    async def close(self) -> None:
        """Look at attempts no longer; they go on."""
        for task in (self._watching, *self._ending):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if self._launcher is not None:
            await self._launcher.close()
        for tracked in self._tracked.values():
            if tracked.timer is not None:
                tracked.timer.cancel()

    # -- what is tracked ---------------------------------------------------------------------

    def _track(self, token: str, directory: str, time_limit: float | None, launcher: Launcher | None) -> Tracked:
        tracked = self._tracked.get(token)
        if tracked is None:
            done: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
            tracked = self._tracked[token] = Tracked(token, directory, time_limit, launcher, done)
        tracked.launcher = launcher
        return tracked

    def _limit(self, tracked: Tracked, elapsed: float) -> None:
        if tracked.time_limit and tracked.timer is None:
            loop = asyncio.get_running_loop()
            rest = max(0.0, tracked.time_limit - elapsed)
            tracked.timer = loop.call_later(rest, self._begin_end, tracked, Ending.TIMED_OUT)

    def _forget(self, tracked: Tracked) -> None:
        self._tracked.pop(tracked.token, None)
        if tracked.timer is not None:
            tracked.timer.cancel()

    def _settle(self, tracked: Tracked, ended: Ended) -> None:
        self._forget(tracked)
        if tracked.cause is not None:
            self._settled[tracked.token] = ended
        if not tracked.done.done():
            tracked.done.set_result(ended)

    def _heard(self, token: str, text: str) -> None:
        """Take over what the launcher says of an attempt that has ended."""
        tracked = self._tracked.get(token)
        if tracked is None:
            return
        tracked.launcher = None
        record, known = parse_record(text, token), self.host.remembered
        if record is None or known is None or known.origin is None:
            tracked.since = 0.0  # nothing of it runs, so what is in its directory is final
            self._hurry.set()
        else:
            self._settle(tracked, ended_by(record, known.origin, cause=tracked.cause, time_limit=tracked.time_limit))

    def _gone(self) -> None:
        """The launcher has ended: look at those whose end it would have told."""
        for tracked in self._tracked.values():
            if tracked.launcher is not None and not tracked.launcher.is_open:
                tracked.launcher = None
        self._hurry.set()

    # -- looking -----------------------------------------------------------------------------

    def _watch(self) -> None:
        if self._watching is None or self._watching.done():
            self._reached = time.monotonic()
            self._watching = asyncio.ensure_future(self._look_on())

    async def _look_on(self) -> None:
        """Look at attempts now and then, until there is none left."""
        pause = FAST_SECONDS
        while self._tracked:
            told = all(tracked.launcher is not None for tracked in self._tracked.values())
            await news_within(SLOW_SECONDS if told else pause, self._hurry)
            pause = FAST_SECONDS if self._hurry.is_set() else min(SLOWEST_SECONDS, pause * 1.5)
            self._hurry.clear()
            try:
                await self._look_at([each for each in self._tracked.values() if told or each.launcher is None])
                self._reached = time.monotonic()
            except PlaceFailed as failure:
                if time.monotonic() - self._reached > self.patience:
                    self._give_up(failure)
                pause = SLOWEST_SECONDS

    async def _look_at(self, chosen: Sequence[Tracked]) -> None:
        known = await self.host.known()
        by_directory = {tracked.directory: tracked for tracked in chosen}
        for group in batches(by_directory):
            looks = parse_looks(await self.host.printed(look_text(group), "look at its jobs"))
            for directory, look in zip(group, looks.attempts, strict=True):
                self._judge(by_directory[directory], look, known)

    def _judge(self, tracked: Tracked, look: Look, known: Known) -> None:
        ended = _ended(look, tracked.token, known, tracked.cause, tracked.time_limit)
        if ended is None and not look.alive and time.monotonic() - tracked.since > START_SECONDS:
            ended = Ended(tracked.cause or Ending.LOST, message=NEVER_BEGAN)
        if ended is not None and self._tracked.get(tracked.token) is tracked:
            self._settle(tracked, ended)

    def _give_up(self, failure: PlaceFailed) -> None:
        for tracked in list(self._tracked.values()):
            self._forget(tracked)
            if not tracked.done.done():
                tracked.done.set_exception(PlaceFailed(failure.problem, hint=failure.hint))

    # -- ending ------------------------------------------------------------------------------

    def _begin_end(self, tracked: Tracked, cause: Ending) -> None:
        if tracked.cause is None:
            tracked.cause = cause
            task = asyncio.ensure_future(self._end(tracked))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self, tracked: Tracked) -> None:
        """See to it that an attempt ends, if need be when its host can be reached again."""
        while not tracked.done.done():
            with contextlib.suppress(PlaceFailed):  # whoever looks at it says so
                await self.host.printed(end_text([tracked.directory], GRACE_SECONDS), "end a job")
            self._hurry.set()
            await asyncio.wait([tracked.done], timeout=3 * GRACE_SECONDS)


def _ended(look: Look, token: str, known: Known, cause: Ending | None, time_limit: float | None) -> Ended | None:
    """Return how an attempt ended, from what is in its directory; None when it runs or is about to."""
    record = parse_record(look.record, token)
    if record is not None:
        origin = look.origin if look.origin is not None else known.origin
        return ended_by(record, origin or 0.0, cause=cause, time_limit=time_limit)
    if not look.exists:
        return Ended(cause or Ending.LOST, message=NO_DIRECTORY)
    if look.given_up:
        return Ended(cause or Ending.LOST, message=NEVER_BEGAN)
    if look.claimed and look.boot is not None and known.boot and look.boot != known.boot:
        return Ended(cause or Ending.LOST, message=NEW_BOOT)
    if look.leader is not None and not look.alive:
        return Ended(cause or Ending.LOST, message=LOST_MESSAGE)
    return None
