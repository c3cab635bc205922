"""The life of one attempt: wait for room, write down the intent, stage, launch, await, collect."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..connectors import files
from ..connectors.base import ActionKind, Ended, Ending, FileAction, Handle, Launch, Location, NotStarted, WorkTree
from ..connectors.wrapper import SCRIPT, Script, encode, script_text
from ..errors import PlaceFailed, RecrateError
from ..provenance import ids
from ..provenance.rows import AttemptRow
from ..provenance.statements import Update
from ..provenance.states import AttemptState
from .adoption import NEVER_STARTED, WAS_KILLED, Adopted, was_interrupted
from .backoff import Backoff
from .causes import cause_of
from .contents import Contents
from .layout import Layout, Mount, Staging, stage
from .ledger import Ledger
from .machine.events import AttemptStarted, Failure
from .model import TaskCode
from .observer import Notice
from .places import Container, Place
from .plan import CommandPlan, Request, Runtime
from .records import LOST, Attempt, Job
from .retries import difference
from .reuse import Reuse, Taken
from .scheduling import Allocation, Turn, runtime_cores
from .values import Values

FAILURES = {
    Ending.TIMED_OUT: Failure.TIME_LIMIT,
    Ending.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
    Ending.CANCELLED: Failure.CANCELLED,
    Ending.LOST: Failure.LOST,
}

T = TypeVar("T")
LOG_BYTES = 16 << 20
"""Of a log that holds a secret, so much is kept."""
NOT_LAUNCHED = Ended(Ending.CANCELLED, message="not started, since the run is ending")
WOULD_RUN = "it would run"
INPUTS_GONE = "its inputs were removed while it ran"
NOT_STARTED = "not started, since the run is ending"


@dataclass(frozen=True, slots=True)
class Succeeded:
    """An attempt that ended well: its outputs, and the rows that say how it ended."""

    outputs: Values
    rows: Sequence[Any] = ()
    taken: Taken | None = None
    """The earlier result that was taken; then there was no attempt."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An attempt that did not end well; `rows` say so in the store. Number 0: it came to no attempt."""

    failure: Failure
    error: str
    attempt: int = 0
    rows: Sequence[Any] = ()


@dataclass(slots=True)
class _Running:
    place: Place
    location: Location
    handle: Handle


