"""Names of images, messages of engines, archives by URI, and how often an engine is asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recrate.connectors.base import Completed
from recrate.connectors.images import Image, Images, download, last_words, qualified, tag_of
from recrate.connectors.oci import EngineFacts, EngineKind
from recrate.errors import PlaceFailed

DOCKER = EngineFacts(EngineKind.DOCKER, "docker", "28", 1, 1)
PODMAN = EngineFacts(EngineKind.PODMAN, "podman", "5", 1, 1)
HEX = "ab" * 32
FOUND = json.dumps([{"Id": f"sha256:{HEX}", "RepoDigests": [], "Os": "linux", "Architecture": "arm", "Variant": "v7"}])


@pytest.mark.parametrize(
    ("name", "full", "tag"),
    [
        ("debian", "docker.io/library/debian", "latest"),
        ("debian:12", "docker.io/library/debian:12", "12"),
        ("lab/tool:1", "docker.io/lab/tool:1", "1"),
        ("docker.io/debian:12", "docker.io/library/debian:12", "12"),
        ("docker.io/lab/tool", "docker.io/lab/tool", "latest"),
        ("quay.io/lab/tool:1", "quay.io/lab/tool:1", "1"),
        ("localhost/tool", "localhost/tool", "latest"),
        ("localhost:5000/tool", "localhost:5000/tool", "latest"),
        (f"debian@sha256:{HEX}", f"docker.io/library/debian@sha256:{HEX}", None),
        (f"sha256:{HEX}", f"sha256:{HEX}", None),
        (HEX[:12], HEX[:12], None),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, full: str, tag: str | None) -> None:
    assert qualified(name) == full
    assert qualified(full) == full
    assert tag_of(name) == tag


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (b"docker: Error response from daemon: no.\n\nRun 'docker run --help' for more information\n", "no."),
        (b"docker: Error response from daemon: no.\nSee 'docker run --help'.\n", "no."),
        (b"Trying to pull...\nError: initializing source: refused\n", "initializing source: refused"),
        (b"[FATAL tini (7)] exec x failed: No such file or directory\n'\n", "exec x failed: No such file or directory"),
        (b"", "it gave no reason"),
        (b"caf\xe9\n", "caf\ufffd"),
    ],
)
def test_the_last_words_of_an_engine_are_its_reason(output: bytes, words: str) -> None:
    assert last_words(output) == words


class Engine:
    """An engine that has the images in `has`, and gets others when asked unless it `fails`."""

    def __init__(self, *has: str, fails: bool = False) -> None:
        self.has = set(has)
        self.fails = fails
        self.asked: list[list[str]] = []

    async def __call__(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        self.asked.append([*argv[1:]])
        await asyncio.sleep(0)
        if "inspect" in argv:
            there = argv[-1] in self.has
            return Completed(0 if there else 1, FOUND.encode() if there else b"[]", b"Error: No such image: x\n")
        if self.fails:
            return Completed(1, b"", b"Error response from daemon: manifest unknown\n")
        self.has.add(argv[-1])
        return Completed(0, b"", b"")

    @property
    def did(self) -> list[str]:
        return [" ".join(arguments) for arguments in self.asked if "inspect" not in arguments]


async def test_an_image_that_is_there_is_not_pulled() -> None:
    engine = Engine("debian:12")
    facts = await Images(DOCKER, engine).ensure(Image("debian:12", pull="debian:12"))
    assert engine.did == []
    assert (facts.id, facts.reference, facts.tag) == (f"sha256:{HEX}", f"sha256:{HEX}", "12")
    assert (facts.platform, facts.digest, facts.engine) == ("linux/arm/v7", None, "docker 28")


async def test_an_image_that_is_pulled_under_another_name_gets_its_own() -> None:
    engine = Engine()
    facts = await Images(DOCKER, engine).ensure(Image("ours:1", pull="theirs:2"))
    assert engine.did == ["pull -- theirs:2", "tag theirs:2 ours:1"]
    assert facts.name == "ours:1"


async def test_podman_is_asked_by_full_names_first() -> None:
    engine = Engine("localhost/tool:1")
    facts = await Images(PODMAN, engine).ensure(Image("tool:1", pull="tool:1"))
    assert [arguments[-1] for arguments in engine.asked] == ["docker.io/library/tool:1", "localhost/tool:1"]
    assert (facts.name, facts.reference) == ("localhost/tool:1", HEX)
    pulled = Engine()
    await Images(PODMAN, pulled).ensure(Image("tool:1", pull="tool:1"))
    assert pulled.did == ["pull -- docker.io/library/tool:1"]


async def test_callers_at_the_same_time_share_one_pull() -> None:
    engine = Engine()
    images = Images(DOCKER, engine)
    await asyncio.gather(*(images.ensure(Image("debian:12", pull="debian:12")) for _ in range(50)))
    assert engine.did == ["pull -- debian:12"]


async def test_a_caller_that_is_cancelled_does_not_take_the_pull_from_the_others() -> None:
    engine = Engine()
    images = Images(DOCKER, engine)
    first, second = (asyncio.create_task(images.ensure(Image("a:1"))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).id == f"sha256:{HEX}"
    assert engine.did == ["pull -- a:1"]


async def test_a_pull_that_failed_is_tried_again_when_asked_again() -> None:
    engine = Engine(fails=True)
    images = Images(DOCKER, engine)
    with pytest.raises(PlaceFailed, match=r"could not pull the image a:1: manifest unknown \(check the name"):
        await images.ensure(Image("a:1"))
    engine.fails = False
    assert (await images.ensure(Image("a:1"))).name == "a:1"


async def test_nothing_is_got_offline() -> None:
    engine = Engine()
    for image in (Image("a:1"), Image("a:1", load="https://x/y.tar"), Image("", file="FROM a:1")):
        with pytest.raises(PlaceFailed, match="offline"):
            await Images(DOCKER, engine).ensure(image, offline=True)
    assert engine.did == []


async def test_an_engine_that_fails_to_look_up_is_not_taken_for_a_missing_image() -> None:
    async def dead(argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        return Completed(1, b"", b"Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n")

    with pytest.raises(PlaceFailed, match="cannot tell whether the image a:1 is there: Cannot connect"):
        await Images(DOCKER, dead).ensure(Image("a:1"))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_a_download_is_there_as_long_as_it_is_needed(web: str, tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(b"content")
    async with download(f"{web}/image.tar") as path:
        assert Path(path).read_bytes() == b"content"
    assert not Path(path).exists()


async def test_a_download_that_fails_says_so(web: str) -> None:
    with pytest.raises(PlaceFailed, match="404"):
        async with download(f"{web}/none.tar"):
            pass


@pytest.mark.parametrize(("uri", "path"), [("/a b.tar", "/a b.tar"), ("file:///a%20b.tar", "/a b.tar")])
async def test_a_local_archive_is_used_where_it_is(uri: str, path: str) -> None:
    async with download(uri) as given:
        assert given == path
