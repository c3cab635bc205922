"""Work that is too hard for the server: done by `recrate` in a process of its own, which can be ended at any time."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Container, Sequence

from starlette.requests import Request

from ..command import Command
from ..errors import UsageError
from ..provenance.store import VARIABLE
from .pages import connections

SECONDS = 60.0
MOST_BYTES = 32 << 20


async def printed(
    request: Request, words: Sequence[str], text: str = "", *, seconds: float = SECONDS, fine: Container[int] = (0,)
) -> bytes:
    """Return what a command prints that is given the store, and a text on its standard input.

    One command runs at a time. Raises UsageError: another one does, it takes too long, prints too much, or
    ends with an exit code that is not fine; then with what it complains of.
    """
    busy: asyncio.Semaphore = request.app.state.working
    if busy.locked():
        raise UsageError("the server is busy with another question; try again soon")
    async with busy:
        code, output, errors = await _ended(words, text, connections(request).store.url.target, seconds)
    if code not in fine or (errors and not output):
        raise UsageError(errors.decode("utf-8", "replace").strip().removeprefix("recrate: ")[:1000])
    if len(output) > MOST_BYTES:
        raise UsageError("the answer is too large to be shown", hint=f"use `recrate {words[0]}`")
    return output


async def _ended(words: Sequence[str], text: str, store: str, seconds: float) -> tuple[int | None, bytes, bytes]:
    command = await Command.begun(
        [sys.executable, "-m", __package__.partition(".")[0], *words],
        cwd="/",
        env={**os.environ, VARIABLE: store},  # the address may hold a password: others see arguments
    )
    try:
        async with asyncio.timeout(seconds):
            output, errors = await command.communicate(text.encode())
    except TimeoutError:
        raise UsageError(f"this was stopped after {seconds:g} s", hint=f"use `recrate {words[0]}`") from None
    finally:
        await command.end()
    return command.returncode, output, errors
