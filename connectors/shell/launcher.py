"""A shell at a host that starts attempts, and says at once when one of them has ended.

Each attempt is started by a small process of its own, which waits for it and then prints its result
record in one line. So nobody has to look whether it has ended, as long as the way to the host
holds. The attempts do not depend on it: they run in sessions of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from ...errors import PlaceFailed
from ..base import Launch
from ..wrapper import CLAIM, RESULT, SCRIPT, encode, quote
from .facts import Known
from .failures import Broken
from .host import ANSWER_SECONDS, Transport
from .looking import HOST
from .words import SHELL, name

COMMAND = 'exec env -i PATH="$PATH" HOME="$HOME" USER="$USER" LOGNAME="$LOGNAME" /bin/sh'
"""Jobs get no more of their user's environment than this."""
_FUNCTION = f"""
launch() {{
  {{
    up=
    {{ read -r up rest </proc/uptime; }} 2>/dev/null
    {{ printf '%s\\nup %s\\n' "$about" "$up" >"$1/{HOST}"; }} 2>/dev/null
    $apart $4 "$2" 2>>"$1/stderr"
    [ -z "$apart" ] || {{ read -r leader <"$1/{CLAIM}" && kill -s KILL -- "-$leader"; }}
    record=
    {{ while IFS= read -r line; do record="$record|$line"; done <"$1/{RESULT}"; }} 2>/dev/null
    printf 'ended %s %s\\n' "$3" "$record"
  }} </dev/null 2>/dev/null &
  printf 'started %s %s\\n' "$3" "$!"
}}
"""


class Launcher:
    """One open shell that starts attempts. `ended` hears of tokens and records, `gone` when the shell has ended."""

    def __init__(
        self, transport: Transport, known: Known, ended: Callable[[str, str], None], gone: Callable[[], None]
    ) -> None:
        self._ended = ended
        self._gone = gone
        self._input: asyncio.Queue[bytes] = asyncio.Queue()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._failure: Exception | None = None
        self._input.put_nowait(encode(_prelude(known)))
        self._reading = asyncio.ensure_future(self._read(transport))

    @property
    def is_open(self) -> bool:
        """Tell whether attempts can be started."""
        return self._failure is None

    async def launch(self, launch: Launch) -> str:
        """Start an attempt and return the process that waits for it.

        Raises Broken when the shell ends before it said so; the attempt may have been started or not.
        """
        if self._failure is not None:
            raise Broken(str(self._failure))
        started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[launch.token] = started
        # A template names its own interpreter in its first line.
        runner = SHELL if launch.script.endswith(f"/{SCRIPT}") else "env"
        line = f"launch {name(launch.directory)} {name(launch.script)} {quote(launch.token)} {runner}\n"
        self._input.put_nowait(encode(line))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await started
        except TimeoutError:
            raise Broken(f"no answer within {ANSWER_SECONDS:.0f} s") from None
        finally:
            self._waiting.pop(launch.token, None)

    async def close(self) -> None:
        """End the shell; what it started goes on."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _lines(self) -> AsyncIterator[bytes]:
        while True:
            text = await self._input.get()
            while not self._input.empty():
                text += self._input.get_nowait()
            yield text

    async def _read(self, transport: Transport) -> None:
        try:
            async with contextlib.aclosing(transport.stream(COMMAND, self._lines())) as printed:
                await self._heard(printed)
            self._fail(Broken("the shell that starts jobs ended"))
        except asyncio.CancelledError:
            self._fail(Broken("the shell that starts jobs was ended"))
            raise
        except (PlaceFailed, Broken) as failure:
            self._fail(failure)
        finally:
            self._gone()

    async def _heard(self, printed: AsyncIterator[bytes]) -> None:
        rest = b""
        async for chunk in printed:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                kind, _, text = line.decode("utf-8", "replace").partition(" ")
                token, _, said = text.partition(" ")
                if kind == "started" and token in self._waiting and not self._waiting[token].done():
                    self._waiting[token].set_result(said)
                elif kind == "ended":
                    self._ended(token, said.removeprefix("|").replace("|", "\n") + "\n")

    def _fail(self, failure: Exception) -> None:
        self._failure = failure
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(failure)


def _prelude(known: Known) -> str:
    """Return what the shell is told first: how attempts are set apart, and what each leaves about its host."""
    apart = "apart=setsid" if "setsid" in known.tools else "apart=; set -m"
    about = f"boot {known.boot}\norigin {known.origin if known.origin is not None else ''}"
    return f"LC_ALL=C\nunset LC_ALL\n{apart}\nabout={quote(about)}\n{_FUNCTION}"
