"""Slurm by its commands: sbatch, squeue, scontrol, sacct and scancel, run on a host of the cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ..base import Completed, Figures, Forecast, Launch
from ..queues.manager import Phase, QueueJob, Submission
from . import answers, options
from .refusals import hint_for, refusal, said
from .states import waits_for

Run = Callable[[Sequence[str], bytes, float], Awaitable[Completed]]
"""Runs a command with an input, for at most so many seconds."""

ANSWER_SECONDS = 120.0
MOST_IDS = 1000
"""So many ids go into one command."""
DEFAULT_ARRAY_SIZE = 1001
_AROUND = (
    'PATH="$PATH:/usr/bin:/usr/local/bin:/opt/slurm/bin:/usr/local/slurm/bin:/opt/slurm/current/bin"; '
    "export PATH LC_ALL=C SLURM_TIME_FORMAT=%s SLURM_BITSTR_LEN=0; "
    "unset SQUEUE_FORMAT SQUEUE_FORMAT2 SQUEUE_STATES SQUEUE_PARTITION SQUEUE_USERS SQUEUE_ACCOUNT SQUEUE_QOS "
    "SQUEUE_NAMES SQUEUE_SORT SQUEUE_LICENSES SACCT_FORMAT; "
    'command -v "$1" >/dev/null || exit 127; exec "$@"'
)
"""Slurm is often not in the PATH of a shell that nobody has logged in to; settings of the user's must not change
what its commands print."""


@dataclass(slots=True)
class SlurmCommands:
    """Slurm by its commands."""

    place: str
    """How the place is called in errors."""
    run: Run
    clusters: str | None = None
    """For --clusters, where one controller's commands reach others."""
    most_elements: int = DEFAULT_ARRAY_SIZE - 1
    accounts: bool = False
    keeps_umask: ClassVar[bool] = True
    version: str | None = None
    _user: str = ""
    _completions: str | None = None

    async def look(self) -> None:
        """Find out whether Slurm is there, and what it can do."""
        config = answers.parse_config(await self._asked("scontrol", "show", "config"))
        self.version = config.get("SLURM_VERSION")
        self.accounts = config.get("AccountingStorageType", "").endswith(("slurmdbd", "mysql"))
        size = config.get("MaxArraySize", "")
        self.most_elements = max(1, min(int(size) if size.isdigit() else DEFAULT_ARRAY_SIZE, 10_001) - 1)
        if config.get("JobCompType") == "jobcomp/filetxt":
            self._completions = config.get("JobCompLoc")
        user = await self.run(["id", "-u"], b"", ANSWER_SECONDS)
        self._user = user.stdout.decode("ascii", "replace").strip()

    def options(self, service: options.Options, launches: Sequence[Launch]) -> options.Options:
        """Return what a queue's job asks for that carries out some attempts one after the other."""
        return options.job_options(service, launches)

    async def submit(self, submission: Submission) -> Sequence[str]:
        """Submit one job or an array."""
        printed = await self._asked("sbatch", "--parsable", *self._arguments(submission), stdin=submission.script)
        base = answers.parse_submitted(printed)
        if base is None:
            raise PlaceFailed(f"{self.place}: sbatch did not say the id of the job: {printed.strip()!r}")
        return [base] if submission.elements is None else [f"{base}_{index}" for index in range(submission.elements)]

    def _arguments(self, submission: Submission) -> list[str]:
        name = str(submission.options.get("jobName", submission.name))
        asked = {key: value for key, value in submission.options.items() if key != "jobName"}
        array = [] if submission.elements is None else [f"--array=0-{submission.elements - 1}"]
        fixed = ["--output=/dev/null", "--error=/dev/null", "--input=/dev/null", "--chdir=/"]
        own = [f"--job-name={options.clean_name(name)}", f"--comment={submission.note}", *array, *fixed]
        return [*options.arguments(asked), *submission.flags, *own]

    async def listed(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return some jobs of the user's that are not over, or not forgotten; of very many, only those not over.

        Of a single submission Slurm's controller looks at nothing else, however many jobs it remembers.
        """
        wanted = frozenset(native_ids)
        bases = list(dict.fromkeys(native_id.partition("_")[0] for native_id in native_ids))
        if len(bases) == 1:
            return answers.parse_queue(await self._of_jobs(bases), wanted)
        chosen = [f"--jobs={','.join(bases)}", "--states=all"] if len(bases) <= MOST_IDS else []
        return answers.parse_queue(await self._queue(*chosen), wanted)

    async def remembered(self) -> Sequence[QueueJob]:
        """Return the user's jobs that the controller still remembers, over or not."""
        return list(answers.parse_queue(await self._queue("--array", "--states=all")).values())

    async def _queue(self, *more: str) -> str:
        asked = ["--noheader", "--all", f"--user={self._user}", *self._clusters(), *more]
        return await self._asked("squeue", *asked, f"--format={answers.QUEUE_FORMAT}")

    async def _of_jobs(self, ids: Sequence[str], *more: str) -> str:
        """Return what squeue says of some jobs, over or not; those that it has forgotten are missing."""
        asked = [f"--jobs={','.join(ids)}", "--noheader", "--all", "--states=all", *self._clusters(), *more]
        return await self._tried("squeue", *asked, f"--format={answers.QUEUE_FORMAT}")

    async def details(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return all that is known of some jobs: from squeue where they went well, else from whoever knows more."""
        found: dict[str, QueueJob] = {}
        for ids in _portions(native_ids):
            found.update(answers.parse_queue(await self._of_jobs(ids, "--array"), frozenset(ids)))
        more = [native_id for native_id in native_ids if native_id not in found or not found[native_id].phase.is_plain]
        if more:
            found.update(await self._explained(more))
        return found

    async def _explained(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        wanted = set(native_ids)
        known: dict[str, QueueJob] = {}
        for base in dict.fromkeys(native_id.partition("_")[0] for native_id in native_ids):
            text = await self._tried("scontrol", *self._clusters(), "--oneliner", "show", "job", base)
            known.update(answers.parse_control(text))
        known = {native_id: job for native_id, job in known.items() if native_id in wanted}
        asked = [
            native_id
            for native_id in native_ids
            if native_id not in known or known[native_id].phase in (Phase.CANCELLED, Phase.REQUEUED)
        ]
        for native_id, job in (await self._accounted(asked)).items() if asked else ():
            known[native_id] = _together(known.get(native_id), job)
        return known

    async def _accounted(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return what the accounts, or the log of completions, say of jobs."""
        if self.accounts:
            return (await self._accounts(native_ids))[0]
        if self._completions is None:
            return {}
        numbers = "|".join(sorted({native_id.partition("_")[0] for native_id in native_ids}))
        pattern = f"^JobId=({numbers}) |ArrayJobId=({numbers}) "
        done = await self.run(["grep", "-E", "-e", pattern, "--", self._completions], b"", ANSWER_SECONDS)
        jobs = answers.parse_completions(done.stdout.decode("utf-8", "replace"))
        return {native_id: job for native_id, job in jobs.items() if native_id in set(native_ids)}

    async def usage(self, native_ids: Sequence[str]) -> Mapping[str, Figures]:
        """Return what jobs have used, of those that the accounts know to be over."""
        return (await self._accounts(native_ids))[1] if self.accounts and native_ids else {}

    async def _accounts(self, native_ids: Sequence[str]) -> tuple[Mapping[str, QueueJob], Mapping[str, Figures]]:
        jobs: dict[str, QueueJob] = {}
        figures: dict[str, Figures] = {}
        for ids in _portions(native_ids):
            asked = ["--noheader", "--parsable2", "--duplicates", f"--format={answers.USAGE_FIELDS}", *self._clusters()]
            text = await self._tried("sacct", *asked, f"--jobs={','.join(ids)}")
            some, used = answers.parse_accounts(text)
            jobs.update(some)
            figures.update(used)
        return jobs, figures

    async def cancel(self, native_ids: Sequence[str]) -> None:
        """End jobs, in one command for many."""
        for ids in _portions(native_ids):
            await self._tried("scancel", *self._clusters(), *ids)

    def in_words(self, job: QueueJob) -> str | None:
        """Return what a job that waits is waiting for."""
        return waits_for(job)

    async def forecast(self, submission: Submission) -> Forecast:
        """Ask `sbatch --test-only`, which submits nothing; what waits for ever is told from what it asks for."""
        done = await self._command("sbatch", "--test-only", *self._arguments(submission), stdin=submission.script)
        text = said(done.stderr)
        if done.code != 0:
            hint = hint_for(text)
            if hint is not None and "controller" in hint:
                raise refusal(self.place, "sbatch", done.code, done.stderr)
            return Forecast(refusal=f"{text} ({hint})" if hint else text)
        found = re.search(r"to start at (\S+)", text)
        return Forecast(start=_local_instant(found[1]) if found else None)

    def _clusters(self) -> list[str]:
        return [] if self.clusters is None else [f"--clusters={self.clusters}"]

    async def _asked(self, program: str, *arguments: str, stdin: bytes = b"") -> str:
        """Return what a command printed. Raises PlaceFailed with what it said."""
        done = await self._command(program, *arguments, stdin=stdin)
        if done.code != 0:
            raise refusal(self.place, program, done.code, done.stderr)
        return done.stdout.decode("utf-8", "replace")

    async def _tried(self, program: str, *arguments: str) -> str:
        """Return what a command printed, also when some of the jobs that it was asked about are forgotten."""
        done = await self._command(program, *arguments)
        if done.code != 0 and re.search(rb"[Ii]nvalid job id|already completing|already finished", done.stderr) is None:
            raise refusal(self.place, program, done.code, done.stderr)
        return done.stdout.decode("utf-8", "replace")

    async def _command(self, program: str, *arguments: str, stdin: bytes = b"") -> Completed:
        return await self.run(["sh", "-c", _AROUND, "recrate", program, *arguments], stdin, ANSWER_SECONDS)


def _together(live: QueueJob | None, accounted: QueueJob) -> QueueJob:
    """Return a job as the controller and the accounts know it.

    Of one that was put back, the accounts say why; of one that was cancelled, by whom.
    """
    if live is None:
        return accounted
    if live.phase is Phase.REQUEUED:
        told = accounted.phase in (Phase.PREEMPTED, Phase.NODE_FAILED)
        return replace(live, phase=accounted.phase, word=accounted.word) if told else live
    return replace(live, by=accounted.by)


def _portions(native_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (native_ids[start : start + MOST_IDS] for start in range(0, len(native_ids), MOST_IDS))


def _local_instant(text: str) -> float | None:
    """Return an instant that sbatch prints as `2026-11-26T05:45:22`, or as seconds since 1970."""
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return None
