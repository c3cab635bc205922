"""Attempts in a queue, looked at by one poll for all of them until they end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field

from ...data_classes import dataclass
from ...errors import PlaceFailed, PlaceRefused
from ..base import Ended, Ending, Figures, Handle
from ..news import news_within
from .judge import forgotten, judge, lasted, lost, with_usage
from .manager import Phase, QueueJob, QueueManager
from .reports import Report

QUICK_SECONDS = 0.1
"""The first pause between two looks."""
GROWTH = 1.5
SHARE = 3
"""A pause is at least so many times as long as the look before it took ..."""
SHARE_OF_MANY = 10
"""... and where many end all the time so many times, since each look costs the queue something ..."""
WATCHED_SECONDS = 0.5
"""In a pause as long as this the place itself looks whether the last attempts have left their records, which costs
the queue nothing."""
LAST = 20
"""So many attempts, of those that were submitted last, are watched."""
PART_OF_THE_REST = 0.25
"""... but no more than this part of the time in which, at this rate, all will have ended."""
ABSENT_SECONDS = 5.0
"""So long may a queue not know a job that was just submitted."""
LATE_SECONDS = 60.0
"""So long may a result record take to be seen on a shared file system after its job has completed."""
FAILED_SECONDS = 5.0
"""The same, for a job that did not complete: its record may never have been written."""
NEVER_SECONDS = 3.0
"""So long must a queue say that a job can never run, until it is believed."""
ODD_SECONDS = 20.0
"""So often is a job looked at closely that waits for a reason which may mean that it ran before."""
USAGE_SECONDS = 3.0
"""So long is waited for the accounts of a job that ran long enough to be sampled, or that was put back."""
SAMPLED_SECONDS = 5.0
SLACK_SECONDS = 10.0
"""By so much may the node be late in ending an attempt whose time is up."""
KEPT = 10_000


@dataclass(slots=True)
class Tracked:
    """An attempt that is in the queue."""

    token: str
    directory: str
    job_id: str
    shared: bool
    """The queue's job carries out other attempts too."""
    done: asyncio.Future[Ended]
    member: int = 0
    time_limit: float | None = None
    limited_by_node: bool = True
    added: float = field(default_factory=time.monotonic)
    job: QueueJob | None = None
    ran: bool = False
    absent: float | None = None
    never: float | None = None
    put_back: float | None = None
    """When it was first seen that the queue has put its job back, without saying why."""
    looked: float = float("-inf")
    is_recorded: bool = False
    """Its record was seen at the place in a pause."""
    ended: Ended | None = None
    ended_at: float = 0.0
    ending: bool = False
    """It is being cancelled for its time."""

    @property
    def handle(self) -> Handle:
        """Return how the engine knows it."""
        return Handle(self.token, self.directory, f"{self.job_id}/{self.member}" if self.shared else self.job_id)


