"""Runs, where imported ones came from, how they compare, who holds them, their steps, and what was carried out.

Made of `schema.py` by `python -m recrate.provenance.make_rows`: change that, not this.
Instants are seconds since 1970 UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from ..conflict import OnConflict
from ..states import AttemptState, Direction, JobState, Keep, RunState
from .base import Row, row


@row
class RunRow(Row):
    """One execution of a workflow."""

    TABLE: ClassVar[str] = "run"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"state": RunState, "keep": Keep}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    id: str
    """Random."""
    name: str
    """Readable, such as `calm-otter-42`; unique where we can help it."""
    state: RunState
    """Where it is; INTERRUPTED is never stored."""
    workflow_id: str | None = None
    """What was run; none when an imported crate does not say."""
    agent_id: str | None = None
    """On whose behalf."""
    parent_id: str | None = None
    """Refers to the run that this one was derived from (a re-run)."""
    started: float
    """Instant."""
    ended: float | None = None
    """Instant."""
    command_line: str
    """JSON: the arguments of the program that made the run."""
    cwd: str
    """Directory in which it was made."""
    outdir: str | None = None
    """Directory that outputs are delivered to."""
    work_directory: str | None = None
    """Directory that holds the work directories of its attempts."""
    keep: Keep
    """What stays on disk when it has completed."""
    host: str
    """Host name of the controller."""
    engine_version: str
    """Version of the program that carried it out."""
    python_version: str
    """Version of Python, empty when it is not known."""
    options: str
    """JSON: an object of all options that can change what happens."""
    inputs: str | None = None
    """JSON: the values given, as given."""
    outputs: str | None = None
    """JSON: the outputs object, without the fields of files that follow from their locations and names."""
    error: str | None = None
    """The root cause of a failure, one line."""


@row
class CrateRow(Row):
    """The crate that an imported run came from."""

    TABLE: ClassVar[str] = "crate"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ("is_own",)
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    run_id: str
    """The run."""
    sha256: str
    """Hash of its files: of lines `sha256 path`, as sha256sum writes them, sorted by path."""
    path: str
    """Where it was read from."""
    host: str
    """Host that it was read on."""
    directory: str | None = None
    """Directory there that was made to hold its files; none when they stayed."""
    profiles: str
    """JSON: a list of the URLs of the profiles that it claims."""
    producer: str | None = None
    """What carried the run out, with its version."""
    is_own: bool
    """Whether it held the rows of a run of this program."""
    signer: str | None = None
    """Who signed it, as far as that was checked."""
    imported: float | None = None
    """Instant when all rows were there; none of an import that broke off."""


@row
class ComparisonRow(Row):
    """How the result of a run compares with that of an earlier one, as it was found when somebody asked."""

    TABLE: ClassVar[str] = "comparison"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.REPLACE
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from both runs and the tolerances."""
    run_id: str
    """The run."""
    other_id: str
    """Refers to the run that it was compared with, which may be in a crate alone."""
    other: str
    """What that was called: its name, or the path of its crate."""
    verdict: str
    """`identical`, `equivalent`, `cannot be verified`, `different` or `missing`."""
    cause: str | None = None
    """Why the results are not the same."""
    tolerances: str
    """JSON: how much numbers may differ: `relative`, `absolute`, and `named` by name."""
    report: str
    """JSON: all of it, as `recrate compare --json` prints it."""
    instant: float
    """When it was found."""


@row
class LeaseRow(Row):
    """Which controller a run belongs to. The row stays when the lease is given back, so that its number only ever
    grows."""

    TABLE: ClassVar[str] = "lease"
    KEY: ClassVar[tuple[str, ...]] = ("run_id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    run_id: str
    """Refers to the run, whose row may come later."""
    number: int
    """Fencing number: grows by one with each holder."""
    holder: str | None = None
    """Random id of who holds it; none when given back."""
    host: str
    """Host name of the holder."""
    machine: str
    """What identifies the machine beyond its name."""
    boot: str
    """What identifies the boot of its kernel."""
    pid_space: str
    """What identifies the name space that its process id is valid in."""
    pid: int
    """Process id of the holder."""
    process_start: int
    """When that process started, in the kernel's clock ticks since boot."""
    acquired: float
    """Instant, by the database's clock."""
    heartbeat: float
    """Instant of the last sign of life, by the database's clock."""
    asked: str | None = None
    """What somebody asks of the holder: `cancel`."""


@row
class SoftwareRow(Row):
    """A program or package that took part in a run."""

    TABLE: ClassVar[str] = "software"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "role", "name")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    run_id: str
    """The run."""
    role: str
    """`engine`, `dependency`, or for a SoftwareRequirement the path of the step."""
    name: str
    """Name of the package."""
    version: str
    """Version; several are separated by a comma."""
    url: str | None = None
    """What identifies it elsewhere."""


@row
class RepositoryRow(Row):
    """A git repository that sources of a run lie in, as it was when the run began."""

    TABLE: ClassVar[str] = "repository"
    KEY: ClassVar[tuple[str, ...]] = ("run_id", "root")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    run_id: str
    """The run."""
    root: str
    """Its directory, on the controller's host."""
    revision: str | None = None
    """Hash of the commit; none before the first one."""
    branch: str | None = None
    """Branch; none when there is none."""
    origin: str | None = None
    """Where it is published: the URL of its remote, without a password."""
    changed: str
    """JSON: a list of the files that were not as in that commit, and of those not in it."""
    diff: str | None = None
    """What had changed, as `git diff` has it; none when nothing had."""


