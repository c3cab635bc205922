"""Slurm by PySlurm (extra `slurm`), where the controller runs on a host of the cluster.

Written against the API of PySlurm 25.11: `JobSubmitDescription`, `Jobs`, `Job`, `db.Jobs`, `RPCError`.
PySlurm works with exactly the release of Slurm that it was built for. It cancels jobs by number alone,
and an element of an array that waits has none; so there are no arrays here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from ...data_classes import dataclass
from ...errors import DocumentInvalid, PlaceFailed, Unsupported
from ..base import Figures, Forecast, Launch
from ..queues.manager import Phase, QueueJob, Submission
from . import options
from .fields import LIBRARY, as_fields
from .refusals import hint_for
from .states import phase_of, waits_for

T = TypeVar("T")
LISTS = frozenset({"partitions", "reservations", "excluded_nodes", "required_nodes", "licenses"})
"""Attributes that are lists, where sbatch has words separated by commas."""


def load_library() -> Any:
    """Return the module `pyslurm`. Raises Unsupported when it is not there, or does not fit the cluster's Slurm."""
    try:
        import pyslurm
    except ImportError as error:
        raise Unsupported(
            f"`via: pyslurm` needs the package pyslurm, built for the Slurm of this host: {error}",
            hint="pip install 'recrate[slurm]', or use `via: commands`",
        ) from error
    return pyslurm


