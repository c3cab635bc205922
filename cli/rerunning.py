"""`recrate rerun`: a run carried out again, and whether the result is the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..api import RunOptions
from ..crates.compare.report import as_html, as_json
from ..crates.compare.tolerance import DEFAULT_ABSOLUTE, DEFAULT_RELATIVE, tolerances
from ..reruns import Changes, Talk
from ..reruns import rerun as carried_out_again
from . import progress
from .comparing import exit_code, print_comparison
from .options import (
    AbsoluteOption,
    ContainersOption,
    HtmlOption,
    JobsOption,
    JsonOption,
    NameOption,
    OnOption,
    OutdirOption,
    QuietOption,
    RelativeOption,
    SettingsOption,
    SignersOption,
    StoreOption,
    ToleranceOption,
    WorkOption,
)
from .render import print_json
from .results import report


def rerun(
    what: Annotated[str, typer.Argument(metavar="CRATE|RUN", help="A crate (folder or zip), or a run of the store.")],
    settings: SettingsOption = None,
    on: OnOption = None,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OLD=NEW", help="What runs where OLD was on record runs on NEW of the binding."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP", help="Carry out this step alone; all else is taken from what is on record."),
    ] = None,
    since: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="STEP", help="Carry out this step, and what depends on it."),
    ] = None,
    signers: SignersOption = None,
    outdir: OutdirOption = Path("results"),
    name: NameOption = None,
    store: StoreOption = None,
    work: WorkOption = None,
    jobs: JobsOption = None,
    containers: ContainersOption = "auto",
    relative: RelativeOption = DEFAULT_RELATIVE,
    absolute: AbsoluteOption = DEFAULT_ABSOLUTE,
    tolerance: ToleranceOption = None,
    html: HtmlOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Carry out a run again from a crate or the store, and say whether the result is the same."""
    from ..crates.signing.verify import read_signers

    options = RunOptions(
        store=store,
        outdir=outdir,
        name=name,
        work=work,
        jobs=jobs,
        containers=containers,
        offline=True,
        on=on,
        command_line=tuple(sys.argv),
    )
    done = carried_out_again(
        what,
        options=options,
        changes=Changes(settings=settings or (), maps=maps or (), only=only or (), since=since or ()),
        tolerances=tolerances(relative, absolute, tolerance or ()),
        observer=progress.observer(quiet=quiet or json),
        talk=Talk(_tell, _ask if sys.stdin.isatty() and not quiet else None, read_signers(signers)),
    )
    if done.comparison is None:
        raise typer.Exit(report(done.result, store, quiet=quiet, json=json))
    if html is not None:
        html.write_text(as_html(done.comparison), encoding="utf-8")
    if json:
        print_json({"original": done.original, "run": done.result.id, **as_json(done.comparison)})
    elif not quiet:
        print_comparison(done.comparison)
    raise typer.Exit(exit_code(done.comparison.grade) or bool(done.comparison.images))


def _tell(line: str) -> None:
    print(f"recrate: {line}", file=sys.stderr)


def _ask(question: str) -> str:
    print(f"{question} ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()
