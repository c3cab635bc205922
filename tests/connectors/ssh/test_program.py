"""Large files go by the `ssh` program where it logs in as our own connection does, and arrive as they were."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.data import Take
from recrate.connectors.kit import CONTENT, ODD_NAMES, PlaceUnderTest, joined, pieces
from recrate.connectors.local_file import FileChunks
from recrate.connectors.shell import data
from recrate.connectors.ssh import program
from recrate.connectors.ssh.connector import SshConnector
from recrate.connectors.ssh.program import SshProgram, arguments
from recrate.connectors.ssh.settings import Connection, read_settings
from recrate.errors import PlaceFailed
from recrate.hashing import digest_bytes

# -- how it logs in ---------------------------------------------------------------------------------


def words(**options: Any) -> list[str] | None:
    """Return the words for the only host of a deployment."""
    settings = read_settings("farm", {"nodes": ["h"], **options})
    return arguments(settings.nodes[0], settings, "aes128-gcm@openssh.com")


def test_a_host_that_says_nothing_is_left_to_the_users_configuration() -> None:
    found = words()
    assert found is not None
    assert found[-2:] == ["--", "h"]
    assert not {"-F", "-l", "-p", "-i"} & set(found)
    assert {"-oStrictHostKeyChecking=yes", "-oBatchMode=yes", "-oCiphers=aes128-gcm@openssh.com"} <= set(found)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"nodes": ["h:2222"]}, ["-p", "2222"]),
        ({"username": "me"}, ["-l", "me"]),
        ({"sshKey": "/k 1"}, ["-i", "/k 1", "-oIdentitiesOnly=yes"]),
        ({"sshConfig": "/c"}, ["-F", "/c"]),
        ({"sshConfig": []}, ["-F", "none"]),
        ({"connectTimeout": 7}, ["-oConnectTimeout=7"]),
        ({"checkHostKey": False}, ["-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null"]),
    ],
)
def test_what_a_deployment_says_is_said_to_the_program(options: dict[str, Any], said: list[str]) -> None:
    found = words(**options)
    assert found is not None
    at = found.index(said[0])
    assert found[at : at + len(said)] == said


@pytest.mark.parametrize(
    "options",
    [
        {"passwordFile": "/secret"},
        {"sshKeyPassphraseFile": "/secret"},
        {"sshConfig": ["/a", "/b"]},
        {"tunnel": {"hostname": "t", "passwordFile": "/secret"}},
    ],
)
def test_what_the_program_cannot_do_as_we_do_is_left_to_our_own_connection(options: dict[str, Any]) -> None:
    assert words(**options) is None


def test_odd_words_of_a_host_on_the_way_stay_one_word_each() -> None:
    tunnel = Connection("t", 23, key="/a b/50%'s")
    settings = read_settings("farm", {"nodes": ["h"]})
    found = arguments(Connection("h", tunnel=tunnel), settings)
    assert found is not None
    [way] = [word.partition("=")[2] for word in found if word.startswith("-oProxyCommand=")]
    shown = subprocess.run(
        ["sh", "-c", way.replace("ssh", "printf '%s\\n'", 1).replace("%%", "%")], capture_output=True, text=True
    )
    said = shown.stdout.split("\n")
    assert said[said.index("-i") + 1] == "/a b/50%'s"
    assert said[said.index("-W") :][:4] == ["-W", "[%h]:%p", "--", "t"]


# -- what it carries --------------------------------------------------------------------------------


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The streams that logged in, each with its host; a file of a few bytes counts as a large one."""
    seen: list[str] = []
    stream = SshProgram.stream

    async def noted(
        self: SshProgram,
        text: str,
        stdin: AsyncIterable[bytes] | None = None,
        take: Take | None = None,
        *,
        cipher: str | None = None,
    ) -> AsyncGenerator[bytes, None]:
        async for chunk in stream(self, text, stdin, take, cipher=cipher):
            seen.append(self.name)
            yield chunk
        if take is not None:
            seen.append(self.name)

    monkeypatch.setattr(SshProgram, "stream", noted)
    monkeypatch.setattr(data, "SWIFT_BYTES", 1)
    return seen


