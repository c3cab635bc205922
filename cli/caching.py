"""`recrate cache`: the results that can be taken instead of made again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..core.amounts import bytes_text
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind
from ..provenance.removal import forget_results
from .options import JsonOption, StoreOption, reading, store_at
from .render import instant, plain, print_json, print_table

app = typer.Typer(help="Show the results that can be taken instead of made again, or empty the cache.")


@app.callback(invoke_without_command=True)
def cache(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Read all files: are they what they were?")] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Show the results that can be taken instead of made again, or empty the cache."""
    if context.invoked_subcommand is not None:
        return
    with reading(store) as database:
        found = queries.cached_results(database)
        intact = _checked(database, found) if check else None
    if json:
        print_json([plain(item) | ({} if intact is None else {"intact": intact[item.attempt_id]}) for item in found])
        return
    columns = ["tool", "job", "run", "made", "hits", "size", *([] if intact is None else ["intact"])]
    rows: list[list[Any]] = []
    for item in found:
        row = [item.tool, item.path, item.run, instant(item.ended), item.hits, bytes_text(item.size)]
        rows.append(row if intact is None else [*row, "yes" if intact[item.attempt_id] else "no"])
    print_table(columns, rows)


def _checked(database: Database, found: list[queries.CachedResult]) -> dict[str, bool]:
    """Return by attempt whether a result is what it was."""
    from ..core.contents import Contents
    from ..core.reuse import is_intact, outputs_of

    contents = Contents()
    values = {item.attempt_id: outputs_of(database, item.job_id) for item in found}
    return {attempt: outputs is not None and is_intact(contents, outputs) for attempt, outputs in values.items()}


@app.command("clear")
def clear(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Only the results of this run.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The results of all runs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: StoreOption = None,
) -> None:
    """See to it that results are never taken again; they stay on record, and on disk."""
    if (run is None) is not everything:
        raise UsageError("say which results: those of one run, or with --all of all runs")
    store = store or (context.parent.params.get("store") if context.parent is not None else None)
    with store_at(store) as opened:
        chosen = None if run is None else queries.resolve(opened.database, Kind.RUN, run)
        whose = "all runs" if chosen is None else f"run {queries.get_run(opened.database, chosen).name}"
        if not yes:
            typer.confirm(f"Never take the results of {whose} again?", abort=True)
        print(f"{forget_results(opened, chosen)} results of {whose} will not be taken again")
