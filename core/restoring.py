"""Data that are needed and gone are had back: copied from where they still are, or made again.

Before a job uses a file, it is looked at: is it there, and is it what it was? What is not, is
restored to the very path that the record says, with the very content, so that nothing else of
the run needs to know. The jobs that this takes are the smallest set (`core.recovery`), and each
of their attempts is on record like any other, with the reason that it was made for. The state of
the run does not depend on it, so that a controller that is killed meanwhile has nothing to mend.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from ..connectors.base import HERE
from ..connectors.files import copy_file, remove_tree
from ..data_classes import dataclass
from ..errors import InputInvalid, OutputInvalid, RecrateError, StoreFailed
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.rows import AttemptRow, JobRow, ReplicaRow
from ..provenance.statements import Update
from ..provenance.states import Direction, JobState, ReplicaKind
from .attempts import Attempts
from .contents import Contents
from .journeys import Lost, Moving
from .ledger import Ledger
from .machine.events import Failure, RecoveryStarted
from .machine.paths import plain_path, step_path
from .model import Body, Task
from .observer import Notice
from .records import Job, references
from .recovery import NobodyMadeIt, jobs_to_redo
from .results import Failed, Succeeded
from .stored_tokens import TokenReader
from .uris import is_file_uri, is_placed_uri, split_placed_uri, to_path, to_placed_uri, to_uri
from .values import FileValue, Value, Values

TRIES = 3
"""How often a job is done again whose inputs get lost meanwhile."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file or directory that the record knows: its path, and the hash of its content.

    `storage` names the place that it was made at; the empty name is this machine.
    """

    path: str
    sha256: str
    is_directory: bool = False
    storage: str = HERE


def missing(value: Value) -> bool:
    """Tell whether a file in a value is not there at all."""
    return any(not os.path.lexists(content.path) for content in contents_of(value))


def contents_of(value: Value) -> list[Content]:
    """Return the files and directories of this machine in a value whose contents are on record, each once."""
    return [content for content in all_contents_of(value) if content.storage == HERE]


def all_contents_of(value: Value) -> list[Content]:
    """Return the files and directories in a value whose contents are on record, wherever they are, each once."""
    found: dict[Content, None] = {}
    for _, item in references(value):
        location, sha256 = item.get("location"), item.get("sha256")
        if isinstance(location, str) and isinstance(sha256, str):
            if is_file_uri(location):
                found[Content(to_path(location), sha256, item["class"] == "Directory")] = None
            elif is_placed_uri(location):
                storage, path = split_placed_uri(location)
                found[Content(path, sha256, item["class"] == "Directory", storage)] = None
    return list(found)


@dataclass(slots=True)
class Restorer:
    """Sees to it that data are there when they are needed."""

    body: Body
    ledger: Ledger
    attempts: Attempts
    contents: Contents
    connect: Callable[[], Database]
    """Opens a connection that only reads."""
    happened: Callable[..., Awaitable[None]]
    _reader: Database | None = None
    _redoing: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """By id of a job: its being done again."""

    async def ensure(self, value: Value) -> None:
        """Return when all files in a value are there with their contents.

        Raises InputInvalid when one cannot be had back, OutputInvalid when the job that made it
        now makes something else.
        """
        unsure = [content for content in contents_of(value) if not self._is_unchanged(content)]
        lost = await asyncio.to_thread(self._lost_among, unsure) if unsure else []
        if self.attempts.data is not None:
            await self._ensure_elsewhere(self.attempts.data, value)
        if not lost:
            return
        reader = self._database()
        lost = [content for content in lost if not self._was_changed_in_place(reader, content)]
        lacking = [content for content in lost if not self._copied_from_elsewhere(reader, content)]
        if lacking:
            await self._redo(reader, lacking)

    async def _ensure_elsewhere(self, data: Moving, value: Value) -> None:
        """Return when all files of other places in a value can be had."""
        gone = [_content(lost) for lost in await data.lost(value)]
        if gone:
            await self._redo(self._database(), gone)

    async def are_there(self, value: Value) -> bool:
        """Tell whether all files in a value are there with their contents; each is looked at."""
        if not all(map(self._is_there, contents_of(value))):
            return False
        if self.attempts.data is None:
            return True
        self.attempts.data.doubt(value)
        return not await self.attempts.data.lost(value)

    def close(self) -> None:
        """Give the connection to the store back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def cancel(self) -> None:
        """End what is being done again."""
        for job_id in list(self._redoing):
            await self.attempts.cancel(queries.get_job(self._database(), job_id).path)

    def _database(self) -> Database:
        if self._reader is None:
            self._reader = self.connect()
        return self._reader

    # -- what is there -------------------------------------------------------------------------

    def _is_unchanged(self, content: Content) -> bool:
        return not content.is_directory and self.contents.is_unchanged(content.path, content.sha256)

    def _lost_among(self, contents: Sequence[Content]) -> list[Content]:
        """Return those that are gone or changed; this may have to read them."""
        return [content for content in contents if not self._is_there(content)]

    def _is_there(self, content: Content) -> bool:
        return self.contents.is_intact(content.path, content.sha256, directory=content.is_directory)

    def _was_changed_in_place(self, reader: Database, content: Content) -> bool:
        """Tell whether another content that is on record lies at a path: a job was allowed to change it there."""
        for placed in queries.replicas_at(reader, content.path):
            other = placed.replica.sha256
            if other is not None and other != content.sha256 and placed.replica.run_id == self.ledger.run_id:
                return self.contents.is_intact(content.path, other, directory=content.is_directory)
        return False

    def _copied_from_elsewhere(self, reader: Database, content: Content) -> bool:
        """Put back a content that lies elsewhere too; False when it does not."""
        if not self._is_own(content.path):
            return False
        for placed in queries.replicas_of(reader, content.sha256):
            path = placed.replica.path
            if path == content.path or placed.replica.location_id != self.ledger.location.id:
                continue
            if self.contents.is_intact(path, content.sha256, directory=content.is_directory):
                self._put_back(content, path, link=False)
                return True
        return False

    def _is_own(self, path: str) -> bool:
        return path.startswith(f"{self.ledger.work_directory}/")

    def _put_back(self, content: Content, source: str, *, link: bool) -> None:
        """Make a content lie at its path again: all of it or nothing."""
        beside = f"{content.path}.recrate-{os.getpid()}"
        try:
            os.makedirs(os.path.dirname(content.path), exist_ok=True)
            remove_tree(beside)
            bring = _linked if link else copy_file
            if content.is_directory:
                shutil.copytree(source, beside, copy_function=bring)
                remove_tree(content.path)
            else:
                bring(source, beside)
            os.rename(beside, content.path)
        except OSError as error:
            raise InputInvalid(f"cannot put {content.path!r} back: {error.strerror or error}") from error
        self.ledger.recorder.put(self._replica(content, valid=True))

    def _replica(self, content: Content, *, valid: bool, kind: ReplicaKind = ReplicaKind.WORK) -> ReplicaRow:
        run, location = self.ledger.run_id, self.ledger.location.id
        return ReplicaRow(
            id=ids.replica_id(run, location, content.path, content.sha256),
            run_id=run,
            location_id=location,
            path=content.path,
            path_key=ids.path_key(content.path),
            sha256=content.sha256,
            size=None if content.is_directory or not valid else os.path.getsize(content.path),
            kind=kind if self._is_own(content.path) else ReplicaKind.INPUT,
            valid=valid,
        )

    def gone(self, value: Value) -> list[Update]:
        """Return what says in the store that files of a value which are not there any more are gone."""
        return self._gone([each for each in contents_of(value) if not os.path.lexists(each.path)])

    def _gone(self, lost: Sequence[Content]) -> list[Update]:
        here = (each for each in lost if each.storage == HERE)
        return [Update(ReplicaRow, (self._replica(each, valid=False).id,), {"valid": False}) for each in here]

    # -- what is made again --------------------------------------------------------------------

    async def _redo(self, reader: Database, lost: Sequence[Content]) -> None:
        """Have lost contents made again, by as few jobs as can be."""
        history = History(reader, self.ledger.run_id, self.tokens(reader))
        jobs = await self._jobs_to_redo(history, lost)
        todo = [job for job in jobs if job.id not in self._redoing]
        if todo:
            await self.happened(RecoveryStarted(tuple(job.path for job in todo)), *self._gone(lost))
            self.ledger.tell(Notice.WARNING, text=_told(lost, todo))
        for job in jobs:
            await self._redone(history, job)
        still = [content for content in lost if not await self._is_anywhere(content)]
        if still:
            raise _unrecoverable(still[0])

    async def _jobs_to_redo(self, history: History, lost: Sequence[Content]) -> list[JobRow]:
        """Return the jobs to be done again, in order. Raises InputInvalid when a content has no maker.

        What lies at other places is taken to be there until it is looked at, all of it at once.
        """
        gone = {content for content in lost if content.storage != HERE}
        while True:
            asked: dict[Content, None] = {}

            def is_there(content: Content, asked: dict[Content, None] = asked) -> bool:
                if content.storage == HERE:
                    return self._is_there(content)
                asked[content] = None
                return content not in gone

            try:
                jobs = jobs_to_redo(lost, is_there, history.maker, history.needs)
            except NobodyMadeIt as error:
                raise _unrecoverable(error.content) from error
            more = [content for content in asked if content not in gone and not await self._is_anywhere(content)]
            if not more:
                return jobs
            gone.update(more)

    async def _is_anywhere(self, content: Content) -> bool:
        if content.storage == HERE:
            return self._is_there(content)
        return self.attempts.data is not None and not await self.attempts.data.lost(_reference_to(content))

    async def _redone(self, history: History, job: JobRow) -> None:
        """Return when a job has been done again; whoever asks meanwhile waits for the same."""
        under_way = self._redoing.get(job.id)
        if under_way is not None:
            await asyncio.shield(under_way)
            return
        self._redoing[job.id] = under_way = asyncio.get_running_loop().create_future()
        try:
            await self._again(history, job)
        except BaseException as error:
            under_way.set_exception(error)
            under_way.exception()  # somebody has seen it, even when nobody waits
            raise
        else:
            under_way.set_result(None)
        finally:
            del self._redoing[job.id]

    async def _again(self, history: History, job: JobRow) -> None:
        """Carry out another attempt of a job that completed, and put what it makes where that was."""
        task = _task_at(self.body, job.path)
        inputs, chance = history.inputs(job), 0
        while True:
            await self.ensure(inputs)
            ended = await self._attempt(history, job, task, inputs)
            if isinstance(ended, Succeeded) and not missing(inputs):
                await self._compare(job, history.outputs(job, task), ended)
                return
            if isinstance(ended, Failed) and ended.failure is Failure.INTERRUPTED:
                continue
            chance += 1
            if chance == TRIES or await self.are_there(inputs):
                why = ended.error if isinstance(ended, Failed) else "its inputs were removed meanwhile"
                raise OutputInvalid(f"job {job.path} completed before, but done again it failed: {why}")

    async def _attempt(self, history: History, job: JobRow, task: Task, inputs: Values) -> Succeeded | Failed:
        known = Job(job.id, job.path, "", 0)
        number = self.attempts.adopted_number(job.path) or history.next_number(job)
        reason = "what it had made was needed and gone"
        ended = await self.attempts.attempt(known, number, task.code, inputs, (), self._intended, reason=reason)
        rows = [row for row in ended.rows if not (isinstance(row, Update) and row.row is JobRow)]
        await self.ledger.recorder.record(*rows)
        return ended

    async def _intended(self, _: Any, *rows: Any) -> None:
        """Put the intent of an attempt on record, which is no event of the run."""
        await self.ledger.recorder.record(*[row for row in rows if not isinstance(row, JobRow)])

    async def _compare(self, job: JobRow, before: Values, ended: Succeeded) -> None:
        """Put back what is lost of the outputs of a job; say when it does not do the same again."""
        if self.attempts.data is not None:
            self.ledger.recorder.put(*self.ledger.claims(ended.outputs))
        for port, value in before.items():
            now = dict(references(ended.outputs.get(port)))
            for pointer, item in references(value):
                await self._compare_one(job, item, now.get(pointer, {}))

    async def _compare_one(self, job: JobRow, before: FileValue, now: FileValue) -> None:
        for content in all_contents_of({name: part for name, part in before.items() if name not in NESTED}):
            same = now.get("sha256") == content.sha256
            if not same and not await self._is_anywhere(content):
                raise _not_deterministic(job, content, now)
            if content.storage == HERE and not self._is_there(content):
                if self.attempts.data is not None:
                    now = (await self.attempts.data.home({"file": now}))["file"]
                self._put_back(content, to_path(now["location"]), link=True)
            elif not same:
                self.ledger.tell(Notice.WARNING, text=_not_deterministic(job, content, now).render())

    def tokens(self, reader: Database) -> TokenReader:
        """Return what reads the tokens of earlier jobs."""
        return TokenReader(reader, has_secrets=bool(self.ledger.redactor.secrets))


