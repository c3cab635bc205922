"""Pages that show what is in the store. Each reads with a connection of its own thread and writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..errors import RecrateError, UsageError
from ..provenance import ids, queries
from ..provenance.queries import Kind
from ..provenance.states import JobState, RunState
from ..views.comparison import compare
from ..views.jobs import job_lines, job_view
from ..views.limits import Limits
from ..views.lineage import content_view, token_view
from ..views.listing import listing_of
from ..views.rendering import render
from ..views.report import viewer_of
from ..views.run import Links, run_view
from ..views.searching import search
from ..views.words import clean
from .connections import Connections
from .guard import ALLOWED

JOBS_A_PAGE = 100
LOG_LINES = 200
CAN_BE_RESUMED = (RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED)


def connections(request: Request) -> Connections:
    """Return the connections of the application."""
    found: Connections = request.app.state.connections
    return found


def page(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """Return a page; with `?part=1` the part of it that changes alone."""
    part = "part" in request.query_params
    usual = {
        "allowed": bool(getattr(request.state, ALLOWED, False)),
        "part": part,
        "address": request.url.path,
        "lineage_href": token_href,
        "crate": None,
        "title": "",
        "details": False,
        "live": "",
        "search_text": "",
    }
    return HTMLResponse("".join(render(template, usual | dict(values))), status)


def token_href(token_id: str) -> str:
    """Return where a token is shown."""
    return f"/tokens/{token_id}"


def job_href(job_id: str) -> str:
    """Return where a job is shown."""
    return f"/jobs/{job_id}"


def number(request: Request, name: str, usual: int = 1) -> int:
    """Return a whole number of the address, the usual one when it is none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else usual


def runs(request: Request) -> Response:
    """Show the list of runs."""
    text, wanted = request.query_params.get("text", ""), request.query_params.get("state", "")
    state = next((state for state in RunState if state.value == wanted), None)
    with connections(request).reading() as database:
        listing = listing_of(database, text=text, state=state, page=number(request, "page"))
    values = {"listing": listing, "text": clean(text), "state": wanted, "states": list(RunState), "live": "/live"}
    return page(request, "runs.html", values)


def run(request: Request) -> Response:
    """Show one run."""
    with connections(request).reading() as database:
        run_id = queries.resolve(database, Kind.RUN, request.path_params["run"])
        viewer = viewer_of(database, run_id, Limits(failures=5))
        links = Links(step=lambda path: step_href(run_id, ids.step_id(run_id, path)), job=job_href)
        shown = run_view(database, run_id, viewer, details=False, links=links)
        state = queries.current_state(database, run_id)[1]
    values = {
        "run": shown,
        "step_href": lambda step_id: step_href(run_id, step_id),
        "can_cancel": state in (RunState.RUNNING, RunState.INTERRUPTED),
        "can_resume": state in CAN_BE_RESUMED,
        "live": f"/runs/{run_id}/live" if state is RunState.RUNNING else "",
    }
    return page(request, "run_page.html", values)


def step_href(run_id: str, step_id: str) -> str:
    """Return where the jobs of a step are listed."""
    return f"/runs/{run_id}/jobs?step={step_id}"


def jobs(request: Request) -> Response:
    """List the jobs of a run, of one step and in one state when asked, some at a time."""
    step, wanted = request.query_params.get("step"), request.query_params.get("state", "")
    states = [state for state in JobState if state.value == wanted]
    with connections(request).reading() as database:
        run_id = queries.resolve(database, Kind.RUN, request.path_params["run"])
        counts = {one.row.id: one for one in queries.steps(database, run_id)}
        chosen = [counts[step]] if step in counts else [] if step else list(counts.values())
        total = sum(n for one in chosen for state, n in one.counts.items() if not states or state in states)
        pages = max(1, -(-total // JOBS_A_PAGE))
        at = min(max(number(request, "page"), 1), pages)
        found = queries.jobs(
            database, run_id, step_id=step, states=states, limit=JOBS_A_PAGE, offset=(at - 1) * JOBS_A_PAGE
        )
        lines, name = job_lines(database, found), clean(queries.get_run(database, run_id).name)
    return page(
        request,
        "jobs.html",
        {
            "run_id": run_id, "run_name": name, "lines": lines, "total": total, "page": at, "pages": pages,
            "steps": [(one.row.id, clean(one.row.path)) for one in counts.values()], "step": step or "",
            "state": wanted, "states": list(JobState),
        },
    )  # fmt: skip


def job(request: Request) -> Response:
    """Show one job."""
    with connections(request).reading() as database:
        row = queries.get_job(database, queries.resolve(database, Kind.JOB, request.path_params["job"]))
        viewer = viewer_of(database, row.run_id, Limits(tail=LOG_LINES))
        shown = job_view(database, row.id, viewer)
        name = clean(queries.get_run(database, row.run_id).name)
    is_open = row.state in (JobState.RUNNING, JobState.WAITING)
    live = f"/runs/{row.run_id}/live" if is_open else ""
    return page(request, "job.html", {"job": shown, "run_id": row.run_id, "run_name": name, "live": live})


def token(request: Request) -> Response:
    """Show a value, where it came from, and what became of it."""
    with connections(request).reading() as database:
        token_id = queries.resolve(database, Kind.TOKEN, request.path_params["token"])
        viewer = viewer_of(database, queries.get_token(database, token_id).run_id, Limits())
        shown = token_view(database, token_id, viewer, job_href)
    return page(request, "token.html", {"token": shown})


def content(request: Request) -> Response:
    """Show a content: who made it, in which values it stands, and where it lies."""
    with connections(request).reading() as database:
        shown = content_view(database, request.path_params["sha256"])
    return page(request, "content.html", {"content": shown})


def comparison(request: Request) -> Response:
    """Compare two runs; without two of them ask which."""
    first, second = (request.query_params.get(name, "") for name in ("first", "second"))
    with connections(request).reading() as database:
        names = [clean(one.name) for one in reversed(queries.list_runs(database, newest=200))]
        shown = None
        if first and second:
            shown = compare(database, *(queries.resolve(database, Kind.RUN, text) for text in (first, second)))
    return page(request, "compare.html", {"comparison": shown, "first": first, "second": second, "names": names})


def find(request: Request) -> Response:
    """Show what a text may mean."""
    text = request.query_params.get("q", "")
    with connections(request).reading() as database:
        results = search(database, text)
    return page(request, "search.html", {"results": results, "search_text": clean(text)})


def refused(request: Request, error: Exception) -> Response:
    """Say what was wrong with a request, or with the store."""
    said = error.render() if isinstance(error, RecrateError) else "there is no such page"
    is_ours = isinstance(error, RecrateError) and not isinstance(error, UsageError)
    return page(request, "message.html", {"message": clean(said)}, 500 if is_ours else 404)
