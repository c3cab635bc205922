"""The tables of the store: the one authoritative description, column by column.

Only tools read this module: importing SQLModel takes half a second, so that the running engine
uses `rows`, which `python -m recrate.provenance.make_rows` makes of it, and databases are made
by `migrations`; tests hold the three together.

Conventions:

- Text keys that we make (see `ids`); instants are seconds since 1970 UTC; sizes are bytes
  unless said otherwise; JSON is text, and a column of JSON that is NULL has no value, whereas
  the text `null` is the value null. Enums are stored by name.
- `to="run.id"` is a foreign key. "Refers to" is one that the database does not enforce, since
  enforcing it when rows are removed would need one more index.
- The order of the classes is the order in which rows are inserted, and its reverse the one in
  which they are removed.
- `on_conflict` says what happens when a row of the same key is there already: `FAIL`; `KEEP`
  the old one (for rows whose key follows from what they say); `REPLACE` it.
- Tables that belong to no run (`shared`) describe things by content; rows that nothing refers
  to are swept by `removal`.
"""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import SQLModel, text

from .columns import enum, flag, real, text_column, whole
from .conflict import OnConflict
from .states import (
    AttemptState,
    Direction,
    FileClass,
    JobState,
    Keep,
    ReplicaKind,
    RunState,
    TokenOrigin,
    TransferState,
)


class Table(SQLModel):
    """What all tables have in common."""

    on_conflict: ClassVar[OnConflict] = OnConflict.FAIL
    shared: ClassVar[bool] = False


class Agent(Table, table=True):
    """A person or organisation on whose behalf runs are made."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of the other columns.", key=True)
    name: str = text_column("Name as it is to be shown.")
    orcid: str | None = text_column("ORCID as a URL, `https://orcid.org/0000-0000-0000-0000`.", null=True)
    affiliation: str | None = text_column("Name or ROR URL of the organisation.", null=True)
    email: str | None = text_column("Address for questions.", null=True)


class WorkflowSource(Table, table=True):
    """A workflow as its author wrote it."""

    __tablename__ = "workflow"
    on_conflict: ClassVar[OnConflict] = OnConflict.REPLACE
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of all its documents, entry point and language.", key=True)
    name: str = text_column("Name for people: its label or the name of its file.")
    language: str = text_column("Language and version, such as `cwl v1.2`.")
    entry: str = text_column("URI of the process that was run, with its fragment.")
    main_uri: str = text_column("URI of the document that the entry point is in.")
    structure: str | None = text_column("JSON: steps, ports and links, nested.", null=True)


class Document(Table, table=True):
    """One file of a workflow, in its original text."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    workflow_id: str = text_column("The workflow.", key=True, to="workflow.id")
    uri: str = text_column("Where it was read from.", key=True)
    sha256: str = text_column("Hash of its bytes, hex.")
    text: str = text_column("Its text.")


class Environment(Table, table=True):
    """The environment variables that a command was given."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of the variables.", key=True)
    variables: str = text_column("JSON: an object of name to value; secret ones are masked.")


class Image(Table, table=True):
    """A container image as it was found when a job used it."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of the other columns.", key=True)
    name: str = text_column("Name as the workflow gives it, without the tag.")
    tag: str | None = text_column("Tag, when there is one.", null=True)
    digest: str | None = text_column(
        "`sha256:...` of its manifest, or without a registry of its configuration.", null=True
    )
    platform: str | None = text_column("Such as `linux/amd64`.", null=True)
    engine: str = text_column("Kind of program that runs it: `docker`, `podman`, `apptainer`.")
    size: int | None = whole("Bytes.", null=True)