NESTED = ("secondaryFiles", "listing")


@dataclass(slots=True)
class History:
    """What the store knows of the jobs of a run that made something."""

    reader: Database
    run_id: str
    tokens: TokenReader
    _inputs: dict[str, Values] = field(default_factory=dict)

    def maker(self, content: Content) -> JobRow | None:
        """Return the job that made a content, which is none that only passed it on."""
        for location, sha256 in _places_of(content):
            for job in queries.makers(self.reader, self.run_id, location, sha256):
                if job.state in (JobState.COMPLETED, JobState.CACHED) and content not in self.needs(job):
                    return job
        return None

    def needs(self, job: JobRow) -> list[Content]:
        """Return the contents that a job needs."""
        return all_contents_of(self.inputs(job))

    def inputs(self, job: JobRow) -> Values:
        """Return the values that a job was given. Raises InputInvalid when one held a secret."""
        if job.id not in self._inputs:
            self._inputs[job.id] = self._values(queries.used_by(self.reader, job.id, Direction.INPUT))
        return self._inputs[job.id]

    def outputs(self, job: JobRow, task: Task) -> Values:
        """Return the values that a job made."""
        made = queries.outputs(self.reader, job)
        return self._values({port: made[port] for port in task.outputs if port in made})

    def next_number(self, job: JobRow) -> int:
        """Return the number of the next attempt of a job."""
        found = self.reader.one(f"SELECT max(number) FROM {AttemptRow.TABLE} WHERE job_id = ?", (job.id,))
        return 1 if found is None or found[0] is None else int(found[0]) + 1

    def _values(self, rows: Mapping[str, Any]) -> Values:
        try:
            tokens = self.tokens.read(row.id for row in rows.values())
        except StoreFailed as error:
            raise InputInvalid(error.problem, hint=error.hint) from error
        return {port: tokens[row.id].value for port, row in rows.items()}


