"""A shell that is kept open at a place, to which programs are sent without waiting for the ones before.

A command of its own costs a place some milliseconds, and the way there and back. In a shell that is
open a program costs a fork or two, and the way is paid once for all that are under way. Each
program is carried out by a subshell, without input; what it prints, its exit code and its errors
come back between marks that nobody else can print.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable

from ...errors import PlaceFailed
from ..base import Completed
from ..wrapper import encode, quote
from .failures import Broken

Opened = Callable[[AsyncIterable[bytes]], AsyncGenerator[bytes, None]]
"""Starts a shell that reads its program from the chunks, and yields what it prints."""

PRELUDE = "LC_ALL=C; export LC_ALL; unset ENV BASH_ENV CDPATH; set +m 2>/dev/null\n"


class ShellSession:
    """One open shell."""

    def __init__(self, opened: Opened, prelude: str = "") -> None:
        self._mark = secrets.token_hex(8)
        self._input: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._waiting: collections.deque[asyncio.Future[Completed]] = collections.deque()
        self._failure: Exception | None = None
        self._input.put_nowait(encode(PRELUDE + prelude))
        self._reading = asyncio.ensure_future(self._read(opened))

    @property
    def is_open(self) -> bool:
        """Tell whether programs can be sent."""
        return self._failure is None

    @property
    def pending(self) -> int:
        """Return how many programs have not been answered yet."""
        return len(self._waiting)

    async def run(self, program: str) -> Completed:
        """Carry out a program and return what it printed. Raises Broken, and PlaceFailed when there is no shell."""
        if self._failure is not None:
            raise Broken from self._failure
        answer: asyncio.Future[Completed] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._input.put_nowait(encode(_wrapped(program, self._mark)))
        return await answer

    async def close(self) -> None:
        """End the shell; what it was told and has not yet answered is broken off."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _programs(self) -> AsyncIterator[bytes]:
        while (text := await self._input.get()) is not None:
            while not self._input.empty():
                text += self._input.get_nowait() or b""
            yield text

    async def _read(self, opened: Opened) -> None:
        try:
            async with contextlib.aclosing(opened(self._programs())) as printed:
                await self._answers(printed)
            self._fail(Broken("the shell ended"))
        except asyncio.CancelledError:
            self._fail(Broken("the shell was ended"))
            raise
        except (PlaceFailed, Broken) as failure:
            self._fail(failure)

    async def _answers(self, printed: AsyncIterator[bytes]) -> None:
        mark, rest = f"\n{self._mark} ".encode(), b""
        async for chunk in printed:
            # A mark may have come in part; so the search begins where it could begin at the earliest.
            rest += chunk
            while (end := rest.find(mark)) >= 0:
                newline = rest.find(b"\n", end + len(mark))
                second = rest.find(mark, newline) if newline >= 0 else -1
                if second < 0 or rest.find(b"\n", second + len(mark)) < 0:
                    break
                code = int(rest[end + len(mark) : newline])
                self._answer(Completed(code, rest[:end], rest[newline + 1 : second]))
                rest = rest[rest.find(b"\n", second + len(mark)) + 1 :]

    def _answer(self, completed: Completed) -> None:
        answer = self._waiting.popleft()
        if not answer.done():
            answer.set_result(completed)

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        while self._waiting:
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_exception(failure if isinstance(failure, PlaceFailed) else Broken(str(failure)))


def _wrapped(program: str, mark: str) -> str:
    """Return the text that carries out a program and prints its end; an error in its syntax is its own alone."""
    return (
        f"{{ e=$({{ eval {quote(program)}\n}} 2>&1 >&3 3>&- </dev/null); c=$?; }} 3>&1; "
        f'printf \'\\n%s %d\\n%s\\n%s end\\n\' {mark} "$c" "$e" {mark}\n'
    )
