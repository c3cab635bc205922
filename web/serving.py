"""Serving the page until somebody stops it."""

from __future__ import annotations

import asyncio
import socket

import uvicorn

from ..errors import UsageError
from ..provenance.store import Store
from .app import application
from .settings import Settings

BACKLOG = 128
GRACE_SECONDS = 3


def listen(host: str, port: int, others: int = 0) -> socket.socket:
    """Return a socket that listens at a port, or when that is taken at one of the `others` after it.

    Raises UsageError when there is none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, port + others + 1):
        try:
            return socket.create_server((host, candidate), family=family, backlog=BACKLOG)
        except OSError as error:
            failure = error
    raise UsageError(f"cannot listen at {host} port {port}: {failure.strerror}", hint="choose another one with --port")


def serve(store: Store, settings: Settings, listening: socket.socket) -> None:
    """Serve the page of a store; return after Ctrl-C or SIGTERM."""
    stopping = asyncio.Event()
    app = application(store, settings, stopping)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Server(config, stopping).run(sockets=[listening])


class _Server(uvicorn.Server):
    """A server that has its streams end, which would never do so by themselves, before it waits for them."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        self._stopping.set()
        await super().shutdown(sockets)
