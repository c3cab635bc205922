"""The command line of a container job: plain data in, argument vector out.

A container job is an ordinary attempt whose command is `docker run ... IMAGE COMMAND`. This
module builds that command line and touches nothing. The rules of the CWL DockerRequirement
(CWL v1.2 Command Line Tool, section 5.2.2) that show here:

- the tool's command line is appended to the image's ENTRYPOINT and replaces its CMD, so no
  `--entrypoint` is given, and the CMD runs when the command line is empty;
- variables are given by `--env`, on top of those of the image.

The container gets no more than the job needs: the calling user's ids, no capability, no new
privileges, no network unless asked, a root file system that cannot be written, and only the
paths that are mounted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import Enum

from ..data_classes import dataclass
from ..errors import InputInvalid, Unsupported

TOKEN_LABEL = "recrate.token"
"""Label by which the container of an attempt is found again."""

JOB_LABEL = "recrate.job"
"""Label with the name of the job, for people who look at a list of containers."""

SCRATCH = ("/tmp", "/var/tmp")
"""Directories that are writable in every container, in memory unless a mount is there."""

_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_OF_THE_CLIENT = re.compile(
    r"(HOME|PATH|TMPDIR|GODEBUG|STORAGE_(DRIVER|OPTS)|(LD|XDG|CONTAINER|CONTAINERS)_.*"
    r"|DOCKER_(HOST|CONTEXT|CONFIG|CERT_PATH|TLS|TLS_VERIFY|API_VERSION|CONTENT_TRUST.*|CUSTOM_HEADERS))\Z"
)


class EngineKind(Enum):
    """The family of a container engine, which decides some of its options."""

    DOCKER = "docker"
    PODMAN = "podman"


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What the user chose for an engine.

    `global_arguments` stand before the engine's subcommand (`--context lab`), `run_arguments`
    before the image of every job (`--shm-size 1g`).
    """

    global_arguments: tuple[str, ...] = ()
    run_arguments: tuple[str, ...] = ()
    network: str | None = None
    """Network of the jobs that ask for one; None: the engine's own default."""
    read_only: bool = True
    """False: jobs may write everywhere in their container; what they write there is lost."""
    capabilities: tuple[str, ...] = ()
    """Capabilities that jobs keep, such as `CHOWN`."""
    init: bool | None = None
    """True: a small init is process 1, so that signals and orphans are handled as outside of
    a container; None: when the engine has one."""


