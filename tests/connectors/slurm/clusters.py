"""Clusters of the testbed as the tests of this folder use them."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from testbed.hosts import Hosts

from recrate.connectors import files
from recrate.connectors.base import ActionKind, Completed, FileAction, Handle, Launch
from recrate.connectors.local import LocalConnector
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.connectors.wrapper import SCRIPT, Script, encode, script_text

_NUMBERS = itertools.count()
UIDS = {"alice": 2000, "bob": 2001}


class OnHost(LocalConnector):
    """A host of the testbed as a place, without any network: as if the controller ran there."""

    def __init__(self, hosts: Hosts, host: str) -> None:
        super().__init__(host)
        self.pid = (hosts.folder / "hosts" / host / "pid").read_text().strip()
        self.user = hosts.user(host)
        self.root = f"/proc/{self.pid}/root"
        self.owner = os.stat(f"{self.root}/home/{self.user}").st_uid
        self.commands = 0
        """How many commands were run."""

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        self.commands += 1
        enter = ["nsenter", "-t", self.pid, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"]
        user = ["setpriv", f"--reuid={self.owner}", f"--regid={self.owner}", "--clear-groups"]
        clean = ["env", "-i", "PATH=/usr/bin", f"HOME=/home/{self.user}"]
        return await super().run(location, [*enter, *user, *clean, *argv], stdin=stdin, timeout=timeout)

    def tree(self, location: str, root: str) -> files.LocalTree:
        return files.LocalTree(self.root + root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        there = [self._there(action) for action in actions]
        files.carry_out(there)
        for action in there:
            path = action.path
            while path.startswith(f"{self.root}/home/{self.user}/"):
                os.chown(path, self.owner, self.owner, follow_symlinks=False)
                path = os.path.dirname(path)

    def _there(self, action: FileAction) -> FileAction:
        copied = action.source is not None and action.kind is not ActionKind.LINK
        source = f"{self.root}{action.source}" if copied else action.source
        return replace(action, path=self.root + action.path, source=source)

    async def remove(self, location: str, directory: str) -> None:
        await super().remove(location, self.root + directory)


@dataclass(slots=True)
class Cluster:
    """A Slurm cluster of the testbed."""

    hosts: Hosts
    name: str
    inner: OnHost = field(init=False)

    def __post_init__(self) -> None:
        self.inner = OnHost(self.hosts, self.name)

    def connector(self, options: Mapping[str, Any] | None = None) -> SlurmConnector:
        """Return a connector, as a controller has one."""
        return SlurmConnector(
            self.name, {"pollingInterval": 0.5, **(options or {})}, inner=self.inner, inner_location=self.name
        )

    def admin(self, *argv: str) -> str:
        """Return what a command prints that an administrator runs."""
        return self.hosts.inside(self.name, *argv).decode()

    def await_idle(self, node: str) -> None:
        """Wait until a node that was down takes jobs again."""
        for _ in range(600):
            if self.admin("sinfo", "-h", "-N", "-n", node, "-p", "main", "-o", "%T").strip() in ("idle", "mixed"):
                return
            with contextlib.suppress(RuntimeError):  # it is up already, and cannot be resumed
                self.admin("scontrol", "update", f"nodename={node}", "state=resume")
            time.sleep(0.1)
        raise AssertionError(f"{node} does not come back")

    def peek(self, path: str) -> bytes:
        """Return the content of a file."""
        with open(self.inner.root + path, "rb") as stream:
            return stream.read()

    def exists(self, path: str) -> bool:
        """Tell whether there is a file."""
        return os.path.exists(self.inner.root + path)

    async def staged(self, *argv: str, directory: str | None = None, **needs: Any) -> Launch:
        """Return an attempt that is ready to be launched."""
        folder = directory or f"/home/{self.inner.user}/work/{os.getpid()}-{next(_NUMBERS)}"
        token = folder.replace("/", "-")
        text = encode(script_text(Script(token, "a job", folder, f"{folder}/out", argv)))
        await self.inner.prepare(
            self.name,
            [
                FileAction(ActionKind.MAKE_DIRECTORY, f"{folder}/out"),
                FileAction(ActionKind.WRITE, f"{folder}/{SCRIPT}", content=text, mode=0o700),
            ],
        )
        return Launch(token, "a job", folder, f"{folder}/{SCRIPT}", **needs)

    async def launched(
        self, connector: SlurmConnector, *argv: str, service: str = "", **needs: Any
    ) -> tuple[Launch, Handle]:
        """Stage and launch an attempt."""
        launch = await self.staged(*argv, **needs)
        return launch, await connector.launch(f"{self.name}/{service}" if service else self.name, launch)


async def in_queue(connector: SlurmConnector) -> set[str]:
    """Return the ids of the user's jobs that are not over."""
    return {job.native_id for job in await connector.manager.remembered() if not job.phase.is_over}
