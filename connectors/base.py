"""The interface of a connector: what the engine asks of a kind of place.

A deployment is made by a connector; it has locations, on which commands run. Nothing but a
POSIX shell may be assumed on a location, and every connection starts at the controller.
A connector knows paths, commands and bytes; it knows neither tokens nor steps.

Third parties register a class that satisfies `Connector` under the entry point group
`recrate.connectors`, and inherit the conformance tests in `recrate.connectors.kit`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Literal, Protocol, runtime_checkable
from urllib.parse import quote

from ..data_classes import dataclass
from ..hashing import Digest
from .wrapper import Script


class EntryKind(Enum):
    """What a name in a directory stands for, after links were followed."""

    FILE = "file"
    DIRECTORY = "directory"
    OTHER = "other"
    """A device, socket or FIFO: never an output."""
    DANGLING = "dangling"
    """A symbolic link that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name below a directory. `path` is relative to it, with `/` between its parts."""

    path: str
    kind: EntryKind
    size: int = 0
    target: str | None = None
    """For a symbolic link: the real path it leads to, absolute, as the location sees it."""


class WorkTree(Protocol):
    """Reading access to the files below one directory of a location.

    Relative paths are below the root; an absolute path is as the location sees it. Methods
    raise PlaceFailed when the location cannot answer, and OSError's message never leaks out
    without the path.
    """

    @property
    def root(self) -> str:
        """The directory, absolute, as the location sees it."""
        ...

    def list(self, directory: str = "") -> Sequence[Entry]:
        """Return the entries directly in a directory, in the order of their names' bytes."""
        ...

    def stat(self, path: str) -> Entry | None:
        """Return the entry at a path, or None where there is none."""
        ...

    def read(self, path: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file."""
        ...

    def digest(self, path: str) -> Digest:
        """Return the hashes and the size of a file."""
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """What a tree elsewhere may be able to do beside: read ahead what is likely to be asked, for many trees at once."""

    async def look_ahead(self) -> None:
        """Read the listing, and the hashes of small files. What fails is raised when it is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a location's machine; None is 'not known'."""

    hostname: str | None = None
    os: str | None = None
    kernel: str | None = None
    cpu_model: str | None = None
    cores: int | None = None
    memory: int | None = None
    """MiB."""
    gpus: int | None = None
    runtime: str | None = None
    """Container runtime and version, such as `docker 20.10.24`."""
    umask: str | None = None
    """Octal digits: that of the jobs there, unless they are told another one."""
    time_zone: str | None = None
    """The system's, by its name in the tz database."""


@dataclass(frozen=True, slots=True)
class Location:
    """A unit of scheduling: somewhere that a job can run."""

    name: str
    deployment: str
    service: str | None = None
    slots: int | None = None
    """Jobs at a time; None means as many as the resources allow."""
    facts: Facts = Facts()
    storage: str | None = None
    """Name of the storage that its paths lie on: locations with one storage see the same files at the
    same paths. `HERE` is that of the controller; None: it has files of its own (see `storage_of`)."""


HERE = ""
"""The storage of the controller's machine."""


def storage_of(location: Location) -> str:
    """Return the name of a location's storage, which can stand as the host in a URI (RFC 3986, section 3.2.2)."""
    if location.storage is not None:
        return location.storage
    if location.name == location.deployment:
        return location.deployment
    return f"{quote(location.name, safe='')}.{location.deployment}"


@dataclass(frozen=True, slots=True)
class Launch:
    """What a connector needs to start one attempt.

    `directory` is the attempt's own directory on the location. It holds `script` (made by
    `connectors.wrapper`), and will hold the result record. `token` is unguessable, unique to
    the attempt, and is what it is found by after a crash. What it asks for is None where nobody
    said anything, so that the place's own defaults hold.
    """

    token: str
    name: str
    directory: str
    script: str
    time_limit: float | None = None
    """Seconds."""
    cores: float | None = None
    ram: int | None = None
    """MiB."""
    gpus: int | None = None
    native_id: str | None = None
    """For `Connector.find`: how the place called it, where that is on record."""
    task: Script | None = None
    """What the script does, for a connector that is `Direct`; None for an attempt of an earlier controller."""
    after: str | None = None
    """Token of an attempt that runs, whose resources this one takes over, at a connector that is `Direct`."""
    preparation: Sequence[FileAction] = ()
    """Directories and links that such a connector makes before, in order."""


@dataclass(frozen=True, slots=True)
class Handle:
    """How a started attempt is known at its place: a process id, a queue's job id."""

    token: str
    directory: str
    native_id: str


class Ending(Enum):
    """How an attempt ended."""

    EXITED = "exited"
    """The command ended by itself: see the exit code."""
    SIGNALLED = "signalled"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    CANCELLED = "cancelled"
    """By this program or, when `Ended.message` says so, by somebody else."""
    LOST = "lost"
    """No result record will ever come: the place died or was taken away."""
    NODE_FAILED = "node failed"
    """The queue says that the machine that it ran on has failed."""
    PREEMPTED = "preempted"
    """The queue gave its place to a job of a higher priority."""
    REQUEUED = "requeued"
    """The queue put it back, to be run once more from the beginning, which no attempt is."""


TAKEN_AWAY = frozenset({Ending.LOST, Ending.NODE_FAILED, Ending.PREEMPTED, Ending.REQUEUED})
"""Ends that say nothing about the command."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an attempt used; None is 'not known'. Instants are seconds since 1970 UTC."""

    started: float | None = None
    ended: float | None = None
    cpu_seconds: float | None = None
    peak_rss: int | None = None
    """Bytes."""
    bytes_read: int | None = None
    bytes_written: int | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The outcome of an attempt, from its result record and what the place knows of it."""

    ending: Ending
    exit_code: int | None = None
    signal: int | None = None
    figures: Figures = Figures()
    message: str | None = None
    has_metrics: bool | None = None
    """Whether its result record says that it left `wrapper.METRICS`; None: nobody looked."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The outcome of a short command."""

    code: int
    stdout: bytes
    stderr: bytes


class Connector(Protocol):
    """A kind of place. All methods raise PlaceFailed when the place cannot do its part."""

    async def deploy(self) -> None:
        """Make the places be there. Doing it again changes nothing."""
        ...

    async def undeploy(self) -> None:
        """Undo `deploy`; jobs are over by then. Doing it again changes nothing."""
        ...

    async def locations(self) -> Sequence[Location]:
        """Return the locations, with their facts as probed once."""
        ...

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command (not a job) and return what it printed."""
        ...

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt; return once the place has it.

        An attempt is started once. One that was started before, or that `find` gave up, is not
        started again: this raises PlaceFailed, or the handle stands for nothing that runs.
        """
        ...

    async def wait(self, location: str, handle: Handle) -> Ended:
        """Return when the attempt has ended. May be called again, also by a later controller.

        A later controller that did not call `find` first has no time limit for the attempt.
        """
        ...

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        """Ask the place about an attempt whose start or end is uncertain, and take it over.

        - A Handle: it runs. From now on this controller sees to its time limit, counted from
          when it started, and `wait` and `cancel` work as if it had started it.
        - An Ended: it is over. LOST when it was claimed, but nothing of it runs and there is
          no result record.
        - None: it never started, and after this answer it never will. To be sure of that the
          connector takes the attempt's claim (see `connectors.claim`) before it says so; a
          start that comes late finds it taken and does nothing.

        Raises PlaceFailed when the place cannot tell. It is never a guess.
        """
        ...

    async def cancel(self, location: str, handle: Handle) -> None:
        """End an attempt and all its processes; `wait` then returns CANCELLED."""
        ...

    def tree(self, location: str, root: str) -> WorkTree:
        """Return reading access to what lies below a directory."""
        ...

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order; several are done in one go."""
        ...

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it; no error when it is not there."""
        ...


@runtime_checkable
class Abrupt(Protocol):
    """What a connector may be able to do beside, when the user will not wait: ask with `isinstance`."""

    def end_all(self) -> None:
        """End all attempts that are watched at once, without grace, and return immediately.

        `wait` then returns CANCELLED for each.
        """
        ...


@runtime_checkable
class Explaining(Protocol):
    """What a connector may be able to do beside: say why an attempt does not get on."""

    def waiting_for(self, location: str, handle: Handle) -> str | None:
        """Return in one line what an attempt waits for, as far as is known; None when it runs."""
        ...


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a place says about a job before it gets it."""

    start: float | None = None
    """Expected instant; None is 'not known'."""
    refusal: str | None = None
    """Why it will never run there, in one line; None when it can."""


@runtime_checkable
class Forecasting(Protocol):
    """What a connector may be able to do beside: say when a job would start, and submit nothing."""

    async def forecast(self, location: str, launch: Launch) -> Forecast:
        """Ask the place about a job of this kind. Raises PlaceFailed when it cannot answer."""
        ...


@runtime_checkable
class Direct(Protocol):
    """A connector that starts `Launch.task`, or writes its script itself: there is none at `Launch.script`.

    An attempt that is launched `after` another one is started as soon as that one has ended well.
    When that one ends in another way, `launch` raises NotStarted.
    """

    starts_tasks: Literal[True]


class NotStarted(Exception):
    """An attempt was not started, since the one that it was to come after did not end well."""


class ActionKind(Enum):
    """A change that `Connector.prepare` can make on a location."""

    MAKE_DIRECTORY = "make directory"
    WRITE = "write"
    LINK = "link"
    """A symbolic link at `path` to `source`."""
    COPY = "copy"
    """A writable copy of a file or a whole directory `source` of the same location at `path`."""


@dataclass(frozen=True, slots=True)
class FileAction:
    """One change to the files of a location; parents of `path` exist or are made by an earlier one."""

    kind: ActionKind
    path: str
    source: str | None = None
    content: bytes = b""
    mode: int = 0o644

    @property
    def is_light(self) -> bool:
        """Tell whether it is made at once, so that whoever starts an attempt can make it."""
        return self.kind in (ActionKind.MAKE_DIRECTORY, ActionKind.LINK)


Environment = Mapping[str, str]

NO_FACTS = Facts()

__all__ = [
    "HERE",
    "NO_FACTS",
    "TAKEN_AWAY",
    "Abrupt",
    "ActionKind",
    "Completed",
    "Connector",
    "Direct",
    "Ended",
    "Ending",
    "Entry",
    "EntryKind",
    "Environment",
    "Explaining",
    "Facts",
    "Figures",
    "FileAction",
    "Forecast",
    "Forecasting",
    "Handle",
    "Launch",
    "Location",
    "NotStarted",
    "WorkTree",
    "storage_of",
]