def _places_of(content: Content) -> Iterator[tuple[str, str | None]]:
    """Yield as what a content may stand in the outputs of a job: as itself, or within a directory."""
    yield _uri(content.storage, content.path), content.sha256
    path = os.path.dirname(content.path)
    while path != "/":
        yield _uri(content.storage, path), None
        path = os.path.dirname(path)


def _uri(storage: str, path: str) -> str:
    return to_uri(path) if storage == HERE else to_placed_uri(storage, path)


def _reference_to(content: Content) -> FileValue:
    kind = "Directory" if content.is_directory else "File"
    return {"class": kind, "location": _uri(content.storage, content.path), "sha256": content.sha256}


def _content(lost: Lost) -> Content:
    return Content(lost.replica.path, lost.sha256, lost.is_directory, lost.replica.storage)


def _task_at(body: Body, path: str) -> Task:
    """Return the body of the job at a path."""
    for name in plain_path(path).strip("/").split("/"):
        if name and not isinstance(body, Task):
            body = next(step.body for step in body.steps.values() if step_path("/", step.name) == f"/{name}")
    assert isinstance(body, Task)
    return body


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        return copy_file(source, target)
    return target


def _told(lost: Iterable[Content], jobs: Sequence[JobRow]) -> str:
    paths = [content.path for content in lost]
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    shown = ", ".join(job.path for job in jobs[:5]) + (", ..." if len(jobs) > 5 else "")
    return f"{paths[0]!r}{more} is gone or changed; done again to have it back: {shown}"


def _unrecoverable(content: Any) -> RecrateError:
    return InputInvalid(
        f"{content.path!r} is gone or not what it was (sha256 {content.sha256[:12]}), and no job of this run made it",
        hint="put it back, then: recrate resume",
    )


def _not_deterministic(job: JobRow, content: Content, now: FileValue) -> RecrateError:
    made = str(now.get("sha256") or "nothing")[:12]
    return OutputInvalid(
        f"job {job.path} is not deterministic: done again, it made other content for "
        f"{os.path.basename(content.path)!r} (sha256 {content.sha256[:12]} before, {made} now)"
    )