@pytest.fixture(scope="module")
def cloud(hosts: Hosts) -> Iterator[Reached]:
    hosts.start("cloud")
    with reached(hosts, "cloud") as host:
        yield host


@pytest.fixture
def place(cloud: Reached) -> PlaceUnderTest:
    return cloud.place()


async def there_and_back(place: PlaceUnderTest, path: str, content: bytes = CONTENT) -> str | None:
    """Copy a content to a place and back; return the hash that the place gave."""
    connector = place.connector
    assert isinstance(connector, SshConnector)
    arrived = await connector.write("site", path, pieces(content), size=len(content))
    assert place.peek(path) == content
    assert await joined(connector.read("site", path)) == content
    return arrived


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_file_goes_there_and_back_whatever_its_name(place: PlaceUnderTest, begun: list[str], name: str) -> None:
    assert await there_and_back(place, place.path("sub", name)) == digest_bytes(CONTENT).sha256
    assert begun


async def test_a_copy_goes_on_where_it_broke_off(place: PlaceUnderTest, begun: list[str]) -> None:
    path, half = place.path("file"), len(CONTENT) // 2
    assert isinstance(place.connector, SshConnector)
    place.plant(path, CONTENT[:half] + b"what a crash left")
    arrived = await place.connector.write("site", path, pieces(CONTENT[half:]), offset=half, size=len(CONTENT) - half)
    assert (place.peek(path), arrived) == (CONTENT, digest_bytes(CONTENT).sha256)
    assert await joined(place.connector.read("site", path, offset=half)) == CONTENT[half:]
    assert len(begun) >= 2


async def test_a_small_file_needs_no_login_of_its_own(
    place: PlaceUnderTest, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "SWIFT_BYTES", len(CONTENT) + 1)
    await there_and_back(place, place.path("file"))
    assert begun == []


async def test_a_host_that_greets_everybody_changes_no_file(
    cloud: Reached, place: PlaceUnderTest, begun: list[str]
) -> None:
    cloud.inside("sh", "-c", "cp ~alice/.bashrc ~alice/.kept; sed -i '1i echo welcome' ~alice/.bashrc")
    try:
        found = await joined(SshProgram("site", *told(cloud)).stream("printf file"))
    finally:
        cloud.inside("sh", "-c", "mv ~alice/.kept ~alice/.bashrc")
    assert found == b"file"


def told(host: Reached) -> tuple[Connection, Any]:
    """Return how a host is logged in to."""
    settings = host.connector.settings
    return settings.nodes[0], settings


async def test_a_host_on_the_way_is_gone_through(hosts: Hosts, begun: list[str]) -> None:
    hosts.start("bastion", "hpcb")
    key = str(hosts.identity)
    way = {"hostname": "bastion", "username": hosts.user("bastion"), "sshKey": key}
    login = {"hostname": hosts.address("hpcb"), "username": "bob", "sshKey": key, "checkHostKey": False}
    with reached(hosts, "hpcb", nodes=[{**login, "tunnel": {**way, "checkHostKey": True}}]) as host:
        await there_and_back(host.place(), host.place().path("file"))
    assert begun


async def test_our_own_connection_carries_what_the_program_cannot(
    hosts: Hosts, begun: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").write_text(
        "#!/bin/sh\necho tried >>$0.tried\necho 'Permission denied (publickey).' >&2\nexit 255\n"
    )
    (tmp_path / "ssh").chmod(0o755)
    hosts.start("cloud")
    with reached(hosts, "cloud") as host:
        place = host.place()
        await place.connector.deploy()
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert await there_and_back(place, place.path("file")) is not None
    assert begun == []
    assert (tmp_path / "ssh.tried").read_text() == "tried\n"  # once for all


