"""A command of this machine is left at any moment, and nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from recrate.command import Command
from recrate.connectors import processes

GOES_ON = ["sh", "-c", 'echo $$ > "$1/pid.new"; mv "$1/pid.new" "$1/pid"; exec sleep 60', "sh"]
LEAVES_ONE = ["sh", "-c", 'sleep 60 & echo $! > "$1/pid"; exit 3', "sh"]


async def printed(*argv: str, text: bytes = b"") -> tuple[int, bytes, bytes]:
    command = await Command.begun(argv)
    try:
        output, errors = await command.communicate(text)
    finally:
        await command.end()
    return await command.wait(), output, errors


async def test_it_is_given_its_input_and_says_what_it_prints() -> None:
    assert await printed("sh", "-c", "cat; echo why >&2; exit 4", text=b"x" * 300_000) == (4, b"x" * 300_000, b"why\n")


async def test_one_that_does_not_read_its_input_ends_all_the_same() -> None:
    assert await printed("sh", "-c", "exec <&-; echo done", text=b"x" * 3_000_000) == (0, b"done\n", b"")


async def test_a_signal_is_a_negative_exit_code() -> None:
    assert (await printed("sh", "-c", "kill -9 $$"))[0] == -9


async def test_what_is_not_there_cannot_be_started() -> None:
    with pytest.raises(FileNotFoundError):
        await Command.begun(["/no/such/program"])


@pytest.mark.parametrize("steps", range(16))
def test_a_program_that_ends_meanwhile_does_not_wait_for_it(steps: int, tmp_path: Path) -> None:
    async def some_steps() -> None:
        task = asyncio.create_task(printed(*GOES_ON, str(tmp_path)))
        for _ in range(steps):
            await asyncio.sleep(0)
        assert not task.done()

    began, descriptors = time.monotonic(), len(os.listdir("/proc/self/fd"))
    asyncio.run(some_steps())  # cancels all tasks, those of the event loop's own among them
    assert time.monotonic() - began < 5
    assert len(os.listdir("/proc/self/fd")) == descriptors
    assert not is_running(tmp_path)


async def test_its_end_does_not_wait_for_what_it_has_left(tmp_path: Path) -> None:
    command = await Command.begun([*LEAVES_ONE, str(tmp_path)])
    async with asyncio.timeout(5):
        assert await command.wait() == 3
        await command.end()
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


async def test_what_it_has_started_is_killed_with_it(tmp_path: Path) -> None:
    script = 'sh -c \'echo $$ > "$1/pid.new"; mv "$1/pid.new" "$1/pid"; cat\' sh "$1"; true'
    command = await Command.begun(["sh", "-c", script, "sh", str(tmp_path)])
    while not (tmp_path / "pid").exists():
        await asyncio.sleep(0.01)
    await command.end()
    assert command.returncode == -9
    assert not is_running(tmp_path)


def is_running(folder: Path) -> bool:
    """Tell whether the process still runs whose number a command has written down, if it came to that."""
    if not (folder / "pid").exists():
        return False
    time.sleep(0.05)
    return processes.status_of(int((folder / "pid").read_text())) is not None
