"""What a job asks of a place, and the plan of one attempt: plain data between a language
front end, which makes it, and the engine, which carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ..data_classes import dataclass
from .values import FileValue, Values


@dataclass(frozen=True, slots=True)
class Resources:
    """Least amounts that a job asks for: cores (may be a fraction), MiB of memory, of
    temporary and of output space, number of GPUs."""

    cores: float = 1
    ram: int = 256
    tmpdir: int = 1024
    outdir: int = 1024
    gpus: int = 0
    cores_max: float | None = None
    ram_max: int | None = None
    tmpdir_max: int | None = None
    outdir_max: int | None = None
    cores_said: bool = field(default=False, compare=False)
    """False: nobody asked for the cores, and `cores` is the language's default."""
    ram_said: bool = field(default=False, compare=False)
    disk_assumed: bool = field(default=False, compare=False)
    """True: nobody asked for the space, which is the language's default."""


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """The container image that a job names (CWL DockerRequirement), at most one way to get it.

    `name` is the name under which the image is looked up first; then one of `pull` (a name),
    `load` (URI of an image archive), `file` (text of a Dockerfile), `import_` (URI of a root
    file system) says how to get it.
    """

    name: str
    pull: str | None = None
    load: str | None = None
    file: str | None = None
    import_: str | None = None
    output_directory: str | None = None
    required: bool = True
    """False for a hint: without a container engine the job may run outside of one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a job asks of a place before a place is known."""

    resources: Resources = Resources()
    image: ImageSpec | None = None
    network: bool = True
    """False: the job must not reach the network (enforced in containers)."""
    time_limit: float | None = None
    """Seconds; None means no limit."""
    reuse: bool = True
    """False: never take the result of an earlier job instead (CWL WorkReuse)."""
    inplace_update: bool = False
    software: tuple[Mapping[str, Any], ...] = ()
    """Packages named by a SoftwareRequirement: `package`, `version` (list), `specs` (list)."""
    mpi_processes: int | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a place gives to an attempt; paths are as the job sees them."""

    outdir: str
    tmpdir: str
    inputs: str
    """Directory below which inputs are staged, one subdirectory for each name collision."""
    cores: float = 1
    ram: int = 256
    outdir_size: int = 1024
    tmpdir_size: int = 1024
    in_container: bool = False
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that must lie at `target` (absolute, as the job sees it) before the job starts.

    Exactly one of these holds: `location` is set (a file or directory to be made available;
    a directory with its whole content), `contents` is set (a file to be written), or neither
    (an empty directory to be made). Stages are in an order in which parents come first.
    """

    target: str
    location: str | None = None
    contents: str | None = None
    directory: bool = False
    writable: bool = False
    """True: the job gets a copy of its own (or with `in_place` the original)."""
    in_place: bool = False
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class CommandPlan:
    """All that one attempt needs.

    `argv` is executed without a shell, unless `shell` is set: then `argv` is that command line
    for `/bin/sh -c`. Standard streams are paths as the job sees them; None means `/dev/null`
    for stdin and the engine's log of the attempt for stdout and stderr.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    request: Request
    runtime: Runtime
    inputs: Values
    """The inputs with `path` set to where each File and Directory will be seen by the job."""
    stages: tuple[Stage, ...] = ()
    shell: str | None = None
    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    success_codes: frozenset[int] = frozenset({0})
    temporary_fail_codes: frozenset[int] = frozenset()
    permanent_fail_codes: frozenset[int] = frozenset()
    secrets: frozenset[str] = frozenset()
    """Texts that must not reach the store, a log or an error."""
    notes: Mapping[str, FileValue] = field(default_factory=dict)
    """By target: the File or Directory object that was staged there, so that an output which
    is an input passed through keeps its identity."""