@dataclass(slots=True)
class Tracking:
    """Looks at the attempts of one queue, as long as there are any."""

    manager: QueueManager
    report: Callable[[Sequence[str]], Awaitable[Sequence[Report]]]
    """Reads the directories of attempts."""
    end: Callable[[Sequence[Tracked], str], Awaitable[None]]
    """Cancels attempts for a reason."""
    recorded: Callable[[Sequence[str], float], Awaitable[bool]]
    """Waits at the place for so many seconds at most; tells whether there is a record in each of some directories."""
    longest_pause: float
    patience: float
    """Seconds without an answer after which attempts are given up."""
    place: str = "the queue"
    """How the place is called in errors."""
    _open: dict[str, Tracked] = field(default_factory=dict)
    _settled: OrderedDict[str, Ended] = field(default_factory=OrderedDict)
    _task: asyncio.Task[None] | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _silent_since: float | None = None
    _silence: PlaceFailed | None = None

    def add(self, tracked: Tracked) -> None:
        """Look at one more attempt until it ends."""
        self._open[tracked.token] = tracked
        self.hurry()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look_on())
            self._task.add_done_callback(self._stopped)

    def get(self, token: str) -> Tracked | None:
        """Return an attempt that has not ended."""
        return self._open.get(token)

    def settled(self, token: str) -> Ended | None:
        """Return the end of an attempt, if it is remembered."""
        return self._settled.get(token)

    def of_job(self, job_id: str) -> Sequence[Tracked]:
        """Return the attempts that one of the queue's jobs still has to carry out."""
        return [tracked for tracked in self._open.values() if tracked.job_id == job_id]

    def hurry(self) -> None:
        """Look soon, since something has happened."""
        self._wake.set()

    def settle(self, tracked: Tracked, ended: Ended) -> None:
        """Say how an attempt ended."""
        self._open.pop(tracked.token, None)
        self._settled[tracked.token] = ended
        if len(self._settled) > KEPT:
            self._settled.popitem(last=False)
        if not tracked.done.done():
            tracked.done.set_result(ended)

    @property
    def silence(self) -> str | None:
        """Why the place cannot be asked at present."""
        return None if self._silence is None else self._silence.render()

    async def stop(self) -> None:
        """Look no more. What is open stays so, in the queue."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    # -- the poll ----------------------------------------------------------------------------

    async def _look_on(self) -> None:
        pause, last = QUICK_SECONDS, time.monotonic()
        while self._open:
            self._wake.clear()
            await self._rest(pause)
            began, before = time.monotonic(), len(self._open)
            await self._look()
            now = time.monotonic()
            least = least_pause(now - began, now - last, before - len(self._open), len(self._open))
            last = now
            changed = len(self._open) < before or self._wake.is_set()
            pause = QUICK_SECONDS if changed else min(pause * GROWTH, self.longest_pause)
            pause = min(max(pause, least), max(self.longest_pause, QUICK_SECONDS))

    async def _rest(self, pause: float) -> None:
        """Wait before the next look; news shorten a long pause, and never a quick one."""
        await asyncio.sleep(min(pause, QUICK_SECONDS))
        if pause <= QUICK_SECONDS:
            return
        watching = asyncio.ensure_future(self._watch_the_last(pause)) if pause >= WATCHED_SECONDS else None
        try:
            await news_within(pause - QUICK_SECONDS, self._wake)
        finally:
            if watching is not None:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch_the_last(self, seconds: float) -> None:
        """Look soon when the attempts that were submitted last have left their records: the others have, too, then."""
        last = [tracked for tracked in self._open.values() if not tracked.is_recorded][-LAST:]
        with contextlib.suppress(PlaceFailed):  # the next look says so
            if last and await self.recorded([tracked.directory for tracked in last], seconds):
                for tracked in last:
                    tracked.is_recorded = True
                self.hurry()

    def _stopped(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        for tracked in list(self._open.values()):
            if not tracked.done.done():
                tracked.done.set_exception(error)
        self._open.clear()

    async def _look(self) -> None:
        """Ask the queue about all attempts, look into the directories of some, and say which have ended."""
        listed = await self._listed()
        now = time.monotonic()
        if listed is None and self._silent_since is not None and now - self._silent_since > self.patience:
            self._fail(PlaceFailed(f"no answer for {self.patience:g} s: {self._silence}"))
            return
        for tracked in self._open.values():
            _note(tracked, listed, now)
        closely = [tracked for tracked in self._open.values() if _is_due(tracked, listed, now)]
        if not closely:
            await self._limit()
            return
        try:
            details, reports = await self._closely(closely, listed)
        except PlaceFailed as error:
            self._be_silent(error)
            return
        for tracked, report in zip(closely, reports, strict=True):
            tracked.looked = now
            tracked.job = details.get(tracked.job_id, tracked.job)
            if tracked.ended is None:
                tracked.ended, tracked.ended_at = self._judged(tracked, report, details, listed is None, now), now
        await self._settle_with_usage(now)
        await self._limit()

    async def _closely(
        self, closely: Sequence[Tracked], listed: Mapping[str, QueueJob] | None
    ) -> tuple[Mapping[str, QueueJob], Sequence[Report]]:
        """Return what the queue knows of attempts, and what their directories tell.

        The directories come last: what a job that is over has left is all there then. A job that was in the
        queue and has left it is over already, so that both can be asked at the same time.
        """
        directories = [tracked.directory for tracked in closely]
        if listed is None:
            return {}, await self.report(directories)
        told = {tracked.job_id: listed[tracked.job_id] for tracked in closely if _is_told(tracked, listed)}
        ids = _ids([tracked for tracked in closely if tracked.job_id not in told])
        if not ids:
            return told, await self.report(directories)
        if all(tracked.job is not None and tracked.absent is not None for tracked in closely):
            details, reports = await asyncio.gather(self.manager.details(ids), self.report(directories))
        else:
            details, reports = await self.manager.details(ids), await self.report(directories)
        return {**told, **details}, reports

    async def _listed(self) -> Mapping[str, QueueJob] | None:
        """Return what the queue says of the attempts' jobs without being asked for more; None: it says nothing."""
        try:
            listed = await self.manager.listed(_ids(list(self._open.values())))
        except PlaceFailed as error:
            self._be_silent(error)
            return None
        self._silent_since = self._silence = None
        return listed

    def _be_silent(self, error: PlaceFailed) -> None:
        self._silence = error
        if self._silent_since is None:
            self._silent_since = time.monotonic()

    def _judged(
        self, tracked: Tracked, report: Report, details: Mapping[str, QueueJob], silent: bool, now: float
    ) -> Ended | None:
        job = details.get(tracked.job_id)
        ended = judge(report, job, tracked.token, shared=tracked.shared)
        if ended is not None and ended.ending is Ending.REQUEUED and self._may_be_told_why(tracked, now):
            return None
        if ended is not None or silent or tracked.absent is None:
            return ended
        spent = now - tracked.absent
        if job is None:
            is_gone = spent > ABSENT_SECONDS or report.cancel is not None
            return forgotten(report, tracked.token, f"job {tracked.job_id}") if is_gone else None
        wait = LATE_SECONDS if job.phase is Phase.COMPLETED else FAILED_SECONDS
        return lost(report, job, tracked.job_id) if job.phase.is_over and spent > wait else None

    def _may_be_told_why(self, tracked: Tracked, now: float) -> bool:
        """Tell whether the accounts, which come a little later than the queue's word, may say why it was put back."""
        if tracked.put_back is None:
            tracked.put_back = now
        return self.manager.accounts and now - tracked.put_back < USAGE_SECONDS

    async def _settle_with_usage(self, now: float) -> None:
        """Say how attempts have ended; those that ran for long wait a little for the queue's accounts."""
        over = [tracked for tracked in self._open.values() if tracked.ended is not None]
        usage: Mapping[str, Figures] = {}
        asked = {tracked.token: tracked for tracked in over if self._is_accounted(tracked)}
        if asked:
            try:
                usage = await self.manager.usage(_ids(list(asked.values())))
            except PlaceFailed as error:
                self._be_silent(error)
        again = []
        for tracked in over:
            figures = None if tracked.shared else usage.get(tracked.job_id)
            if tracked.token in asked and figures is None and now - tracked.ended_at < USAGE_SECONDS:
                continue
            assert tracked.ended is not None
            if tracked.ended.ending is Ending.REQUEUED:
                again.append(tracked.job_id)
            self.settle(tracked, with_usage(tracked.ended, figures))
        if again:
            await self._withdraw(again)

    def _is_accounted(self, tracked: Tracked) -> bool:
        return (
            self.manager.accounts
            and not tracked.shared
            and tracked.ended is not None
            and lasted(tracked.ended) >= SAMPLED_SECONDS
        )

    async def _withdraw(self, job_ids: Sequence[str]) -> None:
        """Take jobs out of the queue that would do nothing more."""
        try:
            await self.manager.cancel(sorted(set(job_ids)))
        except PlaceFailed as error:
            self._be_silent(error)

    async def _limit(self) -> None:
        """End attempts whose time is up, and give up those that can never run."""
        now = time.monotonic()
        late = [tracked for tracked in self._open.values() if _is_late(tracked) and not tracked.ending]
        never = [
            tracked
            for tracked in self._open.values()
            if tracked.never is not None and now - tracked.never > NEVER_SECONDS and not tracked.done.done()
        ]
        try:
            if late:
                await self.end(late, "time")
            if never:
                await self.manager.cancel(_ids(never))
        except PlaceFailed as error:
            self._be_silent(error)
            return
        for tracked in late:
            tracked.ending = True
        for tracked in never:
            self._open.pop(tracked.token, None)
            if not tracked.done.done() and tracked.job is not None:
                why = self.manager.in_words(tracked.job)
                tracked.done.set_exception(PlaceRefused(f"{self.place}: withdrawn, since it can never run: {why}"))


