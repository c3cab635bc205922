"""The command line: what commands there are. Each is in the module of its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from .. import __version__
from . import caching, controlling, running, support, tidying, viewing, workflows

app = typer.Typer(
    name="recrate",
    help="Run CWL workflows so that someone else gets the same result elsewhere.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"recrate {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run CWL workflows so that someone else gets the same result elsewhere."""


@app.command(
    "cwl",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    rich_help_panel="Run",
)
def cwl(context: typer.Context) -> None:
    """Behave like the standard's runner command: `recrate cwl [options] tool.cwl [job.yml]`."""
    from .cwl_runner import run_cwl

    raise typer.Exit(run_cwl(context.args))


app.command("run", rich_help_panel="Run")(running.run)
app.command("resume", rich_help_panel="Run")(running.resume)
app.command("attach", rich_help_panel="Run")(controlling.attach)
app.command("cancel", rich_help_panel="Run")(controlling.cancel)
app.command("validate", rich_help_panel="Run")(workflows.validate)
app.command("graph", rich_help_panel="Run")(workflows.graph)
app.command("runs", rich_help_panel="Look")(viewing.runs)
app.command("show", rich_help_panel="Look")(viewing.show)
app.command("log", rich_help_panel="Look")(viewing.log)
app.command("why", rich_help_panel="Look")(viewing.why)
app.add_typer(caching.app, name="cache", rich_help_panel="Tidy")
app.command("rm", rich_help_panel="Tidy")(tidying.rm)
app.command("gc", rich_help_panel="Tidy")(tidying.gc)
app.command("bug-report", rich_help_panel="Help")(support.bug_report)


def run_app(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises RecrateError."""
    try:
        typer.main.get_command(app).main(args=list(arguments), prog_name="recrate")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
