"""How tests reach the hosts of the testbed, by the connector for SSH and past it."""

from __future__ import annotations

import secrets
from typing import Any

from testbed.hosts import Hosts

from recrate.connectors.kit import PlaceUnderTest
from recrate.connectors.ssh.connector import SshConnector

WRITE = 'mkdir -p "${1%/*}" && cat >"$1"'


def connector(hosts: Hosts, host: str, **options: Any) -> SshConnector:
    """Return a connector to a host that goes by the testbed's own configuration of SSH."""
    return SshConnector("site", {"nodes": [host], "sshConfig": str(hosts.ssh_config), **options})


def place_on(hosts: Hosts, host: str, **options: Any) -> PlaceUnderTest:
    """Return an empty directory of a host, as the kit wants it."""
    directory = f"/scratch/{secrets.token_hex(4)}"
    user = hosts.user(host)
    hosts.inside(host, "mkdir", directory, user=user)

    def plant(path: str, content: bytes) -> None:
        hosts.inside(host, "sh", "-c", WRITE, "sh", path, stdin=content, user=user)

    return PlaceUnderTest(
        connector(hosts, host, **options),
        "site",
        directory,
        lambda path: hosts.inside(host, "cat", "--", path, user=user),
        plant,
        lambda: connector(hosts, host, **options),
    )