class Deployment(Table, table=True):
    """An environment that jobs can be sent to, as configured."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of the other columns.", key=True)
    name: str = text_column("Name in the binding file, `local` for the controller's machine.")
    kind: str = text_column("Connector that serves it, such as `local`, `ssh`, `slurm`.")
    config: str = text_column("JSON: its configuration without secrets.")
    wraps: str | None = text_column("Refers to the deployment that it is stacked on.", null=True)


class Location(Table, table=True):
    """A unit of scheduling of a deployment, with the facts that were probed there."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    id: str = text_column("Hash of the other columns: new facts make a new location.", key=True)
    deployment_id: str = text_column("The deployment.", to="deployment.id", index=True)
    name: str = text_column("Name within the deployment.")
    service: str | None = text_column("Unit of binding that it belongs to.", null=True)
    hostname: str | None = text_column("Host name as the host says.", null=True)
    addresses: str | None = text_column("JSON: a list of addresses as configured.", null=True)
    os: str | None = text_column("Operating system and version.", null=True)
    kernel: str | None = text_column("Kernel release.", null=True)
    cpu_model: str | None = text_column("Model of the processor.", null=True)
    cores: int | None = whole("Processors that jobs can use.", null=True)
    memory: int | None = whole("MiB.", null=True)
    gpus: int | None = whole("Number of GPUs.", null=True)
    runtime: str | None = text_column("Container runtime and version.", null=True)
    queue: str | None = text_column("Queue or partition.", null=True)
    umask: str | None = text_column("Octal digits: that of jobs which are told none; of other machines.", null=True)
    time_zone: str | None = text_column("Name of the system's zone in the tz database; of other machines.", null=True)


class Run(Table, table=True):
    """One execution of a workflow."""

    id: str = text_column("Random.", key=True)
    name: str = text_column("Readable, such as `calm-otter-42`; unique where we can help it.", index=True)
    state: RunState = enum(RunState, "Where it is; INTERRUPTED is never stored.")
    workflow_id: str | None = text_column(
        "What was run; none when an imported crate does not say.", to="workflow.id", index=True, null=True
    )
    agent_id: str | None = text_column("On whose behalf.", to="agent.id", index=True, null=True)
    parent_id: str | None = text_column("Refers to the run that this one was derived from (a re-run).", null=True)
    started: float = real("Instant.")
    ended: float | None = real("Instant.", null=True)
    command_line: str = text_column("JSON: the arguments of the program that made the run.")
    cwd: str = text_column("Directory in which it was made.")
    outdir: str | None = text_column("Directory that outputs are delivered to.", null=True)
    work_directory: str | None = text_column("Directory that holds the work directories of its attempts.", null=True)
    keep: Keep = enum(Keep, "What stays on disk when it has completed.")
    host: str = text_column("Host name of the controller.")
    engine_version: str = text_column("Version of the program that carried it out.")
    python_version: str = text_column("Version of Python, empty when it is not known.")
    options: str = text_column("JSON: an object of all options that can change what happens.")
    inputs: str | None = text_column("JSON: the values given, as given.", null=True)
    outputs: str | None = text_column(
        "JSON: the outputs object, without the fields of files that follow from their locations and names.", null=True
    )
    error: str | None = text_column("The root cause of a failure, one line.", null=True)


class Crate(Table, table=True):
    """The crate that an imported run came from."""

    run_id: str = text_column("The run.", key=True, to="run.id")
    sha256: str = text_column("Hash of its files: of lines `sha256  path`, as sha256sum writes them, sorted by path.")
    path: str = text_column("Where it was read from.")
    host: str = text_column("Host that it was read on.")
    directory: str | None = text_column(
        "Directory there that was made to hold its files; none when they stayed.", null=True
    )
    profiles: str = text_column("JSON: a list of the URLs of the profiles that it claims.")
    producer: str | None = text_column("What carried the run out, with its version.", null=True)
    is_own: bool = flag("Whether it held the rows of a run of this program.")
    signer: str | None = text_column("Who signed it, as far as that was checked.", null=True)
    imported: float | None = real("Instant when all rows were there; none of an import that broke off.", null=True)


class Comparison(Table, table=True):
    """How the result of a run compares with that of an earlier one, as it was found when somebody asked."""

    on_conflict: ClassVar[OnConflict] = OnConflict.REPLACE

    id: str = text_column("Follows from both runs and the tolerances.", key=True)
    run_id: str = text_column("The run.", to="run.id", index=True)
    other_id: str = text_column("Refers to the run that it was compared with, which may be in a crate alone.")
    other: str = text_column("What that was called: its name, or the path of its crate.")
    verdict: str = text_column("`identical`, `equivalent`, `cannot be verified`, `different` or `missing`.")
    cause: str | None = text_column("Why the results are not the same.", null=True)
    tolerances: str = text_column("JSON: how much numbers may differ: `relative`, `absolute`, and `named` by name.")
    report: str = text_column("JSON: all of it, as `recrate compare --json` prints it.")
    instant: float = real("When it was found.")


