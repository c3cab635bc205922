"""Containers as places: deployments of the types `docker`, `podman`, `singularity` and `apptainer`.

A container is started where the deployment is stacked (`wraps`), else on this machine, and stays for the
whole run; jobs are started in it. Files that it does not share with anybody are gone with it, so that a later
controller, which starts another one, has the jobs done again whose results it needs. An `external` container
is used as it is, and stays.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ..errors import DocumentInvalid, PlaceFailed
from .base import Connector, Location
from .local import LocalConnector
from .local_data import last_line
from .shell.connector import ShellConnector
from .shell.within import WithinTransport

START_SECONDS = 1800.0
"""How long it may take to get an image and start a container."""
END_SECONDS = 60.0
MIB = 1 << 20
STAY = 'trap "exit 0" TERM; while :; do sleep 3600 & wait "$!"; done'
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OWN = frozenset({"image", "command", "external", "transferBufferSize"})
"""Keys that are no options of the engine."""


class ContainerPlace(ShellConnector):
    """A container that stays, as a place with files of its own.

    Args:
        name: of the deployment.
        options: its `config`: the image, and options of the engine as the format spells them.
        workdir: the directory in it below which jobs work.
        inner: the connector of the place that it is started on; None: this machine.
        inner_location: which of its locations.

    Raises DocumentInvalid for an external container that is not named.
    """

    engine: ClassVar[str]
    name_key: ClassVar[str]
    """By which a configuration names an external container."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, Any] | None = None,
        *,
        workdir: str | None = None,
        inner: Connector | None = None,
        inner_location: str | None = None,
    ) -> None:
        self.options = dict(options or {})
        self.external = bool(self.options.get("external"))
        named = self.options.pop(self.name_key, None)
        if self.external and not named:
            raise DocumentInvalid(f"{name}: an external container needs {self.name_key!r}")
        self.container = str(named) if self.external else f"recrate-{name}-{secrets.token_hex(4)}"
        self._inner: Connector = inner or LocalConnector()
        self._inner_location = inner_location or "local"
        self._runs = False
        transport = WithinTransport(name, self._inner, self._inner_location, self.entered())
        super().__init__(name, {name: transport}, workdir=workdir)

    async def deploy(self) -> None:
        """Start the container. Raises PlaceFailed with what the engine says."""
        if not self.external and not self._runs:
            await self._ask(self.started(), START_SECONDS, f"start a container of {self.options.get('image')!r}")
            self._runs = True
        await super().deploy()

    async def undeploy(self) -> None:
        """End the container, unless it is external."""
        await super().undeploy()
        if self._runs:
            self._runs = False
            await self._ask(self.ended(), END_SECONDS, f"end the container {self.container}")

    def entered(self) -> list[str]:
        """Return the words before a command that is to run in the container."""
        raise NotImplementedError

    def started(self) -> list[str]:
        """Return the command that starts the container."""
        raise NotImplementedError

    def ended(self) -> list[str]:
        """Return the command that ends the container."""
        raise NotImplementedError

    async def _ask(self, argv: Sequence[str], timeout: float, doing: str) -> None:
        done = await self._inner.run(self._inner_location, argv, timeout=timeout)
        if done.code != 0:
            raise PlaceFailed(f"{self.name}: {self.engine} cannot {doing}: {last_line(done.stderr)}")

    async def _known(self) -> Sequence[Location]:
        """Return the only location, with no more cores and memory than its container was given."""
        cores, memory = self.options.get("cpus"), self.options.get("memory")
        found = []
        for location in await super()._known():
            facts = location.facts
            if isinstance(cores, int | float):
                facts = replace(facts, cores=max(1, int(cores)))
            if isinstance(memory, int):
                facts = replace(facts, memory=memory // MIB)
            found.append(replace(location, facts=facts))
        return found


class DockerConnector(ContainerPlace):
    """A container of docker."""

    engine = "docker"
    name_key = "containerId"
    has_init: ClassVar[bool] = True
    """The engine comes with an init program. The shell that stays waits for orphans, too; a given command may not."""

    def entered(self) -> list[str]:
        """Return the words before a command that is to run in the container."""
        return [self.engine, "exec", "--interactive", self.container]

    def started(self) -> list[str]:
        """Return the command that starts the container, which by default does nothing but stay."""
        given = {"init": self.has_init, "rm": True, **self.options}
        command = given.get("command") or ["-c", STAY]
        if not given.get("command") and not given.get("entrypoint"):
            given["entrypoint"] = "/bin/sh"
        name = f"--name={self.container}"
        return [self.engine, "run", "--detach", name, *flags(given), "--", str(given.get("image")), *command]

    def ended(self) -> list[str]:
        """Return the command that ends and removes the container."""
        return [self.engine, "rm", "--force", self.container]


class PodmanConnector(DockerConnector):
    """A container of podman."""

    engine = "podman"
    has_init = False

    def ended(self) -> list[str]:
        """Return the command that ends and removes the container, at once."""
        return [self.engine, "rm", "--force", "--time=0", self.container]


class SingularityConnector(ContainerPlace):
    """An instance of singularity."""

    engine = "singularity"
    name_key = "instanceName"

    def entered(self) -> list[str]:
        """Return the words before a command that is to run in the instance."""
        return [self.engine, "exec", f"instance://{self.container}"]

    def started(self) -> list[str]:
        """Return the command that starts the instance."""
        image, command = str(self.options.get("image")), self.options.get("command") or []
        return [self.engine, "instance", "start", *flags(self.options), image, self.container, *command]

    def ended(self) -> list[str]:
        """Return the command that ends the instance."""
        return [self.engine, "instance", "stop", self.container]


class ApptainerConnector(SingularityConnector):
    """An instance of apptainer."""

    engine = "apptainer"


def flags(options: Mapping[str, Any]) -> list[str]:
    """Return options of an engine as its command takes them, from keys such as `addHost` or `logOpts`."""
    found: list[str] = []
    for key, value in options.items():
        if key in _OWN or value is None or value is False:
            continue
        flag = f"--{_BETWEEN_WORDS.sub('-', key).lower()}"
        if flag in ("--dns-options", "--log-opts", "--security-opts", "--storage-opts"):
            flag = flag[:-1]
        values = value if isinstance(value, list) else [value]
        found += [flag if each is True else f"{flag}={each}" for each in values]
    return found
