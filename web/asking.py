"""The box for SPARQL: queries with a name, or those that somebody writes.

`recrate query` is given the text as such: it is never taken for the name of a file.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..crates.query.questions import find_question, questions
from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance import queries
from ..provenance.queries import Kind
from ..views.words import clean
from .children import printed
from .pages import connections, page

SECONDS = 30.0
GRACE_SECONDS = 5.0
MOST_ROWS = 500
LONGEST_QUERY = 20_000


@dataclass(frozen=True, slots=True)
class Table:
    """What a query answers; `is_cut` when there are more rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_cut: bool = False


async def query(request: Request) -> Response:
    """Show the box, and the answer to what stands in it."""
    text, run = request.query_params.get("q", ""), request.query_params.get("run", "")
    answer, problem = None, ""
    if text.strip():
        try:
            answer = await _answer(request, text, run)
        except UsageError as error:
            problem = error.render()
    runs = await asyncio.to_thread(_names, request)
    return page(
        request,
        "query.html",
        {
            "query": clean(text), "run": clean(run), "runs": runs, "answer": answer, "problem": clean(problem),
            "questions": questions(),
        },
    )  # fmt: skip


def _names(request: Request) -> list[str]:
    with connections(request).reading() as database:
        return [clean(one.name) for one in reversed(queries.list_runs(database, newest=200))]


def _run_id(request: Request, run: str) -> str:
    with connections(request).reading() as database:
        return queries.resolve(database, Kind.RUN, run)


async def _answer(request: Request, text: str, run: str) -> Table:
    if len(text) > LONGEST_QUERY:
        raise UsageError(f"the query is longer than {LONGEST_QUERY} characters")
    question = find_question(text.strip())
    run_id = await asyncio.to_thread(_run_id, request, run) if run else None
    words = ["query", "-", *([run_id] if run_id else []), "--json", "--timeout", f"{SECONDS:g}"]
    output = await printed(request, words, question.text if question else text, seconds=SECONDS + GRACE_SECONDS)
    return table_of(json.loads(output))


def table_of(answer: Any) -> Table:
    """Return results as a table: those of SELECT and ASK (SPARQL 1.1 Query Results JSON Format), or a graph as text."""
    if isinstance(answer, dict) and "boolean" in answer:
        return Table(["answer"], [["yes" if answer["boolean"] else "no"]])
    if isinstance(answer, dict) and "results" in answer:
        columns = [str(name) for name in answer.get("head", {}).get("vars", [])]
        found = answer["results"].get("bindings", [])
        rows = [[clean(str(row.get(name, {}).get("value", ""))) for name in columns] for row in found[:MOST_ROWS]]
        return Table(columns, rows, len(found) > MOST_ROWS)
    return Table(["graph (JSON-LD)"], [[clean(json.dumps(answer, indent=2, ensure_ascii=False))[:100_000]]])