class Lease(Table, table=True):
    """Which controller a run belongs to. The row stays when the lease is given back, so that
    its number only ever grows."""

    run_id: str = text_column("Refers to the run, whose row may come later.", key=True)
    number: int = whole("Fencing number: grows by one with each holder.")
    holder: str | None = text_column("Random id of who holds it; none when given back.", null=True)
    host: str = text_column("Host name of the holder.")
    machine: str = text_column("What identifies the machine beyond its name.")
    boot: str = text_column("What identifies the boot of its kernel.")
    pid_space: str = text_column("What identifies the name space that its process id is valid in.")
    pid: int = whole("Process id of the holder.")
    process_start: int = whole("When that process started, in the kernel's clock ticks since boot.")
    acquired: float = real("Instant, by the database's clock.")
    heartbeat: float = real("Instant of the last sign of life, by the database's clock.")
    asked: str | None = text_column("What somebody asks of the holder: `cancel`.", null=True)


class Software(Table, table=True):
    """A program or package that took part in a run."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    run_id: str = text_column("The run.", key=True, to="run.id")
    role: str = text_column("`engine`, `dependency`, or for a SoftwareRequirement the path of the step.", key=True)
    name: str = text_column("Name of the package.", key=True)
    version: str = text_column("Version; several are separated by a comma.")
    url: str | None = text_column("What identifies it elsewhere.", null=True)


class Repository(Table, table=True):
    """A git repository that sources of a run lie in, as it was when the run began."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    run_id: str = text_column("The run.", key=True, to="run.id")
    root: str = text_column("Its directory, on the controller's host.", key=True)
    revision: str | None = text_column("Hash of the commit; none before the first one.", null=True)
    branch: str | None = text_column("Branch; none when there is none.", null=True)
    origin: str | None = text_column("Where it is published: the URL of its remote, without a password.", null=True)
    changed: str = text_column("JSON: a list of the files that were not as in that commit, and of those not in it.")
    diff: str | None = text_column("What had changed, as `git diff` has it; none when nothing had.", null=True)


class Step(Table, table=True):
    """A place for a tool or a workflow in a run's workflow; the workflow itself is the step `/`."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    id: str = text_column("Follows from run and path.", key=True)
    run_id: str = text_column("The run.", to="run.id", index=True)
    path: str = text_column("Names of steps, without indices: `/fold/train`.")
    name: str = text_column("Last name of the path.")
    kind: str = text_column("`workflow`, `command`, `expression` or `operation`.")
    tool: str = text_column("Name of what it runs: a label, an id or the name of a file.")
    place: str | None = text_column("Where it is described: `file:line:column`.", null=True)
    position: int = whole("Place in the order in which steps are shown.")
    structure: str | None = text_column("JSON: its links, scatter, condition, loop.", null=True)


class Port(Table, table=True):
    """An input or output of a step."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    step_id: str = text_column("The step.", key=True, to="step.id")
    direction: Direction = enum(Direction, "Which side.", key=True)
    name: str = text_column("Name of the port.", key=True)
    type: str | None = text_column("JSON: its type in the workflow's language.", null=True)
    description: str | None = text_column("What its author says of it.", null=True)


class Job(Table, table=True):
    """An instance of a step."""

    __table_args__ = (Index("ix_job_run_id_step_id", "run_id", "step_id"),)
    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    id: str = text_column("Follows from run and path.", key=True)
    run_id: str = text_column("The run.", to="run.id")
    step_id: str = text_column("Refers to the step.")
    path: str = text_column("Names of steps with indices: `/fold[3]/train~2`.")
    tag: str | None = text_column("Its indices, outermost first, such as `3.2`; none when it has none.", null=True)
    state: JobState = enum(JobState, "Where it is.")
    started: float | None = real("Instant when its inputs were there.", null=True)
    ended: float | None = real("Instant.", null=True)
    inputs_hash: str | None = text_column(
        "Hash of command, inputs by content, image and environment: the key of the cache.", index=True, null=True
    )
    cached_from: str | None = text_column("Refers to the attempt whose outputs were taken.", null=True)
    reason: str | None = text_column("Why it ran, was skipped, was cached.", null=True)
    error: str | None = text_column("Why it failed, one line.", null=True)


