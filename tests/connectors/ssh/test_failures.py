"""Each way in which a host cannot be reached or used is one line that says which host, and what to do."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts
from testbed.reaching import connector

from recrate.connectors.base import ActionKind, FileAction
from recrate.connectors.ssh.connector import SshConnector
from recrate.errors import PlaceFailed

AT_ONCE = {"retries": 1, "retryDelay": 0, "connectTimeout": 2}


@pytest.fixture(scope="module")
def cloud(hosts: Hosts) -> Hosts:
    hosts.start("cloud")
    return hosts


async def failure(made: SshConnector) -> PlaceFailed:
    """Return why a host cannot be logged in to."""
    with pytest.raises(PlaceFailed) as raised:
        await made.deploy()
    await made.undeploy()
    assert "\n" not in raised.value.render()
    assert raised.value.render().startswith("site: ")
    assert raised.value.hint
    return raised.value


@asynccontextmanager
async def deployed(made: SshConnector) -> AsyncIterator[SshConnector]:
    try:
        await made.deploy()
        yield made
    finally:
        await made.undeploy()


def configured(hosts: Hosts, folder: Path, **lines: str) -> dict[str, Any]:
    """Return options that read a configuration of SSH in which some lines come first."""
    path = folder / "config"
    first = "".join(f"{key} {text}\n" for key, text in lines.items())
    path.write_text(f"Host *\n{first}\n{hosts.ssh_config.read_text()}")
    return {"sshConfig": str(path), **AT_ONCE}


async def test_a_host_whose_key_nobody_knows(cloud: Hosts, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("")
    options = configured(cloud, tmp_path, UserKnownHostsFile=str(tmp_path / "known"))
    assert "cannot be trusted" in (await failure(connector(cloud, "cloud", **options))).problem


async def test_a_host_whose_key_has_changed(cloud: Hosts, tmp_path: Path) -> None:
    other = (cloud.folder / "id.pub").read_text().split()
    (tmp_path / "known").write_text(f"{cloud.address('cloud')} {other[0]} {other[1]}\n")
    options = configured(cloud, tmp_path, UserKnownHostsFile=str(tmp_path / "known"))
    assert "cannot be trusted" in (await failure(connector(cloud, "cloud", **options))).problem


async def test_a_configuration_that_names_no_file_of_known_hosts_does_not_switch_the_check_off(
    cloud: Hosts, tmp_path: Path
) -> None:
    options = configured(cloud, tmp_path, UserKnownHostsFile="none")
    assert "cannot be trusted" in (await failure(connector(cloud, "cloud", **options))).problem


async def test_the_check_of_the_key_is_switched_off_by_the_deployment_alone(cloud: Hosts, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("")
    options = configured(cloud, tmp_path, UserKnownHostsFile=str(tmp_path / "known"))
    async with deployed(connector(cloud, "cloud", checkHostKey=False, **options)) as made:
        assert (await made.run("site", ["hostname"])).stdout == b"cloud\n"


async def test_a_key_that_is_not_authorized(cloud: Hosts, tmp_path: Path) -> None:
    key = new_key(tmp_path / "key", "")
    found = await failure(connector(cloud, "cloud", sshKey=key, username="alice", **AT_ONCE))
    assert "does not let 'alice' log in" in found.problem
    assert key in (found.hint or "")


async def test_a_key_without_its_passphrase(cloud: Hosts, tmp_path: Path) -> None:
    key = new_key(tmp_path / "key", "open sesame")
    found = await failure(connector(cloud, "cloud", sshKey=key, **AT_ONCE))
    assert "sshKeyPassphraseFile" in (found.hint or "")


async def test_a_key_with_its_passphrase(cloud: Hosts, tmp_path: Path) -> None:
    key = new_key(tmp_path / "key", "open sesame")
    (tmp_path / "passphrase").write_text("open sesame\n")
    keys = "/home/alice/.ssh/authorized_keys"
    cloud.inside("cloud", "sh", "-c", f"cat >>{keys}", stdin=Path(f"{key}.pub").read_bytes())
    passphrase = str(tmp_path / "passphrase")
    async with deployed(connector(cloud, "cloud", sshKey=key, sshKeyPassphraseFile=passphrase)) as made:
        assert (await made.run("site", ["id", "-un"])).stdout == b"alice\n"


async def test_a_secret_that_cannot_be_read(cloud: Hosts, tmp_path: Path) -> None:
    made = connector(cloud, "cloud", passwordFile=str(tmp_path / "missing"), **AT_ONCE)
    with pytest.raises(PlaceFailed, match=r"the secret in .* cannot be read: No such file"):
        await made.deploy()


async def test_a_password_logs_in_where_passwords_are_allowed(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host2")
    hosts.inside("host2", "chpasswd", stdin=b"alice:t0p secret\n")
    hosts.inside("host2", "sed", "-i", "s/^PasswordAuthentication.*/PasswordAuthentication yes/", "/run/sshd/config")
    hosts.inside("host2", "sh", "-c", "kill -HUP $(cat /run/sshd/pid)")
    secret = tmp_path / "password"
    secret.write_text("t0p secret\n")
    options = configured(hosts, tmp_path, IdentityFile="none", PreferredAuthentications="password")
    again = {**options, "retries": 5, "retryDelay": 1}
    async with deployed(connector(hosts, "host2", passwordFile=str(secret), **again)) as made:
        assert (await made.run("site", ["id", "-un"])).stdout == b"alice\n"
    secret.write_text("wrong\n")
    bad = await failure(connector(hosts, "host2", passwordFile=str(secret), **options))
    assert "does not let" in bad.problem
    assert "wrong" not in bad.render()


async def test_a_port_where_nothing_answers(cloud: Hosts) -> None:
    found = await failure(connector(cloud, "cloud:2", **AT_ONCE))
    assert found.problem == "site: cloud:2 cannot be reached: nothing answers at its port"


async def test_a_name_that_nobody_knows(cloud: Hosts) -> None:
    assert "nowhere.invalid is not known" in (await failure(connector(cloud, "nowhere.invalid", **AT_ONCE))).problem


async def test_a_host_that_gives_no_answer(cloud: Hosts) -> None:
    with cloud.frozen("cloud"):
        assert (await failure(connector(cloud, "cloud", **AT_ONCE))).problem == "site: cloud gives no answer"


async def test_a_host_on_the_way_is_named_when_it_is_the_one_that_fails(cloud: Hosts) -> None:
    cloud.start("bastion", "hpcb")
    tunnel = {"hostname": "bastion", "username": "nobody-there"}
    found = await failure(connector(cloud, "hpcb", tunnel=tunnel, **AT_ONCE))
    assert "bastion does not let 'nobody-there' log in" in found.problem


async def test_a_tunnel_of_the_deployment_leads_to_a_host_behind_it(cloud: Hosts, tmp_path: Path) -> None:
    cloud.start("bastion", "hpcb")
    key = str(cloud.identity)
    options = {
        "sshConfig": [],
        "checkHostKey": False,
        "sshKey": key,
        "username": "bob",
        "tunnel": {"hostname": cloud.address("bastion"), "username": "alice"},
    }
    made = SshConnector("site", {"nodes": [f"{cloud.address('hpcb')}:22"], **options})
    async with deployed(made):
        assert (await made.run("site", ["hostname"])).stdout == b"hpcb\n"


async def test_a_full_disk(cloud: Hosts) -> None:
    async with deployed(connector(cloud, "cloud")) as made:
        with cloud.filled("cloud"), pytest.raises(PlaceFailed) as raised:
            await made.prepare("site", [FileAction(ActionKind.WRITE, "/small/file", content=b"x" * 9000)])
    assert raised.value.problem == "site cannot write '/small/file': No space left on device"
    assert "workdir" in (raised.value.hint or "")


async def test_a_directory_that_may_not_be_written(cloud: Hosts) -> None:
    async with deployed(connector(cloud, "cloud")) as made:
        with pytest.raises(PlaceFailed, match="cannot make directory '/root/x': Permission denied"):
            await made.prepare("site", [FileAction(ActionKind.MAKE_DIRECTORY, "/root/x")])


async def test_a_program_that_is_not_there_gives_the_code_of_a_shell(cloud: Hosts) -> None:
    async with deployed(connector(cloud, "cloud")) as made:
        assert (await made.run("site", ["no-such-program"])).code == 127


async def test_a_command_that_gives_no_answer(cloud: Hosts) -> None:
    async with deployed(connector(cloud, "cloud")) as made:
        with pytest.raises(PlaceFailed, match="gave no answer within 1 s"):
            await made.run("site", ["sleep", "600"], timeout=1)


def new_key(path: Path, passphrase: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)
    return str(path)