@dataclass(slots=True)
class Attempts:
    """Carries out attempts of commands on a place."""

    place: Place
    ledger: Ledger
    contents: Contents
    workdir: str
    """Directory on the place below which each attempt gets one of its own."""
    reuse: Reuse
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
        try:
            first = await _called(code, code.request, inputs)
            request = self.backoff.asked(job, first, failures, self._most)
            allocation = self.place.scheduler.fit(request.resources)
        except RecrateError as error:
            return Failed(Failure.INVALID, error.render(), 0, [*rows, *self.ledger.failed_job(job, error)])
        await self.place.ahead.acquire(allocation)
        try:
            if self.is_stopping():
                return Failed(Failure.CANCELLED, NOT_STARTED, 0, [*rows, *self.ledger.cancelled_job(job, NOT_STARTED)])
            token = secrets.token_hex(12)
            why = reason or self.backoff.reason(job, number, difference(first, request))
            attempt = self.ledger.attempt(job, number, self.workdir, token, why)
            return await self._granted(attempt, code, inputs, request, allocation, rows, happened)
        finally:
            self.place.ahead.release(allocation)

    async def _granted(
        self,
        attempt: Attempt,
        code: TaskCode,
        inputs: Values,
        request: Request,
        allocation: Allocation,
        rows: Sequence[Any],
        happened: Callable[..., Awaitable[None]],
    ) -> Succeeded | Failed:
        """Carry out an attempt that is about to get the resources it needs."""
        try:
            container = await self.place.container_for(request)
            layout = Layout.of(attempt.directory, request.image if container else None)
            plan = await _called(code, code.plan, inputs, request, _runtime(layout, request, allocation))
            staging = stage(layout, plan.stages)
            task = self._task(attempt, plan, layout, staging, container)
            key = self.reuse.key(plan, layout, code.signature, container.image_id if container else None)
            taken = await self.reuse.take(key, attempt.job.path, self.ledger)
        except RecrateError as error:
            return Failed(Failure.INVALID, error.render(), 0, [*rows, *self.ledger.failed_job(attempt.job, error)])
        if taken is not None:
            return Succeeded(taken.outputs, rows, taken)
        if not self.launches:
            gone = self.ledger.cancelled_job(attempt.job, WOULD_RUN)
            return Failed(Failure.CANCELLED, WOULD_RUN, 0, [*rows, *gone])
        intent = self.ledger.intent(attempt, plan, allocation, container, key)
        await happened(AttemptStarted(attempt.job.path, attempt.number), *rows, *intent)
        try:
            ended = await self._carried_out(attempt, plan, staging, task, container, allocation)
            return await self._judged(attempt, code, plan, layout, ended, container)
        except RecrateError as error:
            return self._bad(attempt, LOST, Failure.LOST, error.render())

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
            if isinstance(found, Handle):
                found = await self.place.connector.wait(self.place.location.name, found)
            failure = None if found.exit_code == 0 else Failure.INTERRUPTED
            attempt = adopted.attempt_of(Job(adopted.row.job_id, path, "", 0))
            rows = self.ledger.ended(attempt, found, failure, None if failure is None else NEVER_STARTED)
            self.ledger.recorder.put(*[row for row in rows if row.row is AttemptRow])
        self.adopted.clear()

    async def _taken_over(
        self, adopted: Adopted, job: Job, code: TaskCode, inputs: Values, failures: Sequence[Failure]
    ) -> Succeeded | Failed:
        """Take over an attempt that an earlier controller has put on record: what became of it is known."""
        attempt, found = adopted.attempt_of(job), adopted.found
        if found is None:
            return self._bad(attempt, LOST, Failure.INTERRUPTED, NEVER_STARTED)
        request = self.backoff.asked(job, await _called(code, code.request, inputs), failures, self._most)
        allocation = adopted.allocation(self.place.scheduler.fit(request.resources))
        if isinstance(found, Handle):
            self.place.scheduler.take(allocation)
        try:
            container = await self.place.container_for(request)
            layout = Layout.of(attempt.directory, request.image if container else None)
            plan = await _called(code, code.plan, inputs, request, _runtime(layout, request, allocation))
            if isinstance(found, Handle):
                found = await self._awaited(attempt, plan, found, container)
            else:
                await self._settled(attempt, plan, found, container)
            if was_interrupted(found):
                return self._bad(attempt, found, Failure.INTERRUPTED, found.message or WAS_KILLED)
            return await self._judged(attempt, code, plan, layout, found, container)
        except RecrateError as error:
            return self._bad(attempt, LOST, Failure.LOST, error.render())
        finally:
            if isinstance(adopted.found, Handle):
                self.place.scheduler.release(allocation)

    @property
    def _most(self) -> int:
        return self.place.scheduler.capacity.ram

    def _task(
        self, attempt: Attempt, plan: CommandPlan, layout: Layout, staging: Staging, container: Container | None
    ) -> Script:
        argv, shell, environment = plan.argv, plan.shell, plan.environment
        if container is not None:
            argv, environment = container.command(attempt.token, attempt.name, plan, layout, staging.mounts)
            shell = None
        task = Script(
            token=attempt.token,
            name=attempt.name,
            directory=attempt.directory,
            workdir=layout.place_outdir,
            argv=argv,
            shell=shell,
            environment=environment,
            stdin=_place_path(layout, staging, plan.stdin),
            stdout=_place_path(layout, staging, plan.stdout),
            stderr=_place_path(layout, staging, plan.stderr),
        )
        try:
            task.check()
        except ValueError as error:
            raise PlaceFailed(f"the command of {attempt.name} cannot be executed: {error}") from error
        return task

    async def _carried_out(
        self,
        attempt: Attempt,
        plan: CommandPlan,
        staging: Staging,
        task: Script,
        container: Container | None,
        allocation: Allocation,
    ) -> Ended:
        """Stage an attempt; when there is room for it, launch and await it."""
        connector, location = self.place.connector, self.place.location
        preparation = self._preparation(attempt, plan, staging, task)
        if not self.place.starts_tasks or not all(map(_is_light, preparation)):
            await connector.prepare(location.name, preparation)
            preparation = []
        turn = self.place.scheduler.turn(attempt.token, allocation)
        try:
            handle = await self._launched(attempt, _launch(attempt, plan, task, preparation), turn)
            if handle is None:
                await self._settled(attempt, plan, NOT_LAUNCHED, container)
                return NOT_LAUNCHED
            turn.running()
            self.ledger.launched(attempt, handle.native_id)
            self._tell_started(attempt)
            return await self._awaited(attempt, plan, handle, container)
        finally:
            turn.end()

    async def _launched(self, attempt: Attempt, launch: Launch, turn: Turn) -> Handle | None:
        """Launch an attempt when it is its turn; None when the run does not want it any more."""
        after = await turn.begin(may_follow=self.place.starts_tasks)
        if after is not None:
            try:
                return await self.place.connector.launch(self.place.location.name, replace(launch, after=after))
            except NotStarted:
                turn.end()
                await turn.begin(may_follow=False)
        if self.is_stopping() or attempt.job.path in self._unwanted:
            return None
        return await self.place.connector.launch(self.place.location.name, launch)

    def _preparation(self, attempt: Attempt, plan: CommandPlan, staging: Staging, task: Script) -> list[FileAction]:
        make = ActionKind.MAKE_DIRECTORY
        folders = [FileAction(make, attempt.directory + name) for name in ("", "/out", "/in", "/tmp")]
        streams = [_parent(attempt, plan, path) for path in (plan.stdout, plan.stderr)]
        actions = [*folders, *staging.actions, *[action for action in streams if action is not None]]
        if not self.place.starts_tasks:
            content = encode(script_text(task))
            actions.append(FileAction(ActionKind.WRITE, f"{attempt.directory}/{SCRIPT}", content=content, mode=0o700))
        return actions

    def _tell_started(self, attempt: Attempt) -> None:
        self.ledger.tell(
            Notice.JOB_STARTED,
            job=attempt.job.path,
            step=attempt.job.step,
            attempt=attempt.number,
            location=self.place.location.name,
        )

    async def _awaited(self, attempt: Attempt, plan: CommandPlan, handle: Handle, container: Container | None) -> Ended:
        """Await the end of an attempt that was launched."""
        connector, location = self.place.connector, self.place.location
        self._running[attempt.job.path] = _Running(self.place, location, handle)
        if attempt.job.path in self._unwanted:
            await connector.cancel(location.name, handle)
        try:
            ended = await connector.wait(location.name, handle)
        except asyncio.CancelledError:
            if not self.leaves_jobs:
                await connector.cancel(location.name, handle)
                await _removed(container, attempt)
            raise
        finally:
            self._running.pop(attempt.job.path, None)
        await self._settled(attempt, plan, ended, container)
        return ended

    async def _settled(self, attempt: Attempt, plan: CommandPlan, ended: Ended, container: Container | None) -> None:
        """Leave nothing behind of an attempt that ended: no secret, no container."""
        if plan.secrets:
            await self.place.connector.prepare(self.place.location.name, [*self._masked(attempt, plan)])
        if ended.ending in FAILURES:
            await _removed(container, attempt)

    def _masked(self, attempt: Attempt, plan: CommandPlan) -> Iterator[FileAction]:
        """Yield how to take the secrets of a job out of its script, and out of what it printed to its logs."""
        tree = self.place.connector.tree(self.place.location.name, attempt.directory)
        if tree.stat(SCRIPT) is not None:
            yield _blank(f"{attempt.directory}/{SCRIPT}")
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
    ) -> Succeeded | Failed:
        """Decide what an ended attempt amounts to, and collect its outputs when it went well."""
        tree = self.place.connector.tree(self.place.location.name, layout.place_outdir)
        failure = _failure(plan, ended)
        if failure is not None:
            cause = cause_of(attempt, plan, ended, self.place, container)
            return self._bad(attempt, ended, failure, cause, plan.request)
        try:
            outputs = await self._collected(code, plan, tree, ended.exit_code or 0)
        except RecrateError as error:
            return self._bad(attempt, ended, Failure.INVALID, error.render())
        return Succeeded(outputs, self.ledger.ended(attempt, ended, None, None))

    async def _collected(self, code: TaskCode, plan: CommandPlan, tree: WorkTree, exit_code: int) -> Values:
        """Collect the outputs of an attempt; off the event loop when that may take its time."""
        if self.place.starts_tasks and not code.uses_javascript and files.is_small(tree.root):
            return code.collect(plan, tree, exit_code)
        return await asyncio.to_thread(code.collect, plan, tree, exit_code)

    def _bad(
        self, attempt: Attempt, ended: Ended, failure: Failure, error: str, request: Request | None = None
    ) -> Failed:
        error = self.backoff.ended(attempt, failure, error, request, self._most)
        return Failed(failure, error, attempt.number, self.ledger.ended(attempt, ended, failure, error))