def least_pause(took: float, since_last: float, ended: int, still_open: int) -> float:
    """Return the seconds that a look which `took` so long is to be followed by at least.

    `ended` attempts were found to have ended in the time `since_last`, the look before this one. When all others
    are expected to end soon, the next look comes soon, too: it may be the last one.
    """
    if ended == 0:
        return SHARE * took
    rest = still_open * since_last / ended
    soon = max(took, rest / 2)
    return max(min(SHARE * took, soon), min(SHARE_OF_MANY * took, PART_OF_THE_REST * rest))


def _ids(tracked: Sequence[Tracked]) -> list[str]:
    return list(dict.fromkeys(each.job_id for each in tracked))


def _is_told(tracked: Tracked, listed: Mapping[str, QueueJob]) -> bool:
    """Tell whether the queue has nothing to add to what it said of an attempt's job."""
    job = listed.get(tracked.job_id)
    return job is not None and job.phase.is_plain


def _note(tracked: Tracked, listed: Mapping[str, QueueJob] | None, now: float) -> None:
    """Note what a look at the queue says of an attempt."""
    if listed is None:
        return
    job = listed.get(tracked.job_id)
    if job is None or job.phase.is_over:
        tracked.absent = now if tracked.absent is None else tracked.absent
        tracked.never = None
        return
    tracked.absent, tracked.job = None, job
    if job.phase is Phase.RUNNING:
        tracked.ran = True
    if job.phase is not Phase.NEVER:
        tracked.never = None
    elif tracked.never is None:
        tracked.never = now


def _is_due(tracked: Tracked, listed: Mapping[str, QueueJob] | None, now: float) -> bool:
    """Tell whether the directory of an attempt is to be looked into."""
    job = tracked.job
    if listed is None or tracked.absent is not None or job is None or tracked.put_back is not None:
        return True
    if tracked.shared and (job.phase is Phase.RUNNING or tracked.ending):
        return True
    odd = job.phase in (Phase.REQUEUED, Phase.HELD) or (job.phase.is_waiting and job.reason == "BeginTime")
    return job.phase.is_waiting and (tracked.ran or (odd and now - tracked.looked > ODD_SECONDS))


def _is_late(tracked: Tracked) -> bool:
    if tracked.time_limit is None or tracked.shared or tracked.job is None or tracked.job.ran is None:
        return False
    if tracked.job.phase is not Phase.RUNNING:
        return False
    return tracked.job.ran > tracked.time_limit + (SLACK_SECONDS if tracked.limited_by_node else 0)
