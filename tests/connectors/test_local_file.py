"""A file of this machine at either end of a stream: whoever reads it, it is counted, and must not become shorter."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from recrate.connectors import data, local_file
from recrate.connectors.kit import CONTENT, joined
from recrate.connectors.local import LocalConnector
from recrate.connectors.local_file import FileChunks, FileSink
from recrate.errors import PlaceFailed
from recrate.hashing import digest_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(CONTENT)
    return tmp_path / "file"


def counted(path: Path, offset: int = 0) -> tuple[FileChunks, list[int]]:
    """Return a stream, and what it tells."""
    chunks, told = FileChunks(str(path), offset), list[int]()
    chunks.tell = told.append
    return chunks, told


# -- chunk by chunk ---------------------------------------------------------------------------------


async def test_all_of_it_comes_from_the_offset_on_and_is_counted(path: Path) -> None:
    chunks, told = counted(path, 1000)
    assert await joined(chunks) == CONTENT[1000:]
    assert sum(told) == len(CONTENT) - 1000


async def test_nothing_comes_once_it_is_closed(path: Path) -> None:
    chunks, _ = counted(path)
    await anext(chunks)
    await chunks.aclose()
    assert await joined(chunks) == b""
    chunks.look()


async def test_it_is_closed_by_what_is_thrown_in(path: Path) -> None:
    chunks, _ = counted(path)
    file = await chunks.opened()
    with pytest.raises(KeyError):
        await chunks.athrow(KeyError("x"))
    assert file.closed


async def test_one_that_becomes_shorter_meanwhile_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_file, "CHUNK_BYTES", 1000)
    chunks, _ = counted(path)
    await anext(chunks)
    os.truncate(path, 1500)
    with pytest.raises(PlaceFailed, match="became shorter while it was read"):
        await joined(chunks)


async def test_an_offset_beyond_its_end_is_an_error(path: Path) -> None:
    with pytest.raises(PlaceFailed, match=f"from byte {len(CONTENT) + 1}: it has {len(CONTENT)}"):
        await joined(FileChunks(str(path), len(CONTENT) + 1))


async def test_a_file_that_brings_nothing_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "STALL_SECONDS", 0.1)
    os.mkfifo(tmp_path / "pipe")
    writing = os.open(tmp_path / "pipe", os.O_RDWR)
    chunks = FileChunks(str(tmp_path / "pipe"))
    monkeypatch.setattr(FileChunks, "_open", lambda self: open(tmp_path / "pipe", "rb", buffering=0))  # noqa: SIM115
    try:
        with pytest.raises(PlaceFailed, match=r"nothing came for 0\.1 s"):
            await anext(chunks)
    finally:
        os.write(writing, b"so that the thread ends")
        os.close(writing)
        await chunks.aclose()


# -- read by a program ------------------------------------------------------------------------------


async def test_a_program_may_read_it_and_is_followed(path: Path) -> None:
    chunks, told = counted(path, 1000)
    printed = subprocess.run(["cat"], stdin=await chunks.opened(), capture_output=True, check=True).stdout
    chunks.finish()
    assert printed == CONTENT[1000:]
    assert told == [len(CONTENT) - 1000]
    await chunks.aclose()


async def test_what_a_program_has_read_in_vain_can_be_read_again(path: Path) -> None:
    chunks, told = counted(path, 1000)
    subprocess.run(["head", "-c", "500"], stdin=await chunks.opened(), capture_output=True, check=True)
    chunks.rewind()
    assert await joined(chunks) == CONTENT[1000:]
    assert sum(told) == len(CONTENT) - 1000


async def test_a_program_that_reads_a_file_that_becomes_shorter_is_no_success(path: Path) -> None:
    chunks, _ = counted(path)
    await chunks.opened()
    os.truncate(path, 5)
    with pytest.raises(PlaceFailed, match="became shorter"):
        chunks.finish()
    await chunks.aclose()


async def test_a_program_that_reads_no_more_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks, _ = counted(path)
    file = await chunks.opened()
    chunks.look()
    monkeypatch.setattr(local_file, "STALL_SECONDS", 0.0)
    with pytest.raises(PlaceFailed, match="nothing came"):
        chunks.look()
    file.seek(0, os.SEEK_END)
    chunks.look()
    chunks.look()  # it has read all, and may take its time
    await chunks.aclose()


async def test_it_is_told_in_the_loop_that_asked_though_another_one_reads(path: Path) -> None:
    chunks, threads = FileChunks(str(path)), list[threading.Thread]()
    chunks.tell = lambda _: threads.append(threading.current_thread())
    assert await asyncio.to_thread(lambda there: asyncio.run(joined(there)), chunks.told_here()) == CONTENT
    await asyncio.sleep(0)
    assert threads and set(threads) == {threading.current_thread()}


# -- written ----------------------------------------------------------------------------------------


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[FileSink]:
    made = FileSink(str(tmp_path / "new" / "file"), 0, 0o640)
    yield made
    with contextlib.suppress(OSError):
        made.close()


def test_what_is_written_is_hashed(sink: FileSink, tmp_path: Path) -> None:
    sink.take(memoryview(b"abc"))
    sink.take(b"def")
    assert sink.sha256 == digest_bytes(b"abcdef").sha256
    assert (tmp_path / "new" / "file").read_bytes() == b"abcdef"


def test_nothing_is_written_after_the_end(sink: FileSink, tmp_path: Path) -> None:
    """A thread that has not heard of it yet must not write to whatever has got the descriptor since."""
    sink.close()
    with (tmp_path / "other").open("wb"):
        sink.take(b"late")
    assert (tmp_path / "other").read_bytes() == b""


class Broken(data.CountedChunks):
    """A stream that pours into a disk that is full."""

    async def next_chunk(self) -> bytes | None:
        raise AssertionError

    async def aclose(self) -> None:
        pass

    async def pour(self, take: data.Take) -> None:
        take(memoryview(b"some"))
        raise OSError(28, "No space left on device")


async def test_a_disk_that_becomes_full_while_it_is_poured_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(PlaceFailed, match=r"cannot write '.*file': No space left on device"):
        await LocalConnector().write("local", str(path), Broken())
    assert path.read_bytes() == b"some"
