"""How an attempt on this machine ended, from its result record and what is known beside it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import lru_cache

from . import spawner, wrapper
from .base import Ended, Ending, Figures

LOST_MESSAGE = "the job's wrapper ended without a result record"
STOPPING = (signal.SIGTERM, signal.SIGKILL)
"""What a controller sends to end an attempt."""
SAME_BOOT_SECONDS = 60.0
"""By so much the file system's clock may differ from ours."""
EPOCH_FROM = 1e9
"""An instant from here on is in seconds since 1970: no machine is up for 31 years."""


def read_ended(
    directory: str,
    token: str,
    *,
    cause: Ending | None = None,
    time_limit: float | None = None,
    peak: int | None = None,
    is_oom: Callable[[], bool] = lambda: False,
) -> Ended | None:
    """Return what a result record says, or None where there is no complete one.

    `cause` is why the controller ended the attempt, if it did, `peak` the peak memory that it
    was told, and `is_oom` tells for an attempt that somebody else killed whether the kernel did.
    """
    try:
        with open(f"{directory}/{wrapper.RESULT}", encoding="utf-8", errors="replace") as stream:
            record = wrapper.parse_record(stream.read(), token)
            written = os.fstat(stream.fileno()).st_mtime
    except FileNotFoundError:
        return None
    except OSError as error:
        return Ended(Ending.LOST, message=f"cannot read the result record: {error.strerror}")
    if record is None:
        return None
    return ended_of(record, written, cause=cause, time_limit=time_limit, peak=peak, is_oom=is_oom)


def ended_of(
    record: wrapper.Record,
    written: float,
    *,
    cause: Ending | None = None,
    time_limit: float | None = None,
    peak: int | None = None,
    is_oom: Callable[[], bool] = lambda: False,
) -> Ended:
    """Return how an attempt ended by its record, which was written at an instant; the rest as for `read_ended`."""
    origin = _origin(record, written)
    return ended_by(record, origin, cause=cause, time_limit=time_limit, peak=peak, is_oom=is_oom)


def ended_by(
    record: wrapper.Record,
    origin: float,
    *,
    cause: Ending | None = None,
    time_limit: float | None = None,
    peak: int | None = None,
    is_oom: Callable[[], bool] = lambda: False,
) -> Ended:
    """Return what a record says that counts its seconds from the instant `origin` (see `read_ended`)."""
    figures = Figures(
        started=_instant(record.started, origin),
        ended=_instant(record.ended, origin),
        cpu_seconds=record.cpu_seconds,
        peak_rss=max(filter(None, (peak, record.peak_rss)), default=None),
    )
    ending = cause or _ending(record, time_limit, is_oom)
    return Ended(ending, record.code, record.signal, figures, has_metrics=record.has_metrics)


def record_of(code: int, started: float, ended: float, cpu_seconds: float, peak: int) -> wrapper.Record:
    """Return the record of an attempt from what its parent knows. `code` is negative for a signal, `peak` in bytes."""
    shown = code if code >= 0 else wrapper.SIGNAL_BASE - code
    return wrapper.Record(shown, -code if code < 0 else None, started, ended, cpu_seconds, peak)


def collect(pid: int, start: str, directory: str, token: str) -> tuple[int, int]:
    """Wait for the process of an attempt, whose supervisor is gone, and leave its result record.

    Returns what `os.waitstatus_to_exitcode` does, and the peak memory in bytes.
    """
    _, status, usage = os.wait4(pid, 0)
    code, now = os.waitstatus_to_exitcode(status), time.clock_gettime(time.CLOCK_BOOTTIME)
    started = int(start) / os.sysconf("SC_CLK_TCK") if start.isdigit() else now
    with contextlib.suppress(OSError):
        spawner.write_record(os.fsencode(directory), token.encode(), code, usage, started, now)
    return code, usage.ru_maxrss * 1024


def _ending(record: wrapper.Record, time_limit: float | None, is_oom: Callable[[], bool]) -> Ending:
    """Return how a command ended that this controller did not end.

    An earlier controller may have: it sends a signal when the time is up, and can die before the
    attempt does.
    """
    if record.signal is None:
        return Ending.EXITED
    if record.signal in STOPPING and time_limit and _seconds(record) >= time_limit:
        return Ending.TIMED_OUT
    return Ending.OUT_OF_MEMORY if record.signal == signal.SIGKILL and is_oom() else Ending.SIGNALLED


def _seconds(record: wrapper.Record) -> float:
    return 0.0 if record.started is None or record.ended is None else record.ended - record.started


def _origin(record: wrapper.Record, written: float) -> float:
    """Return the instant that a record counts its seconds from: the boot of the machine.

    A record that was written before the machine was booted again counts from another one; the
    time at which its file was written tells which.
    """
    if record.ended is None or abs(_boot() + record.ended - written) < SAME_BOOT_SECONDS:
        return _boot()
    return written - record.ended


def _instant(moment: float | None, origin: float) -> float | None:
    return moment if moment is None or moment > EPOCH_FROM else origin + moment


@lru_cache(maxsize=1)
def _boot() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