DEFAULT_OPTIONS = EngineOptions()


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What `connectors.container` found out about an engine and the user who calls it."""

    kind: EngineKind
    program: str
    """Absolute path of the client."""
    version: str
    uid: int
    gid: int
    rootless: bool = False
    """The engine runs as an ordinary user, whom it shows to containers as root."""
    remapped: bool = False
    """The engine shifts the user ids of containers unless told not to (docker's userns-remap)."""
    selinux: bool = False
    limits_memory: bool = False
    limits_swap: bool = False
    limits_cpus: bool = False
    cpus: int | None = None
    init: bool = False
    """The engine has a small init for process 1."""
    bridge: bool = True
    """False: the engine has no network of its own, so jobs with network use the host's."""
    ulimits: tuple[str, ...] = ()
    """Limits to be stated because the engine may not raise them to its defaults."""

    @property
    def runtime(self) -> str:
        """Name and version, as `Facts.runtime` of a location has them."""
        return f"{self.kind.value} {self.version}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or directory of the host (`source`, absolute) that the job sees at `target`.

    Links in `source` are followed by the host, links inside of a mounted directory by the
    container, where what they lead to must be mounted too. A mount whose target lies below that
    of a writable one leaves its empty mount point in the host's directory.
    """

    source: str
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class ContainerJob:
    """One attempt that runs in a container; all paths but those of `Mount.source` are the container's.

    `image` is what the engine knows it by (`ImageFacts.reference`, an id: a tag that is moved
    changes nothing). `memory` (MiB) and `cpus` are hard limits; leave them None to set none, and they
    are left out where the engine cannot enforce them. `secrets` names the variables whose
    values must not be on the command line: their values are in `client_environment`.
    Redirections of the standard streams are made around the engine's command, on the host.
    """

    token: str
    image: str
    argv: tuple[str, ...]
    workdir: str
    name: str = ""
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    network: bool = False
    memory: int | None = None
    cpus: float | None = None
    gpus: int = 0
    gpu_devices: tuple[str, ...] = ()
    """The devices given to the job (indices or UUIDs); empty: any `gpus` of them."""


def container_name(token: str) -> str:
    """Return the name of the container of an attempt. Raises Unsupported for an unfit token."""
    if not _TOKEN.match(token):
        raise Unsupported(f"the token {token!r} cannot be part of a container's name")
    return f"recrate-{token}"


def run_argv(facts: EngineFacts, job: ContainerJob, options: EngineOptions = DEFAULT_OPTIONS) -> list[str]:
    """Return the argument vector that runs a job in a container and passes its exit code on.

    Raises Unsupported for paths and texts that the engine cannot be given unchanged, and
    InputInvalid for variables that cannot be set.
    """
    check_texts(facts.kind.value, job)
    return [
        facts.program,
        *options.global_arguments,
        "run",
        "--rm",
        "--interactive",
        "--pull=never",
        "--log-driver=none",
        f"--name={container_name(job.token)}",
        f"--label={TOKEN_LABEL}={job.token}",
        f"--label={JOB_LABEL}={job.name}",
        *_user(facts),
        *_privileges(facts, options),
        *_network(facts, job, options),
        *_file_system(facts, job, options),
        *_resources(facts, job),
        *_environment(facts, job),
        *options.run_arguments,
        job.image,
        *job.argv,
    ]


def client_environment(job: ContainerJob) -> dict[str, str]:
    """Return the variables to be added to the environment of the engine's client: the secret ones."""
    return {name: value for name, value in job.environment.items() if name in job.secrets}


def _user(facts: EngineFacts) -> list[str]:
    """Make files that the job writes belong to the calling user, whoever the engine runs as."""
    if facts.kind is EngineKind.PODMAN:
        return [*(["--userns=keep-id"] if facts.rootless else []), f"--user={facts.uid}:{facts.gid}"]
    if facts.rootless:
        return ["--user=0:0"]
    return [*(["--userns=host"] if facts.remapped else []), f"--user={facts.uid}:{facts.gid}"]


def _privileges(facts: EngineFacts, options: EngineOptions) -> list[str]:
    init = facts.init if options.init is None else options.init
    return [
        "--cap-drop=ALL",
        *(f"--cap-add={capability}" for capability in options.capabilities),
        "--security-opt=no-new-privileges",
        *(["--security-opt=label=disable"] if facts.selinux else []),
        *(["--init"] if init else []),
        *(f"--ulimit={limit}" for limit in facts.ulimits),
    ]


def _network(facts: EngineFacts, job: ContainerJob, options: EngineOptions) -> list[str]:
    if not job.network:
        return ["--network=none"]
    if options.network is not None:
        return [f"--network={options.network}"]
    return [] if facts.bridge else ["--network=host"]


def _file_system(facts: EngineFacts, job: ContainerJob, options: EngineOptions) -> list[str]:
    taken = {mount.target.rstrip("/") for mount in job.mounts}
    read_only = ["--read-only"] if options.read_only else []
    if read_only and facts.kind is EngineKind.PODMAN:
        read_only.append("--read-only-tmpfs=false")
    return [
        *read_only,
        *(f"--tmpfs={path}:rw,exec,nosuid,nodev,mode=1777" for path in SCRATCH if path not in taken),
        *(f"--mount={mount_option(mount)}" for mount in job.mounts),
        f"--workdir={job.workdir}",
    ]


def mount_option(mount: Mount) -> str:
    """Return the value of `--mount`: a record of CSV, whose fields are quoted where needed."""
    fields = ["type=bind", f"source={mount.source}", f"target={mount.target}"]
    return ",".join(_csv(text) for text in (fields if mount.writable else [*fields, "readonly"]))


def _csv(text: str) -> str:
    if not any(character in text for character in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _resources(facts: EngineFacts, job: ContainerJob) -> list[str]:
    arguments: list[str] = []
    if job.memory is not None and facts.limits_memory:
        arguments.append(f"--memory={job.memory}m")
        if facts.limits_swap:
            arguments.append(f"--memory-swap={job.memory}m")
    if job.cpus is not None and facts.limits_cpus:
        arguments.append(f"--cpus={min(job.cpus, facts.cpus or job.cpus):g}")
    return arguments + _gpus(facts, job)


def _gpus(facts: EngineFacts, job: ContainerJob) -> list[str]:
    if not job.gpus and not job.gpu_devices:
        return []
    if facts.kind is EngineKind.PODMAN:
        devices = job.gpu_devices or tuple(str(index) for index in range(job.gpus))
        return [f"--device=nvidia.com/gpu={device}" for device in devices]
    devices_field = _csv("device=" + ",".join(job.gpu_devices))
    return [f"--gpus={devices_field}" if job.gpu_devices else f"--gpus={job.gpus}"]


def _environment(facts: EngineFacts, job: ContainerJob) -> list[str]:
    arguments = []
    for name, value in job.environment.items():
        if not name or "=" in name:
            raise InputInvalid(f"an environment variable cannot be called {name!r}")
        if name in job.secrets and _OF_THE_CLIENT.match(name):
            raise InputInvalid(f"the variable {name} steers {facts.kind.value} itself and cannot be a secret of a job")
        arguments.append(f"--env={name}" if name in job.secrets else f"--env={name}={value}")
    return arguments


def check_texts(engine: str, job: ContainerJob) -> None:
    """Refuse what an engine would change on its way: it speaks JSON and CSV, which are UTF-8 text.

    Raises Unsupported, and InputInvalid for a NUL byte.
    """
    for path in (job.workdir, *(path for mount in job.mounts for path in (mount.source, mount.target))):
        _check_text(engine, f"the path {path!r}", path)
        if not path.startswith("/") or "\r\n" in path:
            raise Unsupported(f"{engine} cannot mount the path {path!r}")
    _check_text(engine, f"the name {job.name!r}", job.name)
    for number, argument in enumerate(job.argv, 1):
        _check_text(engine, f"argument {number} of the command", argument)
    for name, value in job.environment.items():
        _check_text(engine, f"the variable {name!r}", name + value)


def _check_text(engine: str, what: str, text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unsupported(
            f"{engine} cannot be given {what}: it is not UTF-8", hint="rename it, or run the step without a container"
        ) from None
    if "\0" in text:
        raise InputInvalid(f"{what} holds a NUL byte")
