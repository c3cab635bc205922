"""Which step runs where, and which data are there already: the binding of one workflow, as data.

Package `binding` reads it from a file. Paths of steps and ports are absolute, without indices:
`/a` is a step, `/a/b` one in the sub-workflow `a`, `/a/x` the port `x` of step `a`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, field
from typing import Any, TypeVar

from ..data_classes import dataclass

T = TypeVar("T")
LOCAL = "local"
"""Name and type of the deployment that is this machine; it is there without being described."""


@dataclass(frozen=True, slots=True)
class Wraps:
    """What a deployment is stacked on."""

    deployment: str
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Deployment:
    """An environment that jobs can be sent to, as described.

    `config` is for its connector, without secrets: `secrets` says, by key of it, which environment
    variable has its value. `reaches` names the deployments that it can copy to directly.
    """

    name: str
    kind: str
    config: Mapping[str, Any] = field(default_factory=dict)
    workdir: str | None = None
    external: bool = False
    lazy: bool = True
    wraps: Wraps | None = None
    jobs: int | None = None
    """Jobs in flight at a time; None: as many as it has room for."""
    streams: int | None = None
    bandwidth: int | None = None
    """Bytes a second."""
    containers: str = "auto"
    secrets: Mapping[str, str] = field(default_factory=dict)
    reaches: tuple[str, ...] = ()


HERE = Deployment(LOCAL, LOCAL)
"""This machine."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a step may run: a deployment, perhaps a service of it, and how many locations a job gets."""

    deployment: str
    service: str | None = None
    locations: int = 1
    workdir: str | None = None

    @property
    def shown(self) -> str:
        """Return the target in a word."""
        return self.deployment if self.service is None else f"{self.deployment}/{self.service}"


AT_HOME = Target(LOCAL)


@dataclass(frozen=True, slots=True)
class StepBinding:
    """Where a step runs, and all below it that has no binding of its own."""

    step: str
    targets: tuple[Target, ...]
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PortBinding:
    """Where the files of a port are: those of an input are there, those of an output are brought there."""

    port: str
    target: Target


@dataclass(frozen=True, slots=True)
class DockerBinding:
    """How the DockerRequirement of a step, and of all below it, is served."""

    step: str
    kind: str
    config: Mapping[str, Any]
    wrapper: bool = True


@dataclass(frozen=True, slots=True)
class MatchRule:
    """A target that stays when all of these ports of a job have these values."""

    deployment: str
    service: str | None
    ports: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Filter:
    """What reorders or drops targets of a job: `shuffle` or `matching`."""

    name: str
    kind: str
    rules: tuple[MatchRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """All that says where a workflow runs."""

    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    steps: tuple[StepBinding, ...] = ()
    ports: tuple[PortBinding, ...] = ()
    docker: tuple[DockerBinding, ...] = ()
    filters: Mapping[str, Filter] = field(default_factory=dict)
    streams: int | None = None
    bandwidth: int | None = None
    stalled: float = 300.0
    """Seconds without progress after which the run says what it waits for."""

    def deployment(self, name: str) -> Deployment:
        """Return a deployment; `local` is there without being described."""
        return self.deployments.get(name, HERE)

    def for_step(self, path: str) -> StepBinding:
        """Return the binding of the step at a path without indices: the deepest one that it is below."""
        found = deepest(path, self.steps, lambda item: item.step)
        return found or StepBinding("/", (AT_HOME,))

    def for_port(self, path: str) -> Target | None:
        """Return where the files of the port at a path are bound to; None when they are not."""
        found = deepest(path, self.ports, lambda item: item.port)
        return found.target if found is not None else None

    def docker_for(self, path: str) -> DockerBinding | None:
        """Return how the DockerRequirement of a step is served, when that is said."""
        return deepest(path, self.docker, lambda item: item.step)

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether anything is bound to another place than this machine as it is."""
        return bool(self.steps or self.ports or self.docker)

    def as_json(self) -> dict[str, Any]:
        """Return the binding as JSON can say it."""
        return asdict(self)

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Binding:
        """Return the binding that `as_json` was called on."""
        return cls(
            deployments={name: _deployment(item) for name, item in stored["deployments"].items()},
            steps=tuple(
                StepBinding(item["step"], tuple(Target(**each) for each in item["targets"]), tuple(item["filters"]))
                for item in stored["steps"]
            ),
            ports=tuple(PortBinding(item["port"], Target(**item["target"])) for item in stored["ports"]),
            docker=tuple(DockerBinding(**item) for item in stored["docker"]),
            filters={
                name: Filter(item["name"], item["kind"], tuple(MatchRule(**rule) for rule in item["rules"]))
                for name, item in stored["filters"].items()
            },
            streams=stored["streams"],
            bandwidth=stored["bandwidth"],
            stalled=stored["stalled"],
        )


def _deployment(item: Mapping[str, Any]) -> Deployment:
    wraps = Wraps(**item["wraps"]) if item["wraps"] else None
    return Deployment(**{**item, "wraps": wraps, "reaches": tuple(item["reaches"])})


QUEUE_JOBS = 1000
"""Jobs that a deployment may have in flight, where nothing is said."""
LEAST_WINDOW = 64


def window_of(binding: Binding | None) -> int:
    """Return how many jobs a run should have outstanding so that none of its deployments must wait for it."""
    if binding is None:
        return LEAST_WINDOW
    limits = [item.jobs or item.config.get("maxConcurrentJobs") or QUEUE_JOBS for item in binding.deployments.values()]
    return max(LEAST_WINDOW, 2 * sum(limits))


def deepest(path: str, items: Iterable[T], path_of: Callable[[T], str]) -> T | None:
    """Return the item whose path is the longest that a path is at or below; of equals the last one."""
    found: T | None = None
    length = -1
    for item in items:
        above = path_of(item).rstrip("/")
        if (path == above or path.startswith(f"{above}/")) and len(above) >= length:
            found, length = item, len(above)
    return found


def order_of_undeployment(deployments: Mapping[str, Deployment], names: Iterable[str]) -> list[str]:
    """Return the names of deployments with each before the one that it is stacked on."""
    return sorted(names, key=lambda name: -depth(deployments, name))


def depth(deployments: Mapping[str, Deployment], name: str) -> int:
    """Return on how many others a deployment is stacked; one that is stacked on itself counts as 0."""
    number, seen = 0, set()
    while name in deployments and name not in seen:
        seen.add(name)
        wraps = deployments[name].wraps
        if wraps is None:
            return number
        name, number = wraps.deployment, number + 1
    return 0 if name in seen else number