class Attempt(Table, table=True):
    """One try to carry a job out. Committed as INTENDED before anything is started."""

    id: str = text_column("Follows from job and number.", key=True)
    job_id: str = text_column("The job.", to="job.id", index=True)
    number: int = whole("Counts from 1.")
    state: AttemptState = enum(AttemptState, "Where it is.")
    location_id: str = text_column("Refers to the location.")
    work_directory: str = text_column("Its own directory there.")
    token: str = text_column("Unguessable; it is found by this after a crash.")
    argv: str | None = text_column("JSON: the command line as a list.", null=True)
    shell: str | None = text_column("The text given to `/bin/sh -c` instead.", null=True)
    environment_id: str | None = text_column("Refers to the environment given.", null=True)
    image_id: str | None = text_column("Refers to the image it ran in.", null=True)
    native_id: str | None = text_column("How the place calls it: process id, id of a queue's job.", null=True)
    cores: float | None = real("Cores asked for.", null=True)
    ram: int | None = whole("MiB asked for.", null=True)
    gpus: int | None = whole("GPUs asked for.", null=True)
    time_limit: float | None = real("Seconds allowed.", null=True)
    submitted: float | None = real("Instant.", null=True)
    started: float | None = real("Instant, by the clock of the place.", null=True)
    ended: float | None = real("Instant, by the clock of the place.", null=True)
    ending: str | None = text_column("How it ended: a name of `connectors.base.Ending`.", null=True)
    exit_code: int | None = whole("Of the command.", null=True)
    signal: int | None = whole("That killed it.", null=True)
    error: str | None = text_column("Why it failed, one line.", null=True)
    cpu_seconds: float | None = real("User and system time of all its processes.", null=True)
    peak_rss: int | None = whole("Bytes of memory.", null=True)
    bytes_read: int | None = whole("From files.", null=True)
    bytes_written: int | None = whole("To files.", null=True)
    stdout: str | None = text_column("Path of its standard output on the location.", null=True)
    stderr: str | None = text_column("Path of its standard error on the location.", null=True)
    reason: str | None = text_column("Why it was made, when it is not the job's first.", null=True)
    warning: str | None = text_column("What was wrong without being a failure.", null=True)


class Metric(Table, table=True):
    """A number that a job recorded of itself while it ran, such as the loss of a model in training."""

    attempt_id: str = text_column("The attempt.", key=True, to="attempt.id")
    position: int = whole("Place in the order in which they were recorded, from 0.", key=True)
    name: str = text_column("What was measured.")
    step: int | None = whole("How far the job was, in its own count: epochs, rounds.", null=True)
    value: float | None = real("The number; none when it is not finite.", null=True)
    instant: float | None = real("When it was measured, by the job's clock.", null=True)


class Token(Table, table=True):
    """A value on a port, with an identity of its own."""

    __table_args__ = (
        Index("ix_token_run_id_job_id", "run_id", "job_id"),
        Index(
            "ix_token_source_id",
            "source_id",
            sqlite_where=text("source_id IS NOT NULL"),
            postgresql_where=text("source_id IS NOT NULL"),
        ),
    )
    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    id: str = text_column("Follows from run, path, port and role.", key=True)
    run_id: str = text_column("The run.", to="run.id")
    path: str = text_column("Path of the job or step instance that the port is of.")
    port: str = text_column("Name of the port.")
    tag: str | None = text_column("Its indices, as those of a job.", null=True)
    value: str | None = text_column("JSON; none: the list of the values of its parts, in order.", null=True)
    origin: TokenOrigin = enum(TokenOrigin, "How it came to be.")
    job_id: str | None = text_column("Refers to the job that made it.", null=True)
    source_id: str | None = text_column("Refers to the token that it was derived from.", null=True)


