"""Attempts whose start or end is uncertain: the queue and their directories are asked, by a few commands for all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ...data_classes import dataclass
from ...errors import RecrateError
from ..base import Ended, Handle, Launch
from .judge import forgotten, judge
from .manager import QueueJob, QueueManager
from .reports import Report
from .tracking import Tracked, Tracking

Reader = Callable[[Sequence[str]], Awaitable[Sequence[Report]]]
Answer = Handle | Ended | None


@dataclass(slots=True)
class Finding:
    """Finds attempts of an earlier controller."""

    place: str
    manager: QueueManager
    tracking: Tracking
    reports: Reader
    give_up: Reader

    async def find(self, launches: Sequence[Launch]) -> Sequence[Answer | RecrateError]:
        """Return, for each, what `Connector.find` returns."""
        answers: dict[int, Answer] = {}
        for number, launch in enumerate(launches):
            known = self._known(launch)
            if known is not None:
                answers[number] = known
        rest = [number for number in range(len(launches)) if number not in answers]
        if rest:
            found = await self._asked([launches[number] for number in rest])
            answers.update(zip(rest, found, strict=True))
        return [answers[number] for number in range(len(launches))]

    def _known(self, launch: Launch) -> Answer:
        tracked = self.tracking.get(launch.token)
        return self.tracking.settled(launch.token) if tracked is None else tracked.handle

    async def _asked(self, launches: Sequence[Launch]) -> list[Answer]:
        """Ask the directories for the notes, then the queue, and the directories again for what a job has left."""
        directories = [launch.directory for launch in launches]
        jobs = await self._jobs(launches, await self.reports(directories))
        reports = await self.reports(directories)
        unsure = []
        answers: dict[int, Answer] = {}
        for number, (launch, report) in enumerate(zip(launches, reports, strict=True)):
            job = jobs.get(number)
            if report.claimed or (job is not None and not job.phase.is_over and not report.given_up):
                answers[number] = self._running_or_over(launch, report, job)
            else:
                unsure.append(number)
        await self._give_up(unsure, launches, jobs, answers)
        return [answers[number] for number in range(len(launches))]

    async def _give_up(
        self,
        unsure: Sequence[int],
        launches: Sequence[Launch],
        jobs: Mapping[int, QueueJob],
        answers: dict[int, Answer],
    ) -> None:
        """Make sure that attempts never start; of those that somebody claimed meanwhile, say what became."""
        if not unsure:
            return
        reports = await self.give_up([launches[number].directory for number in unsure])
        for number, report in zip(unsure, reports, strict=True):
            claimed = report.claimed and not report.given_up
            answers[number] = self._running_or_over(launches[number], report, jobs.get(number)) if claimed else None
        idle = [jobs[number].native_id for number in unsure if answers[number] is None and number in jobs]
        waiting = [
            job_id
            for job_id in idle
            if not any(each.native_id == job_id and each.phase.is_over for each in jobs.values())
        ]
        if waiting:
            await self.manager.cancel(sorted(set(waiting)))

    async def _jobs(self, launches: Sequence[Launch], reports: Sequence[Report]) -> Mapping[int, QueueJob]:
        """Return the queue's job of each attempt: by its id on record, or by the note in its directory."""
        ids = {number: launch.native_id.partition("/")[0] for number, launch in enumerate(launches) if launch.native_id}
        unknown = [number for number, report in enumerate(reports) if number not in ids and report.note is not None]
        if unknown:
            noted = {(job.note, job.element): job.native_id for job in await self.manager.remembered()}
            places = {number: (reports[number].note, reports[number].element) for number in unknown}
            ids.update({number: noted[place] for number, place in places.items() if place in noted})
        details = await self.manager.details(sorted(set(ids.values()))) if ids else {}
        return {number: details[native_id] for number, native_id in ids.items() if native_id in details}

    def _running_or_over(self, launch: Launch, report: Report, job: QueueJob | None) -> Answer:
        if job is None:
            return forgotten(report, launch.token, f"the attempt {launch.name}")
        shared = report.member is not None
        ended = judge(report, job, launch.token, shared=shared)
        if ended is not None:
            return ended
        tracked = Tracked(
            token=launch.token,
            directory=launch.directory,
            job_id=job.native_id,
            shared=shared,
            member=report.member or 0,
            time_limit=launch.time_limit,
            limited_by_node=False,
            job=job,
            done=asyncio.get_running_loop().create_future(),
        )
        self.tracking.add(tracked)
        return tracked.handle
