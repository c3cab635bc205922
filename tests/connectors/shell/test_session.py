"""A shell that stays open answers each program by itself, in order, whatever the one before did."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import pytest

from recrate.connectors.local import LocalConnector
from recrate.connectors.shell.failures import Broken
from recrate.connectors.shell.session import ShellSession
from recrate.errors import PlaceFailed

SHELLS = [["dash"], ["bash"], ["bash", "--posix"], ["busybox", "sh"]]


def opened(shell: list[str]) -> ShellSession:
    here = LocalConnector()

    def stream(programs: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
        return here.stream("local", shell, programs)

    return ShellSession(stream)


@pytest.fixture(params=SHELLS, ids=" ".join)
async def session(request: pytest.FixtureRequest) -> AsyncIterator[ShellSession]:
    made = opened(request.param)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("program", "code", "stdout", "stderr"),
    [
        ("echo out; echo err >&2", 0, b"out\n", b"err"),
        ("exit 7", 7, b"", b""),
        ("printf 'a\\0\\377\\n\\n'", 0, b"a\0\xff\n\n", b""),
        ("cat", 0, b"", b""),
        ("cd /tmp; x=1; pwd", 0, b"/tmp\n", b""),
        ('echo "it\'s $((1 + 1))" # a comment', 0, b"it's 2\n", b""),
        ("", 0, b"", b""),
    ],
)
async def test_each_program_is_answered(
    session: ShellSession, program: str, code: int, stdout: bytes, stderr: bytes
) -> None:
    done = await session.run(program)
    assert (done.code, done.stdout, done.stderr) == (code, stdout, stderr)


async def test_a_program_that_no_shell_understands_harms_nobody_else(session: ShellSession) -> None:
    assert (await session.run("if then (")).code != 0
    assert (await session.run("echo still here")).stdout == b"still here\n"


async def test_programs_do_not_see_what_others_set(session: ShellSession) -> None:
    await session.run("cd /; x=1; set -e; exec >/dev/null")
    assert (await session.run('echo "$x"; false; pwd')).stdout != b"/\n"


async def test_many_programs_at_once_are_answered_in_order(session: ShellSession) -> None:
    done = await asyncio.gather(*(session.run(f"echo {number}") for number in range(100)))
    assert [each.stdout for each in done] == [f"{number}\n".encode() for number in range(100)]


async def test_what_goes_on_in_the_background_keeps_nobody(session: ShellSession) -> None:
    begun = time.monotonic()
    done = await session.run("exec 2>/dev/null; (sleep 30; echo x) >/dev/null & echo done")
    assert (done.code, done.stdout) == (0, b"done\n")
    assert time.monotonic() - begun < 15


async def test_a_large_answer_is_whole(session: ShellSession) -> None:
    done = await session.run("i=0; while [ $i -lt 20000 ]; do echo 0123456789abcdef; i=$((i + 1)); done")
    assert done.stdout == b"0123456789abcdef\n" * 20000


async def test_a_shell_that_ends_breaks_what_it_was_told() -> None:
    session = opened(["dash"])
    with pytest.raises((Broken, PlaceFailed)):
        await session.run("kill -KILL $$; sleep 5")
    with pytest.raises(Broken):
        await session.run("echo no")
    assert not session.is_open
    await session.close()
