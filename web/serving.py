"""Serving the page until somebody stops it."""

from __future__ import annotations

import socket

import uvicorn

from ..errors import UsageError
from ..provenance.store import Store
from .app import application
from .settings import Settings

BACKLOG = 128
GRACE_SECONDS = 1


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
    app = application(store, settings)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])