@row
class StepRow(Row):
    """A place for a tool or a workflow in a run's workflow; the workflow itself is the step `/`."""

    TABLE: ClassVar[str] = "step"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from run and path."""
    run_id: str
    """The run."""
    path: str
    """Names of steps, without indices: `/fold/train`."""
    name: str
    """Last name of the path."""
    kind: str
    """`workflow`, `command`, `expression` or `operation`."""
    tool: str
    """Name of what it runs: a label, an id or the name of a file."""
    place: str | None = None
    """Where it is described: `file:line:column`."""
    position: int
    """Place in the order in which steps are shown."""
    structure: str | None = None
    """JSON: its links, scatter, condition, loop."""


@row
class PortRow(Row):
    """An input or output of a step."""

    TABLE: ClassVar[str] = "port"
    KEY: ClassVar[tuple[str, ...]] = ("step_id", "direction", "name")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"direction": Direction}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    step_id: str
    """The step."""
    direction: Direction
    """Which side."""
    name: str
    """Name of the port."""
    type: str | None = None
    """JSON: its type in the workflow's language."""
    description: str | None = None
    """What its author says of it."""


@row
class JobRow(Row):
    """An instance of a step."""

    TABLE: ClassVar[str] = "job"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"state": JobState}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.KEEP
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from run and path."""
    run_id: str
    """The run."""
    step_id: str
    """Refers to the step."""
    path: str
    """Names of steps with indices: `/fold[3]/train~2`."""
    tag: str | None = None
    """Its indices, outermost first, such as `3.2`; none when it has none."""
    state: JobState
    """Where it is."""
    started: float | None = None
    """Instant when its inputs were there."""
    ended: float | None = None
    """Instant."""
    inputs_hash: str | None = None
    """Hash of command, inputs by content, image and environment: the key of the cache."""
    cached_from: str | None = None
    """Refers to the attempt whose outputs were taken."""
    reason: str | None = None
    """Why it ran, was skipped, was cached."""
    error: str | None = None
    """Why it failed, one line."""


@row
class AttemptRow(Row):
    """One try to carry a job out. Committed as INTENDED before anything is started."""

    TABLE: ClassVar[str] = "attempt"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {"state": AttemptState}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    id: str
    """Follows from job and number."""
    job_id: str
    """The job."""
    number: int
    """Counts from 1."""
    state: AttemptState
    """Where it is."""
    location_id: str
    """Refers to the location."""
    work_directory: str
    """Its own directory there."""
    token: str
    """Unguessable; it is found by this after a crash."""
    argv: str | None = None
    """JSON: the command line as a list."""
    shell: str | None = None
    """The text given to `/bin/sh -c` instead."""
    environment_id: str | None = None
    """Refers to the environment given."""
    image_id: str | None = None
    """Refers to the image it ran in."""
    native_id: str | None = None
    """How the place calls it: process id, id of a queue's job."""
    cores: float | None = None
    """Cores asked for."""
    ram: int | None = None
    """MiB asked for."""
    gpus: int | None = None
    """GPUs asked for."""
    time_limit: float | None = None
    """Seconds allowed."""
    submitted: float | None = None
    """Instant."""
    started: float | None = None
    """Instant, by the clock of the place."""
    ended: float | None = None
    """Instant, by the clock of the place."""
    ending: str | None = None
    """How it ended: a name of `connectors.base.Ending`."""
    exit_code: int | None = None
    """Of the command."""
    signal: int | None = None
    """That killed it."""
    error: str | None = None
    """Why it failed, one line."""
    cpu_seconds: float | None = None
    """User and system time of all its processes."""
    peak_rss: int | None = None
    """Bytes of memory."""
    bytes_read: int | None = None
    """From files."""
    bytes_written: int | None = None
    """To files."""
    stdout: str | None = None
    """Path of its standard output on the location."""
    stderr: str | None = None
    """Path of its standard error on the location."""
    reason: str | None = None
    """Why it was made, when it is not the job's first."""
    warning: str | None = None
    """What was wrong without being a failure."""


@row
class MetricRow(Row):
    """A number that a job recorded of itself while it ran, such as the loss of a model in training."""

    TABLE: ClassVar[str] = "metric"
    KEY: ClassVar[tuple[str, ...]] = ("attempt_id", "position")
    ENUMS: ClassVar[Mapping[str, type[Enum]]] = {}
    FLAGS: ClassVar[tuple[str, ...]] = ()
    ON_CONFLICT: ClassVar[OnConflict] = OnConflict.FAIL
    SHARED: ClassVar[bool] = False

    attempt_id: str
    """The attempt."""
    position: int
    """Place in the order in which they were recorded, from 0."""
    name: str
    """What was measured."""
    step: int | None = None
    """How far the job was, in its own count: epochs, rounds."""
    value: float | None = None
    """The number; none when it is not finite."""
    instant: float | None = None
    """When it was measured, by the job's clock."""
