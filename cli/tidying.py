"""Commands that make room: `rm`, `gc`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..core.amounts import bytes_text
from ..provenance.queries import Kind, get_run, resolve
from ..provenance.removal import collect, gc_plan, remove_run, sweep
from .options import JsonOption, StoreOption, store_at
from .render import print_json, print_table


def rm(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs to forget.")],
    store: StoreOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs from the store; `recrate gc` then removes their work directories."""
    with store_at(store) as opened:
        chosen = [get_run(opened.database, resolve(opened.database, Kind.RUN, text)) for text in runs]
        names = ", ".join(run.name for run in chosen)
        if not yes:
            typer.confirm(f"Remove the record of {names}?", abort=True)
        for run in chosen:
            remove_run(opened, run.id)
        sweep(opened)
        print(f"removed {names}; `recrate gc` frees the space of their work directories")


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be removed.")] = False,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Remove work directories and contents that nothing needs any more."""
    with store_at(store) as opened:
        plan = gc_plan(opened)
        if not dry_run:
            collected = collect(opened, plan)
            for item, reason in collected.failed:
                print(f"not removed: {item.path}: {reason}")
        if json:
            print_json(plan)
        elif plan:
            print_table(
                ["path", "run", "why", "size"], [(i.path, i.run_id, i.reason, bytes_text(i.size)) for i in plan]
            )
        if not json:
            total = bytes_text(sum(item.size for item in plan))
            print(f"{'would free' if dry_run else 'freed'} {total or '0 B'} in {len(plan)} places")
