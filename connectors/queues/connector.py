"""A batch queue as a place: a connector that works through another one, which reaches the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import field

from ...data_classes import dataclass
from ...errors import PlaceFailed, RecrateError
from ..base import (
    Connector,
    Ended,
    Facts,
    Forecast,
    Handle,
    Launch,
    Location,
    storage_of,
)
from .finding import Finding
from .gathering import Gathering
from .inner import Inner
from .manager import QueueManager
from .reports import RECORDED, Report, give_up_text, mark_text, parse_reports, recorded_text, report_text
from .running import Shell
from .submitting import MARK, Service, Submitted, Submitting
from .tracking import Tracked, Tracking

IN_FLIGHT = 1000
POLL_SECONDS = 5.0
PATIENCE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How a queue is used."""

    services: Mapping[str, Service] = field(default_factory=lambda: {"": Service()})
    """By name; the empty one is for jobs that ask for none."""
    slots: int = IN_FLIGHT
    """Attempts in the queue at a time, for each service."""
    poll_seconds: float = POLL_SECONDS
    """The longest pause between two looks at the queue."""
    patience: float = PATIENCE_SECONDS
    """Seconds without an answer after which attempts are given up."""


class QueueConnector(Inner):
    """A batch queue, reached through a location of another connector."""

    def __init__(
        self,
        name: str,
        inner: Connector,
        inner_location: str,
        manager: QueueManager,
        settings: QueueSettings,
        index: str,
    ) -> None:
        super().__init__(inner, inner_location)
        self.name = name
        self.manager = manager
        self.settings = settings
        self._shell = Shell(inner, inner_location)
        self._submitting = Submitting(name, manager, self._shell, index)
        self._tracking = Tracking(
            manager, self._reports, self._end, self._recorded, settings.poll_seconds, settings.patience, name
        )
        self._launches: Gathering[tuple[Service, Launch], Submitted] = Gathering(self._submitting.submit, in_turn=True)
        self._finding = Finding(name, manager, self._tracking, self._reports, self._given_up)
        self._finds: Gathering[Launch, Handle | Ended | None] = Gathering(self._finding.find)
        self._cancels: Gathering[Tracked, None] = Gathering(self._cancel_all)
        self._locations: Sequence[Location] = ()
        self._looking = asyncio.Lock()
        self._seen = False

    async def deploy(self) -> None:
        """Ask the queue whether it is there."""
        await self._look()

    async def _look(self) -> None:
        """Ask once, also when many need to know at the same time; they go on in the order in which they came."""
        if not self._seen:
            async with self._looking:
                if not self._seen:
                    await self.manager.look()
                    self._seen = True

    async def undeploy(self) -> None:
        """Stop looking at the queue."""
        await self._tracking.stop()

    async def locations(self) -> Sequence[Location]:
        """Return a location for each service, and one without a service."""
        if not self._locations:
            await self._look()
            reached = next(each for each in await self.inner.locations() if each.name == self.inner_location)
            known = reached.facts
            umask = known.umask if self.manager.keeps_umask else None
            facts = Facts(hostname=known.hostname, umask=umask, time_zone=known.time_zone)
            self._locations = [
                Location(
                    self._location_name(name), self.name, name or None, self.settings.slots, facts, storage_of(reached)
                )
                for name in self.settings.services
            ]
        return self._locations

    def _location_name(self, service: str) -> str:
        return f"{self.name}/{service}" if service else self.name

    def _service(self, location: str) -> Service:
        name = "" if location == self.name else location.removeprefix(f"{self.name}/")
        service = self.settings.services.get(name)
        if service is None:
            raise PlaceFailed(f"{self.name} has no service for the location {location!r}")
        return service

    # -- attempts ----------------------------------------------------------------------------

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Submit an attempt, together with others that come at the same time."""
        await self._look()
        submitted = await self._launches.ask((self._service(location), launch))
        tracked = _tracked(launch, submitted)
        self._tracking.add(tracked)
        return tracked.handle

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended, whoever submitted it."""
        tracked = self._tracking.get(handle.token)
        if tracked is None:
            settled = self._tracking.settled(handle.token)
            if settled is not None:
                return settled
            tracked = await self._taken_over(handle)
        return await asyncio.shield(tracked.done)

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Ask the queue, and the attempt's directory, until they agree."""
        await self._look()
        return await self._finds.ask(launch)

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt; others in the same job of the queue go on."""
        if self._tracking.settled(handle.token) is None:
            await self._cancels.ask(self._tracking.get(handle.token) or await self._taken_over(handle))

    def waiting_for(self, location: str, handle: Handle) -> str | None:
        """Return what an attempt waits for, from the last look at the queue."""
        tracked = self._tracking.get(handle.token)
        if tracked is None:
            return None
        if self._tracking.silence is not None:
            return f"{self.name} gives no answer: {self._tracking.silence}"
        return None if tracked.job is None else self.manager.in_words(tracked.job)

    async def forecast(self, location: str, launch: Launch) -> Forecast:
        """Ask the queue when an attempt of this kind would start; nothing is submitted."""
        await self._look()
        return await self.manager.forecast(self._submitting.submission(self._service(location), MARK, [launch]))

    async def _taken_over(self, handle: Handle) -> Tracked:
        await self._look()
        job_id, slash, member = handle.native_id.partition("/")
        tracked = Tracked(
            token=handle.token,
            directory=handle.directory,
            job_id=job_id,
            shared=bool(slash),
            member=int(member) if member.isdigit() else 0,
            done=asyncio.get_running_loop().create_future(),
        )
        self._tracking.add(tracked)
        return tracked

    # -- what the poll and the search need -----------------------------------------------------

    async def _reports(self, directories: Sequence[str]) -> Sequence[Report]:
        """Look into the directories of attempts, by one command."""
        return self._parsed(await self._shell.printed(report_text(directories)), directories)

    async def _given_up(self, directories: Sequence[str]) -> Sequence[Report]:
        """Make sure that attempts never start, where nobody was quicker, and look into their directories."""
        return self._parsed(await self._shell.printed(give_up_text(directories)), directories)

    async def _recorded(self, directories: Sequence[str], seconds: float) -> bool:
        """Wait at the place, for some time, until attempts have left their records; tell whether they have."""
        return (await self._shell.printed(recorded_text(directories, seconds))).strip() == RECORDED

    def _parsed(self, printed: str, directories: Sequence[str]) -> Sequence[Report]:
        reports = parse_reports(printed)
        if len(reports) != len(directories):
            raise PlaceFailed(f"{self.name}: {self.inner_location} did not say all that it was asked")
        return reports

    async def _cancel_all(self, asked: Sequence[Tracked]) -> Sequence[RecrateError | None]:
        await self._end(asked, "cancel")
        return [None] * len(asked)

    async def _end(self, asked: Sequence[Tracked], why: str) -> None:
        """Note why attempts are to end, then end the queue's jobs that have nothing else to do.

        One that shares its job with others is ended by its node, which sees the note; when it has not
        begun it is given up.
        """
        await self._shell.printed(mark_text([tracked.directory for tracked in asked], why))
        ending = {tracked.token for tracked in asked}
        shared = [tracked for tracked in asked if tracked.shared]
        if shared:
            await self._given_up([tracked.directory for tracked in shared])
            for tracked in shared:
                tracked.ending = True
        whole = {
            each.job_id for each in asked if all(other.token in ending for other in self._tracking.of_job(each.job_id))
        }
        if whole:
            await self.manager.cancel(sorted(whole))
        self._tracking.hurry()


def _tracked(launch: Launch, submitted: Submitted) -> Tracked:
    return Tracked(
        token=launch.token,
        directory=launch.directory,
        job_id=submitted.job_id,
        shared=submitted.shared,
        member=submitted.member,
        time_limit=launch.time_limit,
        done=asyncio.get_running_loop().create_future(),
    )
