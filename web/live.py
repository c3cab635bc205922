"""What changes while it is looked at: a stream of beats, and logs as they grow."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from ..core.tails import last_bytes
from ..errors import RecrateError, UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind
from ..provenance.rows import AttemptRow
from ..provenance.states import AttemptState
from ..redaction import from_environment
from ..views.logs import log_path
from ..views.words import clean
from .pages import connections

BEAT_SECONDS = 1.0
QUIET_SECONDS = 15.0
"""After so long without news a comment is sent, so that nobody between takes the stream for dead."""
MOST_BYTES = 64 << 10
STREAMS = ("stdout", "stderr")


async def run_beats(request: Request) -> Response:
    """Tell whenever something happened in a run; end when the run has."""
    with_id = request.path_params["run"]

    def pulse(database: Database) -> tuple[Any, bool]:
        row, state = queries.current_state(database, queries.resolve(database, Kind.RUN, with_id))
        return (*queries.pulse(database, row.id), state.value), state.value != "running"

    await asyncio.to_thread(_read, request, pulse)  # a run that is not there is no stream
    return _stream(request, pulse)


async def all_beats(request: Request) -> Response:
    """Tell whenever something happened in any run."""

    def pulse(database: Database) -> tuple[Any, bool]:
        return queries.pulse_of_all(database), False

    return _stream(request, pulse)


Pulse = Callable[[Database], tuple[Any, bool]]


def _read(request: Request, pulse: Pulse) -> tuple[Any, bool]:
    with connections(request).reading() as database:
        return pulse(database)


def _stream(request: Request, pulse: Pulse) -> Response:
    return StreamingResponse(_beats(request, pulse), media_type="text/event-stream")


async def _beats(request: Request, pulse: Pulse) -> AsyncIterator[str]:
    """Yield server-sent events: `beat` when what `pulse` gives has changed, `end` when nothing more will."""
    stopping: asyncio.Event = request.app.state.stopping
    last, quiet = None, 0.0
    while not stopping.is_set():
        try:
            now, over = await asyncio.to_thread(_read, request, pulse)
        except RecrateError:
            yield "event: end\ndata:\n\n"
            return
        if now != last:
            yield "event: beat\ndata:\n\n" if last is not None else ": connected\n\n"
            last, quiet = now, 0.0
        if over:
            yield "event: end\ndata:\n\n"
            return
        quiet += BEAT_SECONDS
        if quiet >= QUIET_SECONDS:
            yield ": quiet\n\n"
            quiet = 0.0
        with suppress(TimeoutError):
            async with asyncio.timeout(BEAT_SECONDS):
                await stopping.wait()


def log(request: Request) -> Response:
    """Return what a log has after a place: the text, the next place, and whether more may come.

    Whole lines alone, while the attempt runs: secrets are masked line by line. Without a place the
    last bytes of the log come.
    """
    stream, text = request.path_params["stream"], request.query_params.get("from", "")
    with connections(request).reading() as database:
        row = database.row(AttemptRow, request.path_params["attempt"])
        if row is None or stream not in STREAMS:
            raise UsageError("there is no such log")
        path = log_path(queries.attempt_detail(database, row), stream)
    grows = row.state in (AttemptState.INTENDED, AttemptState.RUNNING)
    start = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
    content, next_place = _after(path, start, whole_lines=grows) if path is not None else (b"", 0)
    shown = from_environment().text(content.decode("utf-8", "replace"))
    return JSONResponse({"text": clean(shown), "next": next_place, "grows": grows})


def _after(path: str, start: int | None, *, whole_lines: bool) -> tuple[bytes, int]:
    try:
        size = os.path.getsize(path)
        if start is None:
            content = last_bytes(path, MOST_BYTES)
            start = max(0, size - len(content))
        else:
            with open(path, "rb") as stream:
                stream.seek(start)
                content = stream.read(MOST_BYTES)
    except OSError:
        return b"", start or 0
    if whole_lines and len(content) < MOST_BYTES:
        content = content[: content.rfind(b"\n") + 1]
    return content, start + len(content)
