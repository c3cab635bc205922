"""How an attempt ended: what the queue says, what its directory tells, and which of them counts.

The queue's word that a job ended badly outweighs a result record that says that the command ended
well: nothing that may be partial is trusted. The record's word outweighs the queue's when it is the
worse one.
"""

from __future__ import annotations

import math
from dataclasses import replace

from .. import wrapper
from ..base import Ended, Ending, Figures
from ..outcome import EPOCH_FROM
from .manager import Phase, QueueJob
from .reports import OUT_OF_MEMORY, OVER, TIMED_OUT, Report

ENDINGS = {
    Phase.TIMED_OUT: Ending.TIMED_OUT,
    Phase.OUT_OF_MEMORY: Ending.OUT_OF_MEMORY,
    Phase.CANCELLED: Ending.CANCELLED,
    Phase.NODE_FAILED: Ending.NODE_FAILED,
    Phase.PREEMPTED: Ending.PREEMPTED,
    Phase.REQUEUED: Ending.REQUEUED,
}
"""What follows from a queue's word alone."""
GIVEN_UP = "it was given up before it started"
RESTARTED = "its queue started it again after it had begun, which no attempt is"


def judge(report: Report, job: QueueJob | None, token: str, *, shared: bool = False) -> Ended | None:
    """Return how an attempt ended; None when that cannot be said yet.

    `job` is None when the queue does not know it, or gives no answer. With `shared` the queue's job
    carries out other attempts too, so that its end says nothing about one that has a record.
    """
    record = wrapper.parse_record(report.record, token)
    if report.given_up:
        return Ended(Ending.CANCELLED) if report.cancel is not None else Ended(Ending.LOST, message=GIVEN_UP)
    if record is not None and (shared or job is None) and OVER in report.marks:
        return _recorded(report, record)
    if job is None or not (job.phase.is_over or job.phase is Phase.REQUEUED):
        return None
    if job.phase in ENDINGS:
        if job.phase is Phase.REQUEUED and not report.claimed:
            return None
        if shared and not report.claimed and report.cancel is None:
            return lost(report, job, job.native_id)
        return _by_queue(report, record, job)
    if record is None:
        return _without_record(report, job)
    ended = _recorded(report, record)
    if job.phase is Phase.FAILED and not shared and ended.ending is Ending.EXITED and ended.exit_code == 0:
        return replace(ended, exit_code=job.exit_code or 1, message=f"the command ended well, but {_said(job)}")
    return ended


def forgotten(report: Report, token: str, what: str) -> Ended:
    """Return the end of an attempt whose job the queue does not know any more."""
    record = wrapper.parse_record(report.record, token)
    return lost(report, None, what) if record is None else _recorded(report, record)


def lost(report: Report, job: QueueJob | None, what: str) -> Ended:
    """Return the end of an attempt that left no result record, and never will."""
    if report.cancel is not None:
        return Ended(Ending.TIMED_OUT if report.cancel == "time" else Ending.CANCELLED)
    if job is None:
        begun = "left no result record" if report.claimed else "had not begun: it may have been cancelled"
        return Ended(Ending.LOST, message=f"{what} is no longer known to the queue, and {begun}")
    if job.restarts:
        return Ended(Ending.REQUEUED, message=f"{_said(job)}: {RESTARTED}")
    where = "" if report.claimed else ", before the command began"
    return Ended(Ending.LOST, message=f"{_said(job)}, and left no result record{where}")


def _without_record(report: Report, job: QueueJob) -> Ended | None:
    """Return the end of a job that left no record, when it is certain that none will appear: file systems may lag."""
    return lost(report, job, job.native_id) if job.restarts else None


def _by_queue(report: Report, record: wrapper.Record | None, job: QueueJob) -> Ended:
    ending = ENDINGS[job.phase]
    if ending is Ending.CANCELLED and (report.cancel == "time" or TIMED_OUT in report.marks):
        ending = Ending.TIMED_OUT
    figures = _figures(report, record, job)
    code, signal = (None, None) if record is None else (record.code, record.signal)
    message = None if ending is Ending.CANCELLED and report.cancel is not None else _said(job)
    return Ended(ending, code, signal, figures, message, None if record is None else record.has_metrics)


def _recorded(report: Report, record: wrapper.Record) -> Ended:
    if TIMED_OUT in report.marks:
        ending = Ending.TIMED_OUT
    elif "cancelled" in report.marks:
        ending = Ending.TIMED_OUT if report.cancel == "time" else Ending.CANCELLED
    elif OUT_OF_MEMORY in report.marks:
        ending = Ending.OUT_OF_MEMORY
    else:
        ending = Ending.EXITED if record.signal is None else Ending.SIGNALLED
    return Ended(ending, record.code, record.signal, _figures(report, record, None), has_metrics=record.has_metrics)


def _figures(report: Report, record: wrapper.Record | None, job: QueueJob | None) -> Figures:
    if record is None:
        # Of a job that waits, again, these are what the queue expects.
        return Figures() if job is None or job.phase.is_waiting else Figures(started=job.started, ended=job.ended)
    return Figures(
        started=_instant(record.started, report.origin),
        ended=_instant(record.ended, report.origin),
        cpu_seconds=record.cpu_seconds,
        peak_rss=record.peak_rss,
    )


def _instant(moment: float | None, origin: float | None) -> float | None:
    if moment is None or moment > EPOCH_FROM:
        return moment
    return None if origin is None else origin + moment


def with_usage(ended: Ended, usage: Figures | None) -> Ended:
    """Return an end with what was accounted for, where that says more."""
    if usage is None:
        return ended
    own = ended.figures
    figures = Figures(
        started=own.started if own.started is not None else usage.started,
        ended=own.ended if own.ended is not None else usage.ended,
        cpu_seconds=usage.cpu_seconds if usage.cpu_seconds is not None else own.cpu_seconds,
        peak_rss=max((peak for peak in (own.peak_rss, usage.peak_rss) if peak is not None), default=None),
        bytes_read=usage.bytes_read,
        bytes_written=usage.bytes_written,
    )
    return replace(ended, figures=figures)


def lasted(ended: Ended) -> float:
    """Return how many seconds an attempt ran, as far as that is known."""
    figures = ended.figures
    return math.nan if figures.started is None or figures.ended is None else figures.ended - figures.started


def _said(job: QueueJob) -> str:
    """Return what a queue says of a job that is over, in one line."""
    by = f" by {job.by}" if job.by else ""
    where = f" on {job.nodes}" if job.nodes else ""
    code = f", exit code {job.exit_code}" if job.exit_code else ""
    signal = f", signal {job.signal}" if job.signal else ""
    reason = f" ({job.reason})" if job.reason else ""
    return f"the queue's job {job.native_id}{where} ended as {job.word}{by}{code}{signal}{reason}"