@dataclass(slots=True)
class SlurmLibrary:
    """Slurm by PySlurm."""

    place: str
    library: Any
    """The module `pyslurm`."""
    most_elements: int = 1
    accounts: bool = False
    keeps_umask: ClassVar[bool] = False

    async def look(self) -> None:
        """Ask the controller for its settings."""
        config = await self._called(self.library.slurmctld.Config.load)
        self.accounts = "slurmdbd" in str(getattr(config, "accounting_storage_type", "") or "")

    def options(self, service: options.Options, launches: Sequence[Launch]) -> options.Options:
        """Return what a queue's job asks for that carries out some attempts one after the other."""
        asked = options.job_options(service, launches)
        as_fields(asked, LIBRARY, "PySlurm")
        return asked

    async def submit(self, submission: Submission) -> Sequence[str]:
        """Submit one job."""
        if submission.flags:
            raise DocumentInvalid("'flags' cannot be given through PySlurm", hint="use `via: commands`")
        fields = self._fields(submission)

        def submitted() -> Any:
            return self.library.JobSubmitDescription(**fields).submit()

        return [str(await self._called(submitted))]

    def _fields(self, submission: Submission) -> dict[str, Any]:
        fields: dict[str, Any] = as_fields(submission.options, LIBRARY, "PySlurm")
        for name in LISTS & fields.keys():
            fields[name] = str(fields[name]).split(",")
        if isinstance(fields.get("resource_sharing"), bool):
            fields["resource_sharing"] = "no" if fields["resource_sharing"] else "yes"
        streams = dict.fromkeys(("standard_in", "standard_output", "standard_error"), "/dev/null")
        name = options.clean_name(str(fields.get("name", submission.name)))
        script = submission.script.decode("utf-8", "surrogateescape")
        fixed = {"name": name, "script": script, "comment": submission.note, "working_directory": "/"}
        return {**fields, **fixed, **streams}

    async def listed(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return some jobs of the user's that the controller still remembers."""
        wanted = frozenset(native_ids)
        return {job.native_id: job for job in await self.remembered() if job.native_id in wanted}

    async def remembered(self) -> Sequence[QueueJob]:
        """Return the user's jobs that the controller still remembers."""

        def read() -> list[QueueJob]:
            user = os.getuid()
            return [_queue_job(job) for job in self.library.Jobs.load().values() if job.user_id == user]

        return await self._called(read)

    async def details(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return all that is known of some jobs; the accounts know those that the controller has forgotten."""
        found = dict(await self.listed(native_ids))
        missing = [native_id for native_id in native_ids if _is_to_be_asked_about(found.get(native_id))]
        if missing and self.accounts:
            for job in await self._accounted(missing):
                known = _accounted_job(job)
                live = found.get(known.native_id)
                found[known.native_id] = known if live is None or known.phase.is_over else live
        return found

    async def usage(self, native_ids: Sequence[str]) -> Mapping[str, Figures]:
        """Return what jobs have used, of those that the accounts know to be over."""
        if not self.accounts or not native_ids:
            return {}
        jobs = await self._accounted(native_ids)
        return {str(job.id): _figures(job) for job in jobs if _accounted_job(job).phase.is_over}

    async def _accounted(self, native_ids: Sequence[str]) -> list[Any]:
        def read() -> list[Any]:
            wanted = self.library.db.JobFilter(ids=[int(native_id) for native_id in native_ids])
            return list(self.library.db.Jobs.load(wanted).values())

        return await self._called(read)

    async def cancel(self, native_ids: Sequence[str]) -> None:
        """End jobs; those that are over are no error."""

        def end_all() -> None:
            for native_id in native_ids:
                try:
                    self.library.Job(int(native_id)).cancel()
                except self.library.RPCError as error:
                    if not _is_over_already(str(error)):
                        raise

        await self._called(end_all)

    def in_words(self, job: QueueJob) -> str | None:
        """Return what a job that waits is waiting for."""
        return waits_for(job)

    async def forecast(self, submission: Submission) -> Forecast:
        """Return nothing but that the options can be: PySlurm has no trial submission."""
        self._fields(submission)
        return Forecast()

    async def _called(self, function: Callable[[], T]) -> T:
        """Return what a function of PySlurm gives, which blocks. Raises PlaceFailed for what Slurm refuses."""
        try:
            return await asyncio.to_thread(function)
        except (self.library.RPCError, ValueError, OSError) as error:
            text = str(error)
            raise PlaceFailed(f"{self.place}: Slurm says: {text}", hint=hint_for(text)) from error


def _is_over_already(text: str) -> bool:
    return any(words in text.lower() for words in ("already completing", "invalid job id", "already finished"))


def _is_to_be_asked_about(job: QueueJob | None) -> bool:
    return job is None or job.phase in (Phase.CANCELLED, Phase.REQUEUED)


def _queue_job(job: Any) -> QueueJob:
    reason = None if job.state_reason in (None, "", "None") else str(job.state_reason)
    return QueueJob(
        str(job.id),
        phase_of(job.state, reason, job.requeue_count or 0),
        job.state,
        reason=reason,
        note=job.comment,
        nodes=job.allocated_nodes,
        exit_code=job.exit_code,
        signal=job.exit_code_signal or None,
        restarts=job.requeue_count or 0,
        ran=job.run_time,
        started=job.start_time,
        ended=job.end_time,
    )


def _accounted_job(job: Any) -> QueueJob:
    by = job.cancelled_by
    return QueueJob(
        str(job.id),
        phase_of(job.state),
        job.state,
        note=job.comment,
        nodes=job.nodelist,
        exit_code=job.exit_code,
        signal=job.exit_code_signal or None,
        restarts=job.requeue_count or 0,
        started=job.start_time,
        ended=job.end_time,
        by=f"the user {by}" if by and job.state == "CANCELLED" else None,
    )


def _figures(job: Any) -> Figures:
    steps: Iterable[Any] = job.steps.values() if job.steps else ()
    peaks = [step.stats.max_resident_memory for step in steps if step.stats is not None]
    return Figures(
        started=job.start_time,
        ended=job.end_time,
        cpu_seconds=job.stats.total_cpu_time if job.stats else None,
        peak_rss=max(filter(None, peaks), default=None),
        bytes_read=job.stats.disk_read if job.stats else None,
        bytes_written=job.stats.disk_write if job.stats else None,
    )
