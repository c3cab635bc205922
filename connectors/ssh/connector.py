"""Machines behind SSH as places: `ssh` deployments of a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..base import ActionKind, FileAction, Handle, Launch, Location, storage_of
from ..queues.batch import Template, read_template, rendered
from ..shell.connector import Node, ShellConnector
from ..shell.words import SHELL, name
from ..wrapper import encode
from .pool import Pool
from .settings import Connection, Settings, read_settings
from .transport import SshTransport

SERVICE = "#"
"""Stands before the service in the name of a location."""
COMMAND = "command"
"""File in the directory of an attempt: its script, with what a service puts around it."""


class SshConnector(ShellConnector):
    """Machines that are logged in to by SSH.

    Args:
        name: of the deployment.
        options: its `config` (see `settings.Settings`).
        workdir: the directory there below which jobs work.

    Raises DocumentInvalid for options that cannot be.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None, *, workdir: str | None = None) -> None:
        self.settings = settings = read_settings(name, options or {})
        self.remarks = settings.remarks
        nodes = _names(name, settings)
        data = settings.data
        super().__init__(
            name,
            {location: _transport(location, node, settings) for location, node in nodes.items()},
            workdir=workdir,
            data={} if data is None else {location: _transport(location, data, settings) for location in nodes},
            patience=settings.patience,
        )

    async def launch(self, location: str, launch: Launch) -> Handle:
        """Start an attempt's script in a session of its own, within the template of a service."""
        path = self.settings.templates.get(location.partition(SERVICE)[2])
        if path is not None:
            launch = replace(launch, script=await self._wrapped(location, launch, read_template(path)))
        return await super().launch(location, launch)

    def address(self, location: str) -> str | None:
        """Return how other hosts reach a host, or the one that its copies go through; None behind a tunnel."""
        node = self.settings.data or _names(self.name, self.settings)[location.partition(SERVICE)[0]]
        if node.tunnel is not None:
            return None
        user = "" if node.username is None else f"{node.username}@"
        return f"{user}{node.address}"

    async def _wrapped(self, location: str, launch: Launch, template: Template) -> str:
        """Write the command that a service puts around an attempt; return its path."""
        path = f"{launch.directory}/{COMMAND}"
        text = encode(rendered(template, launch.directory, f"{SHELL} {name(launch.script)}"))
        await self.prepare(location, [FileAction(ActionKind.WRITE, path, content=text, mode=0o700)])
        return path

    def _node(self, location: str) -> Node:
        return super()._node(location.partition(SERVICE)[0])

    async def _known(self) -> Sequence[Location]:
        """Return a location for each host, and for each host one for each service, with the files of the host."""
        found: list[Location] = []
        for plain in await super()._known():
            found.append(plain)
            found += [
                replace(plain, name=f"{plain.name}{SERVICE}{service}", service=service, storage=storage_of(plain))
                for service in self.settings.templates
                if service
            ]
        return found


def _names(name: str, settings: Settings) -> dict[str, Connection]:
    """Return the hosts by the names of their locations."""
    if len(settings.nodes) == 1:
        return {name: settings.nodes[0]}
    return {f"{name}/{node.address}": node for node in settings.nodes}


def _transport(location: str, connection: Connection, settings: Settings) -> SshTransport:
    return SshTransport(Pool(location, connection, settings))