def _is_light(action: FileAction) -> bool:
    return action.kind in (ActionKind.MAKE_DIRECTORY, ActionKind.LINK)


def _launch(attempt: Attempt, plan: CommandPlan, task: Script, preparation: Sequence[FileAction]) -> Launch:
    return Launch(
        token=attempt.token,
        name=attempt.name,
        directory=attempt.directory,
        script=f"{attempt.directory}/{SCRIPT}",
        time_limit=plan.request.time_limit,
        task=task,
        preparation=preparation,
    )


async def _called(code: TaskCode, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function of the language; off the event loop when it may run JavaScript."""
    return await asyncio.to_thread(function, *arguments) if code.uses_javascript else function(*arguments)


async def _removed(container: Container | None, attempt: Attempt) -> None:
    """Make sure that the container of an attempt that was ended is gone."""
    if container is not None:
        await container.remove(attempt.token)


def _failure(plan: CommandPlan, ended: Ended) -> Failure | None:
    if ended.ending in FAILURES:
        return FAILURES[ended.ending]
    code = ended.exit_code
    if code in plan.success_codes:
        return None
    if code in plan.temporary_fail_codes:
        return Failure.TEMPORARY
    if code in plan.permanent_fail_codes:
        return Failure.FINAL
    return Failure.PERMANENT if ended.signal is None else Failure.SIGNAL


def _runtime(layout: Layout, request: Request, allocation: Allocation) -> Runtime:
    return Runtime(
        outdir=layout.outdir,
        tmpdir=layout.tmpdir,
        inputs=layout.inputs,
        cores=runtime_cores(request.resources, allocation),
        ram=allocation.ram,
        outdir_size=allocation.outdir,
        tmpdir_size=allocation.tmpdir,
        in_container=layout.in_container,
        gpus=allocation.gpus,
    )


def _parent(attempt: Attempt, plan: CommandPlan, path: str | None) -> FileAction | None:
    """Return how to make the directory of a stream that goes to a subdirectory of the output directory."""
    if path is None or "/" not in path[len(plan.runtime.outdir) :].lstrip("/"):
        return None
    below = path[len(plan.runtime.outdir) :].lstrip("/").rpartition("/")[0]
    return FileAction(ActionKind.MAKE_DIRECTORY, f"{attempt.directory}/out/{below}")


def _blank(script: str) -> FileAction:
    return FileAction(ActionKind.WRITE, script, content=b"# removed: the command held a secret\n", mode=0o600)


def _place_path(layout: Layout, staging: Staging, path: str | None) -> str | None:
    """Return where a stream's path of the job's view lies on the place."""
    if path is None:
        return None
    for mount in sorted(staging.mounts, key=_by_depth, reverse=True):
        if path == mount.target or path.startswith(mount.target.rstrip("/") + "/"):
            return mount.source + path[len(mount.target.rstrip("/")) :]
    return layout.on_place(path) or path


def _by_depth(mount: Mount) -> int:
    return len(mount.target)
