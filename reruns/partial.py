"""Some steps of a run carried out again, and all else taken from what the run has on record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..core.cwl.problems import did_you_mean
from ..core.flow import Origin, TaskFlow, downstream, flow_of, origins_of_outputs
from ..core.model import Body
from ..core.recorded import DONE, Recorded
from ..core.values import FileValue, Value, walk_references
from ..errors import CrateInvalid, UsageError
from ..provenance import ids, queries
from ..provenance.checking import path_here
from ..provenance.database import Database
from ..provenance.rows import RunRow

MOST_NAMED = 5


def recorded(database: Database, row: RunRow, body: Body, only: Sequence[str], since: Sequence[str]) -> Recorded | None:
    """Return what takes the results of a run for the steps that are not to be carried out; None when all are.

    Args:
        database: the store that has the run.
        row: the run.
        body: what it carried out.
        only: paths or names of steps that are to be carried out.
        since: those that are to be, with all that depends on what they make.

    Raises:
        UsageError: there is no such step.
        CrateInvalid: results that are needed are not on record, or not to be had.
    """
    if not only and not since:
        return None
    flow = flow_of(body)
    carried_out = frozenset(_named(flow, only)) | downstream(flow, _named(flow, since))
    taken = Recorded(row.id, row.name, carried_out)
    _require_contents(database, row, flow, body, taken)
    return taken


def _named(flow: Mapping[str, TaskFlow], names: Iterable[str]) -> Iterator[str]:
    """Yield the paths of the tasks that are steps with some names, or are inside of them."""
    for name in names:
        path = f"/{name.strip('/')}"
        found = [task for task in flow if task == path or task.startswith(f"{path.rstrip('/')}/")]
        if not found:
            steps = [task.removeprefix("/") for task in flow]
            hint = did_you_mean(path.removeprefix("/"), steps) or f"it has: {', '.join(steps)}"
            raise UsageError(f"the workflow has no step {name!r}", hint=hint)
        yield from found


def _require_contents(
    database: Database, row: RunRow, flow: Mapping[str, TaskFlow], body: Body, taken: Recorded
) -> None:
    """Raise CrateInvalid when a result that something is made of is not on record, or its files are not here."""
    missing: dict[str, None] = {}
    for origin in sorted(_needed(flow, body, taken), key=str):
        for name in _missing(database, row, origin):
            missing[name] = None
    if missing:
        shown = list(missing)
        more = f" and {len(shown) - MOST_NAMED} more" if len(shown) > MOST_NAMED else ""
        raise CrateInvalid(
            f"these results of run {row.name} are needed and not to be had: {', '.join(shown[:MOST_NAMED])}{more}",
            hint="carry out the steps that make them, too: --from",
        )


def _needed(flow: Mapping[str, TaskFlow], body: Body, taken: Recorded) -> set[Origin]:
    """Return the outputs of steps that are not carried out and that others, or the outputs, are made of."""
    used = set().union(*origins_of_outputs(body).values())
    for path, each in flow.items():
        if path in taken.carried_out or each.task.code.kind != "command":
            used |= each.origins
    return {
        origin
        for origin in used
        if origin.task is not None and taken.has(origin.task) and flow[origin.task].task.code.kind == "command"
    }


def _missing(database: Database, row: RunRow, origin: Origin) -> Iterator[str]:
    """Yield what of a port's values is not to be had, over all jobs of its step."""
    step = ids.step_id(row.id, origin.task or "/")
    tokens = {}
    for job in queries.jobs(database, row.id, step_id=step, states=DONE):
        token = queries.outputs(database, job).get(origin.port)
        if token is not None:
            tokens[token.id] = job.path
    values = queries.token_values(database, tokens)
    for token_id, path in tokens.items():
        for item in _outermost(values[token_id]):
            if "location" in item and path_here(database, item.get("sha256")) is None:
                yield f"{item.get('basename')} of {path}"


def _outermost(value: Value) -> Iterator[FileValue]:
    return (item for item in walk_references(value) if item.get("contents") is None)
