"""A host sends data straight to another one that it can log in to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.kit import CONTENT, ODD_NAMES
from recrate.connectors.ssh.connector import SshConnector
from recrate.errors import PlaceFailed

KEYS = "umask 077 && cat >~/.ssh/id_ed25519"


@pytest.fixture(scope="module")
def cloud(hosts: Hosts) -> Iterator[Reached]:
    """A host that has a key for another one, and knows it."""
    hosts.start("cloud", "host3")
    with reached(hosts, "cloud") as host:
        host.inside("sh", "-c", f"HOME=/home/alice; {KEYS}", stdin=hosts.identity.read_bytes())
        host.inside("sh", "-c", "cat >/home/alice/.ssh/known_hosts", stdin=hosts.known_hosts.read_bytes())
        yield host
        host.inside("rm", "/home/alice/.ssh/id_ed25519")


@pytest.fixture
def directory(hosts: Hosts, cloud: Reached) -> str:
    """A directory that both have, with the same path and nothing in it."""
    path = cloud.place().directory
    hosts.inside("host3", "mkdir", path, user="alice")
    return path


async def test_who_can_be_sent_to_is_found_out(cloud: Reached) -> None:
    assert await cloud.connector.can_send("site", "alice@host3")
    assert await cloud.connector.can_send("site", "alice@host3:22")
    assert not await cloud.connector.can_send("site", "nobody@host3")
    assert not await cloud.connector.can_send("site", "alice@host3:2")


@pytest.mark.parametrize("address", ["-oProxyCommand=touch x", "a b", "alice@", "alice@h;id", "h:x", ""])
async def test_what_is_no_address_is_refused(cloud: Reached, address: str) -> None:
    with pytest.raises(PlaceFailed, match="is no address of a host"):
        await cloud.connector.send("site", "/etc/hosts", address, "/tmp/x")


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_file_arrives_whatever_its_name(hosts: Hosts, cloud: Reached, directory: str, name: str) -> None:
    cloud.plant(f"{directory}/{name}", CONTENT)
    await cloud.connector.send("site", f"{directory}/{name}", "alice@host3", f"{directory}/sub/{name}")
    assert hosts.inside("host3", "cat", "--", f"{directory}/sub/{name}") == CONTENT


async def test_a_program_stays_one_and_a_directory_arrives_whole(hosts: Hosts, cloud: Reached, directory: str) -> None:
    cloud.plant(f"{directory}/d/sub/run", b"#!/bin/sh\necho ran\n")
    cloud.inside("chmod", "755", f"{directory}/d/sub/run")
    await cloud.connector.send("site", f"{directory}/d", "alice@host3", f"{directory}/e")
    await cloud.connector.send("site", f"{directory}/d/sub/run", "alice@host3", f"{directory}/run")
    assert hosts.inside("host3", f"{directory}/e/sub/run") == b"ran\n"
    assert hosts.inside("host3", f"{directory}/run") == b"ran\n"


async def test_what_cannot_be_sent_is_one_line(hosts: Hosts, cloud: Reached, directory: str) -> None:
    with pytest.raises(PlaceFailed, match=r"site cannot send .*missing' to alice@host3"):
        await cloud.connector.send("site", f"{directory}/missing", "alice@host3", f"{directory}/x")
    with pytest.raises(PlaceFailed, match=r"to nobody@host3: .*Permission denied"):
        await cloud.connector.send("site", "/etc/hosts", "nobody@host3", f"{directory}/x")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("host3", "host3"),
        ("host3:2222", "host3:2222"),
        ({"hostname": "host3", "username": "alice"}, "alice@host3"),
        ({"hostname": "host3", "tunnel": {"hostname": "bastion"}}, None),
    ],
)
def test_an_address_is_what_other_hosts_are_told(node: object, expected: str | None) -> None:
    assert SshConnector("site", {"nodes": [node]}).address("site") == expected
