"""Why an attempt failed, in words, and in which way."""

from __future__ import annotations

import shutil
import signal

from ..connectors.base import HERE, TAKEN_AWAY, Ended, Ending
from ..errors import PlaceFailed
from .amounts import duration, memory
from .machine.events import Failure
from .places import MIB, Container, Place
from .plan import CommandPlan
from .records import Attempt
from .tails import last_bytes

FULL_BYTES = 64 << 10
LOG_BYTES = 64 << 10
"""Of a log on another place, so much of the beginning is read."""
NOT_FOUND = 127
NOT_EXECUTABLE = 126
NO_DIRECTORY = 125


FAILURES = {
    Ending.TIMED_OUT: Failure.TIME_LIMIT,
    Ending.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
    Ending.CANCELLED: Failure.CANCELLED,
    **dict.fromkeys(TAKEN_AWAY, Failure.LOST),
}


def cause_of(
    attempt: Attempt, plan: CommandPlan, ended: Ended, place: Place, container: Container | None = None
) -> str:
    """Return one sentence on why an attempt did not end well."""
    cause = _cause(attempt, plan, ended, place, container)
    is_full = place.location.storage == HERE and _is_full(attempt.directory)
    return f"{cause}; the disk of its work directory is full" if is_full else cause


def _is_full(directory: str) -> bool:
    """Tell whether the file system of a directory has no room for even a few blocks."""
    try:
        return shutil.disk_usage(directory).free < FULL_BYTES
    except OSError:
        return False


def _cause(attempt: Attempt, plan: CommandPlan, ended: Ended, place: Place, container: Container | None) -> str:
    match ended.ending:
        case Ending.TIMED_OUT:
            limit = plan.request.time_limit
            whose = f"its time limit of {duration(limit)}" if limit else "the time limit of its place"
            said = f": {ended.message}" if ended.message else ""
            return f"ended after {whose}{_peak(plan, ended)}{said}"
        case Ending.OUT_OF_MEMORY:
            cause = ended.message or "killed by the kernel for want of memory"
            return f"{cause}{_peak(plan, ended) or f': it had {memory(plan.runtime.ram)}'}"
        case Ending.CANCELLED:
            return f"cancelled by somebody else: {ended.message}" if ended.message else "cancelled"
        case Ending.LOST | Ending.NODE_FAILED | Ending.PREEMPTED | Ending.REQUEUED:
            return ended.message or "lost: no result came from the place"
        case Ending.SIGNALLED | Ending.EXITED:
            return _engine_cause(attempt, ended, place, container) or _exit_cause(plan, ended, place)


def _peak(plan: CommandPlan, ended: Ended) -> str:
    """Return how much of its memory an attempt has used, when that is known."""
    peak, given = ended.figures.peak_rss, plan.runtime.ram
    return "" if peak is None else f": peak {memory(peak / MIB, like=given)} of {memory(given)}"


def _engine_cause(attempt: Attempt, ended: Ended, place: Place, container: Container | None) -> str | None:
    """Return what the container engine says, when it could not start the job at all."""
    if container is None or not ended.exit_code:
        return None
    words = container.explain(ended.exit_code, _said(attempt, place))
    return f"the container did not start: {words}" if words else None


def _said(attempt: Attempt, place: Place) -> bytes:
    """Return the end of what an attempt wrote to its log of errors."""
    if place.location.storage == HERE:
        return last_bytes(f"{attempt.directory}/stderr")
    try:
        return place.connector.tree(place.location.name, attempt.directory).read("stderr", LOG_BYTES)
    except PlaceFailed:
        return b""


def _exit_cause(plan: CommandPlan, ended: Ended, place: Place) -> str:
    command = plan.argv[0] if plan.argv else "/bin/sh"
    code = ended.exit_code
    if ended.signal is not None:
        return f"killed by signal {_signal_name(ended.signal)} (exit code {code})"
    if code == NOT_FOUND:
        return f"exit code 127: the command {command!r} or one that it calls was not found on {place.location.name}"
    if code == NOT_EXECUTABLE:
        return f"exit code 126: {command!r} is not executable on {place.location.name}"
    return f"exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)


def failure_of(plan: CommandPlan, ended: Ended) -> Failure | None:
    """Return in which way an attempt failed, as far as it matters for trying again; None when it went well."""
    if ended.ending is Ending.CANCELLED and ended.message is not None:
        return Failure.LOST
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
