"""The life of one attempt: wait for room, write down the intent, stage, launch, await, collect."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from ..connectors.base import (
    ActionKind,
    Ended,
    Ending,
    FileAction,
    Handle,
    Launch,
    Location,
    NotStarted,
)
from ..connectors.wrapper import SCRIPT, Script
from ..data_classes import dataclass
from ..errors import PlaceFailed, PlaceRefused, RecrateError
from ..provenance import ids
from ..provenance.rows import AttemptRow
from ..provenance.statements import Update
from ..provenance.states import AttemptState
from .adoption import NEVER_STARTED, WAS_KILLED, Adopted, was_interrupted
from .backoff import Backoff
from .causes import FAILURES, cause_of, failure_of
from .collecting import collected, left_metrics
from .contents import Contents
from .diagnosis import doing, troubles
from .journeys import Journey, Moving
from .layout import Layout, Staging
from .ledger import Ledger
from .logs import bring_log, brought_log
from .machine.events import AttemptStarted, Failure, UndeclaredRead
from .machine.paths import plain_path
from .model import TaskCode
from .observer import Notice
from .places import Container, Place
from .plan import CommandPlan, Request
from .preparing import blank, launch_of, preparation, runtime_of
from .reaching import ended_at, launched
from .ready import Readying, called
from .records import LOST, Attempt, Job
from .results import Failed, Succeeded
from .retries import difference
from .reuse import Reuse
from .seats import AnyTurn, Seat, Seating
from .surroundings import Surroundings
from .values import Values

if TYPE_CHECKING:
    from .tracing import Tracer

MOST_SEATS = 5
"""So many places may fail one after the other before an attempt is on record."""
MOST_EXCUSED = 10
"""From this attempt on nothing excuses a failure: neither lost inputs, nor a place that is lost."""
MOST_REMOVED = 3
"""An attempt from this one on counts though its inputs are gone: it is the job itself that removes them."""
FEW = 50
"""So many attempts are made ready at a time: the first of many are under way before the last are planned."""
LOG_BYTES = 16 << 20
"""Of a log that holds a secret, so much is kept."""
NOT_LAUNCHED = Ended(Ending.CANCELLED, message="not started, since the run is ending")
GONE_PLACE = "lost: its place does not answer any more"
WOULD_RUN = "it would run"
INPUTS_GONE = "its inputs were removed while it ran"
NOT_STARTED = "not started, since the run is ending"


class _PlaceGone(Exception):
    """A place could not do its part before anything of an attempt was on record."""

    def __init__(self, error: PlaceFailed) -> None:
        super().__init__(error)
        self.error = error


@dataclass(slots=True)
class _Running:
    place: Place
    location: Location
    handle: Handle
    since: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Attempts:
    """Carries out attempts of commands."""

    seats: Seating
    ledger: Ledger
    contents: Contents
    reuse: Reuse
    data: Moving | None = None
    """Brings inputs to where jobs run; None: all files are on this machine."""
    adopted: dict[tuple[str, int], Adopted] = field(default_factory=dict)
    """By job and number: attempts of an earlier controller whose end is not on record."""
    leaves_jobs: bool = False
    """True: what runs is not ended with the engine, since the store cannot say so; a later controller takes it over."""
    launches: bool = True
    """False: nothing is launched; a job whose result cannot be taken is given up."""
    is_stopping: Callable[[], bool] = field(default=lambda: False)
    """Tells that no further job is to start, so that one that waited for room gives up."""
    backoff: Backoff = field(default_factory=Backoff)
    """What follows on attempts that failed."""
    tracer: Tracer | None = None
    """Finds out what commands of this machine read; None: nobody wants to know."""
    surroundings: Surroundings | None = None
    """Those that commands are to have which run in no container; None: what their place gives them."""
    _few: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FEW))
    _running: dict[str, _Running] = field(default_factory=dict)
    _unwanted: set[str] = field(default_factory=set)
    """Jobs that were cancelled between the record of their intent and their launch."""

    async def attempt(
        self,
        job: Job,
        number: int,
        code: TaskCode,
        inputs: Values,
        rows: Sequence[Any],
        happened: Callable[..., Awaitable[None]],
        failures: Sequence[Failure] = (),
        *,
        reason: str | None = None,
    ) -> Succeeded | Failed:
        """Carry out one attempt; its intent is on record before anything is done.

        `failures` says how earlier attempts of the job ended, which may ask for more because of it;
        `reason` why it is made when the job has completed before.
        """
        adopted = self.adopted.pop((job.path, number), None)
        if adopted is not None:
            return await self._taken_over(adopted, job, code, inputs, failures)
        if reason is None and self.reuse.is_recorded(job.path):
            try:
                taken = await self.reuse.take_recorded(job.path, inputs, self.ledger)
            except RecrateError as error:
                return self._never(job, rows, error)
            return Succeeded(taken.outputs, rows, taken)
        for left in reversed(range(MOST_SEATS)):
            try:
                return await self._seated(job, number, code, inputs, rows, happened, failures, reason)
            except _PlaceGone as gone:
                if not left:
                    return self._never(job, rows, gone.error)
        raise AssertionError("there is at least one seat")

    async def _seated(
        self,
        job: Job,
        number: int,
        code: TaskCode,
        inputs: Values,
        rows: Sequence[Any],
        happened: Callable[..., Awaitable[None]],
        failures: Sequence[Failure],
        reason: str | None,
    ) -> Succeeded | Failed:
        """Carry out an attempt at the place that it gets. Raises _PlaceGone when that fails before its intent."""
        try:
            first = await called(code, code.request, inputs)
            request = self.backoff.asked(job, first, failures, self.seats.most_memory(job))
            seat = await self.seats.seat(job, request, inputs)
        except RecrateError as error:
            return self._never(job, rows, error)
        try:
            if self.is_stopping():
                return Failed(Failure.CANCELLED, NOT_STARTED, 0, [*rows, *self.ledger.cancelled_job(job, NOT_STARTED)])
            token = secrets.token_hex(12)
            why = reason or self.backoff.reason(job, number, difference(first, request))
            attempt = self.ledger.attempt(job, number, seat.place.row.id, seat.workdir, token, why)
            return await self._granted(attempt, code, inputs, request, seat, rows, happened)
        finally:
            self.seats.leave(seat)

    async def _granted(
        self,
        attempt: Attempt,
        code: TaskCode,
        inputs: Values,
        request: Request,
        seat: Seat,
        rows: Sequence[Any],
        happened: Callable[..., Awaitable[None]],
    ) -> Succeeded | Failed:
        """Carry out an attempt that is about to get the resources it needs."""
        try:
            container = await seat.container_for(request)
            journey = None if self.data is None else await self.data.journey(inputs, seat.place)
        except RecrateError as error:
            return self._unready(attempt, seat, rows, error)
        there = inputs if journey is None else journey.values
        readying = Readying(self.reuse, self.surroundings, self.tracer)
        async with self._few:
            try:
                ready = await readying.ready(attempt, code, there, request, seat, container)
                taken = await self.reuse.take(ready.key, attempt.job.path, self.ledger)
            except RecrateError as error:
                return self._unready(attempt, seat, rows, error)
            if taken is not None:
                return Succeeded(taken.outputs, rows, taken)
            if not self.launches:
                gone = self.ledger.cancelled_job(attempt.job, WOULD_RUN)
                return Failed(Failure.CANCELLED, WOULD_RUN, 0, [*rows, *gone])
            plan, layout = ready.plan, ready.layout
            intent = self.ledger.intent(attempt, plan, seat.allocation, container, ready.key)
            await happened(AttemptStarted(attempt.job.path, attempt.number), *rows, *intent)
        try:
            if self.data is not None and journey is not None:
                await self.data.travel(journey)
            ended = await self._carried_out(attempt, plan, ready.staging, ready.task, container, seat)
            if ready.is_traced:
                await self._tell_undeclared(attempt, plan, happened)
            return await self._judged(attempt, code, plan, layout, ended, container, seat.place, journey)
        except RecrateError as error:
            return self._lost(attempt, seat.place, error)

    def _unready(self, attempt: Attempt, seat: Seat, rows: Sequence[Any], error: RecrateError) -> Failed:
        """Return as a failure an attempt that could not be made ready. Raises _PlaceGone when its place is to blame."""
        if isinstance(error, PlaceFailed) and not seat.place.storage.is_here:
            self.seats.failed(seat.place, error)
            raise _PlaceGone(error) from error
        return self._never(attempt.job, rows, error)

    async def _tell_undeclared(
        self, attempt: Attempt, plan: CommandPlan, happened: Callable[..., Awaitable[None]]
    ) -> None:
        """Put on record what an attempt that ended had read beside its inputs."""
        assert self.tracer is not None
        found = await asyncio.to_thread(self.tracer.undeclared, attempt.directory, plan.stages)
        if found is not None:
            paths = tuple(map(self.ledger.redactor.text, found.paths))
            await happened(UndeclaredRead(attempt.job.path, attempt.number, found.count, paths))

    async def diagnosis(self) -> list[str]:
        """Return what is waited for, in a line each: places that are in trouble, then jobs, then data."""
        told = [doing(path, one.place, one.handle, one.since) for path, one in self._running.items()]
        moved = [] if self.data is None else self.data.diagnosis()
        places = await troubles(self.seats.places)
        return [*places, *self.seats.diagnosis(), *moved, *self.backoff.diagnosis(), *told]

    def _never(self, job: Job, rows: Sequence[Any], error: RecrateError) -> Failed:
        """Return as a failure a job that came to no attempt."""
        return Failed(Failure.INVALID, error.render(), 0, [*rows, *self.ledger.failed_job(job, error)])

    def invalidated(self, job: Job, number: int, ended: Succeeded) -> Failed:
        """Return as a failure an attempt that ended well though its inputs were removed while it ran."""
        changes = {"state": AttemptState.FAILED, "error": INPUTS_GONE}
        row = Update(AttemptRow, (ids.attempt_id(job.id, number),), changes)
        return Failed(Failure.INTERRUPTED, INPUTS_GONE, number, [*ended.rows, row])

    def adopted_number(self, job: str) -> int | None:
        """Return the number of an attempt of an earlier controller that restores what a job had made."""
        return next((number for path, number in self.adopted if path == job), None)

    async def close_adopted(self) -> None:
        """Await and put on record the end of attempts of an earlier controller that nobody needs any more."""
        for (path, _), adopted in self.adopted.items():
            found = adopted.found or LOST
            if isinstance(found, Handle) and adopted.place is not None:
                found = await adopted.place.connector.wait(adopted.place.location.name, found)
            if isinstance(found, Handle):
                found = LOST
            failure = None if found.exit_code == 0 else Failure.INTERRUPTED
            attempt = adopted.attempt_of(Job(adopted.row.job_id, path, "", 0))
            rows = self.ledger.ended(attempt, found, failure, None if failure is None else NEVER_STARTED)
            self.ledger.recorder.put(*[row for row in rows if row.row is AttemptRow])
        self.adopted.clear()

    async def _taken_over(
        self, adopted: Adopted, job: Job, code: TaskCode, inputs: Values, failures: Sequence[Failure]
    ) -> Succeeded | Failed:
        """Take over an attempt that an earlier controller has put on record: what became of it is known."""
        attempt, found, place = adopted.attempt_of(job), adopted.found, adopted.place
        if found is None:
            return self._bad(attempt, LOST, Failure.INTERRUPTED, NEVER_STARTED)
        if place is None:
            return self._bad(attempt, LOST, Failure.INTERRUPTED, GONE_PLACE)
        most = self.seats.most_memory(job)
        request = self.backoff.asked(job, await called(code, code.request, inputs), failures, most)
        allocation = adopted.allocation(place.scheduler.fit(request.resources))
        seat = self.seats.again(job, place, allocation)
        if isinstance(found, Handle):
            seat.take()
        try:
            container = await seat.container_for(request)
            layout = Layout.of(attempt.directory, request.image if container else None)
            journey = None if self.data is None else await self.data.journey(inputs, place)
            there = inputs if journey is None else journey.values
            plan = await called(code, code.plan, there, request, runtime_of(layout, request, allocation))
            if isinstance(found, Handle):
                found = await self._awaited(attempt, plan, found, container, place)
            else:
                await self._settled(attempt, plan, found, container, place)
            if was_interrupted(found):
                return self._bad(attempt, found, Failure.INTERRUPTED, found.message or WAS_KILLED)
            return await self._judged(attempt, code, plan, layout, found, container, place, journey)
        except RecrateError as error:
            return self._lost(attempt, place, error)
        finally:
            if isinstance(adopted.found, Handle):
                seat.release()

    async def _carried_out(
        self,
        attempt: Attempt,
        plan: CommandPlan,
        staging: Staging,
        task: Script,
        container: Container | None,
        seat: Seat,
    ) -> Ended:
        """Stage an attempt; when there is room for it, launch and await it."""
        place = seat.place
        actions = preparation(attempt, plan, staging, task, starts_tasks=place.starts_tasks)
        if not place.starts_tasks or not all(action.is_light for action in actions):
            await place.connector.prepare(place.location.name, actions)
            actions = []
        turn = seat.turn(attempt.token)
        try:
            handle = await self._launched(attempt, place, launch_of(attempt, plan, task, actions), turn)
            if isinstance(handle, Ended):
                await self._settled(attempt, plan, handle, container, place)
                return handle
            turn.running()
            self.ledger.launched(attempt, handle.native_id)
            self._tell_started(attempt, place)
            return await self._awaited(attempt, plan, handle, container, place)
        finally:
            turn.end()

    async def _launched(self, attempt: Attempt, place: Place, launch: Launch, turn: AnyTurn) -> Handle | Ended:
        """Launch an attempt when it is its turn, unless the run does not want it any more."""
        after = await turn.begin(may_follow=place.starts_tasks)
        if after is not None:
            try:
                return await place.connector.launch(place.location.name, replace(launch, after=after))
            except NotStarted:
                turn.end()
                await turn.begin(may_follow=False)
        if self.is_stopping() or attempt.job.path in self._unwanted:
            return NOT_LAUNCHED
        return await launched(place, launch, self.seats.answers)

    def _tell_started(self, attempt: Attempt, place: Place) -> None:
        self.ledger.tell(
            Notice.JOB_STARTED,
            job=attempt.job.path,
            step=attempt.job.step,
            attempt=attempt.number,
            location=place.location.name,
        )

    async def _awaited(
        self, attempt: Attempt, plan: CommandPlan, handle: Handle, container: Container | None, place: Place
    ) -> Ended:
        """Await the end of an attempt that was launched."""
        connector, location = place.connector, place.location
        self._running[attempt.job.path] = _Running(place, location, handle)
        if attempt.job.path in self._unwanted:
            await connector.cancel(location.name, handle)
        try:
            ended = await ended_at(place, handle, self.seats.answers)
        except asyncio.CancelledError:
            if not self.leaves_jobs:
                await connector.cancel(location.name, handle)
                await _removed(container, attempt)
            raise
        finally:
            self._running.pop(attempt.job.path, None)
        await self._settled(attempt, plan, ended, container, place)
        return ended

    async def _settled(
        self, attempt: Attempt, plan: CommandPlan, ended: Ended, container: Container | None, place: Place
    ) -> None:
        """Leave nothing behind of an attempt that ended: no secret, no container."""
        if plan.secrets:
            masked = await asyncio.to_thread(lambda: list(self._masked(attempt, plan, place)))
            await place.connector.prepare(place.location.name, masked)
        if ended.ending in FAILURES:
            await _removed(container, attempt)

    def _masked(self, attempt: Attempt, plan: CommandPlan, place: Place) -> Iterator[FileAction]:
        """Yield how to take the secrets of a job out of its script, and out of what it printed to its logs."""
        tree = place.connector.tree(place.location.name, attempt.directory)
        if tree.stat(SCRIPT) is not None:
            yield blank(f"{attempt.directory}/{SCRIPT}")
        redactor = self.ledger.redactor.including(plan.secrets)
        for name in ("stdout", "stderr"):
            if tree.stat(name) is not None:
                text = tree.read(name, LOG_BYTES).decode("utf-8", "surrogateescape")
                content = redactor.text(text).encode("utf-8", "surrogateescape")
                yield FileAction(ActionKind.WRITE, f"{attempt.directory}/{name}", content=content)

    async def cancel(self, job: str) -> None:
        """End the attempt of a job that runs; its `attempt` then returns."""
        self._unwanted.add(job)
        running = self._running.get(job)
        if running is not None:
            await running.place.connector.cancel(running.location.name, running.handle)

    async def _judged(
        self,
        attempt: Attempt,
        code: TaskCode,
        plan: CommandPlan,
        layout: Layout,
        ended: Ended,
        container: Container | None,
        place: Place,
        journey: Journey | None,
    ) -> Succeeded | Failed:
        """Return what an ended attempt amounts to, with what it recorded of itself, however it ended."""
        verdict = await self._verdict(attempt, code, plan, layout, ended, container, place, journey)
        metrics = await left_metrics(attempt, ended, place)
        if metrics is None:
            return verdict
        return replace(verdict, rows=[*verdict.rows, *self.ledger.recorded(attempt, metrics, plan.secrets)])

    async def _verdict(
        self,
        attempt: Attempt,
        code: TaskCode,
        plan: CommandPlan,
        layout: Layout,
        ended: Ended,
        container: Container | None,
        place: Place,
        journey: Journey | None,
    ) -> Succeeded | Failed:
        """Decide what an ended attempt amounts to, and collect its outputs when it went well."""
        failure = failure_of(plan, ended)
        if failure is not None:
            cause = cause_of(attempt, plan, ended, place, container)
            if failure is Failure.LOST and not place.storage.is_here:
                return self._lost(attempt, place, PlaceFailed(cause), ended)
            await self._bring_log(attempt, plan, place)
            return self._bad(attempt, ended, failure, cause, plan.request)
        tree = place.connector.tree(place.location.name, layout.place_outdir)
        try:
            outputs = await collected(code, plan, tree, ended.exit_code or 0, place)
        except PlaceFailed as error:
            if place.storage.is_here:
                return self._bad(attempt, ended, Failure.INVALID, error.render())
            return self._lost(attempt, place, error, ended)
        except RecrateError as error:
            await self._bring_log(attempt, plan, place)
            return self._bad(attempt, ended, Failure.INVALID, error.render())
        if self.data is not None and journey is not None:
            outputs = self.data.placed(outputs, place, journey)
            await self.data.collected(plain_path(attempt.job.path), outputs)
        return Succeeded(outputs, self.ledger.ended(attempt, ended, None, None))

    async def _bring_log(self, attempt: Attempt, plan: CommandPlan, place: Place) -> None:
        """Have the end of what a failed attempt printed on this machine, too."""
        if not place.storage.is_here and plan.stderr is None:
            redactor = self.ledger.redactor.including(plan.secrets)
            target = brought_log(self.ledger.work_directory, attempt.id)
            await bring_log(place, f"{attempt.directory}/stderr", target, redactor)

    def _lost(self, attempt: Attempt, place: Place, error: RecrateError, ended: Ended = LOST) -> Failed:
        """Return as a failure an attempt whose place could not do its part.

        Of another place that is no fault of the job, so that it is tried again, perhaps elsewhere.
        """
        if isinstance(error, PlaceRefused) and not self.seats.refused(attempt.job, place, error):
            return self._bad(attempt, ended, Failure.INVALID, error.render())
        excused = not place.storage.is_here and attempt.number < MOST_EXCUSED
        if not place.storage.is_here and not isinstance(error, PlaceRefused):
            self.seats.failed(place, error)
        return self._bad(attempt, ended, Failure.INTERRUPTED if excused else Failure.LOST, error.render())

    def _bad(
        self, attempt: Attempt, ended: Ended, failure: Failure, error: str, request: Request | None = None
    ) -> Failed:
        error = self.backoff.ended(attempt, failure, error, request, self.seats.most_memory(attempt.job))
        return Failed(failure, error, attempt.number, self.ledger.ended(attempt, ended, failure, error))


async def _removed(container: Container | None, attempt: Attempt) -> None:
    """Make sure that the container of an attempt that was ended is gone."""
    if container is not None:
        await container.remove(attempt.token)