async def test_a_file_is_read_by_the_program_itself(place: PlaceUnderTest, begun: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(CONTENT)
    assert isinstance(place.connector, SshConnector)
    sent, told = FileChunks(str(tmp_path / "file"), 1000), list[int]()
    sent.tell = told.append
    place.plant(place.path("file"), CONTENT[:1000])
    await place.connector.write("site", place.path("file"), sent, offset=1000, size=len(CONTENT) - 1000)
    assert place.peek(place.path("file")) == CONTENT
    assert begun and sum(told) == len(CONTENT) - 1000
    await sent.aclose()


async def test_what_the_program_has_read_before_it_was_refused_is_sent_all_the_same(
    hosts: Hosts, begun: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").write_text("#!/bin/sh\nhead -c 1000 >$0.read\necho refused >&2\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    (tmp_path / "file").write_bytes(CONTENT)
    hosts.start("cloud")
    with reached(hosts, "cloud") as host:
        place = host.place()
        await place.connector.deploy()
        assert isinstance(place.connector, SshConnector)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        sent = FileChunks(str(tmp_path / "file"))
        await place.connector.write("site", place.path("file"), sent, size=len(CONTENT))
        assert place.peek(place.path("file")) == CONTENT
    assert begun == []
    assert (tmp_path / "ssh.read").read_bytes() == CONTENT[:1000]


async def test_a_full_disk_is_one_line(place: PlaceUnderTest, begun: list[str]) -> None:
    assert isinstance(place.connector, SshConnector)
    large = 8 << 20
    with pytest.raises(PlaceFailed, match=r"site cannot write '/small/file': .*No space left on device") as raised:
        await place.connector.write("site", "/small/file", pieces(b"x" * large), size=large)
    assert "make room" in (raised.value.hint or "")
    await place.connector.remove("site", "/small/file")


async def test_a_missing_file_is_no_empty_one(place: PlaceUnderTest) -> None:
    with pytest.raises(PlaceFailed, match="missing"):
        await joined(SshProgram("site", *told_of(place)).stream(f"cat <{place.path('missing')}"))


def told_of(place: PlaceUnderTest) -> tuple[Connection, Any]:
    assert isinstance(place.connector, SshConnector)
    return place.connector.settings.nodes[0], place.connector.settings


async def test_a_copy_that_a_lost_connection_broke_off_says_so(
    hosts: Hosts, place: PlaceUnderTest, begun: list[str]
) -> None:
    path, sent = place.path("file"), asyncio.Event()
    assert isinstance(place.connector, SshConnector)

    async def slow() -> AsyncIterator[bytes]:
        yield CONTENT[:200_000]
        sent.set()
        await asyncio.sleep(600)

    writing = asyncio.create_task(place.connector.write("site", path, slow(), size=len(CONTENT)))
    await sent.wait()
    await asyncio.sleep(0.5)
    hosts.inside("cloud", "sh", "-c", "pkill -KILL -f '^sshd: alice' || :")
    with pytest.raises(PlaceFailed, match=r"cannot write .*: the connection was lost"):
        await asyncio.wait_for(writing, 30)
    [state] = await place.connector.states("site", [path])
    assert state is not None
    assert 0 < state.size <= 200_000


async def test_a_copy_that_is_cancelled_leaves_no_process(place: PlaceUnderTest, begun: list[str]) -> None:
    started = asyncio.Event()
    assert isinstance(place.connector, SshConnector)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 16)
            started.set()

    writing = asyncio.create_task(place.connector.write("site", place.path("file"), endless(), size=1 << 40))
    await started.wait()
    await asyncio.sleep(1)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await asyncio.sleep(0.5)
    mine = subprocess.run(["ps", "-o", "args=", "--ppid", str(os.getpid())], capture_output=True, text=True).stdout
    assert program.READY.decode().strip() not in mine
