"""What Slurm's commands print, as data. Lines that are not understood are passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from ..base import Figures
from ..queues.manager import Phase, QueueJob
from .states import phase_of

QUEUE_FORMAT = "%i|%T|%M|%N|%r|%k"
"""For squeue(1) --format: id, state, time used, nodes, reason, comment."""
USAGE_FIELDS = "JobID,State,Start,End,TotalCPU,MaxRSS,AveDiskRead,AveDiskWrite,ExitCode,NodeList"
"""For sacct(1) --format."""
MOST_INDICES = 1_000_000
_ID = re.compile(r"(\d+)(?:_(\d+|\[[^\]]*\]))?")
_SUFFIXES = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def parse_submitted(text: str) -> str | None:
    """Return the id that `sbatch --parsable` prints: `17`, or `17;cluster`."""
    lines = text.strip().split("\n")
    found = re.fullmatch(r"(\d+)(?:;.*)?", lines[-1].strip()) if lines else None
    return None if found is None else found[1]


def parse_queue(text: str, wanted: Set[str] | None = None) -> Mapping[str, QueueJob]:
    """Return the jobs that `squeue --format=QUEUE_FORMAT` lists; elements of arrays that wait are each one.

    `wanted` are the ids of those that are returned; None: all.
    """
    jobs: dict[str, QueueJob] = {}
    for line in text.split("\n"):
        parts = line.split("|", 5)
        if len(parts) == 6:
            found = [each for each in expand(parts[0]) if wanted is None or each[0] in wanted]
            if found:
                jobs.update(_queued(found, parts[1:]))
    return jobs


def _queued(ids: Sequence[tuple[str, int]], parts: Sequence[str]) -> Iterator[tuple[str, QueueJob]]:
    """Yield the jobs of a line, which differ in nothing but their indices."""
    word, used, nodes, reason, note = parts
    phase, ran = phase_of(word, reason), parse_span(used)
    known_reason, known_note, known_nodes = _known(reason), _known(note), _known(nodes)
    for native_id, element in ids:
        yield native_id, QueueJob(native_id, phase, word, known_reason, known_note, element, known_nodes, ran=ran)


def expand(text: str) -> Iterator[tuple[str, int]]:
    """Yield id and index of each job of `17`, `17_4` or `17_[0-4,9,20-30:5%3]`."""
    found = _ID.fullmatch(text.strip())
    if found is None:
        return
    base, index = found[1], found[2]
    if index is None:
        yield base, 0
    elif not index.startswith("["):
        yield f"{base}_{index}", int(index)
    else:
        for number in _indices(index.strip("[]").partition("%")[0]):
            yield f"{base}_{number}", number


def _indices(text: str) -> Iterator[int]:
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+)(?::(\d+))?)?", part)
        if found is not None:
            first = int(found[1])
            last = min(int(found[2] or first), first + MOST_INDICES)
            yield from range(first, last + 1, int(found[3] or 1) or 1)


def parse_control(text: str) -> Mapping[str, QueueJob]:
    """Return the jobs of `scontrol --oneliner show job`, by the ids that squeue calls them by."""
    jobs: dict[str, QueueJob] = {}
    for line in text.split("\n"):
        fields = _fields(line)
        if "JobId" in fields and "JobState" in fields:
            base, index = fields.get("ArrayJobId", fields["JobId"]), fields.get("ArrayTaskId")
            for native_id, element in expand(base if index is None else _element(base, index)):
                jobs[native_id] = _controlled(native_id, element, fields)
    return jobs


def _element(base: str, index: str) -> str:
    return f"{base}_{index}" if index.isdigit() else f"{base}_[{index}]"


def _fields(line: str) -> dict[str, str]:
    """Return the fields of a line `Key=Value Key=Value`; of a key that stands there twice the first counts."""
    fields: dict[str, str] = {}
    for word in line.split():
        key, equals, value = word.partition("=")
        if equals:
            fields.setdefault(key, value)
    return fields


def _controlled(native_id: str, element: int, fields: Mapping[str, str]) -> QueueJob:
    word, reason = fields["JobState"], fields.get("Reason")
    restarts = int(fields["Restarts"]) if fields.get("Restarts", "").isdigit() else 0
    code, signal = parse_code(fields.get("ExitCode", ""))
    return QueueJob(
        native_id,
        phase_of(word, reason, restarts),
        word,
        reason=_known(reason),
        note=_known(fields.get("Comment")),
        element=element,
        nodes=_known(fields.get("NodeList")),
        exit_code=code,
        signal=signal,
        restarts=restarts,
        ran=parse_span(fields.get("RunTime", "")),
        started=_instant(fields.get("StartTime")),
        ended=_instant(fields.get("EndTime")),
    )


def parse_completions(text: str) -> Mapping[str, QueueJob]:
    """Return the jobs of a log of jobcomp/filetxt, which has the fields of scontrol; its instants are local times."""
    return {native_id: replace(job, started=None, ended=None) for native_id, job in parse_control(text).items()}


def parse_accounts(text: str) -> tuple[Mapping[str, QueueJob], Mapping[str, Figures]]:
    """Return jobs and what they used, of `sacct --parsable2 --format=USAGE_FIELDS`.

    A job has a line of its own, and one for each of its steps; memory and bytes stand in those.
    """
    jobs: dict[str, QueueJob] = {}
    steps: dict[str, list[dict[str, str]]] = {}
    for line in text.split("\n"):
        row = dict(zip(USAGE_FIELDS.split(","), line.split("|"), strict=False))
        native_id, _, step = row["JobID"].partition(".")
        if len(row) < 8 or _ID.fullmatch(native_id) is None:
            continue
        steps.setdefault(native_id, []).append(row)
        if not step:
            for each, element in expand(native_id):
                jobs[each] = _latest(jobs.get(each), _accounted(each, element, row))
    return jobs, {native_id: _figures(rows) for native_id, rows in steps.items() if _is_over(jobs.get(native_id))}


def _latest(earlier: QueueJob | None, later: QueueJob) -> QueueJob:
    """Return what counts of two records of a job: the later one, unless it only says that a job waits that was cut off.

    A job that is put back has a record for each time that it was in the queue.
    """
    cut_off = earlier is not None and earlier.phase in (Phase.PREEMPTED, Phase.NODE_FAILED)
    return earlier if earlier is not None and cut_off and not later.phase.is_over else later


def _is_over(job: QueueJob | None) -> bool:
    return job is not None and job.phase.is_over


def _accounted(native_id: str, element: int, row: Mapping[str, str]) -> QueueJob:
    word, _, by = row["State"].partition(" by ")
    code, signal = parse_code(row.get("ExitCode", ""))
    return QueueJob(
        native_id,
        phase_of(word),
        word,
        element=element,
        nodes=_known(row.get("NodeList")),
        exit_code=code,
        signal=signal,
        started=_instant(row.get("Start")),
        ended=_instant(row.get("End")),
        by=f"the user with id {by}" if by else None,
    )


def _figures(rows: list[dict[str, str]]) -> Figures:
    def most(name: str) -> int | None:
        return max((amount for row in rows if (amount := parse_amount(row.get(name, ""))) is not None), default=None)

    return Figures(
        started=_instant(rows[0].get("Start")),
        ended=_instant(rows[0].get("End")),
        cpu_seconds=parse_span(rows[0].get("TotalCPU", "")),
        peak_rss=most("MaxRSS"),
        bytes_read=most("AveDiskRead"),
        bytes_written=most("AveDiskWrite"),
    )


def parse_span(text: str) -> float | None:
    """Return the seconds of `1-02:03:04`, `02:03`, `00:01.577`."""
    found = re.fullmatch(r"(?:(\d+)-)?(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)", text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = found.groups()
    if days is not None and minutes is None:
        return None
    return int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)


def parse_amount(text: str) -> int | None:
    """Return the bytes of `3296K`, `152.61M` or `0`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGTP]?)", text.strip())
    return None if found is None else round(float(found[1]) * 1024 ** _SUFFIXES[found[2]])


def parse_code(text: str) -> tuple[int | None, int | None]:
    """Return exit code and signal of `3:0`, `0:9`; a signal above 64 is one of Slurm's own marks."""
    found = re.fullmatch(r"(\d+):(\d+)", text.strip())
    if found is None:
        return None, None
    signal = int(found[2])
    return int(found[1]), signal if 0 < signal <= 64 else None


def parse_config(text: str) -> Mapping[str, str]:
    """Return the settings that `scontrol show config` prints, `Name = value` a line."""
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _known(text: str | None) -> str | None:
    return None if text in (None, "", "(null)", "N/A", "None", "None assigned") else text


def _instant(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
