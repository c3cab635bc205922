"""The keys of an `ssh` deployment are read as the format has them, and what is wrong with one is said."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.connectors.ssh.pool import jump_host
from recrate.connectors.ssh.settings import Connection, read_settings
from recrate.errors import DocumentInvalid


def test_what_a_node_does_not_say_is_taken_from_the_deployment() -> None:
    options = {"nodes": ["a:2222", {"hostname": "b", "username": "me"}], "username": "us", "sshKey": "/k"}
    first, second = read_settings("farm", options).nodes
    assert first == Connection("a", 2222, "us", "/k")
    assert second == Connection("b", None, "me", "/k")


def test_tunnels_are_nested_and_those_of_the_deployment_are_for_each_node() -> None:
    options = {"nodes": ["a"], "username": "us", "tunnel": {"hostname": "t", "tunnel": {"hostname": "u:23"}}}
    [node] = read_settings("farm", options).nodes
    assert node.tunnel == Connection("t", None, "us", tunnel=Connection("u", 23, "us"))


@pytest.mark.parametrize(
    ("text", "host", "port"), [("h", "h", None), ("h:22", "h", 22), ("::1", "::1", None), ("[::1]:22", "::1", 22)]
)
def test_hosts_and_ports(text: str, host: str, port: int | None) -> None:
    [node] = read_settings("farm", {"nodes": [text]}).nodes
    assert (node.hostname, node.port) == (host, port)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "'nodes' must be a list of at least one host"),
        ({"nodes": "a"}, "'nodes' must be a list"),
        ({"nodes": [""]}, "'nodes' must be a host"),
        ({"nodes": ["a:x"]}, "has the port 'x'"),
        ({"nodes": [{"hostname": "a", "colour": 1}]}, "has the unknown key 'colour'"),
        ({"nodes": ["a"], "user": "x"}, "'user' is not a key"),
        ({"nodes": ["a"], "username": 7}, "'username' must be a text"),
        ({"nodes": ["a"], "maxConcurrentSessions": 0}, "'maxConcurrentSessions' must be a number, at least 1"),
        ({"nodes": ["a"], "retries": True}, "'retries' must be a number"),
        ({"nodes": ["a"], "checkHostKey": "no"}, "'checkHostKey' must be true or false"),
        ({"nodes": ["a"], "services": ["x"]}, "'services' must give the path"),
        ({"nodes": ["a"], "sshConfig": 3}, "'sshConfig' must be a path"),
        ({"nodes": ["a"], "tunnel": {"username": "x"}}, "'tunnel' must be a host"),
    ],
)
def test_what_is_wrong_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentInvalid, match=r"^farm: ") as raised:
        read_settings("farm", options)
    assert said in raised.value.problem


def test_keys_that_change_nothing_are_named() -> None:
    remarks = read_settings("farm", {"nodes": ["a"], "transferBufferSize": 1, "sharedPaths": ["/x"]}).remarks
    assert [remark.split(":")[1] for remark in remarks] == [
        " 'sharedPaths' changes nothing here",
        " 'transferBufferSize' changes nothing here",
    ]


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("bastion", [("bastion", None, None)]),
        ("alice@bastion:2222", [("bastion", 2222, "alice")]),
        ("a@b@outer,inner:22", [("inner", 22, None), ("outer", None, "a@b")]),
        ("2001:db8::7", [("2001:db8::7", None, None)]),
        ("me@[2001:db8::7]:22", [("2001:db8::7", 22, "me")]),
    ],
)
def test_jump_hosts_are_logged_in_to_one_after_the_other(text: str, hops: list[tuple[str, int | None, str]]) -> None:
    """The last one is that from which the host itself is reached."""
    tunnel = jump_host(text, Connection("target", 7, "me", key="/k", passphrase_file="/p"))
    found = []
    while tunnel is not None:
        assert (tunnel.key, tunnel.passphrase_file, tunnel.check_host_key) == (None, "/p", True)
        found.append((tunnel.hostname, tunnel.port, tunnel.username))
        tunnel = tunnel.tunnel
    assert found == hops