class Part(Table, table=True):
    """A token that another one was put together of."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    token_id: str = text_column("The whole.", key=True, to="token.id")
    position: int = whole("Place in the order of parts, from 0.", key=True)
    part_id: str = text_column("The part.", to="token.id", index=True)


class File(Table, table=True):
    """A File or Directory object within the value of a token."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    token_id: str = text_column("The token.", key=True, to="token.id")
    pointer: str = text_column("Where in the value: a JSON pointer (RFC 6901), empty for the value itself.", key=True)
    kind: FileClass = enum(FileClass, "File or directory.")
    basename: str = text_column("The name that tools see.")
    location: str | None = text_column("URI that it was given or made at; none for a literal.", null=True)
    sha256: str | None = text_column(
        "Hash of the content, hex; of a directory that of its listing.", index=True, null=True
    )
    sha1: str | None = text_column("SHA-1 of the content, hex.", null=True)
    size: int | None = whole("Bytes.", null=True)


class Usage(Table, table=True):
    """Which token a job had on a port. Outputs are listed for jobs whose body is a workflow: those
    of other jobs are the tokens that they made."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP

    job_id: str = text_column("The job.", key=True, to="job.id")
    direction: Direction = enum(Direction, "Which side.", key=True)
    port: str = text_column("Name of the port.", key=True)
    token_id: str = text_column("The token.", to="token.id", index=True)


class Transfer(Table, table=True):
    """One try to bring a content from one place to another. Committed as INTENDED before it starts."""

    id: str = text_column("Random.", key=True)
    run_id: str = text_column("The run.", to="run.id", index=True)
    token_id: str | None = text_column("Refers to the token that it was for.", null=True)
    source_location_id: str = text_column("Refers to the location it came from.")
    source_path: str = text_column("Path there.")
    target_location_id: str = text_column("Refers to the location it went to.")
    target_path: str = text_column("Path there.")
    method: str = text_column("How: `copy`, `sftp`, `direct`, ...")
    number: int = whole("Number of the try, from 1.")
    state: TransferState = enum(TransferState, "Where it is.")
    bytes: int | None = whole("Bytes moved.", null=True)
    sha256: str | None = text_column("Hash that was found at the target.", null=True)
    started: float | None = real("Instant.", null=True)
    ended: float | None = real("Instant.", null=True)
    error: str | None = text_column("Why it failed.", null=True)


class Replica(Table, table=True):
    """Where a content lies or lay, as one run knows it."""

    on_conflict: ClassVar[OnConflict] = OnConflict.REPLACE

    id: str = text_column("Follows from run, location, path and hash.", key=True)
    run_id: str = text_column("The run.", to="run.id", index=True)
    location_id: str = text_column("Refers to the location.")
    path: str = text_column("Absolute path there.")
    path_key: int = whole("`ids.path_key` of the path: what it is looked up by.", index=True)
    sha256: str | None = text_column("Hash of the content, hex.", index=True, null=True)
    size: int | None = whole("Bytes.", null=True)
    kind: ReplicaKind = enum(ReplicaKind, "Why it lies there.")
    valid: bool = flag("False once the content is known to be gone or changed.")
    attempt_id: str | None = text_column("Refers to the attempt that made it.", null=True)


class Event(Table, table=True):
    """What happened in a run: replaying the events in order rebuilds its state."""

    run_id: str = text_column("The run.", key=True, to="run.id")
    seq: int = whole("Place in the order, from 1.", key=True)
    kind: str = text_column("Name of the event's class.")
    body: str = text_column("JSON: its fields.")
    instant: float = real("When it was recorded.")


class Leftover(Table, table=True):
    """A directory that is left of a run that was removed, until `removal` has removed it too."""

    on_conflict: ClassVar[OnConflict] = OnConflict.KEEP
    shared: ClassVar[bool] = True

    path: str = text_column("Absolute path of the work directory of the run.", key=True)
    host: str = text_column("Host that it is on.", key=True)
    run_id: str = text_column("Id of the run, which is no longer there.")
    since: float = real("Instant when the run was removed.")


TABLES: tuple[type[Table], ...] = (
    Agent, WorkflowSource, Document, Environment, Image, Deployment, Location, Run, Crate, Comparison, Lease,
    Software, Repository, Step, Port, Job, Attempt, Metric, Token, Part, File, Usage, Transfer, Replica, Event,
    Leftover,
)  # fmt: skip
"""All tables, in the order in which rows are inserted."""
