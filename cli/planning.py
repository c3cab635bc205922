"""`recrate plan`: where each step would run, what would be moved, and what the places answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import typer

from ..api import RunOptions, binding_of, plan_run, prepare
from ..binding.file import load_binding_file
from ..binding.sniffing import is_binding_file
from ..core.amounts import bytes_text
from ..core.planning import Plan
from .options import JsonOption, NetworkOption, OnOption
from .render import plain, print_json, print_table


def plan(
    workflow: Annotated[str, typer.Argument(help="Binding file, or with --on a CWL document.")],
    job: Annotated[str | None, typer.Argument(help="Job file (YAML or JSON) with the inputs.")] = None,
    on: OnOption = None,
    enable_net: NetworkOption = False,
    json: JsonOption = False,
) -> None:
    """Show what would run where, what would be moved, and what each place answers; nothing is started."""
    plans = {name: asyncio.run(_planned(*call)) for name, call in _calls(workflow, job, on, enable_net).items()}
    if json:
        print_json({name: {**plain(one), "ok": one.ok} for name, one in plans.items()})
    else:
        for name, one in plans.items():
            _show(name, one)
    raise typer.Exit(0 if all(one.ok for one in plans.values()) else 1)


def _calls(
    workflow: str, job: str | None, on: str | None, network: bool
) -> dict[str, tuple[str, str | None, RunOptions]]:
    """Return the runs that are asked about, by name."""
    options = RunOptions(allow_network=network, on=on, containers="none")
    if not is_binding_file(workflow):
        return {workflow: (workflow, job, replace(options, binding=binding_of(options)))}
    entries = load_binding_file(workflow).workflows
    return {
        name: (entry.file, job or entry.settings, replace(options, binding=entry.binding))
        for name, entry in entries.items()
    }


async def _planned(workflow: str, job: str | None, options: RunOptions) -> Plan:
    return await plan_run(prepare(workflow, job, options), options)


def _show(name: str, plan: Plan) -> None:
    print(f"{name}:\n")
    print_table(
        ["deployment", "location", "answers"],
        [(place.deployment, place.location, place.answer) for place in plan.places],
    )
    print()
    print_table(
        ["step", "kind", "would run on", "what that says"],
        [
            (step.path, step.kind, ", ".join(step.targets), "; ".join(step.answers) if step.kind == "command" else "")
            for step in plan.steps
        ],
    )
    if plan.moves:
        print()
        print_table(
            ["would be moved", "from", "to", "size"],
            [(move.what, move.source, move.target, bytes_text(move.bytes) or "not known yet") for move in plan.moves],
        )
    print()
