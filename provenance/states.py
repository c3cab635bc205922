"""The states that rows can be in. Stored by name (`RUNNING`), shown by value (`running`)."""

from __future__ import annotations

from enum import Enum


class RunState(Enum):
    """Where a run is."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    """Its controller is gone before the end. Never stored: `queries` says so of a run that is
    stored as RUNNING while nobody holds its lease."""


class JobState(Enum):
    """Where a job is."""

    WAITING = "waiting"
    """Its inputs are there; it has not been given a place yet."""
    RUNNING = "running"
    COMPLETED = "completed"
    CACHED = "cached"
    """The outputs of an earlier attempt were taken: see `JobRow.cached_from`."""
    SKIPPED = "skipped"
    """Its condition was false."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(Enum):
    """Where an attempt is. Only its place can say whether one that is INTENDED has started."""

    INTENDED = "intended"
    """On record before it is started, with the token that it can be found by."""
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """No result will ever come."""


class TransferState(Enum):
    """Where a transfer is."""

    INTENDED = "intended"
    COMPLETED = "completed"
    FAILED = "failed"


class TokenOrigin(Enum):
    """How a token came to be."""

    INPUT = "input"
    """Given by the user."""
    DEFAULT = "default"
    """A default of the workflow's text."""
    LITERAL = "literal"
    """A file or directory whose content stands in the values given."""
    OUTPUT = "output"
    """Made by a job: `TokenRow.job_id`."""
    GATHERED = "gathered"
    """Put together of other tokens: its rows in table `part`."""
    DERIVED = "derived"
    """An element of another token or computed from it: `TokenRow.source_id`."""


class Direction(Enum):
    """Which side of a step or a job a port is on."""

    INPUT = "input"
    OUTPUT = "output"


class FileClass(Enum):
    """What a file row stands for; the values are the `class` of the CWL object."""

    FILE = "File"
    DIRECTORY = "Directory"


class ReplicaKind(Enum):
    """Why a content lies where it lies."""

    INPUT = "input"
    """The user's own file: never removed by us."""
    WORK = "work"
    """In the work directory of an attempt."""
    OUTPUT = "output"
    """Delivered to the user's output directory: never removed by us."""
    COPY = "copy"
    """Brought to a location for a job to use."""


class Keep(Enum):
    """What stays on disk after a run has completed. Of runs that did not, everything stays."""

    ALL = "all"
    """Every work directory."""
    OUTPUTS = "outputs"
    """The outputs of the run, wherever they are."""
    NONE = "none"
    """Only what was delivered to the output directory."""
