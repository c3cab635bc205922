"""The application: which address is answered by what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ..errors import RecrateError, UsageError
from ..provenance.store import Store
from ..views.rendering import ASSETS
from . import actions, asking, comparing, downloads, live, pages
from .connections import Connections
from .guard import Guard
from .settings import Settings

SERVED = {"recrate.css": "text/css", "page.js": "text/javascript", "live.js": "text/javascript"}

ROUTES = (
    Route("/", pages.runs),
    Route("/live", live.all_beats),
    Route("/runs/{run}", pages.run),
    Route("/runs/{run}/jobs", pages.jobs),
    Route("/runs/{run}/live", live.run_beats),
    Route("/runs/{run}/cancel", actions.cancel, methods=["POST"]),
    Route("/runs/{run}/resume", actions.resume, methods=["POST"]),
    Route("/jobs/{job}", pages.job),
    Route("/attempts/{attempt}/{stream}", live.log),
    Route("/tokens/{token}", pages.token),
    Route("/contents/{sha256}", pages.content),
    Route("/contents/{sha256}/file", downloads.content),
    Route("/compare", pages.comparison),
    Route("/compare/contents", comparing.contents),
    Route("/search", pages.find),
    Route("/query", asking.query),
    Route("/reports/{run}", downloads.report),
    Route("/crates/{run}", downloads.crate),
)


def asset(request: Request) -> Response:
    """Give a style sheet or a script of the package."""
    name = request.path_params["name"]
    if name not in SERVED:
        raise UsageError("there is no such file")
    return FileResponse(f"{ASSETS}/{name}", media_type=SERVED[name], headers={"Cache-Control": "no-cache"})


def application(store: Store, settings: Settings, stopping: asyncio.Event) -> ASGIApp:
    """Return the page of a store as an ASGI application; once `stopping` is set, its streams end."""
    connections = Connections(store)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        connections.close()

    app = Starlette(
        routes=[*ROUTES, Route("/assets/{name}", asset)],
        exception_handlers={RecrateError: pages.refused, 404: pages.refused},
        lifespan=lifespan,
    )
    app.state.connections = connections
    app.state.stopping = stopping
    app.state.working = asyncio.Semaphore(1)
    return Guard(app, settings)
