"""Two runs compared by what is in their files, each type of file in its own way: `recrate compare`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance import queries
from ..provenance.queries import Kind
from ..views.words import clean, counted
from .children import printed
from .pages import connections, page

SAID = (0, 1, 2)
"""Exit codes of `recrate compare` with which it also says something: the same, not the same, and neither."""


@dataclass(frozen=True, slots=True)
class Judged:
    """An output with the grade of its likeness."""

    name: str
    grade: str
    comparator: str
    detail: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """How two runs compare."""

    first: str
    second: str
    verdict: str
    outputs: Sequence[Judged]
    on_the_way: str
    parting: Sequence[str]


async def contents(request: Request) -> Response:
    """Compare the outputs of two runs by their contents, and say where the runs part."""
    given = [request.query_params.get(name, "") for name in ("first", "second")]
    runs = await asyncio.to_thread(_ids, request, given)
    output = await printed(request, ["compare", *runs, "--json"], fine=SAID)
    return page(request, "contents_compared.html", {"judgement": judgement_of(json.loads(output), given), "ids": runs})


def _ids(request: Request, given: Sequence[str]) -> list[str]:
    if not all(given):
        raise UsageError("two runs are compared: name both")
    with connections(request).reading() as database:
        return [queries.resolve(database, Kind.RUN, text) for text in given]


def judgement_of(said: Mapping[str, Any], names: Sequence[str]) -> Judgement:
    """Return what `recrate compare --json` says."""
    outputs = [
        Judged(clean(name), clean(one["grade"]), clean(one["comparator"]), clean(one["detail"]))
        for name, one in said["outputs"].items()
    ]
    counts = said.get("intermediate") or {}
    return Judgement(
        first=clean(names[0]),
        second=clean(names[1]),
        verdict=clean(said["verdict"]),
        outputs=outputs,
        on_the_way=", ".join(f"{counted(number, 'value')} {clean(grade)}" for grade, number in counts.items()),
        parting=list(_parting(said.get("parting"))),
    )


def _parting(said: Mapping[str, Any] | None) -> Sequence[str]:
    if not said:
        return ()
    first = f"They part at job {said['job']}, output {said['port']}: {said['cause']}."
    return [clean(text) for text in (first, said.get("detail", ""), *said.get("differences", ())) if text]
