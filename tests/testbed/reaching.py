"""How tests reach the hosts of the testbed, by the connector for SSH and past it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from testbed.hosts import Hosts

from recrate.connectors.kit import PlaceUnderTest
from recrate.connectors.ssh.connector import SshConnector

WRITE = 'mkdir -p "${1%/*}" && cat >"$1"'
ONLY_BUSYBOX = """
mkdir -p /usr/local/few && /usr/bin/busybox --install -s /usr/local/few && echo 'PATH=/usr/local/few' >"$1/.bashrc"
"""


def connector(hosts: Hosts, host: str, **options: Any) -> SshConnector:
    """Return a connector to a host that goes by the testbed's own configuration of SSH."""
    return SshConnector("site", {"nodes": [host], "sshConfig": str(hosts.ssh_config), **options})


@dataclass(slots=True)
class Reached:
    """A host with a connector to it that several tests share."""

    hosts: Hosts
    host: str
    options: dict[str, Any]
    connector: SshConnector
    _others: list[SshConnector] = field(default_factory=list)

    def place(self) -> PlaceUnderTest:
        """Return an empty directory of the host, as the kit wants it."""
        directory = f"/scratch/{secrets.token_hex(4)}"
        self.inside("mkdir", directory)
        return PlaceUnderTest(self.connector, "site", directory, self.peek, self.plant, self.later)

    def inside(self, *argv: str, stdin: bytes = b"") -> bytes:
        """Return what a command prints that runs there as the user whom the connector logs in as."""
        return self.hosts.inside(self.host, *argv, stdin=stdin, user=self.hosts.user(self.host))

    def peek(self, path: str) -> bytes:
        """Return the content of a file."""
        return self.inside("cat", "--", path)

    def plant(self, path: str, content: bytes) -> None:
        """Make a file, and the directories that it is in."""
        self.inside("sh", "-c", WRITE, "sh", path, stdin=content)

    def later(self) -> SshConnector:
        """Return one more connector to the same host."""
        self._others.append(connector(self.hosts, self.host, **self.options))
        return self._others[-1]

    def close(self) -> None:
        """Close all connections."""
        with ThreadPoolExecutor(1) as pool:  # this may be called where an event loop runs
            for each in (self.connector, *self._others):
                pool.submit(asyncio.run, each.undeploy()).result()


@contextlib.contextmanager
def reached(hosts: Hosts, host: str, **options: Any) -> Iterator[Reached]:
    """Give a host with a connector, and close its connections at the end."""
    with contextlib.closing(Reached(hosts, host, options, connector(hosts, host, **options))) as found:
        yield found


@contextlib.contextmanager
def only_busybox(hosts: Hosts, host: str) -> Iterator[None]:
    """Leave a user nothing but the programs of busybox for a while."""
    home = f"/home/{hosts.user(host)}"
    if not hosts.inside(host, "sh", "-c", "command -v busybox || :"):
        pytest.skip("busybox is not installed")
    hosts.inside(host, "cp", f"{home}/.bashrc", f"{home}/.bashrc.kept")
    try:
        hosts.inside(host, "sh", "-c", ONLY_BUSYBOX, "sh", home)
        yield
    finally:
        hosts.inside(host, "mv", f"{home}/.bashrc.kept", f"{home}/.bashrc")
